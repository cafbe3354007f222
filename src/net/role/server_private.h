/* What the parts of a server share: server.c accepts, server_peer.c gives each peer its
 * connection, its command or its file. */
#pragma once

#include "net/role/server.h"

bool server_wants_more(const struct server *v);
void server_stop_accepting(struct server *v);
/* Ends the loop where nothing is left to do. */
void server_check_over(struct server *v);

/* Something is short (f says what): said once, and the queue is left alone for a while;
 * and the end of that. */
void server_starve(struct server *v, struct fault *f);
void server_fed(struct server *v);

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
