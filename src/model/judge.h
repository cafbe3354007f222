/* What the parts of judgement share. */
#pragma once

#include "model/evidence.h"

struct judge {
	const struct detect *d;
	const struct evidence *e;
	struct findings *fs;
	struct buf text; /* scratch */
};

/* The scratch as a string in the findings' arena; resets it. */
const char *judge_text(struct judge *j);

/* "[::]:8080" */
void judge_put_addr(struct judge *j, const struct addr *a);

/* "java[812] fd 12, 40, 41 and 206 more", or why there is no name. */
void judge_put_holders(struct judge *j, const struct holder *h);

/* Holders copied into the findings' arena, so that they outlive the evidence. */
const struct holder *judge_holders(struct judge *j, const struct holder *h);

void judge_cookies(struct judge *j, struct finding *f, const uint64_t *cookies, size_t n);

/* The rules, by what they look at. */
void judge_queues(
	struct judge *j); /* accept and SYN queues, shadowed and exposed listeners */
void judge_leaks(struct judge *j); /* CLOSE_WAIT, descriptors, orphans */
void judge_traffic(
	struct judge *j); /* stuck ends, unanswered SYNs, ports, TIME_WAIT, UDP */
