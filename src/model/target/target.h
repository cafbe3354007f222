/*
 * The address grammar of the endpoint commands: [PROTO:]TARGET.
 *
 *   host:80  1.2.3.4:80  [::1]:80  [fe80::1%eth0]:80  :8080  *:80  host:80,443,8000-8010
 *   1.2.3.4%eth0:80  *%eth0:80  [::1]%eth0:80: as ss prints what is bound to an interface
 *   /path  ./path  @abstract  unix:any/path  vsock:CID:PORT  raw:icmp:host  fd:  fd:3
 *
 * Pure parsing: no name is looked up but those of services and protocols. What an empty
 * host means is the command's business (every address, localhost, loopback).
 */
#pragma once

#include "base/num.h"
#include "model/addr.h"

enum target_proto {
	TARGET_TCP,
	TARGET_MPTCP,
	TARGET_UDP,
	TARGET_UNIX,
	TARGET_UNIX_DGRAM,
	TARGET_UNIX_SEQPACKET,
	TARGET_VSOCK,
	TARGET_RAW,
	TARGET_FD,
};

enum target_host {
	TARGET_HOST_NONE,     /* ":80", or a protocol without hosts */
	TARGET_HOST_ANY,      /* "*:80" */
	TARGET_HOST_IP,	      /* target.ip */
	TARGET_HOST_NAME,     /* target.name: to be looked up */
	TARGET_HOST_PATH,     /* target.name is a file name */
	TARGET_HOST_ABSTRACT, /* target.name without the '@' */
};

struct target {
	enum target_proto proto;
	enum target_host host;
	uint8_t family;	  /* AF_INET, AF_INET6 where the text says so; else AF_UNSPEC,
			     AF_UNIX, AF_VSOCK */
	struct addr ip;	  /* its port is 0 */
	uint32_t ifindex; /* "10.0.0.1%eth0:80", "*%eth0:80": only through this interface;
			     0 = any. Link-local addresses have theirs in ip.scope. */
	char *name;
	struct port_set ports; /* in the order given; one of one port unless lists are
				  allowed; empty where there is none */
	uint16_t port;	       /* the first of them; 0 = none, or chosen by the kernel */
	uint32_t cid, vport;   /* vsock */
	int number;	       /* fd: the descriptor, -1 = the first that was handed over;
				  raw: the IP protocol */
};

enum target_flags {
	TARGET_PORT_LIST = BIT(0),     /* lists and ranges make sense here */
	TARGET_PORT_OPTIONAL = BIT(1), /* "10.0.0.1" and "::1" alone are fine */
	TARGET_PORT_OF_PEER = BIT(2),  /* one that somebody may listen on: not 0 */
};

/* What -t or -u, and -x beside it, say of an address that names no protocol. */
static inline enum target_proto target_chosen(int proto, bool path)
{
	if (!path)
		return (enum target_proto)proto;
	return proto == TARGET_UDP ? TARGET_UNIX_DGRAM : TARGET_UNIX;
}

struct target_how {
	enum target_proto proto; /* when the text names none */
	uint8_t family;		 /* AF_INET, AF_INET6: the only one wanted; 0 = any */
	unsigned flags;
};

#define _cleanup_target_ __attribute__((cleanup(target_free)))

/*
 * Returns 0, or -EINVAL, -ERANGE, -ENODEV (no such interface) or -ENAMETOOLONG with a
 * fault that marks the place and hints at the right spelling. how may be NULL: tcp, any
 * family, one port. t needs no initialisation and holds nothing after a failure.
 */
int target_parse(const char *text, const struct target_how *how, struct target *t,
		 struct fault *f);
void target_free(struct target *t);

/* "db 5432": the fault for a host and a port given as two words; hints at "db:5432". */
int target_two_words(const char *host, const char *port, struct fault *f);

/* Whether the text is an address in the spelling of socat ("TCP-LISTEN:80"): then the
 * fault says so and hints at ours. target_parse() refuses these. */
bool target_foreign(const char *text, struct fault *f);
/* Hints: what to use for what sockctl does not do. */
extern const char target_no_tls[], target_no_proxy[];

/* The address as target_parse() reads it back: "127.0.0.1:80", "udp:[::1]:53",
 * "unix:/run/x". tcp is not named. */
void target_put(struct buf *b, const struct target *t);

/* "tcp", "mptcp", "unix-dgram" ... */
const char *target_proto_name(enum target_proto proto);

/* Whether one accept() or connect() makes a connection (not udp, unix-dgram, raw). */
bool target_is_connected(enum target_proto proto);

/* The next port of a list after `port`; false at the end. Start with *index = 0, port
 * ignored. */
bool target_next_port(const struct target *t, size_t *index, uint16_t *port);
