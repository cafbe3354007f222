/*
 * Sockets without connections: udp, unix-dgram, raw. One unconnected socket serves every
 * peer (listen, echo); a connected one talks to its own (connect). Datagram boundaries
 * are kept, an empty datagram is a datagram, and what cannot be delivered yet stops the
 * reading: at most one batch is held.
 */
#pragma once

#include "net/session.h"

enum { DATAGRAM_BATCH = 64, DATAGRAM_MOST = 65536, DATAGRAM_INPUT = 16384 };

struct datagram_how {
	const struct behave *behave;
	bool echo, server;
	uint64_t max;	     /* end after so many datagrams; 0 = never */
	uint64_t timeout_us; /* for the first one; 0 = none */
	uint64_t quiet_us;   /* client: how long after the input's end answers may come */
};

struct datagram_peers;

struct datagram {
	struct session *s;
	const struct datagram_how *how;
	struct watch w;
	struct timer idle, first, later;
	struct stream_waiter in_wait, out_wait;
	struct endpoint local, peer; /* peer: whom stdin goes to; len 0 = nobody yet */
	struct unix_file file;
	struct datagram_peers *peers;
	struct datagram_batch *batch; /* received; being answered */
	struct buf out_pending;
	size_t out_at;
	struct buf
		in_pending; /* one datagram read from the input that could not be sent */
	bool has_in, input_ended, waiting_send, timed_out, refused;
	uint32_t matched;
	uint64_t last_us;
};

/* Takes fd. 0 or -errno with a fault. peer NULL for a server. */
int datagram_start(struct datagram *d, struct session *s, int fd,
		   const struct endpoint *local, const struct endpoint *peer,
		   const struct unix_file *file, const struct datagram_how *how,
		   struct fault *f);
void datagram_stop(struct datagram *d);
