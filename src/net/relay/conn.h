/*
 * One peer of a stream or seqpacket socket: two flows, what ends them, and how the
 * connection itself ends.
 *
 *	open -> (input ended: FIN sent) -> (peer ended) -> (all acknowledged) -> ended()
 *
 * in any order of the middle two. Behaviours hold it open or cut it short. ended() is
 * called once, from the loop or from conn_stop(); the conn and its socket are gone after
 * it.
 */
#pragma once

#include "base/loop.h"
#include "net/relay/flow.h"
#include "net/relay/needle.h"
#include "net/socket/tcp_brief.h"

enum conn_end {
	CONN_NONE,     /* it has not ended */
	CONN_COMPLETE, /* both directions came to their end, everything was delivered */
	CONN_HELD,     /* --hold is over */
	CONN_CUT,      /* --reset-after or --close-after-bytes */
	CONN_MET,      /* --expect was seen */
	CONN_UNMET,    /* the peer ended without it */
	CONN_RESET,    /* ECONNRESET, EPIPE */
	CONN_ERROR,    /* another error of the socket */
	CONN_IDLE,     /* --idle passed */
	CONN_OUTPUT,   /* the output could not be written */
	CONN_INPUT,    /* the input could not be read */
	CONN_TOLD,     /* conn_stop() */
};

enum conn_source {
	CONN_FROM_STREAM, /* standard input */
	CONN_FROM_TEXT,	  /* --send: at once */
	CONN_FROM_REPLY,  /* --reply: when the peer has spoken, or ended */
	CONN_FROM_HTTP,	  /* --http: after each request's header */
	CONN_FROM_NONE,	  /* nothing, but the end comes after the peer's */
	CONN_FROM_EMPTY,  /* nothing, and the end is now */
	CONN_FROM_PEER,	  /* echo */
};

/* What all connections of a run have in common; const while they live. */
struct conn_how {
	const struct behave *behave;
	struct flow_rules in_rules, out_rules; /* from the peer, to the peer */
	enum conn_source source;
	struct buf text;       /* what TEXT, REPLY and HTTP send */
	size_t text_head_len;  /* of it, the answer to HEAD */
	bool half_close;       /* FIN when the input ends */
	bool confirm;	       /* wait until the peer has acknowledged all */
	bool send_only;	       /* the peer's bytes are dropped, and not waited for */
	bool want_tcp;	       /* fill report.tcp */
	uint64_t idle_us;      /* 0 = none */
	struct buf expect;     /* empty = nothing is expected */
	uint32_t *expect_back; /* its KMP failure table */
	struct stream *in, *out;
};

struct conn {
	struct watch w;
	struct timer pace, idle, life;
	struct stream_waiter in_wait, out_wait;
	struct flow rx, tx;
	unsigned rx_want, tx_want;
	const struct conn_how *how;
	struct loop *l;
	struct stream *out_file; /* this peer's own file, owned; or NULL */
	uint64_t id, started_us, last_us, last_bytes;
	uint32_t expect_matched; /* of how->expect */
	uint32_t ack_wait_us;
	uint32_t unread, unsent; /* in the kernel, when --idle last looked */
	enum report_closer closed_first;
	bool dialled; /* by us: our SYN was acknowledged */
	bool peer_ended, sent_fin, armed, head_request, found, holding, forgetting;
	struct http_head request;
	void (*ended)(struct conn *c, enum conn_end end, const struct fault *f,
		      const struct conn_report *report);
	/* --trace: what was done to the socket; NULL = nobody asks */
	void (*called)(struct conn *c, const char *call, int64_t result,
		       uint64_t began_us);
	void *owner;
	struct conn *next, **at; /* the owner's list */
	uint16_t proto;		 /* enum target_proto */
};

void conn_how_init(struct conn_how *how, const struct behave *behave);
/* Fills rules and tables from the rest; call once all is set. */
void conn_how_ready(struct conn_how *how, enum target_proto proto);
/* Of a socket that was handed over the protocol is known only later. */
void conn_how_protocol(struct conn_how *how, enum target_proto proto);
void conn_how_free(struct conn_how *how);

/*
 * Takes fd (non-blocking, connected). c is zeroed but for owner, ended, id, dialled and
 * proto.
 * The first event comes from the loop. 0, or -errno: then fd is closed and ended() not
 * called.
 *
 * early: the connection may have its first turn before epoll knows of it, for a short one
 * is over by then. True is returned where that is so, and conn_first_turn() must follow.
 */
int conn_start(struct conn *c, struct loop *l, int fd, const struct conn_how *how,
	       struct stream *out_file, bool early);
/* c may be gone afterwards, ended() called. */
void conn_first_turn(struct conn *c);
void conn_stop(struct conn *c, enum conn_end end, const struct fault *f);
