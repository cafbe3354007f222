#include "net/role/client.h"

#include <errno.h>
#include <stdlib.h>

#include "base/chain.h"
#include "base/mem.h"

enum {
	START_BURST = 64, /* dials begun in one turn */
	BACKOFF_MOST_US = 30 * 1000 * 1000,
	TOLD_MOST = 3, /* failures of many connections that are told one by one */
};

/* One connection on its way: its dial, and the pause before the next try. */
struct client_dial {
	struct dial dial;
	struct timer again;
	struct dial_how how; /* with a deadline of its own */
	struct client *c;
	uint64_t id, tries;
	struct client_dial *next, **at;
};

static void drop(struct client_dial *d)
{
	timer_stop(&d->c->s->loop, &d->again);
	dial_stop(&d->dial);
	CHAIN_TAKE(d);
	free(d);
}

static void client_check_over(struct client *c)
{
	if (!c->s->conns && !c->taken && !c->dials && !timer_armed(&c->start))
		loop_stop(&c->s->loop);
}

static void client_idle(struct session *s)
{
	client_check_over(s->owner);
}

static void dial_again(struct client_dial *d)
{
	struct client *c = d->c;

	d->how = c->how->dial;
	if (c->how->timeout_us)
		d->how.deadline_us = clock_us() + c->how->timeout_us;
	if (c->how->first_until_us && !d->tries && (d->id == 1 || !c->how->rate))
		d->how.deadline_us = MIN(d->how.deadline_us, c->how->first_until_us);
	dial_start(&d->dial, &c->s->loop, c->how->list, &d->how);
}

static void redial_due(struct loop *l, struct timer *t)
{
	struct client_dial *d = LOOP_OWNER(t, struct client_dial, again);

	(void)l;
	dial_stop(&d->dial);
	dial_again(d);
}

/* Failed for good: the first words are kept, many failures are told once. */
static void client_give_up(struct client_dial *d, const struct fault *f)
{
	struct client *c = d->c;
	struct fault told = *f;

	if (c->how->failed && c->how->connections == 1)
		c->how->failed(c->how->told_ctx, &told);
	c->failed++;
	c->refused += f->err == ECONNREFUSED;
	c->s->totals.failed++;
	if (!c->err) {
		c->err = f->err;
		c->fault = told;
	}
	if (c->how->connections == 1 || c->failed <= TOLD_MOST)
		session_trouble(c->s, &told);
	drop(d);
	if (c->how->lost)
		c->how->lost(c->how->take_ctx);
	client_check_over(c);
}

static void client_dialled(struct dial *dial, int fd, size_t index, const struct fault *f)
{
	struct client_dial *d = LOOP_OWNER(dial, struct client_dial, dial);
	struct client *c = d->c;
	struct fault own = FAULT_INIT;
	uint64_t wait, took;
	int r;

	if (fd >= 0) {
		took = clock_us() - dial->started_us;
		c->s->like = dial->order[index];
		c->connected++;
		c->starved = false;
		if (c->how->opened && c->how->connections == 1)
			c->how->opened(c->how->told_ctx, fd, &dial->order[index]);
		r = c->how->dial.options ? sockopt_apply(fd, c->how->dial.options,
							 SOCKOPT_LATE, NULL, NULL, &own)
					 : 0;
		if (r < 0)
			session_trouble(c->s, &own);
		if (c->how->take) {
			r = c->how->take(c->how->take_ctx, fd, &dial->order[index], &own);
			c->taken |= r == 0;
		} else {
			r = session_add(c->s, fd, d->id, NULL, false, false, took);
			if (r < 0)
				fault(&own, -r, "watch the connection");
		}
		if (r < 0)
			client_give_up(d, &own);
		else
			drop(d);
		client_check_over(c);
		return;
	}
	if (endpoint_is_shortage(-fd) && c->s->conns) {
		/* The connections we hold will end some time: wait for that. */
		c->s->totals.out_of_fds++;
		if (!c->starved)
			session_trouble(c->s, f);
		c->starved = true;
		timer_set(&c->s->loop, &d->again, clock_us() + 100 * 1000);
		return;
	}
	if (d->tries >= c->how->retries) {
		client_give_up(d, f);
		return;
	}
	session_trouble(c->s, f);
	wait = num_scale(c->how->backoff_us, 1u << MIN(d->tries, (uint64_t)16), 1);
	d->tries++;
	timer_set(&c->s->loop, &d->again,
		  clock_us() +
			  MIN(wait, MAX(c->how->backoff_us, (uint64_t)BACKOFF_MOST_US)));
}

static void start_one(struct client *c)
{
	struct client_dial *d = xcalloc(1, sizeof(*d));

	d->c = c;
	d->id = ++c->started;
	d->dial.done = client_dialled;
	d->again.fn = redial_due;
	CHAIN_ADD(&c->dials, d);
	dial_again(d);
}

/* Those that are due by now. */
static void start_due(struct loop *l, struct timer *t)
{
	struct client *c = LOOP_OWNER(t, struct client, start);
	uint64_t now = loop_now(l), due = c->how->connections;
	int burst;

	if (c->how->rate)
		due = MIN(due - 1, num_scale(now - c->began_us, c->how->rate, 1000000)) +
		      1;
	for (burst = 0; c->started < due && burst < START_BURST; burst++)
		start_one(c);
	if (c->started >= c->how->connections)
		return;
	if (c->started < due)
		timer_set(l, t, now + 1); /* after the others had their turn */
	else
		timer_set(l, t,
			  MAX(now, c->began_us +
					   num_scale(c->started, 1000000, c->how->rate)) +
				  1);
}

void client_start(struct client *c, struct session *s, const struct client_how *how)
{
	*c = (struct client){ .s = s, .how = how, .start = { .fn = start_due } };
	c->fault = (struct fault)FAULT_INIT;
	s->owner = c;
	s->idle = client_idle;
	c->began_us = loop_now(&s->loop);
	timer_set(&s->loop, &c->start, c->began_us);
}

void client_stop(struct client *c)
{
	timer_stop(&c->s->loop, &c->start);
	while (c->dials)
		drop(c->dials);
}
