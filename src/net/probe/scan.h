/*
 * Many TCP ports of one address, as fast as the path allows. One socket is connected
 * again and again as long as ports refuse; a second connect() collects each answer, which
 * on links of this host is there already, so most ports cost two system calls and no
 * epoll. What does not answer at once waits in a window that grows while nothing goes
 * wrong; the kernel's own SYN retransmit, one second later, is the second try.
 *
 *	port -> connecting -> refused (socket reused) | open (reset, closed) | waiting
 *	waiting -> the same by epoll, or filtered when its time is over
 */
#pragma once

#include "base/loop.h"
#include "net/probe/attempt_private.h"

enum { SCAN_TIMEOUT_US = 1100 * 1000 }; /* past the first SYN retransmit */

struct scan_how {
	const struct attempt_how *attempt; /* options, sources */
	uint64_t timeout_us, rate;
	bool patient;	   /* half-open: timeout_us is meant, even if all answer sooner */
	uint64_t window;   /* most connections in flight */
	uint64_t stall_us; /* where this host takes no packet, no socket for so long, the
			      rest is not asked */
};

struct scan_totals {
	uint64_t ports, done, counts[OUTCOME_COUNT], phantoms;
	uint64_t started_us, took_us;
};

struct scan_slot;

struct scan {
	struct loop *l;
	const struct scan_how *how;
	struct endpoint to; /* its port changes */
	const struct port_set *ports;
	size_t range;
	uint32_t port; /* the next one in the range */
	struct scan_totals totals;
	uint64_t window, in_flight;
	bool warm;	   /* the path has answered: its neighbours are resolved */
	bool answered;	   /* something has come back, whatever it was */
	bool trouble;	   /* a local error, or lost answers, since the last look */
	uint64_t stuck_us; /* since when this host has let nothing go; 0 = it does */
	struct scan_slot *first, *last; /* waiting, oldest first */
	struct scan_slot *spare;	/* their memory */
	int idle_fd;			/* refused, and so free to connect again */
	uint16_t *again;		/* ports to be tried once more */
	size_t n_again, cap_again;
	uint64_t next_us; /* with a rate: when the next may start */
	struct timer pump, grow, expire;
	/* Every port that is not refused by RST; with_refused: these too. */
	bool with_refused;
	void (*found)(struct scan *s, const struct probe_result *r);
	void (*over)(struct scan *s);
	void *owner;
};

/* to is an IP address; ports must stay. over is called once, from the loop. 0 or -errno
 * with a fault: no socket can be made as asked for. */
int scan_start(struct scan *s, struct loop *l, const struct endpoint *to,
	       const struct port_set *ports, const struct scan_how *how, struct fault *f);
void scan_stop(struct scan *s);
