/*
 * A rule is one row: what it is called and says, the rows it begins with, what is read
 * about them, and what makes a finding of it. A new rule is a row in the file of its
 * theme and its name in model/rule/rules_private.h.
 *
 * The way to a finding: detect_row() keeps the rows that candidate() takes; what `look`
 * says is read of them; suspect() clears most of them again; if one is left, a second
 * reading follows as `again` says; judge...() makes findings of the facts.
 */
#pragma once

#include "model/finding/finding.h"

struct connection_facts;
struct inquiry;
struct listener_facts;
struct process_facts;

/* Between the two readings. */
enum { READING_INTERVAL_MS = 200 };

/* What is read of the candidates. */
enum rule_look {
	LOOK_NONE,  /* their rows say enough */
	LOOK_PLACE, /* which of them have one address, and how their holders are related;
		       for notes only */
	LOOK_FAR_END, /* whether a socket of this host is its other end */
	LOOK_EACH,    /* TCP_INFO and memory, one by one */
	LOOK_STATE,   /* the same; as nearly each row of its states is one, many in a dump
		       */
};

/* What is read READING_INTERVAL_MS later, if it is worth that; in order of effort. */
enum rule_again {
	AGAIN_NEVER,
	AGAIN_GROWTH, /* how many sockets of its states the processes have by then */
	AGAIN_EACH,   /* each candidate, and what changes of the namespace */
};

/* A threshold as the prose shows it. */
struct rule_number {
	enum { NUMBER_NONE, NUMBER_COUNT, NUMBER_PERCENT, NUMBER_MS } kind;
	uint32_t value;
};

enum { RULE_NUMBERS = 8, RULES_MOST = 48, ROWS_UDP = 1 << STATE_COUNT };

struct rule {
	const char *id;
	enum severity severity; /* the usual one; some findings are graver */
	const char *meaning;	/* what it means, a sentence or two */
	const char *advice;	/* what to do, in general */
	const char *threshold;	/* when it fires; each '#' stands for the next number */
	struct rule_number numbers[RULE_NUMBERS];

	/* The rows it begins with; none for a rule about listeners, processes or the
	 * namespace. */
	bool (*candidate)(const struct sock *s);
	uint32_t rows; /* TCP by BIT(STATE_...), ROWS_UDP */
	bool queued;   /* only those with something in a queue, or with an attempt in vain
			*/
	bool for_notes; /* only where notes are shown */
	uint32_t most;	/* are kept, further ones counted; 0 = MOST_SUSPECTS */
	uint32_t least; /* of them are no candidates, but nothing */
	enum rule_look look;
	bool options;	/* and the options of the suspects' sockets */
	bool look_ends; /* and who accepted them, who waits at their other end */
	bool (*suspect)(const struct connection_facts *c); /* NULL: each is */
	enum rule_again again;
	uint32_t again_least; /* fewer suspects are not worth that; 0 = least */
	/* For which of them; NULL: for each suspect. */
	bool (*worth_again)(const struct connection_facts *c);
	/* A suspect that has not moved since its first reading, and for how long it is
	 * watched at most while that is so, in ms; 0 = READING_INTERVAL_MS. */
	bool (*stands)(const struct connection_facts *c);
	uint32_t (*watch)(const struct connection_facts *c);
	/* Then all that stand are looked at in each step, not one of them (struct looks).
	 */
	bool samples;
	/* Those of which it is asked whether this host can send what they hold. */
	bool (*unsent)(const struct connection_facts *c);
	bool known_rtt; /* it is asked what other connections tell of the path */
	/* What the processes of those that stand have to send, and cannot, is read too.
	 */
	bool outlets;

	/* Whether a listener, or the namespace, is worth a second reading; whether a
	 * process with so many descriptors, and such a limit, is looked at. */
	bool (*suspect_listener)(const struct inquiry *q, const struct listener_facts *l);
	/* After the first reading of such a listener: for how long it is watched at most,
	 * in ms, 0 = it is cleared. NULL: READING_INTERVAL_MS. */
	uint32_t (*patience)(const struct inquiry *q, const struct listener_facts *l);
	bool (*suspect_host)(const struct inquiry *q);
	bool (*suspect_process)(uint64_t fds, uint64_t fd_limit);

	/* One by one, or all together: makes a finding of what it should be one of. */
	void (*judge_listener)(struct inquiry *q, const struct listener_facts *l);
	void (*judge_suspect)(struct inquiry *q, const struct connection_facts *c);
	void (*judge_process)(struct inquiry *q, const struct process_facts *p);
	void (*judge)(struct inquiry *q);
};

/* "at least 80 % of ... 200 ms apart" */
void rule_put_threshold(struct buf *b, const struct rule *r);
