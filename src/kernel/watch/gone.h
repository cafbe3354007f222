/*
 * News of sockets that end: the kernel tells whoever has joined a multicast group when a
 * TCP or UDP socket of the namespace is freed. It does not tell of sockets that begin, of
 * changes of state, of requests and TIME_WAIT remnants that time out, nor of unix
 * sockets.
 */
#pragma once

#include "base/util.h"

/* Joins the groups of these protocols (BIT(enum sock_proto)). A descriptor, or negative:
 * no such news here. */
int gone_open(uint32_t protos);

/* Waits for news until clock_us() has come to until_us; true if there was some. fd may be
 * negative: then it only waits. */
bool gone_wait(int fd, uint64_t until_us);
