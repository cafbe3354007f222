/* What an accepted peer gets: a connection of the session, a command, a file. */
#pragma once

#include "net/role/server_state.h"

/* Whether a peer needs a descriptor beside its connection: a command's or a file's. */
bool server_needs_file(const struct server *v);
/* Before accept(): has what the peer will need, so that nobody is accepted who would have
 * to be thrown away. 0 or -1 with errno. */
int server_reserve(struct server *v);
void server_unreserve(struct server *v);

/* Whether one peer at least could be served. 0 or -errno with a fault. */
int server_has_room(struct server *v, struct fault *f);

/* Takes sock. Where something is short after all (a process, memory) it becomes v->held,
 * and no other peer is accepted. */
void server_serve(struct server *v, int sock);
/* Tries v->held again. False: it still waits. */
bool server_serve_held(struct server *v);
