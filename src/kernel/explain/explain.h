/*
 * The facts behind a bind() that fails or would fail: who holds the port, the name or the
 * file, with which options, and what the kernel's settings say. Only reads: no bind(), no
 * listen(), no connection is made here. The verdict is cause_of_bind()'s.
 */
#pragma once

#include "base/fault.h"
#include "model/cause/connect_facts.h"
#include "model/cause/silence.h"

struct bind_question {
	struct bind_candidate candidate; /* unix: proto only */
	const char *name; /* unix: path, or the abstract name without '@' */
	size_t name_len;
	bool abstract;
	bool connects; /* unix: links are followed, as connect() does */
	bool freebind;
	const char *user;	     /* whose candidate.uid is; NULL = the caller's own */
	const char *address, *asked; /* as in struct bind_facts */
};

/*
 * Fills *facts, whose memory is the arena's. The namespace is the one the calling thread
 * is in; it visits others for a moment and comes back. Never fails: what could not be
 * read is said in the facts.
 */
void explain_bind(const struct bind_question *q, struct arena *a,
		  struct bind_facts *facts);

struct connect_question {
	uint8_t proto;	  /* enum sock_proto */
	struct addr to;	  /* family 0: unix, then name as above */
	struct addr from; /* where it was told to come from; family 0 = nowhere */
	uint32_t ifindex; /* the socket is bound to this interface; 0 = to none */
	int err;	  /* of connect(): ECONNREFUSED, EADDRNOTAVAIL ... */
	const struct icmp_error *icmp; /* that came for it; NULL = none, or not known */
	const char *name;
	size_t name_len;
	bool abstract;
	const char *address;	    /* as it is shown */
	struct meanwhile meanwhile; /* ECONNRESET of a connection that stood */
	bool sent;		    /* the client had sent something by then */
};

/*
 * The facts behind a connect() that was refused by an address of this host, or found no
 * local port: what listens on the port, at which addresses, also in other namespaces; how
 * many ports are used towards the destination. For whoever connects:
 *
 *	explain_connect(&(struct connect_question){ .proto = PROTO_TCP, .to = addr,
 *			.err = ECONNREFUSED, .address = "127.0.0.1:80" }, &arena, &facts);
 *	cause_of_connect(&facts, &causes);
 *
 * leaves in causes why it was, or nothing where the address is not of this host. Never
 * fails, and connects to nothing.
 */
void explain_connect(const struct connect_question *q, struct arena *a,
		     struct connect_facts *facts);

/* Who would take a connection to an address of this host: TCP and unix; err is of no
 * consequence. */
struct listening explain_listening(const struct connect_question *q);

/* Whether a listener of this host has taken the SYN of that connection and waits for the
 * end of its handshake. */
bool explain_half_open(const struct addr *to, const struct addr *from);
