/* What a server is, for the parts that it is made of: server.h has its life. */
#pragma once

#include "model/target/prefix_list.h"
#include "net/relay/session.h"
#include "net/role/child.h"
#include "net/role/forward.h"
#include "net/role/peerfile.h"
#include "net/socket/sockopt.h"
#include "net/socket/unixfile.h"

struct server_how {
	const struct sockopt_list *options;
	int backlog;			/* as for listen(2); -1 = the kernel's most */
	bool keep;			/* any number of peers */
	uint64_t max;			/* end after so many; 0 = never */
	uint64_t timeout_us;		/* for the first peer; 0 = none */
	const struct child_how *child;	/* or NULL */
	const struct forward_how *to;	/* or NULL */
	const struct peer_rules *rules; /* or NULL: everybody may come */
	struct peerfile_place output;	/* a file a peer */
	const struct behave *behave;
};

/* One of several listeners that a server accepts from, beside its first. */
struct listener {
	struct watch w;
	struct endpoint local;
	struct server *v;
};

struct server {
	struct session *s;
	const struct server_how *how;
	struct watch w;
	struct watch handed; /* of the seat: what other threads accepted for this one */
	struct timer pause, first;
	struct endpoint local;
	struct listener *also; /* the caller's */
	size_t n_also;
	const struct endpoint *from; /* which listener has the peer that is served */
	const struct endpoint *held_from;
	struct unix_file *file; /* or NULL */
	struct child *children;
	struct forward *forwards;
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

bool server_wants_more(const struct server *v);
void server_stop_accepting(struct server *v);
/* Watches every listener for these events; 0 or -errno. */
int server_watch(struct server *v, uint32_t events);
/* Ends the loop where nothing is left to do. */
void server_check_over(struct server *v);

/* Something is short (f says what): said once, and the queue is left alone for a while;
 * and the end of that. */
void server_starve(struct server *v, struct fault *f);
void server_fed(struct server *v);
/* Leaves the queue alone for so long. */
void server_rest(struct server *v, uint64_t us);
/* Whatever epoll failed to do is tried again after this. */
enum { SERVER_STARVED_US = 100 * 1000 };
