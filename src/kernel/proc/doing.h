/*
 * What a process does right now, and whether connections of a listener would wake it up.
 * A call's number and arguments, and the memory they lead to, are told to those who may
 * trace the process; its state and what it watches by epoll to more. Source: proc(5).
 */
#pragma once

#include "model/finding/evidence.h"

/* Texts go to the arena. */
void doing_read(int32_t pid, struct arena *a, struct doing *d);

/* How it is kept from running, at this moment. */
struct halt doing_halt(int32_t pid, struct arena *a);

/* What a process waits for that holds these descriptors of one listening socket. */
struct doing_listener {
	uint32_t inode;
	uint64_t sockfs; /* the device of sockets, as the kernel packs it */
	const int32_t *fds;
	size_t n_fds;
};
enum waits doing_waits(int32_t pid, const struct doing_listener *l);

/* A thread of the process that waits until the receiver of a unix datagram has room, in a
 * call about one of these descriptors as far as that may be read; 0 if none does, -1
 * if that may not be read. */
int32_t doing_sender(int32_t pid, const int32_t *fds, size_t n_fds, uint64_t *switches);
/* Whether it still does, and has not been woken up since. */
bool doing_still_sends(int32_t pid, int32_t tid, uint64_t switches);

/* That device; 0 if it cannot be told. */
uint64_t doing_sockfs(void);

/* Where a docker-proxy passes connections on to; false if the process is none. */
bool doing_container(int32_t pid, struct addr *to, uint16_t *published);
