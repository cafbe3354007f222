/*
 * What a socket is: the facts of one row, as the kernel told them, in host byte order. A
 * streaming row's pointers lead into the netlink message and live until the next row;
 * sock_dup() makes a copy that lives as long as an arena.
 */
#pragma once

#include "base/mem.h"
#include "model/addr.h"
#include "model/owner_status.h"

enum sock_proto {
	PROTO_TCP,
	PROTO_UDP,
	PROTO_UNIX_STREAM,
	PROTO_UNIX_DGRAM,
	PROTO_UNIX_SEQPACKET,
	PROTO_COUNT,
};

/* The kernel's numbers (include/net/tcp_states.h); they are bit numbers of idiag_states.
 */
enum sock_state {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT,
	STATE_SYN_RECV,
	STATE_FIN_WAIT1,
	STATE_FIN_WAIT2,
	STATE_TIME_WAIT,
	STATE_CLOSE,
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_LISTEN,
	STATE_CLOSING,
	STATE_NEW_SYN_RECV, /* the kernel's own; shown as SYN_RECV */
	STATE_BOUND_INACTIVE,
	STATE_COUNT,
};

/* Sets of states, as idiag_states wants them. */
enum {
	STATES_ALL = (1 << STATE_COUNT) - 2,
	STATES_DEFAULT = STATES_ALL & ~(1 << STATE_BOUND_INACTIVE),
	STATES_SYN_RECV = 1 << STATE_SYN_RECV | 1 << STATE_NEW_SYN_RECV,
	/* As ss means it: all but LISTEN and CLOSE. */
	STATES_CONNECTED = STATES_DEFAULT & ~(1 << STATE_LISTEN | 1 << STATE_CLOSE),
	STATES_SYNCHRONIZED = STATES_CONNECTED & ~(1 << STATE_SYN_SENT),
	STATES_BUCKET = STATES_SYN_RECV | 1 << STATE_TIME_WAIT,
};

/* Which of the optional facts the kernel sent. */
enum sock_has {
	SOCK_HAS_SHUTDOWN = BIT(0),
	SOCK_HAS_MARK = BIT(1),
	SOCK_HAS_CGROUP = BIT(2),
	SOCK_HAS_OPTIONS = BIT(3),
	SOCK_HAS_V6ONLY = BIT(4),
	SOCK_HAS_TOS = BIT(5),
	SOCK_HAS_TCLASS = BIT(6),
	SOCK_HAS_CLASS_ID = BIT(7),
	SOCK_HAS_PEER_INODE = BIT(8),
	SOCK_HAS_VFS = BIT(9),
	SOCK_HAS_UID = BIT(10),
	SOCK_HAS_QUEUES = BIT(
		11), /* recv_queue and send_queue; a TIME_WAIT row has none */
	SOCK_HAS_TIMER = BIT(12),
	SOCK_HAS_COOKIE = BIT(13),
	SOCK_IS_FULL = BIT(14), /* a full socket, not a request or a TIME_WAIT remnant */
	SOCK_HAS_LIMIT = BIT(
		15), /* of a listener: send_queue is the backlog (not so in /proc/net) */
	SOCK_HAS_DROPS = BIT(16),     /* drops, beside skmem: from /proc/net */
	SOCK_MAY_BE_FORGED = BIT(17), /* a line of /proc/net/unix, where a name may hold a
					 newline and what looks like a row */
	SOCK_AWAITS_ACCEPT = BIT(21), /* a unix client in the queue of a listener */
	SOCK_HAS_PEER_VFS = BIT(22),
	/* Of a recorded dump, which does not say what they are called. */
	SOCK_LACKS_USER = BIT(18),
	SOCK_LACKS_DEVICE = BIT(19),
	SOCK_LACKS_CGROUP = BIT(20),
	SOCK_LACKS_STORAGES = BIT(21), /* ... or what BPF programs keep for them */
};

/* SK_MEMINFO_*: indices of the INET_DIAG_SKMEMINFO attribute (linux/sock_diag.h). */
enum sock_mem {
	SOCK_MEM_RMEM,
	SOCK_MEM_RCVBUF,
	SOCK_MEM_WMEM,
	SOCK_MEM_SNDBUF,
	SOCK_MEM_FORWARD,
	SOCK_MEM_WMEM_QUEUED,
	SOCK_MEM_OPTMEM,
	SOCK_MEM_BACKLOG,
	SOCK_MEM_DROPS,
};

/* Bytes that somebody else owns. */
struct blob {
	const void *data;
	uint32_t len;
};

/* One descriptor that refers to a socket. */
struct holder {
	const struct holder *next;
	const char *command; /* /proc/PID/comm, raw bytes of a foreign program */
	int32_t pid;
	int32_t fd;
	bool unnamed; /* its name could not be read: command is "?" */
};

/* One that waits for accept(), as it is asked for again. */
struct waiter {
	uint64_t cookie;
	struct addr local, peer;
	uint32_t ifindex;
	uint32_t wait_ms; /* 0 if not known */
};

enum { ACCEPT_HOSTS = 3 };

/* What is known of a listener's queues beyond its own row; made by one walk over its
 * port. */
struct accept_stats {
	uint32_t syn_queue;   /* half-open requests */
	uint32_t syn_retrans; /* SYN-ACKs that were sent again, over all of them */
	uint32_t waiting;     /* established and not accepted, as rows show them */
	uint32_t closed;      /* of these: the client has closed its side since */
	uint32_t gave_up;     /* reset by the client while queued: queued minus waiting */
	uint32_t longest_wait_ms; /* 0 if nobody waits */
	uint32_t unaged;	  /* of those that wait, how many do not say how long */
	uint32_t oldest_wait_ms;  /* of `oldest`; may be a few ms less */
	struct addr oldest;	  /* the client that waits longest; family 0 = none */
	struct {
		struct addr addr; /* address alone */
		uint32_t n;
	} hosts[ACCEPT_HOSTS];	  /* where those that wait come from, as first met */
	uint32_t other_hosts;	  /* connections from further hosts */
	const struct waiter *who; /* those that wait, the oldest first; of a group all */
	uint32_t n_who;
	bool attributable; /* false: a SO_REUSEPORT group, not this member's own figures
			    */
	bool stable;   /* the queue stood still between the readings: gave_up is exact */
	bool has_wait; /* longest_wait_ms was read */
};

/* The listener whose queue an un-accepted connection waits in. */
struct listener_ref {
	struct addr addr;
	uint64_t cookie;
	uint32_t members; /* 1 = this one; more = one of a SO_REUSEPORT group, cannot be
			     told which */
};

/* What became of MPTCP on a connection, or of a listener: whether it takes it. */
enum sock_mptcp {
	SOCK_MPTCP_NO,
	SOCK_MPTCP_YES,
	SOCK_MPTCP_FALLBACK, /* a socket of MPTCP whose connection is plain TCP */
	SOCK_MPTCP_UNKNOWN,
};

/*
 * Options that only the owner's descriptor tells (pidfd_getfd and getsockopt), each as
 * getsockopt() gives it but for times, which are in milliseconds. All ones = not known,
 * or -1.
 */
struct sock_options {
	uint64_t reuseaddr, reuseport, v6only;
	uint64_t nonblock; /* O_NONBLOCK, of the open file */
	uint64_t keepalive, keepidle_ms, keepintvl_ms, keepcnt;
	uint64_t nodelay, cork, quickack, user_timeout_ms, notsent_lowat, maxseg;
	uint64_t window_clamp, syncnt, defer_accept_ms, fastopen_qlen, linger2_ms;
	uint64_t linger, linger_ms;
	uint64_t rcvbuf, sndbuf, rcvlowat;
	uint64_t buffers_set; /* BUFFER_SEND | BUFFER_RECEIVE: by the program; Linux 5.14
			       */
	uint64_t local_port_min, local_port_max; /* 0 = the system's */
	uint64_t priority, busy_poll_us, incoming_cpu;
	uint64_t broadcast, dontroute, oobinline, passcred, timestamp;
	uint64_t mptcp; /* enum sock_mptcp */
};

/* SO_BUF_LOCK. */
enum { BUFFER_SEND = 1, BUFFER_RECEIVE = 2 };

/* What runs for a socket: idiag_timer of sock_diag(7). */
enum sock_timer {
	TIMER_NONE,
	TIMER_RETRANSMIT,
	TIMER_KEEPALIVE, /* also other timers of the socket */
	TIMER_REMNANT, /* TIME_WAIT, and FIN_WAIT2 without an owner: what is left of it */
	TIMER_WINDOW_PROBE, /* the peer's window is closed */
};

struct sock {
	uint8_t proto;	/* enum sock_proto */
	uint8_t family; /* AF_INET, AF_INET6 (also for v4-mapped), AF_UNIX */
	uint8_t state;	/* enum sock_state; never STATE_NEW_SYN_RECV */
	uint8_t timer;	/* enum sock_timer */
	uint8_t retrans;
	uint8_t shutdown; /* 1 = receiving, 2 = sending */
	uint8_t tos, tclass;
	uint32_t has; /* enum sock_has */
	struct addr local, peer;
	uint64_t cookie;
	uint64_t cgroup_id;
	uint32_t ifindex;
	uint32_t expires_ms; /* of the timer */
	uint32_t recv_queue; /* raw: idiag_rqueue; of a listener the connections queued */
	uint32_t send_queue; /* raw: idiag_wqueue; of a listener the backlog */
	uint32_t uid, inode, mark, class_id;
	uint16_t options; /* struct inet_diag_sockopt, bit by bit */
	uint8_t v6only;
	uint8_t owner_status; /* enum owner_status */
	uint8_t peer_owner_status;

	struct blob tcp_info; /* linux/tcp.h struct tcp_info, as long as this kernel has
				 it; none of a listener, where it repeats the queue */
	struct blob skmem;    /* uint32_t[], enum sock_mem */
	struct blob meminfo;  /* uint32_t[4]: rmem, wmem, fmem, tmem */
	struct blob cong;     /* name of the congestion control, may end in NUL */
	struct blob vegas, dctcp, bbr; /* its details */
	/* Lists of attributes and of structs, as the kernel sent them
	 * (model/field/attached.c).
	 */
	struct blob
		ulp; /* of the upper layer protocol: its name, what tls or mptcp tell */
	struct blob md5; /* struct tcp_diag_md5sig[] */
	struct blob bpf_storages;

	struct blob path;      /* unix: the name, raw; an abstract one starts with NUL */
	struct blob peer_path; /* unix: the peer's name, joined by its inode */
	struct blob waiting_clients; /* unix listener: uint32_t inodes of the queued
					clients */
	uint32_t peer_inode;
	uint32_t vfs_inode, vfs_dev;
	uint32_t peer_vfs_inode, peer_vfs_dev; /* joined with the name */
	uint32_t drops;

	/* Added by collection when asked for; NULL otherwise. */
	const struct holder *holders;
	const struct holder *peer_holders;
	const char *user;
	const char *cgroup; /* path below the cgroup root */
	const char *device; /* interface name of ifindex */
	const struct accept_stats *accept;
	const struct listener_ref *listener;
	struct blob
		owner_options; /* struct sock_options; empty = not asked or not readable
				*/
};

static inline bool sock_is_unix(const struct sock *s)
{
	return s->family == AF_UNIX;
}

static inline bool sock_is_listener(const struct sock *s)
{
	return s->state == STATE_LISTEN;
}

/*
 * A connection that no program has accepted: the kernel shows it without inode (a closed
 * one leaves these states at once, an owned one has an inode).
 */
static inline bool sock_is_unaccepted(const struct sock *s)
{
	return s->proto == PROTO_TCP && s->inode == 0 && (s->has & SOCK_IS_FULL) &&
	       (s->state == STATE_ESTABLISHED || s->state == STATE_CLOSE_WAIT ||
		s->state == STATE_SYN_RECV);
}

enum {
	/* The peer's FIN is in our receive queue until the program reads past it. */
	STATES_FIN_RECEIVED = 1 << STATE_CLOSE_WAIT | 1 << STATE_LAST_ACK |
			      1 << STATE_CLOSING,
	/* Our FIN, or our SYN, is sent and not acknowledged, or waits to be sent. */
	STATES_FLAG_UNACKED = 1 << STATE_SYN_SENT | 1 << STATE_SYN_RECV |
			      1 << STATE_FIN_WAIT1 | 1 << STATE_CLOSING |
			      1 << STATE_LAST_ACK,
};

/* The same of either end: of a unix connection only the client has a row. */
static inline bool sock_awaits_accept(const struct sock *s)
{
	return sock_is_unaccepted(s) || (s->has & SOCK_AWAITS_ACCEPT);
}

/* Its options: freebind and transparent of struct inet_diag_sockopt. False where they are
 * not known (SOCK_HAS_OPTIONS). */
static inline bool sock_is_freebind(const struct sock *s)
{
	return (s->has & SOCK_HAS_OPTIONS) && (s->options & BIT(2));
}

static inline bool sock_is_transparent(const struct sock *s)
{
	return (s->has & SOCK_HAS_OPTIONS) && (s->options & BIT(5));
}

/* Bytes, without the FIN or SYN that the kernel counts as one. Listeners: not defined. */
/* The two ends of one connection, both on this host. */
bool sock_are_ends(const struct sock *a, const struct sock *b);

/* Whether the other end is on this host, as far as the row itself tells: then a wildcard
 * listener may be the one. */
bool sock_peer_is_here(const struct sock *s);

/* Whether its program may write, as poll() would say it: a third of the send buffer is
 * free. True where that is not known. */
bool sock_is_writable(const struct sock *s);

static inline uint32_t sock_recv_bytes(const struct sock *s)
{
	bool flag = s->proto == PROTO_TCP && (BIT(s->state) & STATES_FIN_RECEIVED);

	return s->recv_queue - (s->recv_queue && flag);
}

static inline uint32_t sock_send_bytes(const struct sock *s)
{
	bool flag = s->proto == PROTO_TCP && (BIT(s->state) & STATES_FLAG_UNACKED);

	return s->send_queue - (s->send_queue && flag);
}

/* A backlog of N holds N + 1: the kernel drops when more than N wait. */
static inline uint64_t accept_queue_capacity(uint32_t limit)
{
	return (uint64_t)limit + 1;
}

static inline bool accept_queue_is_full(uint32_t queued, uint32_t limit)
{
	return queued > limit;
}

static inline uint64_t accept_queue_percent(uint32_t queued, uint32_t limit)
{
	return (uint64_t)queued * 100 / accept_queue_capacity(limit);
}

/* Whether s is a listener whose queue and backlog are both known. */
static inline bool sock_has_accept_queue(const struct sock *s)
{
	const uint32_t both = SOCK_HAS_QUEUES | SOCK_HAS_LIMIT;

	return sock_is_listener(s) && (s->has & both) == both;
}

/* A listener that drops what comes now. */
static inline bool sock_is_queue_full(const struct sock *s)
{
	return sock_has_accept_queue(s) &&
	       accept_queue_is_full(s->recv_queue, s->send_queue);
}

/* The name of a unix socket, harmless to a terminal; "@" begins an abstract one. */
void sock_put_path(struct buf *b, const struct blob *path);

/* A 32-bit or 64-bit member of tcp_info at offset; false if this kernel did not send it.
 */
bool sock_info_u32(const struct sock *s, size_t offset, uint32_t *value);
bool sock_info_u64(const struct sock *s, size_t offset, uint64_t *value);

/* The same of skmem. */
bool sock_mem_u32(const struct sock *s, enum sock_mem index, uint32_t *value);

/* Ends the list at *link with a copy of h, and moves *link behind it. The name is h's. */
struct holder *holder_append(struct arena *a, const struct holder ***link,
			     const struct holder *h);

/* A copy whose bytes and holders lie in the arena; other annotations outlive rows anyway.
 */
struct sock *sock_dup(struct arena *a, const struct sock *s);
