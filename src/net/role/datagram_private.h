/* What the parts of datagram.c share: datagram_send.c is how they go out. */
#pragma once

#include "net/role/datagram.h"

struct datagram_batch {
	struct mmsghdr *msg; /* of each datagram; its sender is in msg_name */
	struct iovec *iov;
	size_t cap;    /* of both */
	int n, sent;   /* received, and how many of them are answered */
	bool may_join; /* a message may be several datagrams that the kernel left joined
			*/

	/* Of each message of a call. */
	struct sockaddr_storage from[DATAGRAM_BATCH];
	_Alignas(struct cmsghdr) char control[DATAGRAM_BATCH][CMSG_SPACE(sizeof(int))];
	char *data;  /* room for as many as a call takes; only what is used is touched */
	size_t most; /* bytes that a datagram may have; in the same room longer ones are
			fewer */
	int room;
};

/* The session is over; f may be NULL. */
void datagram_over(struct datagram *d, enum conn_end end, const struct fault *f);
/* A send or receive call said so: the end of a client, told by a server. */
void datagram_failed(struct datagram *d, int err, const char *what);

/* Paces: whether this time has come, and the time after so many more bytes at a rate. */
bool datagram_is_paced(const struct datagram *d);
bool datagram_due(struct datagram *d, uint64_t at_us);
uint64_t datagram_after(struct datagram *d, uint64_t at_us, uint64_t bytes,
			uint64_t rate);

/* Counts one that went out, and keeps the pace. */
void datagram_was_sent(struct datagram *d, size_t bytes);
/* An unnamed unix socket cannot be answered; a peer that is gone need not be. */
bool datagram_is_nobody(const struct datagram *d, int err);
/* A turn without anything to read. */
void datagram_run(struct datagram *d);

/* Answers: what came (echo) or a text, sent back until the socket is full or time must
 * pass. */
bool datagram_unanswered(const struct datagram *d);
void datagram_prepare_answer(struct datagram *d, struct iovec *v);
void datagram_answer(struct datagram *d);

/* The input: whether it is its turn; sends as much of it as goes in one turn. */
bool datagram_has_input(const struct datagram *d);
void datagram_send_input(struct datagram *d);
