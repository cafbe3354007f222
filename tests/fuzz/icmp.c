/*
 * A message of the error queue: control data as the kernel lays it out, of any lengths,
 * and the verdict and the sentence that follow. The first bytes are the result that it
 * meets.
 */
#include "net/probe/probe.h"
#include "net/socket/errqueue.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

enum { HEAD = 8 };

static void check_reason(const uint8_t *head, struct probe_result *r)
{
	static const uint8_t protos[] = { TARGET_TCP, TARGET_UDP };
	_cleanup_buf_ struct buf b = { 0 };

	r->peer.proto = protos[head[0] & 1];
	r->peer.family = head[0] & 2 ? AF_INET : AF_INET6;
	r->at_once = head[0] & 4;
	r->has_tcp = head[0] & 8;
	r->icmp.own = r->icmp.family && (head[0] & 16);
	r->tcp.state = head[1] % 13;
	r->connect_us = (uint64_t)head[2] << (head[3] & 31);
	r->mptcp = -1;
	probe_judge_facts(r);
	HOLDS(r->outcome < OUTCOME_COUNT);
	HOLDS(!r->icmp.family || r->outcome != OUTCOME_OPEN);
	probe_put_reason(&b, r);
	HOLDS(b.len);
	check_harmless(&b);
	HOLDS(!memchr(b.data, '\n', b.len));
	buf_reset(&b);
	/* The same outcome, of whatever it came. */
	r->outcome = (enum outcome)(head[4] % OUTCOME_COUNT);
	if (r->outcome != OUTCOME_NO_NAME && r->outcome != OUTCOME_NAME_TIMEOUT) {
		probe_put_reason(&b, r);
		check_harmless(&b);
	}
}

/* The first error among the messages. */
static bool first(struct msghdr *m, struct icmp_error *icmp, int *err)
{
	const char *end = (const char *)m->msg_control + m->msg_controllen;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (errqueue_icmp(c, (size_t)(end - (char *)c), icmp, err))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct probe_result r = { .err = ECONNREFUSED };
	struct msghdr m = { 0 };
	int err = 0;

	if (size < HEAD || size > 1 << 12)
		return 0;
	m.msg_control = exact_copy(data + HEAD, size - HEAD);
	m.msg_controllen = size - HEAD;
	if (first(&m, &r.icmp, &err)) {
		HOLDS(size - HEAD >= sizeof(struct cmsghdr) + 16);
		HOLDS(r.icmp.family == AF_INET || r.icmp.family == AF_INET6);
		HOLDS(r.icmp.from.family == AF_INET || r.icmp.from.family == AF_INET6);
	} else {
		HOLDS(!r.icmp.family && !err);
	}
	check_reason(data, &r);
	free(m.msg_control);
	return 0;
}
