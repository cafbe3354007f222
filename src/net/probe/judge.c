/* From what a socket still knows to an outcome. Each special case is a kernel behaviour
 * that was seen; see the table in sockctl-probe(1). */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "net/probe/probe.h"
#include "net/socket/dial.h"
#include "net/socket/errqueue.h"
#include "net/socket/tcp.h"

static enum outcome judge_icmp(const struct probe_result *r)
{
	/* Nobody answered ARP or neighbour discovery: a timer tells, while nobody uses
	 * the socket, so it is closed. A rule in OUTPUT answers from within connect(),
	 * and leaves it in SYN_SENT. */
	if (icmp_says_no_host(&r->icmp) &&
	    (r->has_tcp ? r->tcp.state == TCP_CLOSE : r->connect_us > 100 * 1000))
		return OUTCOME_UNREACHABLE;
	if (r->icmp.own)
		return OUTCOME_DENIED_LOCAL;
	return icmp_outcome(&r->icmp);
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
	/* connect() itself has it for one reason: no port could be drawn. */
	if (r->err == EAGAIN && r->at_once &&
	    (r->peer.family == AF_INET || r->peer.family == AF_INET6))
		return OUTCOME_NO_PORT;
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
		icmp_find_own(&r->icmp, &a, &peer);
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

void probe_judge_failure(struct probe_result *r, int fd, int err, bool at_once)
{
	r->err = err;
	r->at_once = at_once;
	if (!at_once && !r->icmp.family &&
	    (r->peer.family == AF_INET || r->peer.family == AF_INET6))
		errqueue_take(fd, &r->icmp, NULL, NULL);
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
		return icmp_says_no_host(&r->icmp) && !r->has_tcp;
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

	if (r->at_once && (r->err == EINVAL || r->err == EACCES ||
			   r->err == EHOSTUNREACH || r->err == ENETUNREACH))
		return r->peer.family != AF_UNIX;
	/* A source that was asked for, and bound, is one. */
	if (r->local.len && endpoint_addr(&r->local, &from) && !addr_is_any(&from))
		return false;
	return r->err == EADDRNOTAVAIL || r->err == EAFNOSUPPORT;
}

void probe_ask_source(struct probe_result *r, int fd, probe_source_fn *ask)
{
	_cleanup_buf_ struct buf why = { 0 };
	struct addr to;

	if (!ask || !probe_may_be_source(r) || !endpoint_addr(&r->peer, &to) ||
	    !ask(r, number_of(fd, SO_BINDTOIFINDEX), number_of(fd, SO_MARK), &why))
		return;
	if (r->outcome != OUTCOME_DENIED_LOCAL)
		r->outcome = OUTCOME_UNREACHABLE;
	snprintf(r->told, sizeof(r->told), "%s", buf_cstr(&why));
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
