#include "model/cause/waiting.h"

#include <stdlib.h>

#include "model/cause/bind_say.h"

/* A server that is busy with another request takes shorter. */
enum { LONG_MS = 1000 };

bool waiting_is_long(const struct waiting *w)
{
	return w->n && w->oldest_ms >= LONG_MS;
}

/* Whole seconds that are over. */
static void put_wait(struct buf *b, uint32_t ms)
{
	put_span(b, ms - ms % 1000);
}

static void put_listener(struct buf *b, const struct waiting *w)
{
	bind_put_owner(b, &w->found[0]);
	if (w->n_found > 1)
		buf_printf(b, " or of another of the %zu listeners that share the port",
			   w->n_found);
}

static void say_held(const struct waiting *w, struct buf *b)
{
	buf_puts(b, "in the accept queue");
	if (w->n_found) {
		buf_puts(b, " of ");
		put_listener(b, w);
	}
	buf_puts(b, ", not accepted for ");
	buf_put_time(b, w->held_us);
	if (!waiting_is_long(w))
		return;
	if (w->n == 1)
		buf_puts(b, "; 1 other waits there, for ");
	else
		buf_printf(b, "; %u others wait there, the longest for ", w->n);
	put_wait(b, w->oldest_ms);
}

static void say_others(const struct waiting *w, struct buf *b)
{
	if (w->n == 1)
		buf_puts(b, "1 connection waits in the accept queue of ");
	else
		buf_printf(b, "%u connections wait in the accept queue of ", w->n);
	put_listener(b, w);
	buf_puts(b, w->n == 1 ? ", for " : ", the longest for ");
	put_wait(b, w->oldest_ms);
}

static bool is_held_by(const struct sock *listener, int32_t pid)
{
	const struct holder *h = listener->holders;

	while (h && h->pid != pid)
		h = h->next;
	return h != NULL;
}

/* A process may hold several members of a group. */
static void add_once(struct occupant *v, size_t *n, const struct occupant *x)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (v[i].pid == x->pid)
			return;
	v[(*n)++] = *x;
}

/* False, if a listener has nobody who is known to accept from it. */
static bool find_actors(const struct waiting *w, struct occupant *v, size_t *n)
{
	size_t i, k;

	for (i = 0; i < w->n_found; i++) {
		const struct bind_found *x = &w->found[i];
		bool any = false;

		for (k = 0; k < x->occupants.n; k++)
			if (is_held_by(x->holder.row, x->occupants.v[k].pid)) {
				add_once(v, n, &x->occupants.v[k]);
				any = true;
			}
		if (!any)
			return false;
	}
	return true;
}

bool waiting_put_halted(const struct waiting *w, struct buf *who, struct buf *next)
{
	_cleanup_free_ struct occupant *v = NULL;
	struct occupants actors = { 0 };
	size_t i, most = 1;

	for (i = 0; i < w->n_found; i++)
		most += w->found[i].occupants.n;
	actors.v = v = xcalloc(most, sizeof(*v));
	if (w->owners_error || !find_actors(w, v, &actors.n) ||
	    !occupants_are_halted(&actors))
		return false;
	occupants_put_halted(who, &actors);
	occupants_advise_go_on(next, &actors, w->asker);
	return true;
}

void cause_of_waiting(const struct waiting *w, struct causes *causes)
{
	struct buf b = { 0 }, who = { 0 }, next = { 0 };

	if (w->held)
		say_held(w, &b);
	else if (waiting_is_long(w) && w->n_found)
		say_others(w, &b);
	else
		return;
	if (waiting_put_halted(w, &who, &next)) {
		buf_printf(&b, "; %s", buf_cstr(&who));
		causes_next(causes, &next);
	}
	buf_free(&who);
	/* Printed as a sentence only, so that the id needs no meaning. */
	causes_add(causes, "not-accepted", &b, NULL,
		   w->n_found ? w->found[0].holder.row->holders : NULL);
	bind_say_owners(w->owners_error, causes);
}
