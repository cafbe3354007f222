/* What sockets without connections are, for the parts that they are made of: datagram.h
 * has their life. */
#pragma once

#include "model/icmp.h"
#include "model/target/prefix_list.h"
#include "net/relay/session.h"
#include "net/role/peerfile.h"
#include "net/role/peers.h"
#include "net/socket/unixfile.h"

enum {
	DATAGRAM_BATCH = 64,
	DATAGRAM_MOST = 65536,
	/* The kernel lets a unix datagram be as long as its sender's SO_SNDBUF. */
	DATAGRAM_UNIX_MOST = 1048576,
	DATAGRAM_INPUT = 16384,
};

struct datagram_how {
	const struct behave *behave;
	const struct peer_rules *rules; /* or NULL: everybody's are taken */
	bool echo, server;
	uint64_t max;		      /* end after so many datagrams; 0 = never */
	uint64_t timeout_us;	      /* for the first one; 0 = none */
	struct peerfile_place output; /* a file a peer */
	uint64_t quiet_us; /* client: how long after the input's end answers may come */
};

struct late;

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

struct datagram {
	struct session *s;
	const struct datagram_how *how;
	struct watch w;
	struct timer idle, first, later, pace;
	struct stream_waiter in_wait, out_wait;
	struct endpoint local, peer; /* peer: whom stdin goes to; len 0 = nobody yet */
	struct unix_file *file;	     /* or NULL */
	struct peers *peers;
	struct late *late;	      /* answers to peers that do not read */
	struct datagram_batch *batch; /* received; being answered */
	/* Client of UDP: datagram_side.h. */
	int beside; /* not connected, with the same local end; or -1 */
	bool keeps_errors;
	struct addr answered_from; /* of others; family 0 = none did, or the peer did */
	struct icmp_error passing; /* the first that ends nothing */
	int spare;		   /* --output: the descriptor of the next file; or -1 */
	struct buf out_pending;
	size_t out_at;
	struct buf in_pending; /* one datagram of the input that could not be sent yet */
	struct buf text;       /* what --send and --reply say, line ends made */
	size_t text_at;
	bool has_in, input_ended, waiting_send, was_cr;
	bool segments; /* runs of answers may go as one packet */
	bool busy;     /* the input had something last time: no new --delay */
	uint64_t last_us;
	uint64_t over_us; /* when the end waits for late answers no longer */
	uint64_t send_at_us, read_at_us; /* rates: not before; 0 = any time */
	uint64_t passed;		 /* bytes that --corrupt has counted */
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

/* What is written of one that came from `at`, with what marks it off where that is asked
 * for. */
void datagram_frame(struct datagram *d, struct buf *b, const void *at, socklen_t at_len,
		    const struct iovec *v, size_t whole);
/* Tells of one, where datagrams are told: of a server's peer at `at`. whole: its bytes,
 * where fewer are here. */
void datagram_saw(struct datagram *d, bool sent, const void *at, socklen_t at_len,
		  const struct iovec *v, size_t whole);
/* Counts one that went out to `at` and tells of it, and keeps the pace. */
void datagram_was_sent(struct datagram *d, const void *at, socklen_t at_len,
		       const struct iovec *v);
/* An unnamed unix socket cannot be answered; a peer that is gone need not be. */
bool datagram_is_nobody(const struct datagram *d, int err);

/* Whether some of what was received waits for its answer. */
bool datagram_unanswered(const struct datagram *d);
