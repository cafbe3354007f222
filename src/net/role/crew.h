/*
 * Several threads that serve one listening descriptor: the session's own and others, each
 * with a loop, a session and a server of its own. epoll wakes one of them for a peer
 * (EPOLLEXCLUSIVE), which stays with whoever took it.
 *
 * They share what is const while it runs, the counters of struct session_shared, and the
 * ear of whoever is told events: one event at a time. Each has what is left in its own
 * hands; crew_end() adds the totals up when the threads are gone.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "net/role/server.h"

enum { CREW_MOST = 256 };

struct crew {
	struct session *s;     /* of the thread that made the crew */
	struct crew_member *v; /* the others, in the order they began */
	size_t n;
	struct session_shared shared;
	struct net_ops ops; /* of s, before; told one at a time */
	pthread_mutex_t telling;
	bool silent; /* crew_speak() is due */
	struct server_how how;
	/* A pipe that all loops see: once its writing end is closed, all end. */
	int end_in;
	_Atomic(int) end_out; /* -1 = closed */
	struct watch end;
};

/*
 * Before server_start() of s: starts threads - 1 others on copies of fd. 0 or -errno with
 * a fault; crew_end() is due in both cases.
 */
int crew_start(struct crew *c, struct session *s, int fd, const struct endpoint *local,
	       const struct server_how *how, uint64_t threads, struct fault *f);
/* From here on events are told; they wait until then. */
void crew_speak(struct crew *c);
/* Ends the others, adds their totals and verdicts to s. */
void crew_end(struct crew *c);
