#include "net/probe/attempt_again.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "net/probe/attempt_private.h"
#include "net/socket/tcp.h"

/* Less than a second: later it may be the answer to a SYN that was sent again. */
enum { AGAIN_LEAST_US = 800 * 1000 };

static void again_failed(void *ctx, int fd, const struct endpoint *ep, int err,
			 uint64_t took_us, bool at_once)
{
	struct attempt *a = ctx;

	(void)fd;
	(void)ep;
	(void)took_us;
	/* What was not sent got no answer. */
	if (at_once)
		return;
	a->r->again = err == ETIMEDOUT	    ? PROBE_AGAIN_SILENT
		      : err == ECONNREFUSED ? PROBE_AGAIN_REFUSED
					    : PROBE_AGAIN_NOT_ASKED;
}

/* FIN_WAIT2 is an acknowledged FIN. The first byte that is acknowledged is the SYN, and
 * what went with it is acknowledged with it. */
bool attempt_is_known(const struct tcpinfo *t)
{
	return t->state == TCP_FIN_WAIT2 || t->state == TCP_TIME_WAIT ||
	       t->state == TCP_CLOSING || t->bytes_received ||
	       (t->bytes_acked > 1 && !(t->options & TCPINFO_SYN_DATA));
}

/* What has come of the first connection by now. */
static void finish(struct attempt *a)
{
	struct tcpinfo t;

	if (tcp_read(a->w.fd, &t)) {
		a->r->answers = t.segs_in;
		a->r->verified = attempt_is_known(&t);
	}
	a->r->outcome = a->r->verified ? OUTCOME_OPEN : OUTCOME_GHOST;
	attempt_finish(a);
}

static void asked_again(struct dial *d, int fd, size_t index, const struct fault *f)
{
	struct attempt *a = d->owner;
	struct tcpinfo t;

	(void)index;
	(void)f;
	if (fd >= 0) {
		a->r->again_us = d->took_us;
		a->r->again = tcp_read(fd, &t) && !t.total_retrans ? PROBE_AGAIN_ANSWERED
								   : PROBE_AGAIN_SILENT;
		if (!a->how->graceful)
			endpoint_reset_on_close(fd);
		close_fd(fd);
	}
	dial_stop(d);
	finish(a);
}

void attempt_ask_again(struct attempt *a)
{
	struct endpoint_list one = { 0 };

	/* What comes on the first connection meanwhile is looked at in the end. */
	timer_stop(a->l, &a->t);
	watch_remove(a->l, &a->w);
	a->stage = ATTEMPT_ASKING_AGAIN;
	a->again_how = attempt_dial_how(a->how);
	a->again_how.deadline_us = clock_us() + MAX((uint64_t)AGAIN_LEAST_US,
						    (uint64_t)a->r->tcp.rtt * 3);
	a->again_how.failed = again_failed;
	a->again_how.evidence_ctx = a;
	a->again.done = asked_again;
	a->again.owner = a;
	*endpoint_list_add(&one) = a->r->peer;
	dial_start(&a->again, a->l, &one, &a->again_how);
	endpoint_list_free(&one);
}
