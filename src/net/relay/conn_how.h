/* What the connections of a run have in common: where bytes come from, rules, limits. */
#pragma once

#include "model/target/target.h"
#include "net/relay/flow.h"

enum conn_source {
	CONN_FROM_STREAM, /* standard input */
	CONN_FROM_TEXT,	  /* --send: at once */
	CONN_FROM_REPLY,  /* --reply: when the peer has spoken, or ended */
	CONN_FROM_HTTP,	  /* --http: each request is answered */
	CONN_FROM_NONE,	  /* nothing, but the end comes after the peer's */
	CONN_FROM_EMPTY,  /* nothing, and the end is now */
	CONN_FROM_PEER,	  /* echo */
};

struct http_how;
struct lines;

/* What all connections of a run have in common; const while they live. */
struct conn_how {
	const struct behave *behave;
	struct flow_rules in_rules, out_rules; /* from the peer, to the peer */
	enum conn_source source;
	struct buf text;       /* what TEXT and REPLY send; of HTTP the body */
	struct http_how *http; /* of HTTP; it is not ours */
	bool half_close;       /* FIN when the input ends */
	bool confirm;	       /* wait until the peer has acknowledged all */
	bool send_only;	       /* the peer's bytes are dropped, and not waited for */
	bool want_tcp;	       /* fill report.tcp */
	uint64_t idle_us;      /* 0 = none */
	struct buf expect;     /* empty = nothing is expected */
	uint32_t *expect_back; /* its KMP failure table */
	struct stream *in, *out;
	struct lines *lines; /* several peers may share the output; NULL = there is one */
};

void conn_how_init(struct conn_how *how, const struct behave *behave);
/* Fills rules and tables from the rest; call once all is set. */
void conn_how_ready(struct conn_how *how, enum target_proto proto);
/* Of a socket that was handed over the protocol is known only later. */
void conn_how_protocol(struct conn_how *how, enum target_proto proto);
void conn_how_free(struct conn_how *how);
