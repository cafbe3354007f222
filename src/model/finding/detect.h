/*
 * The rules' counters over the stream of rows: a switch and a few increments a row. What
 * may become a finding is kept as a candidate; second readings, /proc and exact requests
 * are spent on these only.
 */
#pragma once

#include "base/hash.h"
#include "model/finding/own.h"
#include "model/finding/rule.h"
#include "model/port_draw.h"

/* Copies of rows that may mean something; further ones are only counted. */
struct suspects {
	const struct rule *rule; /* NULL: listeners, of which several rules speak */
	struct sock **v;
	size_t n, cap, most;
	uint64_t count;
};

enum { MOST_SUSPECTS = 4096 };

/* What a row may be a candidate of: those with empty queues and no attempt in vain, of
 * the first `idle` only. */
struct row_rules {
	uint8_t rules[RULES_MOST];
	uint8_t idle, n;
};

/* Connections towards one destination from ports of the ephemeral range. */
struct destination {
	struct addr local; /* address only */
	struct addr peer;  /* address and port */
	uint32_t used;
	uint32_t reusable; /* of these: in TIME_WAIT for longer than REUSE_AGE_MS */
};

enum { SEEN_LOOPBACK = 1, SEEN_REMOTE = 2 };

/* The connections of a local port: where their peers are, but of those without an owner;
 * how many. */
struct port_seen {
	uint32_t peers : 2; /* SEEN_LOOPBACK | SEEN_REMOTE */
	uint32_t n : 30;
};

struct detect {
	struct arena arena;
	bool notes; /* are shown; set before it begins */
	/* The range, and what is reserved of it, are set before the first row. */
	struct port_draw draw;
	bool *reserved;	    /* of draw */
	uint8_t *udp_ports; /* by port: udp_port_taken(); NULL = no socket of UDP yet */
	int unread;	    /* errno, if they could not be read and are a default */
	uint64_t began_ms;  /* when the rows began to be read; CLOCK_MONOTONIC */
	bool whole_tcp;	    /* no filter: totals are those of the namespace */
	bool whole_ports;   /* what is seen of a port is all of it */
	struct own own;
	struct suspects stranded; /* rows whose address or interface is none of own */
	struct suspects listeners;
	bool bound_files_too;	     /* unix sockets are what was asked for */
	struct suspects bound_files; /* then: servers that are bound to a path */
	struct suspects receivers; /* unix datagram sockets that have something to read */
	struct suspects suspects[RULES_MOST];	   /* one a rule */
	struct row_rules of_rows[STATE_COUNT + 1]; /* by state of TCP; of UDP */
	uint64_t time_wait;
	uint8_t *listener_ports;       /* by port: number of listeners, at most 255 */
	struct port_seen *local_ports; /* by port, of connections from it */
	uint32_t *half_open;	       /* by port, made when the first comes */
	uint32_t *half_open_retrans;
	struct destination *destinations;
	size_t n_destinations, cap_destinations;
	struct hash_index ways; /* of destinations */
};

/* With these rules, RULES_MOST at most. */
void detect_begin(struct detect *d, const struct rule *const *rules, size_t n);
void detect_row(struct detect *d, const struct sock *s);
void detect_free(struct detect *d);
