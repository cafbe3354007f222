/*
 * A netlink socket, of sock_diag or rtnetlink: requests out, messages in, every length
 * checked. libmnl opens and sends; receiving is our own because mnl_cb_run() takes an
 * errno inside NLMSG_DONE for success.
 */
#pragma once

#include <errno.h>

#include "base/fault.h"
#include "model/attr.h"

struct mnl_socket;

/* The kernel caps a dump's packet at 32 KiB; a smaller buffer costs system calls, a
 * larger one nothing. */
enum { NL_BUFFER = 32 * 1024 };

/* Who keeps what is received. */
struct nl_record {
	/* Messages, whole: a packet of a dump, or the answer to a single question. */
	void (*messages)(struct nl_record *r, const void *data, size_t len);
	/* An answer is missing: who reads the record is told that it is not complete. */
	void (*failed)(struct nl_record *r, int err);
};

struct nl {
	int bus; /* NETLINK_SOCK_DIAG, NETLINK_ROUTE, NETLINK_GENERIC */
	struct mnl_socket *sock;
	char *buf;
	uint32_t seq;
	struct nl_record *record; /* gets every received byte, too; NULL = nobody does */
	bool abandoned; /* a dump was left before its end: the next request needs another
			   socket */
	bool interrupted; /* the kernel said NLM_F_DUMP_INTR: rows may be missing */
};

/* What the word behind an NLMSG_DONE or NLMSG_ERROR says: 0 or -errno, -EBADMSG for what
 * is no errno. A dump file may hold any number. */
static inline int nl_error_of(int32_t word)
{
	enum { LARGEST_ERRNO = 4095 };

	return word >= 0 ? 0 : word < -LARGEST_ERRNO ? -EBADMSG : word;
}

/*
 * One message, header and payload in bounds. Returns 0 to go on, negative to end the dump
 * early with that result.
 */
typedef int nl_message_fn(const struct nlmsghdr *h, void *ctx);

/* Fails with EPROTONOSUPPORT or ENOENT where the kernel has no sock_diag. */
int nl_open(struct nl *nl, struct fault *f);
/* The same for rtnetlink, and for generic netlink. 0 or -errno. */
int nl_open_route(struct nl *nl);
int nl_open_generic(struct nl *nl);
/* Of rtnetlink: a dump is of what its request names only, and a table that is not there
 * is -ENOENT. Whether the kernel can (Linux 4.20). */
bool nl_strict(struct nl *nl);
void nl_close(struct nl *nl);

/*
 * Sends req (type, flags but NLM_F_REQUEST and sequence are its own) and hands each
 * message of the answer to fn. Returns 0 when the kernel said all is told, -errno from
 * the kernel (also from inside NLMSG_DONE), or what fn returned.
 */
int nl_dump(struct nl *nl, struct nlmsghdr *req, nl_message_fn *fn, void *ctx);

/* A request with one answer (no dump). -ENOENT: no such socket. */
int nl_ask(struct nl *nl, struct nlmsghdr *req, nl_message_fn *fn, void *ctx);

/* One packet from the kernel, whole, into buf of NL_BUFFER bytes. Its length or -errno.
 */
ssize_t nl_receive(struct nl *nl, void *buf);

/* Sends req with a sequence number of its own (nl->seq). 0 or -errno. */
int nl_send(struct nl *nl, struct nlmsghdr *req, uint16_t flags);

/* The answer to a request, as far as it has come. */
struct nl_answer {
	nl_message_fn *fn;
	void *ctx;
	uint32_t seq; /* messages of others are what an abandoned dump left behind */
	unsigned messages;
	bool done;	  /* the kernel said all is told ... */
	int error;	  /* ... with this errno, negative, or 0 */
	bool interrupted; /* NLM_F_DUMP_INTR was among it */
};

/* Receives and takes up to so many packets of an answer. 0, -errno (the kernel's too), or
 * what fn returned. */
enum { NL_ALL_PACKETS = -1 };
int nl_go_on(struct nl *nl, struct nl_answer *a, unsigned packets);

/* The whole answer to the request sent last; sent is what nl_send() returned. As
 * nl_dump(). */
int nl_finish(struct nl *nl, struct nl_answer *a, int sent);

/* Takes a packet, message by message. 0, -EBADMSG, or what fn returned. */
int nl_walk(struct nl_answer *a, const void *packet, size_t len);
