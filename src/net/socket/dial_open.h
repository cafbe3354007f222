/* The socket of a client, before it connects. */
#pragma once

#include "net/socket/call.h"
#include "net/socket/endpoint.h"
#include "net/socket/sockopt.h"

struct dial_how {
	const struct sockopt_list *options; /* may be NULL */
	const struct endpoint *sources;	    /* local addresses to bind, one a family */
	size_t n_sources;
	uint64_t deadline_us; /* on clock_us(); 0 = the kernel's own patience */
	bool patient; /* a unix listener whose queue is full is asked again until the
			 deadline */
	/* TCP: where nothing has answered for so long another socket asks the same
	 * address, and then others: a kernel sends a lost SYN again only after a second,
	 * and does not know of a port that opens meanwhile. 0 = never. */
	uint64_t hedge_us;
	bool drop_answers; /* a socket filter swallows the SYN-ACK (CAP_NET_ADMIN) */
	void (*note)(void *ctx, const char *text); /* of sockopt_apply() */
	/* --trace: socket() and connect(), told when they have returned; may be NULL */
	void (*call)(void *ctx, enum net_call call, int fd, int64_t result,
		     uint64_t began_us, const char *text);
	void *note_ctx;
	/* For those who want the evidence; each may be NULL. opening: its socket is
	 * about to be made. opened: just before connect(). failed: before the socket of a
	 * failed attempt is closed; err is positive, ETIMEDOUT also when the deadline
	 * passed; at_once: connect() itself said it, so nothing was sent. passed: this
	 * address has had so long, and no answer yet, when another has answered. */
	void (*opening)(void *ctx);
	void (*opened)(void *ctx, int fd, const struct endpoint *ep);
	void (*failed)(void *ctx, int fd, const struct endpoint *ep, int err,
		       uint64_t took_us, bool at_once);
	void (*passed)(void *ctx, const struct endpoint *ep, uint64_t took_us);
	void (*silent)(void *ctx);   /* nothing has answered in DIAL_SILENT_US */
	void (*answered)(void *ctx); /* one is connected */
	void *evidence_ctx;
};

/*
 * socket, options, source address: everything before connect(). The descriptor or -errno
 * with a fault.
 */
int dial_open(const struct endpoint *ep, const struct dial_how *how, struct fault *f);

/* The port of a socket of dial_open(), to *a with its address; one is chosen now if it
 * has none, and from is its address if it has none. 0 or -errno. */
int dial_choose_port(int fd, const struct endpoint *like, const struct addr *from,
		     struct addr *a);
