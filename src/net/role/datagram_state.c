#include "net/role/datagram_state.h"

#include <errno.h>

void datagram_over(struct datagram *d, enum conn_end end, const struct fault *f)
{
	session_worse(d->s, end, f ? f->err : 0);
	if (f)
		session_trouble(d->s, f);
	loop_stop(&d->s->loop);
}

/* What a peer does, or its network, is no failure of a server. */
static bool is_theirs(int err)
{
	return err == ECONNREFUSED || err == EHOSTUNREACH || err == ENETUNREACH ||
	       err == EPERM ||
	       /* A unix path that it has removed, shut or given to something else. */
	       err == ENOENT || err == EACCES || err == EPROTOTYPE;
}

void datagram_failed(struct datagram *d, int err, const char *what)
{
	struct fault f = FAULT_INIT;

	d->s->totals.failed++;
	if (err == ECONNREFUSED) {
		fault_say(&f, err,
			  "refused: nothing is bound to that port (ICMP port "
			  "unreachable came back)");
		if (d->how->server)
			session_trouble(d->s, &f);
		else
			datagram_over(d, CONN_RESET, &f);
		return;
	}
	fault(&f, err, "%s a datagram", what);
	if (err == EMSGSIZE)
		fault_hint(
			&f,
			d->local.proto == TARGET_UNIX_DGRAM
				? "--option sndbuf=SIZE makes room for longer ones, as far "
				  "as net.core.wmem_max lets it; --chunk makes smaller ones"
				: "a datagram has at most 65507 bytes; --chunk makes smaller "
				  "ones");
	if (!d->how->server) {
		datagram_over(d, CONN_ERROR, &f);
		return;
	}
	session_trouble(d->s, &f);
	if (!is_theirs(err))
		session_worse(d->s, CONN_ERROR, err);
}

/* The clock is read only where somebody asked for a pace. */
bool datagram_due(struct datagram *d, uint64_t at_us)
{
	return !at_us || at_us <= loop_now(&d->s->loop);
}

uint64_t datagram_after(struct datagram *d, uint64_t at_us, uint64_t bytes, uint64_t rate)
{
	return MAX(at_us, loop_now(&d->s->loop)) +
	       (rate ? num_scale(bytes, 1000000, rate) : 0);
}

bool datagram_is_paced(const struct datagram *d)
{
	return d->how->behave->write_rate || d->how->behave->chunk_delay_us;
}

struct told {
	struct endpoint peer;
	struct net_traffic traffic;
	struct net_event event;
};

static void describe(struct datagram *d, struct told *t, bool sent, const void *at,
		     socklen_t at_len, const struct iovec *v, size_t whole)
{
	uint64_t id = 1;
	bool new;

	t->peer = d->peer;
	if (d->how->server) {
		t->peer = d->local;
		t->peer.len = at_len;
		memcpy(&t->peer.ss, at, at_len);
		id = peers_meet(d->peers, &t->peer.ss, at_len, &new);
	}
	t->traffic = (struct net_traffic){ .data = v->iov_base,
					   .len = v->iov_len,
					   .whole = whole,
					   .sent = sent,
					   .datagram = true };
	t->event = (struct net_event){
		.kind = NET_TRAFFIC, .id = id, .peer = &t->peer, .traffic = &t->traffic
	};
}

void datagram_saw(struct datagram *d, bool sent, const void *at, socklen_t at_len,
		  const struct iovec *v, size_t whole)
{
	struct told t;

	if (!d->s->ops.wants_datagrams)
		return;
	describe(d, &t, sent, at, at_len, v, whole);
	session_tell(d->s, &t.event);
}

void datagram_frame(struct datagram *d, struct buf *b, const void *at, socklen_t at_len,
		    const struct iovec *v, size_t whole)
{
	struct told t;

	if (!d->s->ops.frame) {
		buf_put(b, v->iov_base, v->iov_len);
		return;
	}
	describe(d, &t, false, at, at_len, v, whole);
	d->s->ops.frame(d->s->ops.ctx, b, &t.event);
}

void datagram_was_sent(struct datagram *d, const void *at, socklen_t at_len,
		       const struct iovec *v)
{
	const struct behave *b = d->how->behave;
	size_t bytes = v->iov_len;

	d->s->totals.datagrams_out++;
	d->s->totals.bytes_out += bytes;
	datagram_saw(d, true, at, at_len, v, bytes);
	if (datagram_is_paced(d))
		d->send_at_us = datagram_after(d, d->send_at_us, bytes, b->write_rate) +
				b->chunk_delay_us;
}

bool datagram_is_nobody(const struct datagram *d, int err)
{
	return err == ENOTCONN || err == EDESTADDRREQ || err == EINVAL ||
	       (err == ECONNREFUSED && d->how->server);
}

bool datagram_unanswered(const struct datagram *d)
{
	return d->batch->sent < d->batch->n;
}
