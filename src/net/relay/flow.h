/*
 * One direction of a relay: bytes move from a source to a sink, with back-pressure and
 * within a bound. flow_step() moves what goes now and says what it waits for; the flow
 * knows nothing of epoll.
 *
 *	running -> (source ended) -> (last byte written) -> FLOW_DONE
 *	        -> FLOW_FAILED: err says what, failed_sink where
 *
 * Invariants: nothing is read while bytes are pending; moved_out + pending bytes =
 * moved_in (+ what --crlf added, - what --truncate dropped).
 */
#pragma once

#include "base/buf.h"
#include "net/relay/behave.h"
#include "net/relay/stream.h"

enum flow_end {
	FLOW_SOCKET,  /* the connection */
	FLOW_STREAM,  /* standard input or output, or a file */
	FLOW_MEMORY,  /* source: a text that is sent once */
	FLOW_FILE,    /* source: memory_len bytes of a regular file, by sendfile() */
	FLOW_PUT,     /* sink: whoever the flow belongs to takes the bytes */
	FLOW_NOTHING, /* source: never has anything; sink: everything is dropped */
};

enum flow_want {
	FLOW_WANT_READ = BIT(0),  /* the source to become readable */
	FLOW_WANT_WRITE = BIT(1), /* the sink to become writable */
	FLOW_WANT_TIME = BIT(2),  /* not_before_us to pass */
	FLOW_DONE = BIT(3),
	FLOW_FAILED = BIT(4),
};

/* What limits a flow; const, shared by all of a kind. */
struct flow_rules {
	uint64_t rate; /* bytes a second */
	uint64_t chunk, chunk_delay_us;
	uint64_t delay_us;
	uint64_t corrupt;
	uint64_t truncate_bytes;
	uint64_t stop_after; /* neither read nor write more than this */
	bool crlf;	     /* a bare LF becomes CR LF */
	bool records;	     /* one read is one record: never joined, never cut */
	bool tcp;	     /* bytes may be dropped in the kernel, unread */
};

/* Sees every byte that arrives, and returns how many of these may pass now: the others
 * come again. It sets f->ended when it has seen enough, f->held when no more is to be
 * read for now. */
struct flow;
typedef size_t flow_tap(struct flow *f, const char *data, size_t len);

/* FLOW_PUT, and a socket that is written to later: how many of these bytes are taken, or
 * -errno. */
typedef ssize_t flow_put(struct flow *f, const char *data, size_t len);

enum flow_call {
	FLOW_SEND,
	FLOW_RECV,
	FLOW_SPLICE,
	FLOW_SENDFILE,
	FLOW_FILL, /* from the socket to a lent pipe */
	FLOW_POUR, /* from there to the socket */
};

/* --trace: a call on the socket was made; asked bytes, result bytes or -errno. errno
 * stays as it is. */
typedef void flow_called(struct flow *f, enum flow_call call, size_t asked,
			 ssize_t result, uint64_t began_us);

/* --dump: sees what the socket carried: bytes as they came, and as they were taken. Where
 * there is one, all bytes are copied. */
struct flow_dump {
	void (*saw)(struct flow *f, bool sent, const char *data, size_t len);
	/* Whether it has room; nothing moves before it has. */
	bool (*has_room)(const struct flow *f);
};

enum { FLOW_DUMP_AGAIN_US = 2000 }; /* when it is asked again */

/* Whether a pipe or copies are faster, as flow_pipe.h tries. */
struct flow_trial {
	uint64_t from_us, from_bytes; /* when the turn began, and moved_out then */
	uint64_t us[2];		      /* what a turn took: through a pipe, by copies */
	uint8_t turns;
	bool copies;
};

struct flow {
	enum flow_end from, to;
	int sock;	       /* FLOW_SOCKET: read from */
	int sink;	       /* FLOW_SOCKET: written to */
	struct stream *stream; /* of whichever end is FLOW_STREAM */
	const struct flow_rules *rules;
	flow_tap *tap;
	flow_put *put;
	flow_called *called;	      /* NULL = nobody asks */
	const struct flow_dump *dump; /* NULL = nobody looks */
	void *owner;		      /* of tap, put, called and dump */
	const char *memory;
	size_t memory_len; /* what is left, of a file too */
	struct buf back;   /* bytes that the tap did not let pass, from back_at on */
	uint32_t back_at;
	int file;
	char *pending;
	uint32_t pending_at, pending_len, pending_cap;
	bool ended; /* the source has no more */
	bool flush; /* an empty source is an ended one from now on */
	bool busy;  /* the source had something last time: no new delay */
	bool failed_sink;
	bool no_splice;
	bool held;	    /* by the tap: nothing is read */
	bool more;	    /* what is sent now is not the end: MSG_MORE */
	bool was_cr;	    /* for crlf */
	bool empty;	    /* what was read last is an empty record, not the end */
	bool empty_pending; /* it could not be written yet */
	int err;	    /* positive, after FLOW_FAILED */
	uint64_t moved_in, moved_out;
	uint64_t empties; /* empty records that came */
	uint64_t not_before_us;
	struct lent_pipe *pipe; /* flow_pipe.h; NULL = no bytes are in one */
	uint32_t piped;		/* they are */
	struct flow_trial trial;
};

extern const struct flow_rules flow_no_rules;

/* --crlf: LF becomes CR LF, CR LF stays. dst has room for twice the bytes; *was_cr is
 * carried from one piece to the next. Returns the new length. */
size_t flow_add_cr(char *dst, const char *src, size_t len, bool *was_cr);

/* --corrupt: one bit is wrong in every N-th byte; passed: bytes before these. */
void flow_corrupt(uint64_t every, uint64_t passed, char *data, size_t len);

/* How many bytes came that did not pass yet. */
static inline size_t flow_back_len(const struct flow *f)
{
	return f->back.len - f->back_at;
}

/* Whether the one who looks has no room for more. */
static inline bool flow_dump_is_full(const struct flow *f)
{
	return f->dump && !f->dump->has_room(f);
}

/* 0 where it is held. */
unsigned flow_step(struct loop *l, struct flow *f);
void flow_free(struct flow *f);
