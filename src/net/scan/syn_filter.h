/*
 * Which packets a half-open probe takes from the link: what may be an answer, and those
 * of its own SYNs that leave this host otherwise than they were written. The kernel drops
 * all others: syn_read() looks closer at those.
 */
#pragma once

#include "net/scan/syn_packet.h"

/* 0, or -errno: fd, a packet socket of SOCK_DGRAM, takes no other packet from now on.
 * as_written: it takes all of our own SYNs that leave. */
int syn_filter_attach(int fd, const struct syn_path *path, bool as_written,
		      uint32_t snap);
