/*
 * The end of a connection whose command has ended. close() with bytes that were never
 * read makes the kernel reset the connection, and the answer may be lost: so our sending
 * side ends, and what the peer still sends is read and dropped until its FIN.
 */
#pragma once

#include "base/fault.h"
#include "base/loop.h"

struct drain {
	struct loop *l;
	struct watch w;
	struct timer t;
	uint64_t until_us; /* for the peer's FIN, or the next acknowledgement */
	uint64_t dropped, queued;
	uint32_t pause_us; /* until acknowledgements are looked for again */
	bool sent_fin, peer_ended;
	void (*over)(struct drain *d, struct fault *f);
};

/*
 * Takes sock (blocking or not). over() comes once, at once or from the loop, when the
 * socket is closed: with a fault where bytes of the answer were not acknowledged within
 * 2 s without progress, or before the peer's reset; else NULL.
 */
void drain_start(struct drain *d, struct loop *l, int sock,
		 void (*over)(struct drain *d, struct fault *f));
/* Closes it now; over() comes. */
void drain_stop(struct drain *d);
