/* Who has sent datagrams to a socket: an open hash of addresses. */
#pragma once

#include <sys/socket.h>

#include "base/util.h"

struct peers;

struct peers *peers_new(void);
void peers_free(struct peers *p);

/* The number of an address, from 1 in the order of appearance; *new: it was not there
 * before. Beyond 65536 of them nobody is new and all are 0: they are served, but not
 * counted apart. So is an unnamed unix socket (len 0). */
uint32_t peers_meet(struct peers *p, const struct sockaddr_storage *ss, socklen_t len,
		    bool *new);
