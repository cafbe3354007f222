/* What a connection is, for the parts that it is made of: conn.h has its life. */
#pragma once

#include "base/loop.h"
#include "net/relay/conn_how.h"
#include "net/socket/call.h"
#include "net/socket/stall_take.h"
#include "net/socket/tcp.h"

/* From the best to the worst, which a session remembers. */
enum conn_end {
	CONN_NONE,     /* it has not ended */
	CONN_COMPLETE, /* both directions came to their end, everything was delivered */
	CONN_HELD,     /* --hold is over */
	CONN_CUT,      /* --reset-after or --close-after-bytes */
	CONN_MET,      /* --expect was seen */
	CONN_TOLD,     /* conn_stop() */
	CONN_REFUSED,  /* a request was refused, or not whole; a failure, as all below it
			*/
	CONN_UNMET,    /* the peer ended without --expect */
	CONN_RESET,    /* ECONNRESET, EPIPE */
	CONN_ERROR,    /* another error of the socket */
	CONN_UNANSWERED, /* what it was to be connected with was silent */
	CONN_IDLE,	 /* --idle passed */
	CONN_INPUT,	 /* the input could not be read */
	CONN_OUTPUT,	 /* the output could not be written */
};

enum closer { CLOSER_NOBODY, CLOSER_WE, CLOSER_PEER, CLOSER_TARGET };

/* TCP_INFO with its bytes as the program counts them: without SYN and FIN. */
struct conn_tcp {
	struct tcpinfo info;
	char congestion[TCP_CONGESTION_MAX];
};

struct conn_report {
	uint64_t bytes_in, bytes_out; /* read from, and given to, the socket */
	uint64_t unsent_bytes;	      /* given up: not acknowledged by the peer */
	uint64_t duration_us;
	enum closer closed_first;
	const struct conn_tcp *tcp;	   /* NULL = not asked for, or it has none */
	const struct conn_tcp *target_tcp; /* of --to; the same */
	struct stall stall;		   /* of one that --idle ends */
	struct addr stalled_at;		   /* the peer of that */
};

struct conn_http;

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
	struct stall_look look;	 /* halfway to the idle limit */
	enum closer closed_first;
	bool dialled; /* by us: our SYN was acknowledged */
	bool peer_ended, sent_fin, armed, found, holding, forgetting;
	struct conn_http *http;	 /* --http; else NULL */
	struct line *line;	 /* where several share the output; else NULL */
	struct delayed *delayed; /* --delay of an echo; else NULL */
	void (*ended)(struct conn *c, enum conn_end end, const struct fault *f,
		      const struct conn_report *report);
	/* --trace: what was done to the socket; NULL = nobody asks */
	void (*called)(struct conn *c, enum net_call call, const char *text,
		       int64_t result, uint64_t began_us);
	/* --dump: what looks at its bytes; NULL = nobody does */
	const struct flow_dump *dump;
	/* --records: writes its records; NULL = their bytes are written alone */
	flow_put *frames;
	/* What went wrong and ends nothing. */
	void (*troubled)(struct conn *c, const struct fault *f);
	void *owner;
	struct conn *next, **at; /* the owner's list */
	uint16_t proto;		 /* enum target_proto */
};
