#include "model/finding/looks.h"

enum {
	/* The kernel sends several segments at once, and waits for room for a third of
	 * the window to do so (tcp_tso_win_divisor). */
	WINDOW_DIVISOR = 3,
	SMALL_MS = 10, /* Linux delays an acknowledgment by 40 ms or more */
};

uint32_t looks_flight(const struct connection_facts *c, int turn)
{
	return c->send[turn] > c->unsent ? c->send[turn] - c->unsent : 0;
}

static uint64_t congestion_window(const struct connection_facts *c)
{
	return (uint64_t)c->cwnd * c->mss;
}

/* What is still to be sent has no room in the peer's window, though the congestion window
 * has some. */
static bool is_filled(const struct connection_facts *c, int turn)
{
	uint64_t flight = looks_flight(c, turn),
		 wanted = MAX(c->mss, c->snd_wnd / WINDOW_DIVISOR);

	return c->unsent && flight && flight + wanted > c->snd_wnd &&
	       flight + c->mss <= congestion_window(c);
}

/* All that the send buffer has would fit in both windows, with a segment's room. */
static bool is_all_in(const struct connection_facts *c, int turn)
{
	uint64_t all = (uint64_t)c->send[turn] + c->mss;

	return c->send[turn] && all <= c->snd_wnd && all <= congestion_window(c);
}

/* Less than a segment waits though both windows have room for it, behind a single one
 * that has not been acknowledged for a while. */
static bool is_small(const struct connection_facts *c, int turn)
{
	return c->unacked == 1 && c->unsent && c->unsent < c->mss && c->cwnd > 1 &&
	       c->send[turn] + (uint64_t)c->mss < c->snd_wnd && !c->retrans &&
	       !c->backoff && c->sent_ms > SMALL_MS;
}

void looks_add(struct connection_facts *c, int turn)
{
	struct looks *l = &c->looks;

	if (!c->has_send_window)
		return;
	l->window_least = l->n ? MIN(l->window_least, c->snd_wnd) : c->snd_wnd;
	l->window_most = MAX(l->window_most, c->snd_wnd);
	l->n++;
	l->filled += is_filled(c, turn);
	l->all_in += is_all_in(c, turn);
	l->full += c->has_mem && c->wmem >= c->sndbuf;
	l->corked += c->unsent && !c->unacked;
	if (!is_small(c, turn))
		return;
	l->small_anew += !l->small || l->small_after != c->sent[turn].bytes;
	l->small++;
	l->small_after = c->sent[turn].bytes;
	l->small_most_ms = MAX(l->small_most_ms, c->sent_ms);
}
