/*
 * What is wrong, who does it, what to do: a rule (rule.h) met by facts that were read.
 * Where a figure is a bound it says "at least"; where the kernel cannot tell, it says so.
 */
#pragma once

#include "model/legacy_rules.h"
#include "model/sock.h"

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_CRITICAL };

const char *severity_name(enum severity s);

/* A number of a finding for scripts; unknown is null, never 0. */
struct figure {
	const char *key; /* snake_case with its unit */
	uint64_t value;
	bool known;
};

enum { FINDING_FIGURES = 16 };

struct finding {
	const struct rule *rule;
	enum severity severity;
	bool beside;	     /* a note that is shown beside graver findings, too */
	const char *where;   /* the sockets and the culprit, in a line */
	const char *summary; /* what was seen, a sentence; several lines are evidence */
	const char *advice;  /* the next step for this case */
	const struct holder *holders;
	const uint64_t *cookies; /* of the sockets concerned */
	size_t n_cookies;
	struct figure figures[FINDING_FIGURES];
	size_t n_figures;
};

/* What could not be looked at, so that what is not found may be there all the same. */
enum gap {
	GAP_PROC,	 /* there is no /proc: counters, settings, descriptors */
	GAP_HIDDEN,	 /* descriptors of processes that /proc does not show */
	GAP_UNREADABLE,	 /* descriptors of processes that may not be looked into */
	GAP_SHADOW,	 /* whether two listeners of a port are of one program */
	GAP_CONNECTIONS, /* without sock_diag: ages and buffers of connections */
	GAP_UNIX,	 /* without sock_diag: queues of unix sockets */
	GAPS,
};

struct findings {
	struct arena arena;
	struct finding **v;
	size_t n, cap;
	uint32_t gaps; /* BIT(enum gap) */
};

/* A new finding of a rule, of its usual severity; lives in fs->arena. */
struct finding *finding_add(struct findings *fs, const struct rule *rule);
void finding_figure(struct finding *f, const char *key, uint64_t value, bool known);

/* Gravest first, otherwise as they were added. */
void findings_sort(struct findings *fs);
/* The tables of iptables-legacy are named with those of nft: legacy_put(). */
bool findings_name_rules(const struct findings *fs);
void findings_name_legacy(struct findings *fs, const struct legacy_rules *l,
			  uint32_t asker);
/* Commands about the network act there: netns_put_advice(). */
void findings_act_in(struct findings *fs, const char *netns, uint32_t asker);
void findings_free(struct findings *fs);
