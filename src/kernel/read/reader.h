/*
 * What stays open while the kernel is read: the netlink sockets and everything that is
 * looked up once and remembered. One thread uses it.
 */
#pragma once

#include "kernel/netlink/nl.h"
#include "kernel/netlink/tunnel.h"
#include "kernel/proc/cgroup.h"
#include "kernel/proc/owners.h"
#include "kernel/read/listeners.h"
#include "kernel/read/recorded.h"
#include "model/sock.h"

struct reader_name {
	uint32_t id;
	uint32_t look;	  /* reader.look when it was read: an interface may get another */
	const char *text; /* NULL: has none */
};

struct reader_names {
	struct reader_name *v;
	size_t n, cap;
};

struct reader {
	struct nl dump;	 /* dumps, one at a time */
	struct nl exact; /* single sockets, also while a dump runs; opened when first used
			  */
	struct owners owners, peers_scratch;
	struct cgroups cgroups;
	struct reader_names users, devices;
	struct arena arena; /* texts of users and devices */
	struct listeners listeners;
	struct recorded recorded;    /* what a file says, instead of this machine ... */
	bool replays;		     /* ... if one is read */
	char info_copy[512];	     /* tcp_info of the row that is being annotated */
	struct sock_options options; /* of the same row's owner */
	uint32_t look;		     /* counts collect_run() */
	unsigned threads;	     /* 0 = as many as processors */
	struct tunnels tunnels;	     /* as of tunnels_look */
	uint32_t tunnels_look;	     /* 0 = not read yet */
	uint32_t unowned; /* BIT(enum owner_status) of the rows that were annotated */
	int no_diag;	  /* errno of opening the netlink socket; 0 = it is open */
	int unanswered; /* errno of a question about one row that failed, so that the row
			   lacks the answer; 0 = none did */
};

/* Opens the dump socket. -EPROTONOSUPPORT or -ENOENT: a kernel without sock_diag. */
int reader_open(struct reader *r, struct fault *f);
/* Whether an error of it leaves /proc/net to read: a kernel without sock_diag, or a
 * sandbox (seccomp, an LSM) that refuses the socket. */
bool reader_has_fallback(int err);
void reader_close(struct reader *r);

#define _cleanup_reader_ __attribute__((cleanup(reader_close)))

/*
 * Asks for one TCP socket by its ends and cookie. Its pointers live until the next exact
 * request. 0, -ENOENT, or -errno.
 */
int reader_exact(struct reader *r, const struct sock *key, uint32_t ext,
		 struct sock *answer);

/* All listeners, anew, as the index for reader_listener_of(). 0 or -errno. */
int reader_listeners(struct reader *r, uint32_t ext);

/* Opens the socket for single questions if it is not open yet. 0 or -errno. */
int reader_side_socket(struct reader *r);

/*
 * The listener in whose queue s waits, read now if they were not yet. members
 * counts the candidates that cannot be told apart. False if there is none.
 */
bool reader_listener_of(struct reader *r, const struct sock *s,
			const struct sock **listener, uint32_t *members);

/* Adds to s what `needs` names (enum need) and no netlink attribute has. */
void reader_annotate(struct reader *r, struct sock *s, uint32_t needs);

/* What bytecode may use: all of it; a dump that the kernel refuses is asked for again
 * without. */
struct bytecode_caps;
extern const struct bytecode_caps reader_caps;
