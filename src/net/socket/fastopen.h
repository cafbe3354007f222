/*
 * TCP fast open (RFC 7413), as a question: does a server give cookies? A first connection
 * asks for one; if the kernel has it then, a second connect() with TCP_FASTOPEN_CONNECT
 * returns at once, and nothing is sent as long as nothing is written.
 */
#pragma once

#include "net/socket/dial.h"

enum fastopen {
	FASTOPEN_UNKNOWN, /* not asked, or the question failed */
	FASTOPEN_NO,	  /* the server gives none */
	FASTOPEN_YES,
	FASTOPEN_OFF, /* net.ipv4.tcp_fastopen forbids it to clients here */
};

/* Blocks for a round trip, timeout_us at most. */
enum fastopen fastopen_ask(const struct endpoint *to, const struct dial_how *how,
			   uint64_t timeout_us);
