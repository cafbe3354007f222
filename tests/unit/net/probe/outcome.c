/* What an errno, an ICMP message and the socket's state come to; most were seen for real
 * in the suites of probe, these are the ones that want a machine of their own. */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include "net/probe/probe.h"
#include "unit/unit.h"

static enum outcome judged(enum target_proto proto, int family, int err, bool at_once)
{
	struct probe_result r = { .err = err, .at_once = at_once };

	endpoint_init(&r.peer, proto, family);
	probe_judge_facts(&r);
	return r.outcome;
}

static void errnos(void)
{
	static const struct {
		enum target_proto proto;
		int family, err;
		bool at_once;
		enum outcome outcome;
	} rows[] = {
		{ TARGET_TCP, AF_INET, ECONNREFUSED, false, OUTCOME_REFUSED },
		{ TARGET_TCP, AF_INET, ECONNRESET, false, OUTCOME_RESET_AFTER_ACCEPT },
		{ TARGET_TCP, AF_INET, EPERM, true, OUTCOME_DENIED_LOCAL },
		{ TARGET_TCP, AF_INET, EACCES, true, OUTCOME_DENIED_LOCAL },
		{ TARGET_TCP, AF_INET, EADDRNOTAVAIL, true, OUTCOME_NO_PORT },
		{ TARGET_TCP, AF_INET, EINVAL, true, OUTCOME_UNREACHABLE },
		{ TARGET_TCP, AF_INET, EINVAL, false, OUTCOME_ERROR },
		{ TARGET_TCP, AF_INET, ENETDOWN, true, OUTCOME_UNREACHABLE },
		{ TARGET_TCP, AF_INET, EAGAIN, true, OUTCOME_NO_PORT },
		{ TARGET_TCP, AF_INET, EMFILE, true, OUTCOME_ERROR },
		{ TARGET_TCP, AF_INET6, ETIMEDOUT, false, OUTCOME_FILTERED },
		{ TARGET_VSOCK, AF_VSOCK, ECONNRESET, false, OUTCOME_REFUSED },
		{ TARGET_VSOCK, AF_VSOCK, ENODEV, true, OUTCOME_ERROR },
		{ TARGET_VSOCK, AF_VSOCK, EADDRNOTAVAIL, true, OUTCOME_ERROR },
		{ TARGET_VSOCK, AF_VSOCK, ETIMEDOUT, false, OUTCOME_FILTERED },
		{ TARGET_UNIX, AF_UNIX, ENOENT, true, OUTCOME_MISSING_PATH },
		{ TARGET_UNIX, AF_UNIX, ELOOP, true, OUTCOME_MISSING_PATH },
		{ TARGET_UNIX, AF_UNIX, EAGAIN, true, OUTCOME_QUEUE_FULL },
		{ TARGET_UNIX, AF_UNIX, EACCES, true, OUTCOME_NO_PERMISSION },
		{ TARGET_UNIX, AF_UNIX, EPROTOTYPE, true, OUTCOME_WRONG_TYPE },
		{ TARGET_UNIX, AF_UNIX, ENAMETOOLONG, true, OUTCOME_ERROR },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_STR(outcome_name(judged(rows[i].proto, rows[i].family, rows[i].err,
					      rows[i].at_once)),
			  outcome_name(rows[i].outcome));
}

/* What connect() says by its errno, and what is told of it, are one row. */
static void hints(void)
{
	CHECK_STR(outcome_hint(AF_UNIX, EAGAIN),
		  "the listener's queue is full: it does not accept");
	CHECK_INT(strncmp(outcome_hint(AF_INET, EAGAIN), "no free local port", 18), 0);
	CHECK_INT(strncmp(outcome_hint(AF_VSOCK, EADDRNOTAVAIL), "nothing listens", 15),
		  0);
	CHECK(outcome_hint(AF_INET, ENOENT) == NULL);
	CHECK_STR(outcome_hint(AF_UNIX, ENOENT), "there is no such path");
	/* An option may fail with the errno of a path. */
	CHECK_INT(outcome_of_connect(AF_INET, ENOENT), OUTCOME_ERROR);
	CHECK_INT(outcome_of_connect(AF_UNIX, ENOENT), OUTCOME_MISSING_PATH);
}

/* A new outcome says here, too, whether --down takes it for the end. */
static void downs(void)
{
	static const enum outcome_down want[OUTCOME_COUNT] = {
		[OUTCOME_NOT_ASKED] = DOWN_NEVER,
		[OUTCOME_OPEN] = DOWN_NEVER,
		[OUTCOME_REFUSED] = DOWN_UNLESS_HEARD,
		[OUTCOME_REFUSED_ICMP] = DOWN_UNLESS_HEARD,
		[OUTCOME_REJECTED] = DOWN_UNLESS_HEARD,
		[OUTCOME_UNREACHABLE] = DOWN_UNLESS_HEARD,
		[OUTCOME_FILTERED] = DOWN_AFTER_SILENCE,
		[OUTCOME_DENIED_LOCAL] = DOWN_NEVER,
		[OUTCOME_CLOSED_AFTER_ACCEPT] = DOWN_AT_ONCE,
		[OUTCOME_RESET_AFTER_ACCEPT] = DOWN_AT_ONCE,
		[OUTCOME_UNEXPECTED] = DOWN_NEVER,
		[OUTCOME_SILENT] = DOWN_NEVER,
		[OUTCOME_GHOST] = DOWN_NEVER,
		[OUTCOME_NO_PORT] = DOWN_NEVER,
		[OUTCOME_SELF_CONNECT] = DOWN_AT_ONCE,
		[OUTCOME_QUEUE_FULL] = DOWN_NEVER,
		[OUTCOME_RATE_LIMITED] = DOWN_NEVER,
		[OUTCOME_TRANSLATED] = DOWN_NEVER,
		[OUTCOME_NO_NAME] = DOWN_NEVER,
		[OUTCOME_NAME_TIMEOUT] = DOWN_NEVER,
		[OUTCOME_MISSING_PATH] = DOWN_AT_ONCE,
		[OUTCOME_STALE_UNIX] = DOWN_AT_ONCE,
		[OUTCOME_WRONG_TYPE] = DOWN_NEVER,
		[OUTCOME_NO_PERMISSION] = DOWN_NEVER,
		[OUTCOME_OPEN_OR_FILTERED] = DOWN_NEVER,
		[OUTCOME_ERROR] = DOWN_NEVER,
	};
	size_t i;

	for (i = 0; i < OUTCOME_COUNT; i++) {
		CHECK(want[i] != 0);
		CHECK_INT(outcome_down((enum outcome)i), want[i]);
	}
}

static enum outcome icmp(int family, uint8_t type, uint8_t code)
{
	struct probe_result r = { .err = EHOSTUNREACH, .has_tcp = true };

	endpoint_init(&r.peer, TARGET_TCP, family);
	r.tcp.state = TCP_SYN_SENT;
	r.icmp = (struct icmp_error){ .family = (uint8_t)family,
				      .type = type,
				      .code = code };
	probe_judge_facts(&r);
	return r.outcome;
}

/* nft rejects with few of them. */
static void codes(void)
{
	static const uint8_t v4[] = { 0, 1, 4, 5, 6, 7, 11, 12 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v4); i++)
		CHECK_INT(icmp(AF_INET, 3, v4[i]), OUTCOME_UNREACHABLE);
	CHECK_INT(icmp(AF_INET, 11, 0), OUTCOME_UNREACHABLE);
	CHECK_INT(icmp(AF_INET, 12, 0), OUTCOME_UNREACHABLE);
	CHECK_INT(icmp(AF_INET6, 1, 2), OUTCOME_UNREACHABLE);
	CHECK_INT(icmp(AF_INET6, 4, 1), OUTCOME_REFUSED_ICMP);
	/* One that has no name here still is an answer. */
	CHECK_INT(icmp(AF_INET, 3, 200), OUTCOME_UNREACHABLE);
	CHECK_INT(icmp(AF_INET6, 100, 0), OUTCOME_UNREACHABLE);
}

/* The neighbour does not answer: a timer ran, yet no SYN went out again. */
static void neighbours(void)
{
	struct probe_result r = { .err = ETIMEDOUT, .has_tcp = true };

	endpoint_init(&r.peer, TARGET_TCP, AF_INET);
	r.tcp.state = TCP_SYN_SENT;
	r.tcp.retransmits = 2;
	probe_judge_facts(&r);
	CHECK_INT(r.outcome, OUTCOME_UNREACHABLE);
	r.tcp.total_retrans = 2;
	probe_judge_facts(&r);
	CHECK_INT(r.outcome, OUTCOME_FILTERED);
}

static void weights(void)
{
	static const struct {
		enum outcome outcome;
		enum verdict verdict;
	} rows[] = {
		{ OUTCOME_OPEN, VERDICT_YES },
		{ OUTCOME_SELF_CONNECT, VERDICT_NO },
		{ OUTCOME_GHOST, VERDICT_NO },
		{ OUTCOME_MISSING_PATH, VERDICT_NO },
		{ OUTCOME_STALE_UNIX, VERDICT_NO },
		{ OUTCOME_WRONG_TYPE, VERDICT_NO },
		{ OUTCOME_SILENT, VERDICT_SILENCE },
		{ OUTCOME_QUEUE_FULL, VERDICT_SILENCE },
		{ OUTCOME_OPEN_OR_FILTERED, VERDICT_SILENCE },
		{ OUTCOME_NO_NAME, VERDICT_NAME },
		{ OUTCOME_NAME_TIMEOUT, VERDICT_NAME },
		{ OUTCOME_NO_PORT, VERDICT_CANNOT },
		{ OUTCOME_DENIED_LOCAL, VERDICT_CANNOT },
		{ OUTCOME_NO_PERMISSION, VERDICT_CANNOT },
		{ OUTCOME_RATE_LIMITED, VERDICT_CANNOT },
		{ OUTCOME_TRANSLATED, VERDICT_CANNOT },
		{ OUTCOME_ERROR, VERDICT_CANNOT },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(outcome_verdict(rows[i].outcome), rows[i].verdict);
	CHECK_INT(MAX(VERDICT_NO, VERDICT_SILENCE), VERDICT_SILENCE);
	CHECK_INT(MAX(VERDICT_CANNOT, VERDICT_NAME), VERDICT_CANNOT);
}

int main(void)
{
	RUN(errnos, "an errno means what it does for its protocol, at once or later");
	RUN(hints, "what to try next goes with the errno and the family");
	RUN(downs, "each outcome decides whether --down takes it for the end");
	RUN(codes, "every ICMP code is an answer");
	RUN(neighbours, "a silence of the neighbour is not one of the host");
	RUN(weights, "what an outcome weighs for the exit code");
	return unit_done();
}
