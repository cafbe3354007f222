#include "cmd/overhearing.h"

#include "base/clock.h"
#include "kernel/explain/arrivals_now.h"
#include "kernel/proc/counters_read.h"

bool unheard_is_short(uint64_t timeout_us)
{
	return timeout_us && timeout_us < UNHEARD_SHORT_US;
}

/* The end that is asked; false if it is none of TCP or UDP. */
static bool end_of(const struct endpoint *peer, uint16_t our_port, struct overhear_end *e)
{
	*e = (struct overhear_end){ .our_port = our_port,
				    .udp = peer->proto == TARGET_UDP };
	return (peer->proto == TARGET_TCP || peer->proto == TARGET_MPTCP ||
		peer->proto == TARGET_UDP) &&
	       endpoint_addr(peer, &e->peer);
}

bool unheard_begin(struct unheard_watch *w, const struct endpoint_list *list,
		   uint16_t our_port, bool early)
{
	struct overhear_end ends[OVERHEAR_MOST];
	size_t i, n = 0;

	for (i = 0; i < list->n && n < OVERHEAR_MOST; i++)
		n += end_of(&list->v[i], our_port, &ends[n]);
	if (!n)
		return false;
	w->begun = true;
	w->early = early;
	w->fd = overhear_open(ends, n);
	counters_read(&w->before);
	w->began_ms = clock_ms();
	return true;
}

/* Packets that the socket has sent since begin(); of datagrams one, at least. */
static uint64_t sent_since(const struct unheard_watch *w, const struct tcpinfo *tcp)
{
	return tcp ? w->early + tcp->total_retrans : 1;
}

void unheard_end(const struct unheard_watch *w, const struct unheard_question *q,
		 struct unheard *u)
{
	struct overheard o = { 0 };
	struct overhear_end e;
	struct addr ours;
	uint64_t sent = sent_since(w, q->tcp);

	*u = (struct unheard){ 0 };
	if (!w->begun || !end_of(q->peer, 0, &e))
		return;
	u->peer = e.peer;
	u->udp = e.udp;
	u->may_listen = w->fd >= 0;
	if (w->fd >= 0 && q->ours->len && endpoint_addr(q->ours, &ours)) {
		overhear_take(w->fd, &e.peer, &ours, e.udp, &o);
		u->listened = sent && !o.missed;
		u->seen = q->tcp && q->tcp->segs_in ? 0 : o.seen;
	}
	explain_arrivals(u, &w->before, (uint32_t)(clock_ms() - w->began_ms));
	/* Fewer than it sent: some of them, at least, went out. */
	if (!sent || u->kept < sent)
		u->kept = 0;
	if (unheard_is_told(u))
		explain_unheard(u, u->seen ? o.ifindex : 0,
				!sockopt_given(q->options, "mark") &&
					!sockopt_given(q->options, "interface"));
}

void unheard_stop(struct unheard_watch *w)
{
	if (!w->begun)
		return;
	close_fd(take_fd(&w->fd));
	counters_free(&w->before);
	*w = (struct unheard_watch){ 0 };
}
