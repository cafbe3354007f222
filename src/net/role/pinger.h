/*
 * echo --client: sends messages to an echo server over one or many connections, checks
 * every byte that comes back and measures the round trips. A message is written and read
 * at the same time, so that no size can lead into a deadlock.
 */
#pragma once

#include "model/samples.h"
#include "net/relay/session.h"

struct pinger_how {
	uint64_t size;	  /* bytes of a message, at least 1 */
	uint64_t count;	  /* messages of each connection */
	uint64_t lost_us; /* a datagram that has not come back by then is lost; a stream
			     that is silent so long has failed */
	uint64_t connections;
};

struct pinger {
	struct session *s;
	const struct pinger_how *how;
	struct samples samples;
	char *pattern;
	struct ping *pings;
	uint64_t n_pings, n_done, lost, broken;
	uint64_t wrong_bytes,
		first_wrong; /* offset in its stream, of the first one seen */
	uint8_t wanted, got; /* there */
	uint64_t began_us, ended_us;
	bool started;
};

void pinger_init(struct pinger *p, struct session *s, const struct pinger_how *how);
/* Takes a connected socket; the pinging begins when all are there. Fits client_how's
 * take. */
int pinger_take(void *pinger, int fd, const struct endpoint *peer, struct fault *f);
/* One connection fewer will come. */
void pinger_missing(void *pinger);
void pinger_free(struct pinger *p);
