#include "net/role/forward.h"

#include <errno.h>

#include "model/outcome.h"
#include "net/socket/tcp.h"

enum { STARVED_US = 100 * 1000 };

static void dial_peer(struct forward *w);

/* It is not relayed: the peer is reset, for it must not take our end for the target's. */
static void give_up(struct forward *w, enum conn_end end, const struct fault *f)
{
	struct conn_report report = { .duration_us = clock_us() - w->pair.started_us };

	timer_stop(&w->s->loop, &w->again);
	dial_stop(&w->dial);
	close_fd(take_fd(&w->spare));
	if (end != CONN_TOLD)
		endpoint_reset_on_close(w->w.fd);
	session_call(w->s, NET_CALL_CLOSE, w->w.fd, 0, clock_us(), "close(%d)", w->w.fd);
	watch_close(&w->s->loop, &w->w);
	session_closed(w->s, w->pair.id, end, f, &report);
	w->ended(w);
}

static enum conn_end end_of_dial(const struct endpoint *ep, int err)
{
	enum verdict v = outcome_verdict(outcome_of_connect(ep->family, err));

	return err == ECONNREFUSED    ? CONN_REFUSED
	       : v == VERDICT_SILENCE ? CONN_UNANSWERED
				      : CONN_ERROR;
}

static void pair_ended(struct pair *p)
{
	struct forward *w = p->owner;

	w->ended(w);
}

/* The target is there. */
static void relay(struct forward *w, int fd, size_t index)
{
	struct endpoint like = w->dial.order[index];
	uint64_t took = clock_us() - w->dial.started_us;
	struct fault f = FAULT_INIT;
	int r = 0, peer;

	if (w->how->dial.options)
		r = sockopt_apply(fd, w->how->dial.options, SOCKOPT_LATE, NULL, NULL, &f);
	if (r < 0)
		session_trouble(w->s, &f);
	session_introduce(w->s, fd, &like, w->pair.id, false, took);
	dial_stop(&w->dial);
	close_fd(take_fd(&w->spare));
	watch_remove(&w->s->loop, &w->w);
	peer = take_fd(&w->w.fd);
	r = pair_start(&w->pair, w->s, peer, fd);
	if (r == 0)
		return;
	fault(&f, -r, "watch a new connection");
	session_closed(w->s, w->pair.id, CONN_ERROR, &f, &(struct conn_report){ 0 });
	w->ended(w);
}

static void target_answered(struct dial *d, int fd, size_t index, const struct fault *f)
{
	struct forward *w = d->owner;
	const struct forward_how *how;
	struct fault told;

	if (fd >= 0) {
		relay(w, fd, index);
		return;
	}
	told = *f;
	if (endpoint_is_shortage(-fd)) {
		/* Those that are relayed will end some time: wait for that. */
		dial_stop(&w->dial);
		timer_set(&w->s->loop, &w->again, loop_now(&w->s->loop) + STARVED_US);
		w->starved(w, &told);
		return;
	}
	if (w->how->failed)
		w->how->failed(w->how->ctx, &d->order[index], &told);
	how = w->how;
	give_up(w, end_of_dial(&d->order[index], -fd), &told);
	if (how->told)
		how->told(how->ctx);
}

static void peer_ready(struct loop *l, struct watch *watch, uint32_t events)
{
	struct forward *w = LOOP_OWNER(watch, struct forward, w);
	int err = tcp_error(watch->fd);
	struct fault f = FAULT_INIT;

	(void)l;
	(void)events;
	if (!err)
		return;
	fault_say(&f, err, "the peer was gone before the target had answered");
	give_up(w, CONN_RESET, &f);
}

static void release_spare(void *ctx)
{
	struct forward *w = ctx;

	close_fd(take_fd(&w->spare));
}

static void address_failed(void *ctx, int fd, const struct endpoint *ep, int err,
			   uint64_t took_us, bool at_once)
{
	struct forward *w = ctx;

	(void)took_us;
	if (w->how->lost)
		w->how->lost(w->how->ctx, fd, ep, err, at_once);
}

static void dial_peer(struct forward *w)
{
	w->dial_how = w->how->dial;
	w->dial_how.opening = release_spare;
	w->dial_how.failed = address_failed;
	w->dial_how.evidence_ctx = w;
	if (w->how->timeout_us)
		w->dial_how.deadline_us = clock_us() + w->how->timeout_us;
	dial_start(&w->dial, &w->s->loop, w->how->list, &w->dial_how);
}

static void dial_again(struct loop *l, struct timer *t)
{
	(void)l;
	dial_peer(LOOP_OWNER(t, struct forward, again));
}

void forward_start(struct forward *w, struct session *s, int sock, uint64_t id, int spare,
		   const struct forward_how *how)
{
	w->s = s;
	w->how = how;
	w->spare = spare;
	w->w = (struct watch){ .fd = sock, .fn = peer_ready };
	w->again.fn = dial_again;
	w->dial.done = target_answered;
	w->dial.owner = w;
	w->pair.id = id;
	w->pair.started_us = loop_now(&s->loop);
	w->pair.owner = w;
	w->pair.ended = pair_ended;
	session_opened(s, sock, &s->like, id);
	/* A peer that resets while it waits is found out later where epoll fails. */
	if (watch_set(&s->loop, &w->w, 0) < 0)
		watch_remove(&s->loop, &w->w);
	dial_peer(w);
}

void forward_stop(struct forward *w)
{
	if (w->w.fd >= 0)
		give_up(w, CONN_TOLD, NULL);
	else
		pair_stop(&w->pair, CONN_TOLD, NULL);
}
