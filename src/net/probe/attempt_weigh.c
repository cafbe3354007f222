/*
 * The SYN was sent again, and then an answer came. If nothing was lost, the answer to the
 * last SYN comes as well: as long after the first answer as the last SYN was sent after
 * the first. If an answer was lost, the one that came is of a later SYN, and what follows
 * comes at least a second earlier than that.
 */
#include "net/probe/attempt_weigh.h"

#include <netinet/tcp.h>

#include "net/probe/attempt_private.h"
#include "net/socket/tcp.h"

enum {
	SECOND_US = 1000 * 1000, /* between a SYN and its first repetition */
	EARLIER_US = 500 * 1000, /* half of the time that tells them apart */
	LATER_US = 300 * 1000,
	LOOK_EVERY_US = 50 * 1000,
	DOUBLED_MOST = 16,
};

/* When the last SYN was sent, after the first. Newer kernels repeat the first ones every
 * second, older ones after 1, 3, 7 s. */
static uint64_t last_syn_us(const struct probe_result *r)
{
	uint64_t n = MIN(r->lost, (unsigned)DOUBLED_MOST);
	uint64_t doubled = ((UINT64_C(1) << n) - 1) * SECOND_US;

	return r->connect_us / SECOND_US > n && r->connect_us >= doubled ? doubled
									 : n * SECOND_US;
}

static bool may_be_slow(const struct probe_result *r)
{
	return r->loss == PROBE_LOSS_EITHER || r->loss == PROBE_LOSS_UNKNOWN;
}

bool weigh_is_open(const struct attempt *a)
{
	uint64_t from = a->opened_us + last_syn_us(a->r) - EARLIER_US;

	return a->how->weigh && a->r->outcome == OUTCOME_OPEN && may_be_slow(a->r) &&
	       a->stage == ATTEMPT_DIALLING && clock_us() < from && from < a->deadline_us;
}

static void weighed(struct attempt *a, enum probe_loss loss)
{
	a->r->loss = loss;
	attempt_finish(a);
}

/* What came without data: answers to SYNs. */
static bool count_answers(const struct attempt *a, uint32_t *n)
{
	struct tcpinfo t;

	if (!tcp_read(a->w.fd, &t) || t.state != TCP_ESTABLISHED)
		return false;
	*n = t.segs_in - MIN(t.segs_in, t.data_segs_in);
	return true;
}

void weigh_begin(struct attempt *a)
{
	a->weighed_from = 0;
	timer_set(a->l, &a->t, a->opened_us + last_syn_us(a->r) - EARLIER_US);
}

void weigh_look(struct attempt *a)
{
	bool timestamps = a->r->tcp.options & TCPINFO_TIMESTAMPS;
	uint64_t now = clock_us();
	uint32_t n;

	if (!count_answers(a, &n)) {
		weighed(a, a->r->loss);
	} else if (!a->weighed_from) {
		/* A segment or none: with the first answer it is one at least. */
		a->weighed_from = MAX(n, 1u);
		timer_set(a->l, &a->t, MIN(now + LOOK_EVERY_US, a->deadline_us));
	} else if (n > a->weighed_from) {
		weighed(a, PROBE_LOSS_SLOW);
	} else if (now > a->opened_us + last_syn_us(a->r) + LATER_US) {
		weighed(a, timestamps ? PROBE_LOSS_SYN_ACK : PROBE_LOSS_UNKNOWN);
	} else if (now >= a->deadline_us) {
		weighed(a, a->r->loss);
	} else {
		timer_set(a->l, &a->t, MIN(now + LOOK_EVERY_US, a->deadline_us));
	}
}
