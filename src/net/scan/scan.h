/*
 * Many ports of one address. How they are asked is an engine: by connect(), by datagrams
 * or by SYNs (scan_engine.h). An engine is a row of operations; what all of them have,
 * the list of ports, the totals and the result that is told, is here.
 */
#pragma once

#include "base/loop.h"
#include "net/probe/attempt.h"

struct scan_how {
	const struct attempt_how *attempt; /* options, sources */
	uint64_t timeout_us;
	uint64_t rate;	   /* at most so many a second; 0 = as many as go. May change. */
	bool patient;	   /* half-open: timeout_us is meant, even if all answer sooner */
	bool with_refused; /* ports that are refused by RST are told, too */
	uint64_t window;   /* most connections in flight; may change */
	uint64_t share;	   /* so many scans share this host's way out: 1 or more */
	uint64_t stall_us; /* where this host takes no packet, no socket for so long, the
			      rest is not asked */
};

struct scan_totals {
	uint64_t ports, done, counts[OUTCOME_COUNT], phantoms;
	uint64_t started_us, took_us;
};

struct scan;

struct scan_ops {
	size_t size; /* of the engine's own struct, which begins with struct scan */
	uint64_t
		timeout_us; /* what a port is given where nobody said; 0 = an attempt's */
	uint64_t side_by_side; /* at most so many: each has its own tables and buffers */
	/* 0 or -errno with a fault: no socket can be made as asked for. */
	int (*start)(struct scan *s, struct fault *f);
	void (*stop)(struct scan *s); /* also after a start that failed */
};

struct scan {
	const struct scan_ops *ops;
	struct loop *l;
	const struct scan_how *how;
	struct endpoint to; /* its port changes */
	struct scan_totals totals;
	uint16_t *list; /* the ports, each once, in the order given */
	size_t n, next;
	uint64_t next_us;      /* with a rate: when the next may start */
	bool paused;	       /* by its owner: asks no further port for now */
	bool ended;	       /* over() was called */
	struct probe_result r; /* of the port that is told */
	bool source_asked;     /* why no address of ours leads there: asked once */
	struct probe_result no_source; /* what that came to */
	void (*found)(struct scan *s, const struct probe_result *r);
	void (*over)(struct scan *s);
	void *owner;
};

/* to is an IP address; how must stay. malloc'ed; the caller sets found, over and owner.
 */
struct scan *scan_new(const struct scan_ops *ops, struct loop *l,
		      const struct endpoint *to, const struct port_set *ports,
		      const struct scan_how *how);
/* over is called once, from the loop; it must not stop the scan itself. 0 or -errno with
 * a fault. */
int scan_start(struct scan *s, struct fault *f);
/* Closes its sockets; totals can still be read. */
void scan_stop(struct scan *s);
void scan_free(struct scan *s);
