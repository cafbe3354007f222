#include "net/probe/attempt_private.h"

#include <errno.h>
#include <stdlib.h>

static void attempt_dial(struct attempt *a);

void attempt_stop(struct attempt *a)
{
	if (!a->l)
		return;
	dial_stop(&a->dial);
	timer_stop(a->l, &a->t);
	if (a->w.fd >= 0) {
		watch_remove(a->l, &a->w);
		close_fd(take_fd(&a->w.fd));
	}
	buf_free(&a->in);
	endpoint_list_free(&a->list);
	a->l = NULL;
}

void attempt_expire(struct attempt *a)
{
	if (a->l && a->stage == ATTEMPT_DIALLING)
		dial_expire(&a->dial);
	/* It may have connected just now. */
	if (a->l && a->stage == ATTEMPT_TALKING) {
		a->sends = ATTEMPT_SENDS;
		a->deadline_us = MIN(a->deadline_us, clock_us());
		a->t.fn(a->l, &a->t);
	}
}

void attempt_finish(struct attempt *a)
{
	struct probe_result *r = &a->r;

	timer_stop(a->l, &a->t);
	a->stage = ATTEMPT_OVER;
	r->n_answer = MIN(a->in.len, sizeof(r->answer));
	if (r->n_answer)
		memcpy(r->answer, a->in.data, r->n_answer);
	if (a->w.fd >= 0) {
		watch_remove(a->l, &a->w);
		if (!a->how->hold || r->outcome != OUTCOME_OPEN) {
			if (!a->how->graceful && a->r.has_tcp)
				endpoint_reset_on_close(a->w.fd);
			close_fd(take_fd(&a->w.fd));
		}
	}
	a->done(a);
}

void attempt_watch(struct attempt *a, uint32_t events)
{
	int r = watch_set(a->l, &a->w, events);
	struct fault f = FAULT_INIT;

	if (r == 0)
		return;
	fault(&f, -r, "wait for events of the connection");
	probe_judge_fault(&a->r, &f);
	attempt_finish(a);
}

/* --- what the dial tells --- */

static void dial_opened(void *ctx, int fd, const struct endpoint *ep)
{
	(void)ctx;
	probe_want_errors(fd, ep->family);
}

/* How much a failure says: a packet's answer more than silence, that more than a refusal
 * of our own kernel to send. */
static int weight(const struct probe_result *r)
{
	if (r->at_once && r->peer.family != AF_UNIX)
		return 0;
	return r->outcome == OUTCOME_FILTERED ? 1 : 2;
}

static void dial_failed(void *ctx, int fd, const struct endpoint *ep, int err,
			uint64_t took_us, bool at_once)
{
	struct attempt *a = ctx;
	struct probe_result r = { .peer = *ep,
				  .connect_us = took_us,
				  .mptcp = -1,
				  .name_us = a->r.name_us,
				  .phantoms = a->r.phantoms };

	probe_judge_failure(&r, fd, err, at_once);
	probe_ask_neighbour(&r, fd, a->how->neighbour);
	if (!a->judged || weight(&r) > weight(&a->r))
		a->r = r;
	a->judged = true;
}

static void opened(struct attempt *a)
{
	bool mptcp = a->r.peer.proto == TARGET_MPTCP;
	uint32_t info[64];
	socklen_t len = sizeof(info);

	probe_judge_open(&a->r, a->w.fd);
	/* SOL_MPTCP, MPTCP_INFO: a connection that fell back says EOPNOTSUPP. */
	if (mptcp && a->how->negotiated)
		a->r.mptcp = getsockopt(a->w.fd, 284, 1, info, &len) == 0;
	a->opened_us = clock_us();
	if (a->r.peer.type == SOCK_DGRAM && a->r.peer.family != AF_UNIX)
		attempt_udp_start(a);
	else
		attempt_stream_start(a);
}

static void forget(struct attempt *a)
{
	unsigned phantoms = a->r.phantoms;
	uint64_t name_us = a->r.name_us;

	a->r = (struct probe_result){ .mptcp = -1,
				      .phantoms = phantoms,
				      .name_us = name_us,
				      .peer = a->list.v[0] };
	a->judged = false;
}

static void dialled(struct dial *d, int fd, size_t index, const struct fault *f)
{
	struct attempt *a = d->owner;

	if (fd >= 0) {
		forget(a); /* what other addresses said */
		a->w.fd = fd;
		a->r.peer = d->order[index];
		a->r.connect_us = d->took_us;
		a->r.hedges = d->hedged;
		a->r.waited_us = clock_us() - d->started_us;
		dial_stop(d);
		opened(a);
		return;
	}
	if (!a->judged)
		probe_judge_fault(&a->r, f);
	dial_stop(d);
	if (a->r.outcome == OUTCOME_SELF_CONNECT) {
		a->r.phantoms++;
		if (a->r.phantoms < ATTEMPT_SELF_RETRIES && clock_us() < a->deadline_us) {
			forget(a);
			attempt_dial(a);
			return;
		}
	}
	attempt_finish(a);
}

static void attempt_dial(struct attempt *a)
{
	a->stage = ATTEMPT_DIALLING;
	a->dial.done = dialled;
	a->dial.owner = a;
	dial_start(&a->dial, a->l, &a->list, &a->dial_how);
}

bool attempt_next_address(struct attempt *a)
{
	struct endpoint_list *list = &a->list;
	size_t i = 0;

	while (i < list->n && !endpoint_same(&list->v[i], &a->r.peer))
		i++;
	if (i == list->n || list->n < 2 || clock_us() >= a->deadline_us)
		return false;
	list->n--;
	memmove(&list->v[i], &list->v[i + 1], (list->n - i) * sizeof(*list->v));
	timer_stop(a->l, &a->t);
	watch_remove(a->l, &a->w);
	close_fd(take_fd(&a->w.fd));
	a->sends = 0;
	a->left = 0;
	a->full = 0;
	/* The verdict so far stands if nothing can be sent to the others. */
	a->judged = true;
	attempt_dial(a);
	return true;
}

void attempt_start(struct attempt *a, struct loop *l, const struct endpoint_list *list,
		   const struct attempt_how *how)
{
	size_t i;

	a->l = l;
	a->how = how;
	a->w = (struct watch){ .fd = -1 };
	a->t = (struct timer){ 0 };
	a->in = (struct buf){ 0 };
	a->empty = false;
	a->list = (struct endpoint_list){ 0 };
	a->sent = 0;
	a->sends = 0;
	a->left = 0;
	a->full = 0;
	a->r.phantoms = 0;
	for (i = 0; i < list->n; i++)
		*endpoint_list_add(&a->list) = list->v[i];
	a->deadline_us = clock_us() + how->timeout_us;
	a->dial_how = (struct dial_how){ .options = &how->options,
					 .sources = how->sources.v,
					 .n_sources = how->sources.n,
					 .deadline_us = a->deadline_us,
					 .hedge_us = how->hedge_us,
					 .opened = dial_opened,
					 .failed = dial_failed,
					 .evidence_ctx = a };
	forget(a);
	attempt_dial(a);
}
