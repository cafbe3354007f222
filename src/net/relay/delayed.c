#include "net/relay/delayed.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/relay/conn_state.h"

struct piece {
	struct piece *next;
	uint64_t due_us;
	size_t at, len;
	char data[];
};

struct delayed {
	struct conn *c;
	void (*wake)(struct conn *c);
	struct timer due;
	uint64_t delay_us;
	struct piece *first, **end;
	size_t bytes, kept; /* kept: with what each piece costs */
};

static ssize_t keep(struct flow *f, const char *data, size_t len)
{
	struct delayed *d = ((struct conn *)f->owner)->delayed;
	size_t room = DELAYED_MOST - MIN(d->kept, (size_t)DELAYED_MOST);
	struct piece *p;

	/* A record is kept whole. */
	if (!room)
		return -EAGAIN;
	len = f->rules->records ? len : MIN(len, room);
	p = xmalloc(sizeof(*p) + len);
	*p = (struct piece){ .due_us = loop_now(d->c->l) + d->delay_us, .len = len };
	memcpy(p->data, data, len);
	*d->end = p;
	d->end = &p->next;
	d->bytes += len;
	d->kept += sizeof(*p) + len;
	return (ssize_t)len;
}

static void drop_first(struct delayed *d)
{
	struct piece *p = d->first;

	d->first = p->next;
	if (!d->first)
		d->end = &d->first;
	d->kept -= sizeof(*p) + p->len;
	free(p);
}

static ssize_t send_piece(struct delayed *d, const struct piece *p)
{
	struct flow *f = &d->c->rx;
	uint64_t began = f->called ? clock_us() : 0;
	ssize_t n = send(f->sock, p->data + p->at, p->len - p->at,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	n = n >= 0 ? n : -errno;
	if (f->called)
		f->called(f, FLOW_SEND, p->len - p->at, n, began);
	if (n >= 0 && f->dump)
		f->dump->saw(f, true, p->data + p->at, (size_t)n);
	return n;
}

/* 0 or -errno; -EAGAIN: the socket takes no more. */
static int send_due(struct delayed *d)
{
	struct piece *p;
	ssize_t n;

	while ((p = d->first) && p->due_us <= loop_now(d->c->l)) {
		n = send_piece(d, p);
		if (n < 0)
			return n == -EINTR ? -EAGAIN : (int)n;
		p->at += (size_t)n;
		d->bytes -= (size_t)n;
		if (p->at == p->len)
			drop_first(d);
	}
	return 0;
}

unsigned delayed_step(struct conn *c)
{
	struct delayed *d = c->delayed;
	int err = send_due(d);
	unsigned want;

	if (err < 0 && err != -EAGAIN) {
		c->rx.err = -err;
		c->rx.failed_sink = true;
		return FLOW_FAILED;
	}
	want = d->kept < DELAYED_MOST ? flow_step(c->l, &c->rx) : 0;
	if (want & FLOW_FAILED)
		return want;
	/* What has no room here is not written to the socket, whatever that takes. */
	want &= ~(unsigned)FLOW_WANT_WRITE;
	if (d->first)
		want &= ~(unsigned)FLOW_DONE;
	if (err == -EAGAIN)
		return want | FLOW_WANT_WRITE;
	if (d->first)
		timer_set(c->l, &d->due, d->first->due_us);
	return want;
}

size_t delayed_len(const struct conn *c)
{
	return c->delayed ? c->delayed->bytes : 0;
}

static void is_due(struct loop *l, struct timer *t)
{
	struct delayed *d = LOOP_OWNER(t, struct delayed, due);

	(void)l;
	d->wake(d->c);
}

void delayed_begin(struct conn *c, uint64_t delay_us, void (*wake)(struct conn *c))
{
	struct delayed *d = xcalloc(1, sizeof(*d));

	*d = (struct delayed){
		.c = c, .wake = wake, .delay_us = delay_us, .due.fn = is_due
	};
	d->end = &d->first;
	c->delayed = d;
	c->rx.put = keep;
}

void delayed_end(struct conn *c)
{
	struct delayed *d = c->delayed;

	if (!d)
		return;
	timer_stop(c->l, &d->due);
	while (d->first)
		drop_first(d);
	free(d);
	c->delayed = NULL;
}
