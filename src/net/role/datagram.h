/*
 * Sockets without connections: udp, unix-dgram, raw. One unconnected socket serves every
 * peer (listen, echo); a connected one talks to its own (connect). Datagram boundaries
 * are kept, an empty datagram is a datagram, and what cannot be delivered yet stops the
 * reading: at most one batch is held.
 */
#pragma once

#include "net/relay/session.h"
#include "net/role/peerfile.h"
#include "net/role/peers.h"

enum {
	DATAGRAM_BATCH = 64,
	DATAGRAM_MOST = 65536,
	/* The kernel lets a unix datagram be as long as its sender's SO_SNDBUF. */
	DATAGRAM_UNIX_MOST = 1048576,
	DATAGRAM_INPUT = 16384,
};

struct datagram_how {
	const struct behave *behave;
	bool echo, server;
	uint64_t max;		      /* end after so many datagrams; 0 = never */
	uint64_t timeout_us;	      /* for the first one; 0 = none */
	struct peerfile_place output; /* a file a peer */
	uint64_t quiet_us; /* client: how long after the input's end answers may come */
};

struct datagram_batch;
struct late;

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
	int spare; /* --output: the descriptor of the next file; or -1 */
	struct buf out_pending;
	size_t out_at;
	struct buf in_pending; /* one datagram of the input that could not be sent yet */
	struct buf text;       /* what --send and --reply say, line ends made */
	size_t text_at;
	bool has_in, input_ended, waiting_send, timed_out, was_cr;
	bool segments; /* runs of answers may go as one packet */
	bool busy;     /* the input had something last time: no new --delay */
	uint32_t matched;
	uint64_t last_us;
	uint64_t over_us; /* when the end waits for late answers no longer */
	uint64_t send_at_us, read_at_us; /* rates: not before; 0 = any time */
	uint64_t passed;		 /* bytes that --corrupt has counted */
};

/* Takes fd. 0 or -errno with a fault. peer NULL for a server. */
int datagram_start(struct datagram *d, struct session *s, int fd,
		   const struct endpoint *local, const struct endpoint *peer,
		   struct unix_file *file, const struct datagram_how *how,
		   struct fault *f);
void datagram_stop(struct datagram *d);
