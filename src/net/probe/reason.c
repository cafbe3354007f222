/* The evidence in words. */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>

#include "model/answer/elsewhere.h"
#include "net/probe/probe.h"
#include "net/socket/resolve.h"

static void put_after(struct buf *b, uint64_t us)
{
	if (!us)
		return;
	buf_puts(b, " after ");
	buf_put_time(b, us);
}

static void put_icmp(struct buf *b, const struct probe_result *r)
{
	if (!r->icmp.family) {
		/* The error queue had nothing, was not kept, or could not be read. */
		buf_printf(b, "an ICMP error, %s",
			   r->err ? strerrorname_np(r->err) : "which one is not known");
		put_after(b, r->connect_us);
		if (r->icmp.unread)
			buf_printf(b, "; who sent it could not be read (%s)",
				   strerror(r->icmp.unread));
		else
			buf_puts(b, "; this host did not keep who sent it");
		return;
	}
	icmp_put(b, &r->icmp);
	put_after(b, r->connect_us);
	icmp_put_used_up(b, &r->icmp);
}

static void put_answer(struct buf *b, const struct probe_result *r)
{
	size_t len = MIN(r->n_answer, (size_t)60), end;
	const char *newline = memchr(r->answer, '\n', len);

	end = newline ? (size_t)(newline - r->answer) : len;
	while (end && (r->answer[end - 1] == '\r' || r->answer[end - 1] == '\n'))
		end--;
	buf_put_escaped(b, r->answer, end);
}

static const char *const losses[] = {
	[PROBE_LOSS_NONE] = "",
	[PROBE_LOSS_SYN] = "lost on the way there or dropped by a full queue",
	[PROBE_LOSS_SYN_ACK] = "answered, and the answer was lost on the way back",
	[PROBE_LOSS_UNKNOWN] = "lost, or its answer was (no timestamps to tell)",
	[PROBE_LOSS_EITHER] =
		("answered, and either the answer was lost on the way back, or "
		 "the round trip takes so long"),
	[PROBE_LOSS_SLOW] = "",
};

/* Half-open: what became of the SYNs before. */
static void put_syns(struct buf *b, const struct probe_result *r)
{
	if (r->loss != PROBE_LOSS_NONE)
		buf_printf(b, ": %s %s", r->lost == 1 ? "the first SYN was" : "SYNs were",
			   losses[r->loss]);
}

static void put_hedges(struct buf *b, const struct probe_result *r)
{
	if (r->hedges == 1)
		buf_puts(b, ", by a second socket: the SYN of the first, ");
	else
		buf_printf(b, ", by socket %u: the SYNs of those before it, the first ",
			   r->hedges + 1);
	buf_put_time(b, r->waited_us);
	buf_printf(b, " ago, %s not answered", r->hedges == 1 ? "was" : "were");
}

/* Whether NAT of this host sent it to another address or port. */
static bool is_elsewhere(const struct probe_result *r)
{
	struct addr asked = { 0 };

	endpoint_addr(&r->peer, &asked);
	asked = addr_unmapped(&asked);
	return r->sent_to.family &&
	       (!addr_same_ip(&asked, &r->sent_to) || asked.port != r->sent_to.port);
}

static void put_elsewhere(struct buf *b, const struct probe_result *r)
{
	if (!is_elsewhere(r))
		return;
	buf_puts(b, ", from ");
	addr_put(b, &r->sent_to);
	buf_puts(b, ", where NAT of this host sends it");
}

static void put_open(struct buf *b, const struct probe_result *r)
{
	if (r->peer.proto == TARGET_UDP) {
		buf_puts(b, "answered");
		put_after(b, r->first_byte_us);
	} else if (r->half_open) {
		buf_puts(b, "SYN-ACK");
		put_after(b, r->connect_us);
		put_elsewhere(b, r);
		put_syns(b, r);
	} else if (r->multipath.kind == MULTIPATH_DROPPED) {
		buf_puts(b, "connected only after ");
		buf_put_time(b, r->connect_us);
		buf_printf(b,
			   ": %u SYN%s with MPTCP's option got no answer, the first "
			   "without it did; rtt ",
			   r->lost, r->lost == 1 ? "" : "s");
		buf_put_time(b, r->tcp.rtt);
	} else if (r->loss == PROBE_LOSS_SLOW) {
		buf_puts(b, "rtt ");
		buf_put_time(b, r->tcp.rtt ? r->tcp.rtt : r->connect_us);
		buf_puts(b, ": the path is slow, nothing was lost");
	} else if (r->loss != PROBE_LOSS_NONE) {
		buf_printf(b, "connected only after ");
		buf_put_time(b, r->connect_us);
		buf_printf(b, ": %s %s", r->lost == 1 ? "the first SYN was" : "SYNs were",
			   losses[r->loss]);
		if (r->loss == PROBE_LOSS_SYN) {
			buf_puts(b, "; rtt ");
			buf_put_time(b, r->tcp.rtt);
		}
	} else if (r->has_tcp && r->tcp.rtt) {
		buf_puts(b, "rtt ");
		buf_put_time(b, r->tcp.rtt);
	} else {
		buf_puts(b, "connected");
		put_after(b, r->connect_us);
	}
	if (r->hedges)
		put_hedges(b, r);
	if (r->verified)
		buf_puts(b, ", verified");
	if (r->mptcp >= 0)
		buf_puts(b, r->mptcp ? ", MPTCP" : ", fell back to TCP");
	if (r->phantoms)
		buf_printf(b, ", after %u connection%s to itself", r->phantoms,
			   r->phantoms == 1 ? "" : "s");
	if (r->http_status)
		buf_printf(b, ", HTTP %d", r->http_status);
	if (r->n_answer) {
		buf_puts(b, ", says: ");
		put_answer(b, r);
	}
	if (r->told[0])
		buf_printf(b, ": %s", r->told);
}

static void put_refused(struct buf *b, const struct probe_result *r)
{
	if (r->peer.family == AF_VSOCK) {
		buf_puts(b, "nobody listens there");
		return;
	}
	buf_puts(b, "RST");
	put_after(b, r->connect_us);
	if (r->sent_back && is_elsewhere(r)) {
		buf_puts(b, ": NAT of this host redirects it to ");
		addr_put(b, &r->sent_to);
		buf_puts(b, " of this host itself, and nothing listens there");
		return;
	}
	put_elsewhere(b, r);
	if (r->told[0]) {
		buf_printf(b, ": %s", r->told);
		return;
	}
	if (r->own && !r->listened && r->heard != PROBE_HEARD_TAKEN) {
		buf_puts(b, ": it is an address of this host, and nothing listens there");
		return;
	}
	buf_puts(b, r->listened ? ", though a program of this host listens there"
		    : r->heard == PROBE_HEARD_TAKEN
			    ? ": the host is up, and took another connection before"
			    : ": the host is up, nothing listens there");
}

static void put_unreachable(struct buf *b, const struct probe_result *r)
{
	struct addr a = { 0 };

	endpoint_addr(&r->peer, &a);
	if (r->loopback_down) {
		buf_puts(b, "the loopback interface is down");
	} else if (r->told[0]) {
		buf_puts(b, r->told);
	} else if (r->icmp.family && !r->icmp.own) {
		put_icmp(b, r);
	} else if (is_elsewhere(r)) {
		buf_puts(b, "NAT of this host sends it to ");
		addr_put(b, &r->sent_to);
		buf_puts(b, ", for which ");
		silent_hop_put(b, &r->silent_hop, &r->sent_to, r->connect_us);
	} else if (!r->at_once) {
		silent_hop_put(b, &r->silent_hop, &a, r->connect_us);
	} else if (r->err == EINVAL && addr_is_link_local(&a) && !a.scope) {
		buf_puts(b,
			 "a link-local address needs its interface: [fe80::1%eth0]:80");
	} else if (r->err == EINVAL) {
		buf_puts(b,
			 "a blackhole route, or a source address that cannot go there: "
			 "see 'ip route get'");
	} else if (r->err == ENETUNREACH && r->peer.proto != TARGET_UDP &&
		   addr_is_multicast(&a)) {
		buf_puts(b, "TCP has no connections to multicast or broadcast addresses "
			    "(ENETUNREACH)");
	} else {
		buf_printf(b, "no route from this host (%s)", strerrorname_np(r->err));
	}
}

static void put_translated(struct buf *b, const struct probe_result *r)
{
	buf_printf(b, "no answer to %u SYN%s in ", r->lost + 1, r->lost ? "s" : "");
	buf_put_time(b, r->connect_us);
	if (!r->sent_to.family) {
		buf_puts(b, ", and none was seen to leave this host: no neighbour "
			    "answers, perhaps for an address that NAT puts in (see 'ip "
			    "neigh'), a tc filter drops it, or an IPsec policy wraps it; "
			    "probe it without --syn");
		return;
	}
	buf_puts(b, ", which NAT of this host sends ");
	buf_puts(b, is_elsewhere(r) ? "to " : "from ");
	addr_put(b, is_elsewhere(r) ? &r->sent_to : &r->sent_from);
	buf_puts(b, ": this does not tell whether a connection would be answered; probe "
		    "it without --syn");
}

/* The look-up of the name has left less time than it took. */
static bool is_cut_short(const struct probe_result *r)
{
	return r->name_us >= RESOLVE_SLOW_US && r->connect_us < r->name_us &&
	       !r->tcp.total_retrans;
}

static void put_who_may_drop(struct buf *b, const struct probe_result *r)
{
	buf_puts(b, ": a firewall drops them");
	if (r->multipath.kind == MULTIPATH_UNANSWERED)
		buf_puts(b, ", or only those with MPTCP's option");
	buf_puts(b, unheard_is_told(&r->unheard) ? ", this host drops the answers" : "");
	buf_puts(b, ", or the host is down");
}

/* Who drops it: what this host has counted, or seen, changes the list. */
static void put_who_drops(struct buf *b, const struct probe_result *r)
{
	if (r->unheard.seen)
		buf_puts(b, ": this host drops the answers");
	else if (r->heard == PROBE_HEARD_REFUSAL)
		buf_puts(b, ", though it refused another attempt before");
	else if (r->heard == PROBE_HEARD_TAKEN)
		buf_puts(b, ", though it took another connection before");
	else if (r->own && r->told[0])
		buf_printf(b, ": %s", r->told);
	else if (r->own)
		buf_puts(b,
			 ": it is an address of this host, so a rule of this host drops "
			 "them, or its NAT sends them elsewhere");
	else
		put_who_may_drop(b, r);
}

static void put_filtered(struct buf *b, const struct probe_result *r)
{
	if (r->has_tcp || r->half_open) {
		unsigned syns = 1 + (r->half_open ? r->lost : r->tcp.total_retrans);

		buf_printf(b, "no answer to %u SYN%s in ", syns, syns == 1 ? "" : "s");
		buf_put_time(b, r->connect_us);
		if (is_cut_short(r) && !r->unheard.seen) {
			buf_puts(b, ", which may be too short");
			return;
		}
		if (known_rtt_explains(&r->known, r->connect_us) && !r->unheard.seen) {
			buf_puts(b, ": ");
			known_rtt_put_slow(b, &r->known);
			return;
		}
		put_who_drops(b, r);
	} else {
		buf_puts(b, "no answer in ");
		buf_put_time(b, r->connect_us);
		if (r->peer.family == AF_VSOCK)
			buf_puts(b, ": no machine has this CID, or no transport of this "
				    "kernel leads to it");
	}
}

static void put_denied(struct buf *b, const struct probe_result *r)
{
	if (r->icmp.family) {
		icmp_put_own(b, &r->icmp);
		put_after(b, r->connect_us);
	} else if (r->told[0]) {
		buf_puts(b, r->told);
	} else if (r->peer.family == AF_UNIX) {
		buf_printf(b, "this host forbids it (%s): a policy",
			   strerrorname_np(r->err));
	} else if (r->err == EACCES) {
		buf_puts(b, "this host forbids it (EACCES): a prohibit route, or a "
			    "broadcast address");
	} else {
		buf_puts(b,
			 "this host forbids it (EPERM): a firewall rule in OUTPUT, or a "
			 "policy");
	}
}

static void put_ended(struct buf *b, const struct probe_result *r, const char *how)
{
	buf_printf(b, "accepted, then %s by the peer", how);
	if (r->life_us)
		put_after(b, r->life_us);
	if (r->missed)
		buf_printf(b, ", without %s", r->missed);
	if (r->n_answer) {
		buf_puts(b, "; it said: ");
		put_answer(b, r);
	}
}

static void put_stall(struct buf *b, const struct probe_result *r)
{
	if (r->stall.side == STALL_TOWARDS_US)
		buf_puts(b,
			 ": more of it is here, behind a segment that does not arrive");
	else if (r->stall.side == STALL_TOWARDS_PEER)
		buf_puts(b, ": what was sent does not arrive");
}

static void put_silent(struct buf *b, const struct probe_result *r)
{
	buf_printf(b, "%s, but %s did not come",
		   r->peer.proto == TARGET_UDP ? "answered"
		   : r->accepted == KNOWN_ON   ? "accepted"
					       : "connected",
		   r->missed ? r->missed : "an answer");
	put_stall(b, r);
	if (r->n_answer) {
		buf_puts(b, "; it said: ");
		put_answer(b, r);
	}
}

static void put_unexpected(struct buf *b, const struct probe_result *r)
{
	struct addr asked = { 0 };

	if (r->answered_from.family && !r->first_byte_us) {
		endpoint_addr(&r->peer, &asked);
		elsewhere_put(b, &asked, &r->answered_from);
		return;
	}
	buf_puts(b, "answered");
	if (r->http_status)
		buf_printf(b, " HTTP %d", r->http_status);
	buf_printf(b, ", but without %s", r->missed ? r->missed : "what was expected");
	put_stall(b, r);
	if (r->life_us) {
		buf_printf(b, ", then %s", r->err ? "reset" : "closed");
		put_after(b, r->life_us);
	}
	if (r->n_answer) {
		buf_puts(b, "; it said: ");
		put_answer(b, r);
	}
}

static void put_queue_full(struct buf *b, const struct probe_result *r)
{
	if (r->queue)
		buf_printf(b,
			   "the server's accept queue is full (%u/%u): it does not "
			   "accept",
			   r->queue, r->queue_limit);
	else if (r->queue_drops)
		buf_printf(b,
			   "the server's accept queue was full when it was asked: %u "
			   "packet%s dropped meanwhile; it has room by now",
			   r->queue_drops, r->queue_drops == 1 ? " was" : "s were");
	else
		buf_puts(b, "the server's queue is full: it does not accept");
}

/* A full queue drops the SYN of a second connect(), too, but the queue may be another by
 * then. */
static void put_ghost(struct buf *b, const struct probe_result *r)
{
	static const char *const causes[] = {
		[PROBE_AGAIN_NOT_ASKED] =
			"our ACKs do not reach it, or its accept queue was full just "
			"then",
		[PROBE_AGAIN_ANSWERED] =
			"a second connect() was answered at once, so probably our ACKs "
			"do not reach it (a firewall that sees one direction only); or "
			"its accept queue was full and has room by now, or several "
			"servers share the address (SO_REUSEPORT, a load balancer)",
		[PROBE_AGAIN_SILENT] =
			"a second connect() was not answered, so probably its accept "
			"queue is full; or the path to it is broken by now",
		[PROBE_AGAIN_REFUSED] =
			"a second connect() was refused, so it ended meanwhile, or "
			"several servers share the address, or a firewall rejects it",
	};

	buf_puts(b, "connected, but the server acknowledges nothing but our SYN");
	if (r->answers > 1)
		buf_puts(b, " and sends its SYN-ACK again");
	buf_printf(b, ": %s", causes[r->again]);
}

static void put_no_port(struct buf *b, const struct probe_result *r)
{
	buf_puts(b, r->peer.proto == TARGET_UDP
			    ? "no local port is left for a UDP socket"
			    : "no local port is left for this destination");
	if (r->ports_used)
		buf_printf(b, ": %u are in use towards it", r->ports_used);
	buf_puts(b, " (net.ipv4.ip_local_port_range)");
}

static void put_error(struct buf *b, const struct probe_result *r)
{
	if (r->told[0])
		buf_puts(b, r->told);
	else if (r->peer.family == AF_VSOCK &&
		 (r->err == ENODEV || r->err == EADDRNOTAVAIL))
		buf_puts(b, "this kernel has no vsock transport to that CID: guests have "
			    "virtio, hosts vhost_vsock, CID 1 wants vsock_loopback");
	else
		buf_puts(b, strerror(r->err));
}

static void put_missing_path(struct buf *b, const struct probe_result *r)
{
	buf_puts(b, endpoint_is_abstract(&r->peer)
			    ? "no socket of this network namespace listens under this "
			      "abstract name"
			    : "there is no such path");
}

static void put_wrong_type(struct buf *b, const struct probe_result *r)
{
	if (r->file_kind)
		buf_printf(b, "there is %s, not a socket", r->file_kind);
	else
		buf_puts(b, "the socket there is of another type: try unix:, unix-dgram: "
			    "or unix-seqpacket:");
}

static void put_self_connect(struct buf *b, const struct probe_result *r)
{
	buf_printf(b,
		   "the kernel chose the target's own port as ours, %u time%s in a row: "
		   "nothing listens there",
		   r->phantoms, r->phantoms == 1 ? "" : "s");
}

static void put_outcome(struct buf *b, const struct probe_result *r)
{
	switch (r->outcome) {
	case OUTCOME_NOT_ASKED:
		buf_puts(b, "not asked: the probe ended before");
		break;
	case OUTCOME_OPEN:
		put_open(b, r);
		break;
	case OUTCOME_REFUSED:
		put_refused(b, r);
		break;
	case OUTCOME_REFUSED_ICMP:
	case OUTCOME_REJECTED:
		put_icmp(b, r);
		break;
	case OUTCOME_UNREACHABLE:
		put_unreachable(b, r);
		break;
	case OUTCOME_FILTERED:
		put_filtered(b, r);
		break;
	case OUTCOME_TRANSLATED:
		put_translated(b, r);
		break;
	case OUTCOME_DENIED_LOCAL:
		put_denied(b, r);
		break;
	case OUTCOME_CLOSED_AFTER_ACCEPT:
		put_ended(b, r, "closed");
		break;
	case OUTCOME_RESET_AFTER_ACCEPT:
		put_ended(b, r, "reset");
		break;
	case OUTCOME_UNEXPECTED:
		put_unexpected(b, r);
		break;
	case OUTCOME_SILENT:
		put_silent(b, r);
		break;
	case OUTCOME_GHOST:
		put_ghost(b, r);
		break;
	case OUTCOME_NO_PORT:
		put_no_port(b, r);
		break;
	case OUTCOME_SELF_CONNECT:
		put_self_connect(b, r);
		break;
	case OUTCOME_QUEUE_FULL:
		put_queue_full(b, r);
		break;
	case OUTCOME_RATE_LIMITED:
		buf_puts(b,
			 "no answer, but neither does a port that answered before: the "
			 "host limits its ICMP errors");
		break;
	case OUTCOME_OPEN_OR_FILTERED:
		buf_puts(b, "no answer in ");
		buf_put_time(b, r->connect_us);
		buf_puts(b, r->unheard.seen
				    ? ": this host drops the answers"
				    : ", which a silent service gives as well as a "
				      "firewall");
		break;
	case OUTCOME_NO_NAME:
	case OUTCOME_NAME_TIMEOUT:
		buf_puts(b, r->told);
		break;
	case OUTCOME_MISSING_PATH:
		put_missing_path(b, r);
		break;
	case OUTCOME_STALE_UNIX:
		buf_puts(b, "the socket file is there, but nobody listens behind it");
		break;
	case OUTCOME_WRONG_TYPE:
		put_wrong_type(b, r);
		break;
	case OUTCOME_NO_PERMISSION:
		buf_puts(b, "the permissions of the path forbid it");
		break;
	case OUTCOME_ERROR:
		put_error(b, r);
		break;
	case OUTCOME_COUNT:
		break;
	}
}

void probe_put_slow_name(struct buf *b, uint64_t name_us)
{
	if (name_us < RESOLVE_SLOW_US)
		return;
	buf_puts(b, "; the look-up of the name took ");
	buf_put_time(b, name_us);
}

void probe_put_reason(struct buf *b, const struct probe_result *r)
{
	put_outcome(b, r);
	if (r->outcome != OUTCOME_NO_NAME && r->outcome != OUTCOME_NAME_TIMEOUT)
		probe_put_slow_name(b, r->name_us);
	if (r->cut)
		buf_puts(b, "; a record was longer than 64 KiB: the rest of it is lost");
}
