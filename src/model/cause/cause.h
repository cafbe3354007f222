/*
 * Why something cannot be bound or reached: one cause each, with who and what to do.
 * Sentences are whole and safe for a terminal.
 */
#pragma once

#include "model/legacy_rules.h"
#include "model/sock.h"

struct cause {
	const char *id; /* stable: "listener", "remnant" ... */
	const char *summary;
	const char *advice; /* as advice.h has it; NULL = nothing to add to the summary */
	const struct holder *processes;
};

struct causes {
	struct arena *arena; /* texts and lists live here */
	struct cause *v;
	size_t n, cap;
	const char *next;  /* what to do now, as advice.h has it; NULL = nothing */
	struct strv notes; /* what is so and is no cause */
};

void causes_add(struct causes *c, const char *id, struct buf *summary, struct buf *advice,
		const struct holder *processes);
/* What was not found may stand in a table that could not be read. */
void causes_add_unread(struct causes *c, const char *what, int err);
void causes_note(struct causes *c, struct buf *text);
void causes_next(struct causes *c, struct buf *text);
/* Commands about the network act there: netns_put_advice(). */
void causes_act_in(struct causes *c, const char *netns, uint32_t asker);
/* The tables of iptables-legacy are named with those of nft: legacy_put(). */
bool causes_name_rules(const struct causes *c);
void causes_name_legacy(struct causes *c, const struct legacy_rules *l, uint8_t family,
			uint32_t asker);
void causes_free(struct causes *c); /* the arena stays */

/* The most that is told of one question. */
enum { CAUSES_MOST = 16 };

/* "41 s", "3 hours": one number and its unit. */
void put_span(struct buf *b, uint64_t ms);
/* "nginx[703] fd 6", "nginx[703] fd 6 (and 3 more)". */
void put_culprit(struct buf *b, const struct holder *h);
/* "nginx[703]": the first process, without descriptors. */
void put_process(struct buf *b, const struct holder *h);
