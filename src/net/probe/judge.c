/* From what a socket still knows to an outcome. Each special case is a kernel behaviour
 * that was seen; see the table in sockctl-probe(1). */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "net/probe/errqueue.h"
#include "net/probe/probe.h"
#include "net/socket/dial.h"
#include "net/socket/tcp.h"

void probe_want_errors(int fd, int family)
{
	int one = 1;

	/* An IPv6 socket may speak to a v4-mapped address: both, where they exist. */
	if (family == AF_INET || family == AF_INET6)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
}

enum { NOT_ICMP_MOST = 64 }; /* entries of the queue that are skipped in a call */

bool probe_take_icmp(int fd, struct probe_icmp *icmp, struct addr *to, int *err)
{
	union {
		char bytes[512];
		struct cmsghdr align;
	} control;
	struct sockaddr_storage name;
	struct msghdr m;
	struct cmsghdr *c;
	unsigned skipped;

	for (skipped = 0; skipped < NOT_ICMP_MOST; skipped++) {
		m = (struct msghdr){ .msg_name = &name,
				     .msg_namelen = sizeof(name),
				     .msg_control = control.bytes,
				     .msg_controllen = sizeof(control) };
		if (recvmsg(fd, &m, MSG_ERRQUEUE) < 0) {
			if (errno == EINTR)
				continue;
			icmp->unread = errno == EAGAIN ? 0 : errno;
			return false;
		}
		for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			size_t room = (size_t)((char *)m.msg_control + m.msg_controllen -
					       (char *)c);

			if (!errqueue_icmp(c, room, icmp, err))
				continue;
			if (to)
				addr_from_sockaddr(to, (const struct sockaddr *)&name,
						   m.msg_namelen);
			return true;
		}
	}
	return false;
}

struct icmp_row {
	uint8_t family, type, code;
	enum outcome outcome;
	const char *name;
};

static const struct icmp_row icmp_rows[] = {
	{ AF_INET, 3, 0, OUTCOME_UNREACHABLE, "network unreachable" },
	{ AF_INET, 3, 1, OUTCOME_UNREACHABLE, "host unreachable" },
	{ AF_INET, 3, 2, OUTCOME_REFUSED_ICMP, "protocol unreachable" },
	{ AF_INET, 3, 3, OUTCOME_REFUSED_ICMP, "port unreachable" },
	{ AF_INET, 3, 4, OUTCOME_UNREACHABLE, "fragmentation needed" },
	{ AF_INET, 3, 5, OUTCOME_UNREACHABLE, "source route failed" },
	{ AF_INET, 3, 6, OUTCOME_UNREACHABLE, "network unknown" },
	{ AF_INET, 3, 7, OUTCOME_UNREACHABLE, "host unknown" },
	{ AF_INET, 3, 9, OUTCOME_REJECTED, "network prohibited" },
	{ AF_INET, 3, 10, OUTCOME_REJECTED, "host prohibited" },
	{ AF_INET, 3, 11, OUTCOME_UNREACHABLE, "network unreachable for this service" },
	{ AF_INET, 3, 12, OUTCOME_UNREACHABLE, "host unreachable for this service" },
	{ AF_INET, 3, 13, OUTCOME_REJECTED, "administratively prohibited" },
	{ AF_INET, 11, 0, OUTCOME_UNREACHABLE, "time to live exceeded" },
	{ AF_INET, 12, 0, OUTCOME_UNREACHABLE, "parameter problem" },
	{ AF_INET6, 1, 0, OUTCOME_UNREACHABLE, "no route" },
	{ AF_INET6, 1, 1, OUTCOME_REJECTED, "administratively prohibited" },
	{ AF_INET6, 1, 2, OUTCOME_UNREACHABLE, "beyond scope of source address" },
	{ AF_INET6, 1, 3, OUTCOME_UNREACHABLE, "address unreachable" },
	{ AF_INET6, 1, 4, OUTCOME_REFUSED_ICMP, "port unreachable" },
	{ AF_INET6, 1, 5, OUTCOME_REJECTED, "source address failed policy" },
	{ AF_INET6, 1, 6, OUTCOME_REJECTED, "reject route" },
	{ AF_INET6, 3, 0, OUTCOME_UNREACHABLE, "hop limit exceeded" },
	{ AF_INET6, 4, 0, OUTCOME_UNREACHABLE, "parameter problem" },
	{ AF_INET6, 4, 1, OUTCOME_REFUSED_ICMP, "next header not recognised" },
};

static const struct icmp_row *icmp_row(const struct probe_icmp *icmp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(icmp_rows); i++)
		if (icmp_rows[i].family == icmp->family &&
		    icmp_rows[i].type == icmp->type && icmp_rows[i].code == icmp->code)
			return &icmp_rows[i];
	return NULL;
}

const char *probe_icmp_name(const struct probe_icmp *icmp)
{
	const struct icmp_row *row = icmp_row(icmp);

	return row ? row->name : NULL;
}

/* This host to itself: a neighbour that does not answer, or a rule that rejects so. */
static bool says_no_host(const struct probe_result *r)
{
	return r->icmp.own &&
	       (r->icmp.family == AF_INET ? r->icmp.type == 3 && r->icmp.code == 1
					  : r->icmp.type == 1 && r->icmp.code == 3);
}

static enum outcome judge_icmp(const struct probe_result *r)
{
	const struct icmp_row *row = icmp_row(&r->icmp);

	/* Nobody answered ARP or neighbour discovery: a timer tells, while nobody uses
	 * the socket, so it is closed. A rule in OUTPUT answers from within connect(),
	 * and leaves it in SYN_SENT. */
	if (says_no_host(r) &&
	    (r->has_tcp ? r->tcp.state == TCP_CLOSE : r->connect_us > 100 * 1000))
		return OUTCOME_UNREACHABLE;
	if (r->icmp.own)
		return OUTCOME_DENIED_LOCAL;
	return row ? row->outcome : OUTCOME_UNREACHABLE;
}

static enum outcome judge_timeout(const struct probe_result *r)
{
	/* The timer has run, and yet nothing was sent again: the SYN itself still waits
	 * in this host's neighbour queue. */
	if (r->has_tcp && r->tcp.state == TCP_SYN_SENT && r->tcp.retransmits &&
	    !r->tcp.total_retrans)
		return OUTCOME_UNREACHABLE;
	return OUTCOME_FILTERED;
}

static enum outcome judge_errno(const struct probe_result *r)
{
	enum outcome o = outcome_of_connect(r->peer.family, r->err);

	if (o == OUTCOME_STALE_UNIX && r->file_kind)
		return OUTCOME_WRONG_TYPE;
	/* An abstract name goes with its socket: nothing is left that is stale. */
	if (o == OUTCOME_STALE_UNIX && endpoint_is_abstract(&r->peer))
		return OUTCOME_MISSING_PATH;
	/* A blackhole route, fe80:: without scope, 127.x to elsewhere. */
	if (r->err == EINVAL && r->at_once && r->peer.family != AF_UNIX)
		return OUTCOME_UNREACHABLE;
	return o == OUTCOME_FILTERED ? judge_timeout(r) : o;
}

static bool is_self(const struct probe_result *r)
{
	return r->peer.proto != TARGET_UDP && r->local.len && r->peer.len && r->has_tcp &&
	       r->tcp.state == TCP_ESTABLISHED && endpoint_same(&r->local, &r->peer);
}

void probe_judge_facts(struct probe_result *r)
{
	if (r->icmp.family)
		r->outcome = judge_icmp(r);
	else if (is_self(r))
		r->outcome = OUTCOME_SELF_CONNECT;
	else
		r->outcome = judge_errno(r);
}

static void read_tcp(struct probe_result *r, int fd)
{
	r->has_tcp = tcp_read(fd, &r->tcp);
	r->tcp_unread = r->has_tcp ? 0 : errno;
}

static void read_local(struct probe_result *r, int fd)
{
	struct addr a, peer;

	if (endpoint_local(fd, &r->peer, &r->local) < 0) {
		r->local.len = 0;
		r->local_unread = true;
	} else if (r->icmp.family && endpoint_addr(&r->local, &a) &&
		   endpoint_addr(&r->peer, &peer)) {
		a = addr_unmapped(&a);
		/* A target on this host answers for itself. */
		r->icmp.own = addr_same_ip(&a, &r->icmp.from) && !addr_same_ip(&a, &peer);
	}
}

/* connect() says of a file that is no socket what it says of one nobody listens behind.
 */
static const char *kind_of_file(const struct endpoint *ep)
{
	const struct sockaddr_un *sun = (const void *)&ep->ss;
	char path[sizeof(sun->sun_path) + 1] = "";
	struct stat st;

	memcpy(path, sun->sun_path,
	       MIN((size_t)ep->len - offsetof(struct sockaddr_un, sun_path),
		   sizeof(sun->sun_path)));
	if (endpoint_is_abstract(ep) || stat(path, &st) != 0 || S_ISSOCK(st.st_mode))
		return NULL;
	return S_ISDIR(st.st_mode)    ? "a directory"
	       : S_ISREG(st.st_mode)  ? "an ordinary file"
	       : S_ISFIFO(st.st_mode) ? "a named pipe"
				      : "a device";
}

/* The time to live that its packets had; 0 = not known. */
static uint8_t ttl_of(int fd, const struct probe_icmp *icmp)
{
	bool v4 = icmp->family == AF_INET;
	int ttl = 0;
	socklen_t len = sizeof(ttl);

	if (getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
		       v4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, &len) != 0)
		return 0;
	return ttl > 0 && ttl <= UINT8_MAX ? (uint8_t)ttl : 0;
}

static bool is_used_up(const struct probe_icmp *icmp)
{
	return icmp->code == 0 &&
	       ((icmp->family == AF_INET && icmp->type == ICMP_TIME_EXCEEDED) ||
		(icmp->family == AF_INET6 && icmp->type == ICMP6_TIME_EXCEEDED));
}

void probe_judge_failure(struct probe_result *r, int fd, int err, bool at_once)
{
	r->err = err;
	r->at_once = at_once;
	if (!at_once && !r->icmp.family &&
	    (r->peer.family == AF_INET || r->peer.family == AF_INET6))
		probe_take_icmp(fd, &r->icmp, NULL, NULL);
	if (is_used_up(&r->icmp))
		r->sent_ttl = ttl_of(fd, &r->icmp);
	if (r->peer.proto == TARGET_TCP || r->peer.proto == TARGET_MPTCP)
		read_tcp(r, fd);
	read_local(r, fd);
	if (r->peer.family == AF_UNIX && err == ECONNREFUSED)
		r->file_kind = kind_of_file(&r->peer);
	probe_judge_facts(r);
}

bool probe_may_be_neighbour(const struct probe_result *r)
{
	if (r->outcome == OUTCOME_UNREACHABLE)
		return !r->at_once && (!r->icmp.family || r->icmp.own);
	/* One that others asked for before fails at any time. */
	if (r->outcome == OUTCOME_DENIED_LOCAL)
		return says_no_host(r) && !r->has_tcp;
	return r->outcome == OUTCOME_FILTERED || r->outcome == OUTCOME_OPEN_OR_FILTERED;
}

static uint32_t number_of(int fd, int optname)
{
	uint32_t v = 0;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, optname, &v, &len) == 0 ? v : 0;
}

void probe_ask_neighbour(struct probe_result *r, int fd, probe_neighbour_fn *ask)
{
	struct silent_hop hop;
	struct addr to;

	if (!ask || !probe_may_be_neighbour(r) || !endpoint_addr(&r->peer, &to) ||
	    !ask(&to, number_of(fd, SO_BINDTOIFINDEX), number_of(fd, SO_MARK),
		 r->connect_us, &hop))
		return;
	r->outcome = OUTCOME_UNREACHABLE;
	r->silent_hop = hop;
}

bool probe_may_be_source(const struct probe_result *r)
{
	struct addr from;

	/* A source that was asked for, and bound, is one. */
	if (r->local.len && endpoint_addr(&r->local, &from) && !addr_is_any(&from))
		return false;
	return r->err == EADDRNOTAVAIL || r->err == EAFNOSUPPORT ||
	       (r->err == ENETUNREACH && r->at_once);
}

void probe_ask_source(struct probe_result *r, int fd, probe_source_fn *ask)
{
	_cleanup_buf_ struct buf why = { 0 };
	struct addr to;

	if (!ask || !probe_may_be_source(r) || !endpoint_addr(&r->peer, &to) ||
	    !ask(&to, number_of(fd, SO_BINDTOIFINDEX), number_of(fd, SO_MARK), &why))
		return;
	r->outcome = OUTCOME_UNREACHABLE;
	snprintf(r->told, sizeof(r->told), "%s (%s)", buf_cstr(&why),
		 strerrorname_np(r->err));
}

void probe_judge_fault(struct probe_result *r, const struct fault *f)
{
	r->err = f->err;
	r->at_once = true;
	snprintf(r->told, sizeof(r->told), "%.250s%s%.320s", f->what,
		 f->hint[0] ? "; " : "", f->hint);
	/* Not even begun before the time was over. */
	r->outcome = f->err == ETIMEDOUT ? OUTCOME_FILTERED : OUTCOME_ERROR;
}

void probe_judge_name(struct probe_result *r, const struct target *t, int err,
		      const struct fault *f)
{
	*r = (struct probe_result){ .mptcp = -1, .peer.proto = t->proto };
	probe_judge_fault(r, f);
	if (err == -ETIMEDOUT || err == -EAGAIN)
		r->outcome = OUTCOME_NAME_TIMEOUT;
	else if (err == -ENOENT)
		r->outcome = OUTCOME_NO_NAME;
	if (r->outcome != OUTCOME_ERROR)
		r->err = 0; /* none of a socket */
}

void probe_judge_unsent(struct probe_result *r, int err)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_puts(&b, "this host's device towards it took no packet in ");
	buf_put_time(&b, r->connect_us);
	buf_printf(&b, " (%s): see 'tc -s qdisc'", strerrorname_np(err));
	snprintf(r->told, sizeof(r->told), "%s", buf_cstr(&b));
	r->err = err;
	r->at_once = true;
	r->outcome = OUTCOME_ERROR;
}

/*
 * With timestamps on both sides, the round trip tells which of the SYNs was answered: one
 * much shorter than the wait means the last, so the first never arrived or was dropped;
 * one as long as the wait means the first: its answer was lost, or it took so long, which
 * attempt_weigh.c tells apart.
 */
static void judge_loss(struct probe_result *r)
{
	r->lost = r->tcp.total_retrans;
	if (!r->lost)
		return;
	if (!(r->tcp.options & TCPINFO_TIMESTAMPS) || !r->tcp.rtt)
		r->loss = PROBE_LOSS_UNKNOWN;
	else if (r->tcp.rtt < r->connect_us / 2)
		r->loss = PROBE_LOSS_SYN;
	else
		r->loss = PROBE_LOSS_EITHER;
}

void probe_judge_open(struct probe_result *r, int fd)
{
	r->outcome = OUTCOME_OPEN;
	r->err = 0;
	if (r->peer.proto == TARGET_TCP || r->peer.proto == TARGET_MPTCP)
		read_tcp(r, fd);
	read_local(r, fd);
	if (r->has_tcp)
		judge_loss(r);
}

void probe_judge_ended(struct probe_result *r, uint64_t life_us, int err)
{
	r->life_us = life_us;
	r->err = err;
	r->outcome = !err				 ? OUTCOME_CLOSED_AFTER_ACCEPT
		     : err == ECONNRESET || err == EPIPE ? OUTCOME_RESET_AFTER_ACCEPT
							 : OUTCOME_ERROR;
}
