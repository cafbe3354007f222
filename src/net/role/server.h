/*
 * A listening socket: opened and bound with its options, accepted from with whatever
 * patience or impatience was asked for, handed to connections or commands.
 */
#pragma once

#include "net/role/server_state.h"

/* Accepts from fd (non-blocking, taken) in the session. 0 or -errno with a fault. */
int server_start(struct server *v, struct session *s, int fd,
		 const struct endpoint *local, struct unix_file *file,
		 const struct server_how *how, struct fault *f);
/* Accepts from these n, too, whose descriptors are taken: w.fd and local are set. 0 or
 * -errno with a fault. */
int server_add(struct server *v, struct listener *also, size_t n, struct fault *f);
/* --limit-fds, once all is open that the server itself needs. 0 or -errno with a fault.
 */
int server_limit_fds(const struct server_how *how, struct fault *f);
/* Stops accepting; removes the unix path that is ours; ends the children. */
void server_stop(struct server *v);
