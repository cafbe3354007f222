/* What it means that answers reach this host and not the socket that waits for them. */
#pragma once

#include <net/if.h>

#include "model/cause/cause.h"
#include "model/counter/arrivals.h"

struct counter_row;

enum { UNHEARD_OTHERS_MOST = 3 };

/* Filled by kernel/explain; what a packet socket saw is the caller's to fill. */
struct unheard {
	struct addr peer;
	bool udp;
	uint64_t seen;	 /* answers on our own four-tuple that did not reach the socket */
	bool listened;	 /* a packet socket saw all that came */
	bool may_listen; /* it could be opened, at least */
	bool counted;	 /* the next three are known */
	uint64_t by_path;  /* dropped meanwhile by the reverse path filter, */
	uint64_t in_other; /* or else between their arrival and a socket */
	uint64_t damaged;  /* delivered, and thrown away for a wrong checksum */
	uint64_t kept;	   /* of what went out, never less than what the attempt sent */
	/* What else rose meanwhile by more than is healthy. */
	struct unheard_other {
		const struct counter_row *row;
		uint64_t by;
	} others[UNHEARD_OTHERS_MOST];
	size_t n_others;

	/* Where the answers arrived, max(all, own) of its rp_filter, and where what goes
	 * to the peer leaves; "" = not known. */
	char arrived[IF_NAMESIZE], leaves[IF_NAMESIZE];
	uint64_t filter;
	struct strict_paths strict; /* of all interfaces */
};

/* Whether there is something to say: without an answer that was seen it is no cause. */
bool unheard_is_told(const struct unheard *u);
/* One sentence. */
void unheard_put(struct buf *b, const struct unheard *u);
/* The numbers of it alone, where no answer was seen: nobody saw whose packets they count.
 */
void unheard_put_counts(struct buf *b, const struct unheard *u);
/* What was dropped on the way out, and the commands that show its rules, quoted. */
void unheard_put_kept(struct buf *b, uint64_t n, const char *commands);
/* What else rose while `who` waited; nothing if there is none. */
void unheard_put_others(struct buf *b, const struct unheard *u, const char *who);
/* Of answers that were seen: what to do, as advice.h has it. */
void unheard_put_advice(struct buf *next, const struct unheard *u, uint32_t asker);
/* The same as a cause; none unless answers were seen. */
void cause_of_unheard(const struct unheard *u, uint32_t asker, struct causes *causes);
