/*
 * What listen, connect and echo share while they run: the loop, standard input and
 * output, the connections, the totals, and the events that are told to whoever prints.
 */
#pragma once

#include <stdatomic.h>

#include "model/target/prefix_list.h"
#include "net/relay/conn.h"
#include "net/relay/lines.h"
#include "net/relay/pipes.h"
#include "net/relay/seat.h"
#include "net/socket/endpoint.h"

enum net_event_kind {
	NET_LISTENING, /* local */
	NET_ACCEPTED,  /* id, local, peer */
	NET_CONNECTED, /* id, local, peer, took_us */
	NET_CLOSED,    /* id, peer, end, report, fault */
	NET_CHILD,     /* a command ended badly: id, fault */
	NET_TROUBLE,   /* fault: it goes on */
	NET_NOTE,      /* text */
	NET_CALL,      /* a system call, for --trace: call, fd, text, result, took_us */
	NET_TRAFFIC,   /* id, traffic, peer where it is a datagram's */
};

/* What a socket carried: a portion of a stream, or a datagram. */
struct net_traffic {
	const char *data;
	size_t len;
	size_t whole; /* bytes of the datagram; more than len where it was cut */
	bool sent;    /* by us */
	bool datagram;
};

struct net_event {
	enum net_event_kind kind;
	uint64_t id;
	const struct endpoint *local, *peer;
	uint64_t took_us;
	enum conn_end end;
	const struct conn_report *report;
	const struct fault *fault;
	const char *text;
	const struct net_traffic *traffic;
	enum net_call call;
	int fd;		/* NET_CALL: what the call was about; still open */
	int64_t result; /* or -errno */
};

struct net_ops {
	void (*event)(void *ctx, const struct net_event *e);
	void *ctx;
	bool wants_calls; /* NET_CALL is told */
	/* --records: appends what is written of a record, a NET_TRAFFIC, to the output.
	 * NULL = its bytes alone. */
	void (*frame)(void *ctx, struct buf *b, const struct net_event *e);
	bool wants_bytes;     /* NET_TRAFFIC of connections is told */
	bool wants_datagrams; /* and of datagrams */
	/* Whether traffic may be told: nothing moves before that. NULL = always. */
	bool (*has_room)(void *ctx);
	bool wants_peers; /* accepted and connected are told; else nobody asks the kernel
			     for names */
};

/* A record of a connection that is being written: framed.h. */
struct framed {
	struct buf text;
	size_t at;
	const struct conn *owner; /* whose it is; NULL = of one that has ended */
};

struct session_totals {
	uint64_t started, complete, failed, open, most_open;
	uint64_t bytes_in, bytes_out, unsent_bytes;
	uint64_t datagrams_in, datagrams_out, peers;
	uint64_t datagrams_dropped; /* answers to peers that do not read */
	uint64_t turned_away; /* connections or datagrams: their senders are not let in */
	uint64_t out_of_fds;  /* times accept() or socket() found no descriptor */
	uint64_t began_us;
};

/* What the threads of a run count together. */
struct session_shared {
	_Atomic(uint64_t) peers, open, most_open;
	struct seats seats;
};

struct session {
	struct loop loop;
	struct stream in, out;
	struct pipes pipes;
	struct lines lines; /* of out */
	struct framed framed;
	struct conn_how how;
	struct net_ops ops;
	struct endpoint like; /* family and protocol of the peers */
	struct conn *conns;
	struct session_totals totals;
	enum conn_end worst; /* of all connections */
	int err;	     /* errno beside it */
	struct stall stall;  /* of the first connection that stood still in its middle */
	struct addr stalled_at;
	bool datagrams; /* what is counted are peers and datagrams */
	bool unseen;	/* commands have the connections: nobody counts their bytes */
	struct session_shared *shared; /* NULL = one thread is all there is */
	struct seat *seat;	       /* this thread's, where they share */
	bool forgiving; /* a server: what one peer does is no failure of ours */
	int signo;	/* the signal that ended it, or 0 */
	sigset_t old_mask;
	bool signals_held;
	/* Called when the last connection has ended. */
	void (*idle)(struct session *s);
	void *owner;
};

/* Whether a peer may come (rules NULL: everybody). One who may not is counted; the first
 * is told, or each where peers are told. */
bool session_lets_in(struct session *s, const struct peer_rules *rules,
		     const struct endpoint *peer);

/* From here on the signals that end us wait for session_begin(): whoever has been told
 * that we listen may end us at once, and the unix path goes with us all the same. */
void session_hold_signals(struct session *s);

/* loop, signals (those of leave_signals() end the session), streams. 0 or -errno with a
 * fault. */
int session_begin(struct session *s, const struct net_ops *ops, bool use_stdin,
		  bool use_stdout, struct fault *f);
/* Ends what is still open, closes the streams. Signals go on waiting: one that comes now
 * must not end us before we have said why we end. */
void session_end(struct session *s);
/* When that is said. */
void session_release_signals(const struct session *s);

/*
 * A session of its own for another thread, with the same rules and the same ears, no
 * streams and no signals; and the end of one whose connections are gone: its totals and
 * its verdict become those of s. Nothing else is running when they are called.
 */
int session_branch(struct session *branch, const struct session *s, struct fault *f);
void session_merge(struct session *s, struct session *branch);

/* Runs until the session is over. 0 or -errno with a fault. */
int session_run(struct session *s, struct fault *f);

/* Makes fd a connection of the session. conn->out_file is taken. early: its first turn
 * may come at once, and the connection may be over on return. 0 or -errno (fd is closed).
 */
int session_add(struct session *s, int fd, uint64_t id, struct stream *out_file,
		bool accepted, bool early, uint64_t took_us);

/* What of a connection is no struct conn of the session: it is counted and told alike.
 * proto and family of local and peer are those of like. closed: f may be NULL. */
void session_opened(struct session *s, int fd, const struct endpoint *like, uint64_t id);
void session_closed(struct session *s, uint64_t id, enum conn_end end,
		    const struct fault *f, const struct conn_report *report);
/* Tells that a connection is there: accepted, or made by us in took_us. */
void session_introduce(struct session *s, int fd, const struct endpoint *like,
		       uint64_t id, bool accepted, uint64_t took_us);

/* NET_TRAFFIC of a connection; and whether there is room for more of it. */
void session_saw(struct session *s, uint64_t id, bool sent, const char *data, size_t len);
bool session_has_room(const struct session *s);

/* Remembers the worst that happened, for the exit code. */
void session_worse(struct session *s, enum conn_end end, int err);

void session_tell(struct session *s, const struct net_event *e);
void session_note(void *session, const char *text); /* fits sockopt_apply() */
/* Tells a call that began at began_us, where calls are told at all. */
void session_call(struct session *s, enum net_call call, int fd, int64_t result,
		  uint64_t began_us, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* Fits dial_how's call. */
void session_dial_call(void *session, enum net_call call, int fd, int64_t result,
		       uint64_t began_us, const char *text);
void session_trouble(struct session *s, const struct fault *f);
