/*
 * What an endpoint does that a well-behaved one would not: plain data that flow, conn and
 * server obey. Zero-initialised plus BEHAVE_INIT it asks for nothing.
 */
#pragma once

#include "base/util.h"

/* "Not asked for", where 0 is something to ask for. */
#define BEHAVE_UNSET UINT64_MAX

struct behave {
	/* listening */
	bool no_accept, bind_only;
	uint64_t accept_delay_us;
	uint64_t accept_rate; /* a second; 0 = as they come */
	uint64_t limit_fds;   /* 0 = no */
	/* reading and writing */
	bool no_read, mute;
	uint64_t read_rate, write_rate; /* bytes a second; 0 = as fast as it goes */
	uint64_t chunk, chunk_delay_us;
	uint64_t delay_us;
	uint64_t corrupt;	 /* one bit is wrong in every Nth byte; 0 = none */
	uint64_t truncate_bytes; /* BEHAVE_UNSET = no */
	/* ending */
	bool no_close, close_first;
	uint64_t reset_after_bytes, close_after_bytes; /* BEHAVE_UNSET = no */
	uint64_t hold_us;			       /* BEHAVE_UNSET = no */
};

#define BEHAVE_INIT                                                                \
	{                                                                          \
		.truncate_bytes = BEHAVE_UNSET, .reset_after_bytes = BEHAVE_UNSET, \
		.close_after_bytes = BEHAVE_UNSET, .hold_us = BEHAVE_UNSET         \
	}
