/* What became of MPTCP: which of the namespace's connections a rise is of. */
#include "model/answer/multipath.h"

#include <string.h>

#include "unit/unit.h"

#define OPEN(last, n)                                                              \
	{                                                                          \
		.open = true, .fell_back = true, .to_last = (last), .repeats = (n) \
	}
#define SPOKEN               \
	{                    \
		.open = true \
	}
#define SILENT(n)              \
	{                      \
		.repeats = (n) \
	}
#define ROSE(syn, drop, off)                                                           \
	{                                                                              \
		.counted = true, .gives_up = true, .asked = (syn), .given_up = (drop), \
		.left_out = (off), .repeats = 2                                        \
	}
#define OLDER                \
	{                    \
		.repeats = 2 \
	}

static void kinds(void)
{
	static const struct {
		struct multipath m;
		struct multipath_seen seen;
		enum multipath_kind kind;
	} rows[] = {
		{ ROSE(1, 1, 0), OPEN(true, 3), MULTIPATH_DROPPED },
		/* A plain SYN was lost, too; or it is open which was answered. */
		{ ROSE(1, 1, 0), OPEN(true, 4), MULTIPATH_GIVEN_UP },
		{ ROSE(1, 1, 0), OPEN(false, 3), MULTIPATH_GIVEN_UP },
		/* Another connection gave up: this one repeated too few. */
		{ ROSE(2, 1, 0), OPEN(true, 2), MULTIPATH_NOTHING },
		{ ROSE(1, 0, 0), OPEN(true, 0), MULTIPATH_NOTHING },
		{ ROSE(0, 0, 1), OPEN(true, 0), MULTIPATH_LEFT_OUT },
		{ ROSE(0, 0, 9), OPEN(true, 1), MULTIPATH_LEFT_OUT },
		{ ROSE(1, 0, 1), OPEN(true, 0), MULTIPATH_MAYBE_LEFT_OUT },
		{ ROSE(1, 1, 1), OPEN(true, 3), MULTIPATH_MAYBE_LEFT_OUT },
		{ ROSE(1, 1, 0), SPOKEN, MULTIPATH_NOTHING },
		{ OLDER, OPEN(true, 3), MULTIPATH_NOTHING },
		{ ROSE(1, 0, 0), SILENT(2), MULTIPATH_UNANSWERED },
		{ ROSE(1, 1, 0), SILENT(3), MULTIPATH_NOTHING },
		{ ROSE(0, 0, 1), SILENT(2), MULTIPATH_NOTHING },
		{ ROSE(1, 0, 1), SILENT(0), MULTIPATH_UNANSWERED },
		/* These never go on without it. */
		{ OLDER, SILENT(6), MULTIPATH_UNANSWERED },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct multipath m = rows[i].m;

		multipath_judge(&m, &rows[i].seen);
		if (m.kind != rows[i].kind)
			printf("# row %zu: %u\n", i, (unsigned)m.kind);
		CHECK(m.kind == rows[i].kind);
	}
}

static void words(void)
{
	struct multipath m = ROSE(1, 1, 0);
	struct buf b = { 0 }, next = { 0 };
	struct addr peer;

	CHECK(addr_parse_ip("10.1.2.3", 8, false, &peer) == 0);
	peer.port = 443;
	m.kind = MULTIPATH_GIVEN_UP;
	m.blackholes = 1;
	m.off_s = 90;
	multipath_put(&b, &m);
	CHECK_STR(buf_cstr(&b),
		  "this host went on without MPTCP: 3 SYNs with its option got no answer "
		  "in time; this host now leaves MPTCP out for 90s or longer "
		  "(net.mptcp.blackhole_timeout)");
	multipath_put_advice(&next, &m, &peer, 1000);
	CHECK(strstr(buf_cstr(&next), "\tsudo sysctl -w net.mptcp.blackhole_timeout=90\n"
				      "\tsockctl probe mptcp:10.1.2.3:443"));
	/* Where nothing is ever disabled, there is nothing to enable. */
	buf_reset(&b);
	buf_reset(&next);
	m.blackholes = m.off_s = m.repeats = 0;
	m.kind = MULTIPATH_DROPPED;
	multipath_put(&b, &m);
	multipath_put_advice(&next, &m, &peer, 0);
	CHECK_STR(buf_cstr(&b),
		  "a firewall on the path drops SYNs with MPTCP's option, or "
		  "1 SYN was lost whatever it carried");
	CHECK(!next.len);
	buf_free(&b);
	buf_free(&next);
}

int main(void)
{
	RUN(kinds, "which of the connections of the namespace a rise is of");
	RUN(words, "how long it is left out, and what enables it again");
	return unit_done();
}
