/* A stream that stands still in its middle, as two looks at a socket show it. */
#include "model/answer/stall.h"

#include <string.h>
#include <sys/socket.h>

#include "model/cause/connect_cause.h"
#include "unit/unit.h"

static const struct stall_look gap = { .known = true,
				       .at_us = 5000000,
				       .received = 10,
				       .acked = 2,
				       .memory = 832,
				       .overtook = 1,
				       .answers = 3,
				       .mss = 1448,
				       .pmtu = 1500,
				       .rtt_us = 1000 };

static const struct stall_look lost = { .known = true,
					.at_us = 5000000,
					.acked = 1,
					.unacked = 2896,
					.retransmits = 3,
					.answers = 1,
					.mss = 1448,
					.pmtu = 1500,
					.rtt_us = 1000 };

/* The second look, so long after the first, which is the same. */
static struct stall_look later(const struct stall_look *first, unsigned ms)
{
	struct stall_look l = *first;

	l.at_us += ms * UINT64_C(1000);
	return l;
}

static enum stall_side side_of(const struct stall_look *a, const struct stall_look *b)
{
	struct stall s;

	CHECK_INT(stall_between(a, b, &s), s.side != STALL_NONE);
	return s.side;
}

static void gaps(void)
{
	struct stall_look first = gap, second = later(&gap, 1000);

	CHECK_INT(side_of(&first, &second), STALL_TOWARDS_US);
	/* The gap was closed, there is something to read, it is all new, or unknown. */
	second.memory = 0;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
	second = later(&gap, 1000);
	second.unread = 1;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
	second = later(&gap, 1000);
	second.received++;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
	second = later(&gap, 1000);
	first.overtook = 0;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
	first = gap;
	first.known = false;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
}

static void losses(void)
{
	struct stall_look first = lost, second = later(&lost, 1000);

	CHECK_INT(side_of(&first, &second), STALL_TOWARDS_PEER);
	/* A SYN-ACK that came again: the peer has not heard of the end of the handshake.
	 */
	second.answers = 2;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
	/* A request of less than a segment says nothing of large ones. */
	second = later(&lost, 1000);
	second.unacked = 1447;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
	/* Too early for the SYN-ACK that would come again. */
	second = later(&lost, 1000);
	second.retransmits = 2;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
	/* What the peer has of it says it sooner, whatever was acknowledged before. */
	second.sacked = 1;
	second.acked = first.acked = 70000;
	CHECK_INT(side_of(&first, &second), STALL_TOWARDS_PEER);
	second.acked++;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
	/* A peer that has all and does not answer. */
	second = later(&lost, 1000);
	second.unacked = 0;
	CHECK_INT(side_of(&first, &second), STALL_NONE);
}

static void brevity(void)
{
	struct stall_look second = later(&gap, 1000), slow = gap;
	struct stall s;

	CHECK(stall_between(&gap, &second, &s) && !s.brief);
	CHECK_INT(s.for_ms, 1000);
	second = later(&gap, 400);
	CHECK(stall_between(&gap, &second, &s) && s.brief);
	slow.rtt_us = 500000;
	second = later(&slow, 1400);
	CHECK(stall_between(&slow, &second, &s) && s.brief);
}

static void causes(void)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes c = { .arena = &arena };
	struct stall s = {
		.side = STALL_TOWARDS_PEER, .retransmits = 4, .mss = 1428, .pmtu = 1500
	};
	struct addr to;

	CHECK(addr_parse_ip("fd00::7", 7, false, &to) == 0);
	to.port = 443;
	cause_of_stall(&(struct stall){ 0 }, &to, &c);
	CHECK_INT(c.n, 0);
	cause_of_stall(&s, &to, &c);
	CHECK_INT(c.n, 1);
	CHECK_STR(c.v[0].id, "stuck-sender");
	CHECK(strstr(c.v[0].summary, "or a firewall that drops what carries data"));
	CHECK(strstr(c.v[0].advice, "\tping -c 3 -M do -s 1452 fd00::7\n"));
	CHECK(strstr(c.v[0].advice, "\tsockctl connect -O mss=1000 "));
	s.sacked = 2;
	cause_of_stall(&s, &to, &c);
	CHECK(strstr(c.v[1].summary, "confirmed 2 behind it") &&
	      !strstr(c.v[1].summary, "firewall"));
	s.side = STALL_TOWARDS_US;
	cause_of_stall(&s, &to, &c);
	CHECK_STR(c.v[2].id, "gap-in-stream");
	causes_free(&c);
}

int main(void)
{
	RUN(gaps, "segments that wait behind one that does not arrive");
	RUN(losses, "large segments that the peer does not get");
	RUN(brevity, "what may be merely lost");
	RUN(causes, "as a cause, with what proves it");
	return unit_done();
}
