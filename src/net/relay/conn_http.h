/*
 * A connection that is answered as HTTP: the request is read whole and written out before
 * its answer begins; then comes the next one, or the end.
 *
 *	reads -> due (all of it is written) -> answers -> reads ...
 *	                                               -> tail (what comes is no request)
 */
#pragma once

#include "model/http/http_request.h"
#include "net/relay/conn_state.h"
#include "net/relay/http_how.h"

enum http_stage { HTTP_READS, HTTP_DUE, HTTP_ANSWERS, HTTP_TAIL };
enum http_piece { PIECE_NONE, PIECE_CONTINUE, PIECE_HEAD, PIECE_BODY };

struct conn_http {
	struct http_how *how;
	struct http_request request;
	enum http_stage stage;
	enum http_piece piece; /* of what is being sent */
	struct buf hold;       /* of a request that is not whole, for an output that peers
				  share; from hold_at on */
	size_t hold_at;
	struct buf head; /* of the answer, and a short body */
	uint64_t body_len;
	int file;   /* the body; -1 = it is the text */
	bool holds; /* the output is shared */
	bool written;
	bool continue_due, last, lingers;
	uint64_t dropped_from; /* of what is received after a refusal */
};

/* At the start, once the flows are set. */
void conn_http_begin(struct conn *c);
void conn_http_end(struct conn *c);

/* Moves what goes now. */
void conn_http_turn(struct conn *c, bool rx, bool tx);
/* The peer's end. False: it came in the middle of a request, f says so. */
bool conn_http_peer_ended(struct conn *c, struct fault *f);
/* A request is under way, or its answer. */
bool conn_http_busy(const struct conn *c);
/* A request was refused: f says why. */
bool conn_http_refused(const struct conn *c, struct fault *f);
/* A refused peer is given the time to read why; and it has sent more than is dropped. */
bool conn_http_lingers(const struct conn *c);
bool conn_http_is_over(const struct conn *c);
/* Waits for what the peer's bytes wait for. */
void conn_http_await_output(struct conn *c);
/* Of the answer, what was not given to the socket. */
uint64_t conn_http_unsent(const struct conn *c);
