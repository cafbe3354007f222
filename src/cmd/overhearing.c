#include "cmd/overhearing.h"

#include "base/clock.h"
#include "kernel/explain/arrivals_now.h"
#include "kernel/proc/counters_read.h"

bool unheard_end_of(const struct endpoint *peer, uint16_t our_port,
		    struct overhear_end *e)
{
	*e = (struct overhear_end){ .our_port = our_port,
				    .udp = peer->proto == TARGET_UDP };
	return (peer->proto == TARGET_TCP || peer->proto == TARGET_MPTCP ||
		peer->proto == TARGET_UDP) &&
	       endpoint_addr(peer, &e->peer);
}

void unheard_begin(struct unheard_watch *w, const struct overhear_end *ends, size_t n)
{
	w->begun = true;
	w->fd = n ? overhear_open(ends, n) : -1;
	counters_read(&w->before);
	w->began_ms = clock_ms();
}

void unheard_end(const struct unheard_watch *w, const struct unheard_question *q,
		 struct unheard *u)
{
	struct overheard o = { 0 };
	struct overhear_end e;
	struct addr ours;

	*u = (struct unheard){ 0 };
	if (!w->begun || !unheard_end_of(q->peer, 0, &e))
		return;
	u->peer = e.peer;
	u->udp = e.udp;
	u->may_listen = w->fd >= 0;
	if (w->fd >= 0 && q->ours->len && endpoint_addr(q->ours, &ours)) {
		overhear_take(w->fd, &e.peer, &ours, e.udp, &o);
		u->listened = q->sent_since && !o.missed;
		u->seen = q->delivered ? 0 : o.seen;
	}
	explain_arrivals(u, &w->before, (uint32_t)(clock_ms() - w->began_ms));
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
