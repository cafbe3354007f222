/*
 * Sockets without connections: udp, unix-dgram, raw. One unconnected socket serves every
 * peer (listen, echo); a connected one talks to its own (connect). Datagram boundaries
 * are kept, an empty datagram is a datagram, and what cannot be delivered yet stops the
 * reading: at most one batch is held.
 */
#pragma once

#include "net/role/datagram_state.h"

/* Takes fd. 0 or -errno with a fault. peer NULL for a server. */
int datagram_start(struct datagram *d, struct session *s, int fd,
		   const struct endpoint *local, const struct endpoint *peer,
		   struct unix_file *file, const struct datagram_how *how,
		   struct fault *f);
void datagram_stop(struct datagram *d);
