/*
 * Names to endpoints, with a deadline. A look-up runs in a thread of its own (lookup.h),
 * which is left behind when the deadline passes; numeric addresses never start one.
 */
#pragma once

#include "net/socket/endpoint.h"

/* What an empty host (":80") and "*" stand for. */
enum resolve_empty {
	RESOLVE_EMPTY_ANY,	 /* every address: [::] (dual stack), then 0.0.0.0 */
	RESOLVE_EMPTY_LOCALHOST, /* ::1, then 127.0.0.1 */
	RESOLVE_EMPTY_LOOPBACK4, /* 127.0.0.1 (::1 where only IPv6 is wanted) */
};

/* A look-up that took longer is told beside whatever came of it. */
enum { RESOLVE_SLOW_US = 1000 * 1000 };

struct resolve_how {
	uint64_t deadline_us; /* on clock_us(); 0 = none */
	enum resolve_empty empty;
	uint64_t *took_us; /* set to how long the look-up took; NULL = not asked */
	bool no_family;	   /* there is no -4 and -6 that could be advised */
};

/*
 * Appends the endpoints of t, in the resolver's order (RFC 6724), each with the port
 * `port`. Returns 0, -ETIMEDOUT when the deadline passed, -ENOENT when the name does not
 * resolve (also for a family it has no address of), -EAGAIN when the name servers failed,
 * or another -errno, where this host lacked a descriptor, a thread or memory to
 * ask; with a fault.
 */
int resolve(const struct target *t, uint16_t port, const struct resolve_how *how,
	    struct endpoint_list *list, struct fault *f);

/* Whether a result of resolve() is a word about the name; else it could not be asked. */
bool resolve_says_no_name(int err);

/*
 * The same for those who have a loop: resolve_start() gives a descriptor that becomes
 * readable when resolve_finish() will not block. Never NULL; numeric addresses are ready
 * at once. resolve_drop() forgets a look-up that is still running.
 */
struct resolve;
struct resolve *resolve_start(const struct target *t, const struct resolve_how *how);
int resolve_fd(const struct resolve *r); /* -1 = ready now */
/* Appends the endpoints with `port` and frees r. As resolve(). */
int resolve_finish(struct resolve *r, uint16_t port, struct endpoint_list *list,
		   struct fault *f);
void resolve_drop(struct resolve *r);
