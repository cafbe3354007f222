/*
 * One peer of a stream or seqpacket socket: two flows, what ends them, and how the
 * connection itself ends.
 *
 *	open -> (input ended: FIN sent) -> (peer ended) -> (all acknowledged) -> ended()
 *
 * in any order of the middle two. Behaviours hold it open or cut it short. ended() is
 * called once, from the loop or from conn_stop(); the conn and its socket are gone after
 * it.
 */
#pragma once

#include "net/relay/conn_state.h"

/*
 * Takes fd (non-blocking, connected). c is zeroed but for owner, ended, id, dialled and
 * proto.
 * The first event comes from the loop. 0, or -errno: then fd is closed and ended() not
 * called.
 *
 * early: the connection may have its first turn before epoll knows of it, for a short one
 * is over by then. True is returned where that is so, and conn_first_turn() must follow.
 */
int conn_start(struct conn *c, struct loop *l, int fd, const struct conn_how *how,
	       struct stream *out_file, bool early);
/* c may be gone afterwards, ended() called. */
void conn_first_turn(struct conn *c);
