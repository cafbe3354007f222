#include "net/relay/http_how.h"

/* Not in the turn of the one that leaves: each that is let in may leave at once, and they
 * would all be turns within turns. */
static void let_in(struct loop *l, struct timer *t)
{
	struct http_gate *g = LOOP_OWNER(t, struct http_gate, next);
	struct stream_waiter *w;

	while (!g->inside && g->first) {
		w = g->first;
		if (g->last == &w->next)
			g->last = &g->first;
		stream_unwait(w);
		w->wake(l, w);
	}
}

bool http_gate_enter(struct http_gate *g, const struct conn *c)
{
	if (!g->inside)
		g->inside = c;
	return g->inside == c;
}

void http_gate_wait(struct http_gate *g, struct stream_waiter *w)
{
	if (w->at)
		return;
	if (!g->last)
		g->last = &g->first;
	w->next = NULL;
	w->at = g->last;
	*g->last = w;
	g->last = &w->next;
}

void http_gate_leave(struct http_gate *g, struct loop *l, const struct conn *c,
		     struct stream_waiter *w)
{
	if (g->inside == c) {
		g->inside = NULL;
		g->next.fn = let_in;
		if (g->first)
			timer_set(l, &g->next, loop_now(l));
		return; /* whoever is inside waits for the output itself, not here */
	}
	if (w->at && g->last == &w->next)
		g->last = w->at;
	stream_unwait(w);
}
