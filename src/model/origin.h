/* Where and when sockets were recorded. */
#pragma once

#include "base/buf.h"

/* NULL and 0: not known. Texts are foreign. */
struct origin {
	const char *program; /* the version that recorded them */
	const char *host, *boot_id, *kernel, *machine;
	uint64_t time_us; /* since 1970 */
	uint64_t netns;	  /* inode of the network namespace */
	uint32_t uid;	  /* whose rights it was done with */
	bool known;
};

/* The time as RFC 3339 writes it, in UTC: "2026-11-30T08:52:01.000042Z". */
void origin_put_time(struct buf *b, uint64_t time_us);

/* One line for people: time, host, kernel, program. */
void origin_put(struct buf *b, const struct origin *o);
