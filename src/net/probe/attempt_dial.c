#include "net/probe/attempt_dial.h"

#include "net/probe/attempt_private.h"
#include "net/probe/attempt_stream.h"
#include "net/probe/attempt_udp.h"
#include "net/socket/errqueue.h"
#include "net/socket/tcp.h"

static void dial_opened(void *ctx, int fd, const struct endpoint *ep)
{
	(void)ctx;
	/* A stream's are wanted by the dial itself. */
	if (ep->type == SOCK_DGRAM)
		errqueue_want(fd, ep->family);
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
	struct probe_result other, *r = a->r;

	if (a->judged) {
		r = &other;
		other = (struct probe_result){ .mptcp = -1, .phantoms = a->r->phantoms };
	}
	r->peer = *ep;
	r->connect_us = took_us;
	probe_judge_failure(r, fd, err, at_once);
	probe_ask_neighbour(r, fd, a->how->neighbour);
	probe_ask_source(r, fd, a->how->source);
	if (a->several)
		tried_add(&a->tried, r);
	if (r == &other && weight(r) > weight(a->r))
		*a->r = other;
	a->judged = true;
}

static void dial_passed(void *ctx, const struct endpoint *ep, uint64_t took_us)
{
	struct attempt *a = ctx;

	tried_add_passed(&a->tried, ep, took_us);
}

static void attempt_opened(struct attempt *a)
{
	bool mptcp = a->r->peer.proto == TARGET_MPTCP;

	probe_judge_open(a->r, a->w.fd);
	if (mptcp)
		a->r->mptcp = tcp_is_multipath(a->w.fd);
	a->opened_us = clock_us();
	if (a->r->peer.type == SOCK_DGRAM && a->r->peer.family != AF_UNIX)
		attempt_udp_start(a);
	else
		attempt_stream_start(a);
}

static void forget_result(struct attempt *a)
{
	unsigned phantoms = a->r->phantoms;

	memset(a->r, 0, sizeof(*a->r));
	a->r->mptcp = -1;
	a->r->phantoms = phantoms;
	a->r->peer = a->list.v[0];
	a->judged = false;
}

static void dial_list(struct attempt *a);

static void dialled(struct dial *d, int fd, size_t index, const struct fault *f)
{
	struct attempt *a = d->owner;

	if (fd >= 0) {
		if (a->judged) /* what other addresses said */
			forget_result(a);
		a->w.fd = fd;
		a->r->peer = d->order[index];
		a->r->connect_us = d->took_us;
		a->r->hedges = d->hedged;
		a->r->waited_us = clock_us() - d->started_us;
		dial_stop(d);
		attempt_opened(a);
		return;
	}
	if (!a->judged) {
		probe_judge_fault(a->r, f);
		probe_ask_source(a->r, -1, a->how->source);
	}
	dial_stop(d);
	if (a->r->outcome == OUTCOME_SELF_CONNECT) {
		a->r->phantoms++;
		if (a->r->phantoms < ATTEMPT_SELF_RETRIES &&
		    clock_us() < a->deadline_us) {
			forget_result(a);
			dial_list(a);
			return;
		}
	}
	if (a->before)
		*a->r = *a->before;
	attempt_finish(a);
}

static void dial_list(struct attempt *a)
{
	a->stage = ATTEMPT_DIALLING;
	a->dial.done = dialled;
	a->dial.owner = a;
	dial_start(&a->dial, a->l, &a->list, &a->dial_how);
}

void attempt_start(struct attempt *a, struct loop *l, const struct endpoint_list *list,
		   const struct attempt_how *how)
{
	size_t i;

	*a = (struct attempt){ .l = l,
			       .how = how,
			       .w = { .fd = -1 },
			       .deadline_us = clock_us() + how->timeout_us,
			       .r = a->r,
			       .several = list->n > 1,
			       .dial_again = dial_list,
			       .done = a->done,
			       .owner = a->owner };
	for (i = 0; i < list->n; i++)
		*endpoint_list_add(&a->list) = list->v[i];
	a->dial_how = attempt_dial_how(how);
	a->dial_how.deadline_us = a->deadline_us;
	a->dial_how.hedge_us = how->hedge_us;
	a->dial_how.opened = dial_opened;
	a->dial_how.failed = dial_failed;
	a->dial_how.passed = dial_passed;
	a->dial_how.evidence_ctx = a;
	a->r->phantoms = 0;
	forget_result(a);
	dial_list(a);
}
