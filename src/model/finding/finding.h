/*
 * What is wrong, who does it, what to do. A rule is a row of the table; a finding is a
 * rule met by facts that were read. Where a figure is a bound it says "at least"; where
 * the kernel cannot tell, it says so.
 */
#pragma once

#include "model/sock.h"

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_CRITICAL };

enum rule_id {
	RULE_ACCEPT_QUEUE_FULL,
	RULE_ACCEPT_QUEUE_FILLING,
	RULE_SYN_QUEUE_PRESSURE,
	RULE_CLOSE_WAIT_LEAK,
	RULE_EPHEMERAL_EXHAUSTION,
	RULE_TIME_WAIT_OVERFLOW,
	RULE_STUCK_SENDER,
	RULE_STUCK_READER,
	RULE_SYN_SENT_UNANSWERED,
	RULE_ORPHANS,
	RULE_EXPOSED_LISTENER,
	RULE_SHADOWED_LISTENER,
	RULE_DESCRIPTOR_EXHAUSTION,
	RULE_UDP_DROPS,
	RULE_COUNT,
};

/* Thresholds; the rules table says them in words. */
enum {
	FILLING_PERCENT = 80,	  /* of the accept queue's capacity, in both readings */
	SYN_QUEUE_PERCENT = 80,	  /* of what the SYN queue holds */
	SYN_QUEUE_LEAST = 8,	  /* half-open connections below this are no pressure */
	MEMBER_WAIT_MS = 1000,	  /* the oldest of a SO_REUSEPORT group that stands */
	CLOSE_WAIT_LEAST = 16,	  /* accepted sockets of one process */
	CLOSE_WAIT_AGE_MS = 1000, /* each at least so old */
	GROWTH_MS = 60000,	  /* a leak grows if one of them is of this time */
	DESCRIPTORS_PERCENT = 90, /* of RLIMIT_NOFILE: near the limit */
	EPHEMERAL_PERCENT = 80,	  /* of the ports towards one destination */
	EPHEMERAL_CRITICAL = 95,
	TIME_WAIT_MS = 60000,	/* TCP_TIMEWAIT_LEN */
	REUSE_AGE_MS = 1000,	/* net.ipv4.tcp_tw_reuse takes TIME_WAIT of this age */
	TIME_WAIT_PERCENT = 90, /* of tcp_max_tw_buckets */
	ORPHANS_PERCENT = 80,	/* of tcp_max_orphans */
	STUCK_RETRANS = 2,	/* retransmissions or probes without an answer */
	STUCK_AGE_MS = 1000,	/* a closed window is normal for a moment */
	READER_PERCENT = 80,	/* of the receive buffer */
	READER_LEAST_BYTES = 1024,
	SYN_SENT_RETRANS = 1,	   /* one SYN unanswered: at least a second */
	UDP_PERCENT = 80,	   /* of the receive buffer */
	READING_INTERVAL_MS = 200, /* between the two readings */
};

struct rule {
	const char *id;
	enum severity severity; /* the usual one; some findings are graver */
	const char *meaning;	/* what it means, a sentence or two */
	const char *advice;	/* what to do, in general */
	const char *threshold;	/* when it fires, with its constants */
};

const struct rule *rule_get(enum rule_id id);
const struct rule *rule_find(const char *id);
const char *severity_name(enum severity s);

/* A number of a finding for scripts; unknown is null, never 0. */
struct figure {
	const char *key; /* snake_case with its unit */
	uint64_t value;
	bool known;
};

enum { FINDING_FIGURES = 16 };

struct finding {
	enum rule_id rule;
	enum severity severity;
	const char *where;   /* the sockets and the culprit, in a line */
	const char *summary; /* what was seen, a sentence; several lines are evidence */
	const char *advice;  /* the next step for this case */
	const struct holder *holders;
	const uint64_t *cookies; /* of the sockets concerned */
	size_t n_cookies;
	struct figure figures[FINDING_FIGURES];
	size_t n_figures;
};

struct findings {
	struct arena arena;
	struct finding **v;
	size_t n, cap;
};

/* A new finding of a rule, of its usual severity; lives in fs->arena. */
struct finding *finding_add(struct findings *fs, enum rule_id rule);
void finding_figure(struct finding *f, const char *key, uint64_t value, bool known);

/* Gravest first, otherwise in the order of the rules table. */
void findings_sort(struct findings *fs);
void findings_free(struct findings *fs);
