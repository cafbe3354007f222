/*
 * A listening socket: opened and bound with its options, accepted from with whatever
 * patience or impatience was asked for, handed to connections or commands.
 */
#pragma once

#include "net/relay/session.h"
#include "net/role/child.h"
#include "net/role/peerfile.h"
#include "net/socket/sockopt.h"

struct server_how {
	const struct sockopt_list *options;
	int backlog;		       /* as for listen(2); -1 = the kernel's most */
	bool keep;		       /* any number of peers */
	uint64_t max;		       /* end after so many; 0 = never */
	uint64_t timeout_us;	       /* for the first peer; 0 = none */
	const struct child_how *child; /* or NULL */
	struct peerfile_place output;  /* a file a peer */
	const struct behave *behave;
};

struct server {
	struct session *s;
	const struct server_how *how;
	struct watch w;
	struct watch handed; /* of the seat: what other threads accepted for this one */
	struct timer pause, first;
	struct endpoint local;
	struct unix_file *file; /* or NULL */
	struct child *children;
	uint64_t accepted;
	uint64_t next_accept_us; /* --accept-rate */
	uint64_t open_before;	 /* connections, when peers were there last time */
	int burst;		 /* how many are taken in one turn */
	int spare; /* a descriptor that the next peer's file will have; or -1 */
	int held;  /* a peer that waits for what it needs, or -1 */
	uint64_t held_id;
	bool due;	/* --accept-delay is over for the next one */
	bool starved;	/* out of descriptors, told once */
	bool timed_out; /* nobody came before timeout_us */
};

/*
 * socket, options, bind, listen (unless behave->bind_only). Tries the addresses in turn
 * where a family or an address is missing here; local is what was really bound. fd or
 * -errno with a fault; *failed is the endpoint of the last failure.
 */
int server_open(const struct endpoint_list *list, const struct server_how *how,
		struct endpoint *local, struct unix_file *file, struct session *s,
		struct endpoint *failed, struct fault *f);

/* The descriptor that was handed over (LISTEN_FDS), or fd `number` of `fd:N`. */
int server_inherit(int number, struct endpoint *local, struct fault *f);

/* Accepts from fd (non-blocking, taken) in the session. 0 or -errno with a fault. */
int server_start(struct server *v, struct session *s, int fd,
		 const struct endpoint *local, struct unix_file *file,
		 const struct server_how *how, struct fault *f);
/* --limit-fds, once all is open that the server itself needs. 0 or -errno with a fault.
 */
int server_limit_fds(const struct server_how *how, struct fault *f);
/* Stops accepting; removes the unix path that is ours; ends the children. */
void server_stop(struct server *v);
