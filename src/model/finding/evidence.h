/*
 * What was read to confirm or refute the candidates of a detect: two readings, /proc,
 * owners. Plain data that kernel/evidence fills, as the rules say.
 */
#pragma once

#include "model/answer/known_rtt.h"
#include "model/counter/arrivals.h"
#include "model/finding/detect.h"
#include "model/finding/finding.h"
#include "model/halt.h"
#include "model/keeper.h"
#include "model/presence.h"

/* Counters of the namespace that rise with losses; a reading each. */
struct net_counters {
	uint64_t listen_overflows, listen_drops, syncookies_sent, reqq_full, tw_overflow;
	uint64_t udp_full;	/* datagrams that found a full buffer, IPv4 and IPv6 */
	uint64_t no_routes[2];	/* packets that this host could not send: IPv4, IPv6 */
	uint64_t udp_memory;	/* that found no memory for UDP as a whole */
	uint64_t tcp_pressures; /* times that TCP as a whole began to economize */
	uint64_t tcp_pruned;	/* times that a receive queue was squeezed for memory */
	bool known;
	int unread; /* errno, if reading one of them failed: none is known then */
};

/* What the host as a whole has left; a reading each. */
struct host_facts {
	uint64_t tcp_pages; /* memory of TCP's sockets, in all namespaces */
	/* tcp_mem: back to normal below the first, pressure above the second, nothing
	 * more above the third. Only the initial network namespace shows it. */
	uint64_t tcp_mem[3];
	bool tcp_pressed; /* the kernel economizes on that memory */
	/* Connection tracking of this namespace; the limit is one for all. */
	uint64_t tracked, most_tracked;
	uint64_t track_drops;  /* packets that were refused, for want of room mostly */
	uint64_t track_failed; /* of these: two packets made the same entry */
	uint64_t track_early;  /* entries that made room for new ones */
	uint64_t files, most_files; /* open files of all processes; roughly */
	bool knows_files;
	bool knows_tcp_memory, knows_tcp_mem, knows_tracked, knows_track_drops;
	int unread; /* errno, if reading one of them failed */
};

struct net_limits {
	uint64_t somaxconn, syn_backlog, tw_buckets, max_orphans;
	uint64_t abort_on_overflow, syncookies, tw_reuse, timestamps;
	uint64_t ephemeral_ports;     /* of the range, without the reserved ones */
	uint64_t ephemeral_listeners; /* of these: a listener has them, connect() not */
	uint64_t time_wait, orphans;  /* in use now (sockstat) */
	bool has_somaxconn, has_syn_backlog, has_tw_buckets, has_max_orphans,
		has_sockstat;
	int unread; /* errno, if reading one of them failed: that one is not known */
};

/* What a process does at the moment, as far as it may be read. */
struct doing {
	char state;	  /* 'R', 'S', 'D', 'T', 't' as ps shows it; 0 = not known */
	struct halt halt; /* what keeps it from running */
	int32_t parent;	  /* who started it */
	uint64_t program; /* the inode of its executable; 0 = not known */
	uint64_t threads;
	const char *call;  /* the system call it sleeps in, if it is of one thread */
	int32_t fd;	   /* which that call is about; -1 = none */
	const char *wchan; /* the kernel's function it sleeps in, or NULL */
};

/* A burst that has ended is in one of them, what goes on is in both. */
enum { GROWTH_READINGS = 2 };

/* Whether a process runs while it is watched; from its status, twice. */
struct pulse {
	uint32_t threads;
	uint64_t switches[2]; /* times its first thread has gone to sleep */
	bool known[2];
};

/* TCP sockets of a process that can take no more: their send buffers are full. Not those
 * that it should read from and does not. */
struct outlets {
	uint32_t n;
	uint64_t bytes;
	struct addr peer; /* of one of them */
};

struct process_facts {
	int32_t pid;
	const char *command;
	uint32_t uid;	      /* its effective user; root where its memory is protected */
	const char *unit;     /* systemd unit, or NULL */
	struct keeper keeper; /* what keeps it running */
	struct doing doing;
	struct addr container; /* behind a docker-proxy; family 0 = it is none */
	uint16_t published;    /* the port of this host that leads to it, or 0 */
	uint64_t fds, fd_limit;
	uint64_t fd_most; /* the hard limit, up to which its owner may raise it */
	bool known;	  /* fds and fd_limit were read */
	/* AGAIN_GROWTH: how many sockets of the rule's states it holds, in the dump of
	 * all rows and in so many readings after it. */
	uint32_t leaked[GROWTH_READINGS + 1];
	uint8_t readings;
	bool listens; /* holds a listener; read where it may leak */
	struct pulse pulse;
	struct outlets outlets;
};

/* What a process that holds a listener waits for; of its threads, the first here. */
enum waits {
	WAITS_UNKNOWN, /* it runs, waits for one thing alone, or may not be read */
	WAITS_LOOP,    /* in epoll, for others */
	WAITS_POLL,    /* in select() or poll(), for others */
	WAITS_SIGNAL,  /* for children and signals */
	WAITS_HERE,    /* for this listener, in accept(), select(), poll() or epoll */
};

/* A process that holds a listener: whether it is the one that accepts. */
struct acceptor {
	const struct holder *holder; /* its first descriptor */
	enum waits waits;
	bool serves;	/* holds a connection of the listener */
	bool bystander; /* it does not accept from it */
};

/* A listener, twice. */
struct listener_facts {
	const struct sock *row; /* as shown */
	uint32_t queued[2], limit;
	uint64_t drops[2];
	struct accept_stats stats[2];
	bool read[2], has_drops;
	bool shadow;  /* another listener has the port too */
	bool crowded; /* somebody is in its queue, or half-open somewhere */
	bool suspect; /* its queue, or the half-open ones before it, deserve a second look
		       */
	/* Of those that waited in the first reading, by the second: surely accepted;
	 * gone, which is accepted and closed, or reset by the client. */
	uint32_t accepted, gone;
	uint32_t members; /* of its SO_REUSEPORT group, itself included */
	/* A unix listener: inodes of the clients that wait, the first come first; 0 = has
	 * closed meanwhile. How many of the first reading still wait in the second. */
	struct blob clients[2];
	uint32_t still;
	const struct holder *client_holders; /* of those in the first reading */
	const struct holder *holders;
	/* One a process, of a listener that waits for accept(); none = not read. */
	struct acceptor *acceptors;
	size_t n_acceptors;
	const struct holder *actors; /* the holders without the bystanders */
};

/* A process that holds sockets connected to a unix datagram socket. */
struct sender {
	const struct holder *holder; /* its first descriptor of them */
	int32_t task;	   /* its thread that waited to send; 0 = none; -1 = not known */
	uint64_t switches; /* times that thread had gone to sleep */
	bool stands;	   /* it has not been woken up since */
};

/* A unix datagram socket that has something to read, twice. `queued` is the length of the
 * next datagram, the clients are the sockets connected to it. */
struct receiver_facts {
	struct listener_facts l;
	struct sender *senders;
	size_t n_senders;
	size_t unseen; /* clients of which it is not known who waits with them */
};

/* What a connection has sent so far. */
struct sent_facts {
	uint64_t bytes, bytes_again; /* of these: sent more than once */
	uint32_t again;		     /* in so many segments */
	uint32_t duplicates;	     /* of these: the peer had them already (D-SACK) */
};

/* For how long, so far, it had data to send, and what held that back. */
struct held_facts {
	uint64_t busy_us, window_us, buffer_us;
};

/* What all looks at a connection say together (looks.c): those of the two readings, and
 * of a rule with `samples` those between them. */
struct looks {
	uint32_t n;
	uint32_t window_least, window_most; /* the peer's */
	uint32_t filled;      /* it had no room for what was still to be sent */
	uint32_t all_in;      /* both windows had room for all that the send buffer had */
	uint32_t full;	      /* the send buffer took no more */
	uint32_t small;	      /* less than a segment waited behind a single one */
	uint32_t small_anew;  /* of these: behind another one than the last time */
	uint64_t small_after; /* bytes sent by then */
	uint32_t small_most_ms; /* for so long */
	uint32_t corked;	/* data waited behind nothing at all */
	uint32_t overdue_most_ms;
};

/* Whether this host can send what a connection holds, as asked after the readings. */
struct way_out {
	enum presence source; /* its local address */
	int route; /* why there is no route for what it sends: errno; 0 = there is one,
		      -1 = it could not be asked */
};

/* Packets of a family that this host made and did not send, between the readings. */
struct stopped_packets {
	bool known; /* older kernels do not count what is sent */
	uint64_t n;
};

/* A connection, twice. */
struct connection_facts {
	const struct sock *row;
	uint32_t recv[2], send[2];
	uint64_t acked[2], received[2];
	uint32_t age_ms;	       /* CLOSE_WAIT: at least so long */
	uint32_t sent_ms, received_ms; /* since data last went, came */
	uint32_t rcvbuf, rmem[2], snd_wnd, rcv_wnd, retrans, rto_us;
	uint64_t drops[2];
	uint8_t backoff;	       /* of the timer: how often it was doubled */
	const struct way_out *way_out; /* NULL = not asked */
	struct known_rtt known;	       /* with `known_rtt`, of one that is not answered */
	uint32_t sacked, mss; /* segments that came behind a gap; of so many bytes */
	uint32_t pmtu;
	struct sent_facts sent[2];
	uint64_t busy_us; /* with data on the way */
	struct held_facts held[2];
	struct looks looks;
	uint32_t rtt_us, rtt_least_us; /* of the last five minutes */
	uint32_t cwnd;		       /* segments */
	uint32_t sndbuf, wmem;	       /* of which so much is in use */
	uint32_t reordered;	       /* times that segments overtook others */
	bool scales;		       /* both ends have agreed on larger windows */
	uint32_t unsent;	       /* bytes of SEND-Q that never left */
	uint32_t unacked;	       /* segments on the way */
	uint32_t answers; /* segments without data that came, the SYN-ACK among them; 0 =
			     not counted */
	uint8_t ca_state;
	uint32_t overtook[2]; /* segments that came before one that should be first */
	bool has_overtook;
	uint8_t probes; /* of keepalive, or of a closed window: since the last answer */
	uint32_t mark;
	bool has_mark;			/* only root is told */
	bool has_sent, has_send_window; /* older kernels tell neither */
	bool choked;			/* its send buffer is full */
	bool read[2];			/* still there, and the same */
	bool suspect;			/* the first look has not cleared it */
	bool has_info, has_mem, has_windows;
	/* With look_ends: a listener of this host has its port; the other end is on this
	 * host, half-closed by a program that waits for the answer. */
	bool has_listener, is_awaited;
	/* With LOOK_PLACE: the first of the suspects of the same address, in their order;
	 * NULL if it has it for itself. */
	const struct connection_facts *place;
	/* With LOOK_FAR_END: no socket of a network namespace that could be read is its
	 * other end, and no listener accepted it. */
	bool alone[2];
	const struct holder *holders;
	/* With `options`: those of the socket; NULL = they could not be read. */
	const struct sock_options *options;
};

/* Ephemeral ports that are nearly used up, from a local address towards one destination,
 * or towards all of them; and who holds them. */
struct port_user {
	int32_t pid;
	const char *command;
	uint32_t n;
};
enum { PORT_CROWDS = 16 };
struct port_crowd {
	struct addr local, peer; /* as IPv4 where it is; peer.family 0 = all */
	bool tells_bound;
	uint8_t udp;	      /* the ports of UDP sockets that one of these cannot have:
				 UDP_PORT_*; 0 = of TCP */
	uint32_t used, bound; /* towards all: different ports, those surely bound */
	struct port_user *users; /* the most first */
	size_t n_users;
	uint32_t unowned;
};

/* A socket whose address, or interface, is not what it was. */
struct stranded {
	const struct sock *row;
	enum presence is;
	const struct holder *holders;
};

/* net.ipv4.ip_nonlocal_bind, net.ipv6.ip_nonlocal_bind. */
enum nonlocal_bind { NONLOCAL_OFF, NONLOCAL_ON, NONLOCAL_UNKNOWN };

/* A unix server that no path leads to: not its own, where it is looked up. */
struct lost_file {
	const struct sock *row;
	const struct holder *holders;
	bool replaced;	       /* another file has the path */
	const struct sock *by; /* the socket that has it, if it is one of these */
	const struct holder *by_holders;
};

struct evidence {
	struct arena arena;
	bool notes; /* are shown */
	bool asked; /* somebody asked for findings: he waits a second for them */
	uint32_t interval_ms; /* between the readings; 0 = there was one */
	/* Between the dump of all rows and the readings of process_facts.leaked. */
	uint32_t growth_ms[GROWTH_READINGS + 1];
	struct net_counters counters[2];
	struct stopped_packets stopped_v4, stopped_v6;
	/* All of them; where there is a second reading. */
	struct counters texts[2];
	/* Read where the reverse path filter dropped something meanwhile. */
	struct strict_paths strict;
	struct host_facts host[2]; /* where all of TCP was asked for */
	struct net_limits limits;
	struct listener_facts *listeners;
	size_t n_listeners;
	struct receiver_facts *receivers;
	size_t n_receivers;
	struct connection_facts *connections[RULES_MOST]; /* of detect's suspects */
	struct lost_file *lost_files;
	size_t n_lost_files;
	struct stranded *stranded;
	size_t n_stranded;
	enum nonlocal_bind nonlocal_v4, nonlocal_v6;
	bool loopback_down;
	bool takes_vrf; /* tcp_l3mdev_accept or udp_l3mdev_accept: without a device too */
	struct process_facts *processes;
	size_t n_processes;
	struct port_crowd crowds[PORT_CROWDS];
	size_t n_crowds;
	uint8_t unowned;	  /* enum owner_status of a socket without a holder */
	const char *owner_remedy; /* how to learn it; NULL = no way is known */
	int owners_error;	  /* reading the processes failed: errno */
	bool netns_hidden;	  /* some network namespaces could not be looked into */
	uint32_t asker; /* effective user of who asks: what he may run himself */
	/* errno, if some of this could not be read: what is not found may be there */
	int unread;
	uint32_t gaps; /* BIT(enum gap): the same, of what is hidden or not there */
	const char *hidden_by; /* GAP_HIDDEN: "hidepid=2 on /proc" */
	uint32_t unreadable;   /* GAP_UNREADABLE: so many processes */
};

/* Keeps the first error. That something is not there, has gone, or may not be read is
 * told in another way. */
void evidence_lacks(struct evidence *e, int err);

/* A gap in words, in text; what it keeps from being told comes last. */
const char *evidence_gap(const struct evidence *e, enum gap gap, char *text, size_t size);

/* The facts of a process, or NULL if they were not read. */
const struct process_facts *evidence_process(const struct evidence *e, int32_t pid);

/* How many half-open connections a listener of this backlog may have. */
uint64_t evidence_syn_capacity(const struct net_limits *n, uint32_t limit);
