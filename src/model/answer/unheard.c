#include "model/answer/unheard.h"

#include <string.h>
#include <sys/socket.h>

#include "model/advice.h"
#include "model/cause/connect_cause.h"
#include "model/counter/counter_row.h"

bool unheard_is_told(const struct unheard *u)
{
	return u->seen || (!u->listened && u->counted && (u->by_path || u->in_other));
}

/* Strict: it takes from an interface only what it would send back through it. */
static bool is_by_path(const struct unheard *u)
{
	return u->by_path && u->filter && u->arrived[0];
}

static bool is_damaged(const struct unheard *u)
{
	return u->damaged >= u->seen && u->in_other < u->seen && !is_by_path(u);
}

static void put_packets(struct buf *b, uint64_t n, const char *one, const char *many)
{
	buf_printf(b, "%llu %s", (unsigned long long)n, n == 1 ? one : many);
}

static void put_device(struct buf *b, const char *name)
{
	buf_put_escaped(b, name, strlen(name));
}

static void put_seen(struct buf *b, const struct unheard *u)
{
	struct addr peer = addr_unmapped(&u->peer);

	put_packets(b, u->seen, "answer", "answers");
	buf_puts(b, " of ");
	addr_put_ip(b, &peer);
	buf_puts(b, " came in through ");
	put_device(b, u->arrived);
	if (is_damaged(u)) {
		buf_printf(
			b,
			", and were thrown away for a wrong checksum (InCsumErrors rose "
			"by %llu)",
			(unsigned long long)u->damaged);
		return;
	}
	if (is_by_path(u)) {
		buf_puts(b, ", and the reverse path filter of this host dropped ");
		buf_puts(b, u->seen == 1 ? "it" : "them");
		if (u->leaves[0] && !streq(u->leaves, u->arrived)) {
			buf_puts(b, ": what goes there leaves through ");
			put_device(b, u->leaves);
		}
		buf_printf(b,
			   " (rp_filter of the interface, or of all, is %llu; "
			   "IPReversePathFilter rose by %llu)",
			   (unsigned long long)u->filter, (unsigned long long)u->by_path);
		return;
	}
	buf_printf(b, ", and this host dropped %s: ", u->seen == 1 ? "it" : "them");
	if (u->counted && u->in_other >= u->seen)
		buf_printf(b, "a rule of its own firewall (%llu received, not delivered)",
			   (unsigned long long)u->in_other);
	else
		buf_puts(b, "a rule of its own firewall, a tc filter or an IPsec policy");
}

void unheard_put_counts(struct buf *b, const struct unheard *u)
{
	buf_puts(b, "meanwhile this host dropped ");
	if (u->by_path) {
		put_packets(b, u->by_path, "packet", "packets");
		buf_puts(b, " by its reverse path filter (IPReversePathFilter");
		if (u->strict.n) {
			buf_puts(b, "; ");
			strict_paths_put(b, &u->strict);
		}
		buf_puts(b, u->in_other ? ") and " : ")");
	}
	if (u->in_other) {
		put_packets(b, u->in_other, "packet", "packets");
		buf_puts(b, " between arrival and delivery (InReceives, InDelivers)");
	}
}

void unheard_put(struct buf *b, const struct unheard *u)
{
	if (u->seen) {
		put_seen(b, u);
		return;
	}
	unheard_put_counts(b, u);
	buf_puts(b, ": the answers may be among them, or only packets of others");
	if (!u->may_listen)
		buf_puts(b,
			 "; as root this command listens for the answers and can tell");
}

void unheard_put_kept(struct buf *b, uint64_t n, const char *commands)
{
	buf_puts(b, "meanwhile this host dropped ");
	put_packets(b, n, "packet", "packets");
	buf_printf(b,
		   " on the way out (OutRequests rose, OutTransmits did not): its own "
		   "firewall may have dropped them, see %s",
		   commands);
}

void unheard_put_others(struct buf *b, const struct unheard *u, const char *who)
{
	size_t i;

	for (i = 0; i < u->n_others; i++) {
		const struct unheard_other *o = &u->others[i];

		if (i)
			buf_puts(b, "; ");
		else
			buf_printf(b, "while %s waited, ", who);
		counter_put_clause(b, o->row, o->by);
		buf_printf(b, " (%s)", o->row->id);
	}
}

void unheard_put_advice(struct buf *next, const struct unheard *u, uint32_t asker)
{
	const struct advised who = { .uid = asker };

	if (is_damaged(u)) {
		advise(next, ADVICE_LINK_COUNTERS, who);
	} else if (is_by_path(u) && u->filter == 1) {
		advise_loose_path(next, who, u->arrived);
	} else if (is_by_path(u)) {
		advise(next, ADVICE_RULES, who);
	} else {
		advise(next, ADVICE_NFT, who);
		if (!u->counted || u->in_other < u->seen)
			advise(next, ADVICE_INGRESS, who, u->arrived);
	}
}

void cause_of_unheard(const struct unheard *u, uint32_t asker, struct causes *causes)
{
	struct buf b = { 0 }, next = { 0 };

	if (!u->seen)
		return;
	unheard_put(&b, u);
	unheard_put_advice(&next, u, asker);
	causes_add(causes, connect_causes[CONNECT_UNHEARD].id, &b, &next, NULL);
}
