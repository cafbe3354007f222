#include "net/role/drain.h"

#include <errno.h>
#include <sys/socket.h>

#include "model/sock.h"
#include "net/socket/tcp.h"

enum {
	PATIENCE_US = 2000 * 1000,
	MOST_DROPPED = 64 << 20,
	PORTIONS = 4, /* a turn, so that others are served, too */
};

/* Bytes of the answer that the peer has not acknowledged; our FIN is none. */
static uint64_t unacknowledged(const struct drain *d)
{
	uint64_t queued = tcp_unsent(d->w.fd);

	return queued - (queued && d->sent_fin);
}

static void end(struct drain *d, int err)
{
	uint64_t lost = unacknowledged(d);
	struct fault f = FAULT_INIT;

	timer_stop(d->l, &d->t);
	watch_close(d->l, &d->w);
	if (!lost) {
		d->over(d, NULL);
		return;
	}
	if (err == ECONNRESET)
		fault_say(&f, err,
			  "the peer reset the connection: %llu bytes of the command's "
			  "answer were never acknowledged",
			  (unsigned long long)lost);
	else
		fault_say(&f, err,
			  "%llu bytes of the command's answer were not acknowledged%s",
			  (unsigned long long)lost,
			  err == ETIMEDOUT ? ": the peer has taken none for 2 s"
			  : err == EFBIG   ? ": the peer sent 64 MiB that nobody read"
					   : " when the connection was closed");
	fault_hint(&f, "the peer may lack them; one that reads to the end, and only then "
		       "closes, loses nothing");
	d->over(d, &f);
}

/* Reads what is there. 0 = go on, or the errno that ends it. */
static int drop(struct drain *d)
{
	ssize_t n;
	int i;

	for (i = 0; i < PORTIONS && !d->peer_ended; i++) {
		n = recv(d->w.fd, d->l->scratch, LOOP_SCRATCH, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : errno == EPIPE ? ECONNRESET : errno;
		d->peer_ended = n == 0;
		d->dropped += (uint64_t)n;
		if (d->dropped >= MOST_DROPPED)
			return EFBIG;
	}
	return 0;
}

/* The connection is gone: whoever had the error read it before us. */
static bool is_reset(const struct drain *d)
{
	struct tcpinfo t;

	return tcp_read(d->w.fd, &t) && t.state == STATE_CLOSE;
}

static void go_on(struct drain *d)
{
	uint64_t now = clock_us(), queued;
	int err = drop(d);

	if (err) {
		end(d, err);
		return;
	}
	queued = unacknowledged(d);
	if (queued != d->queued) {
		d->until_us = now + PATIENCE_US;
		d->pause_us = 0;
	}
	d->queued = queued;
	if (queued && d->peer_ended && is_reset(d))
		end(d, ECONNRESET);
	else if (!queued && d->peer_ended)
		end(d, 0);
	else if (now >= d->until_us)
		end(d, ETIMEDOUT);
	else if (watch_set(d->l, &d->w, d->peer_ended ? 0 : EPOLLIN) < 0)
		end(d, ENOMEM);
	else if (queued) {
		d->pause_us = tcp_ack_pause(d->pause_us);
		timer_set(d->l, &d->t, MIN(now + d->pause_us, d->until_us));
	} else {
		timer_set(d->l, &d->t, d->until_us);
	}
}

static void ready(struct loop *l, struct watch *w, uint32_t events)
{
	(void)l;
	(void)events;
	go_on(LOOP_OWNER(w, struct drain, w));
}

static void look_again(struct loop *l, struct timer *t)
{
	(void)l;
	go_on(LOOP_OWNER(t, struct drain, t));
}

void drain_start(struct drain *d, struct loop *l, int sock,
		 void (*over)(struct drain *d, struct fault *f))
{
	*d = (struct drain){ .l = l,
			     .w = { .fd = sock, .fn = ready },
			     .t.fn = look_again,
			     .until_us = clock_us() + PATIENCE_US,
			     .over = over };
	d->sent_fin = shutdown(sock, SHUT_WR) == 0;
	d->queued = unacknowledged(d);
	go_on(d);
}

void drain_stop(struct drain *d)
{
	end(d, ECANCELED);
}
