/* What the parts of collection share. */
#pragma once

#include <stdio.h>

#include "kernel/read/collect.h"
#include "kernel/read/recorder.h"
#include "kernel/read/seen.h"

struct collector {
	struct reader *r;
	const struct collect_request *req;
	const struct collect_sink *sink;
	uint32_t needs;	   /* of what is shown and of the filter */
	uint32_t known;	   /* needs that a row meets when it comes from the kernel */
	uint32_t added;	   /* of needs, what is looked up for a row after it came */
	bool every_row;	   /* ... for any row, not only for one that waits in a queue */
	bool filter_again; /* the filter asks for some of it */
	bool deferred;	   /* rows are kept until their owners are known */
	uid_t euid;
	bool owners_first; /* ... were read before the rows: what is younger has none yet
			    */
	bool all_attributes;	   /* of a message; else those that every row needs */
	struct recorder *recorder; /* NULL = nothing is recorded */
	int sink_error; /* what the sink returned, told apart from the kernel's errors */
	uint8_t proto;	/* of the dump that runs */
	uint64_t matched_listeners;
	uint64_t *listening; /* their ports, a bit each, if the request asks for it */
	struct seen seen;
	struct arena arena; /* deferred rows */
	struct sock **rows;
	size_t n_rows, cap_rows;
	bool complete, rows_missing;
	bool forged;	  /* lines of /proc/net/unix may be parts of names */
	unsigned guesses; /* who may hold what the filter refused */
	const struct field *hidden_field; /* as in struct collect_result */
	char hidden[200];		  /* as in struct collect_result */
};

/* One parsed row: duplicates and other families out, filter, annotations, sink. 0 or
 * negative. */
int collect_row(struct collector *c, struct sock *s);

/* Its last steps, when everything is known or can be looked up now. */
int collect_finish(struct collector *c, struct sock *s);

/* Puts a copy off into c->rows. */
void collect_keep(struct collector *c, const struct sock *s);

/* The same for a message of a TCP or UDP dump (c->proto), and of a unix dump.
 * nl_message_fn. */
int collect_inet_message(const struct nlmsghdr *h, void *ctx);
int collect_unix_message(const struct nlmsghdr *h, void *ctx);

/* Whether some port of the request has no listener, and may have a bound-only socket. */
bool collect_wants_bound(const struct collector *c);

/* Whether sockets that are only bound were asked for by their state; of a port they are
 * an addition. And what is said where they cannot be known. */
bool collect_asks_for_bound(const struct collector *c);
void collect_lacks_bound(struct collector *c, int err);

/* Frees the rows that it keeps. */
void collect_drop_held(struct collector *held);

/* Asks the kernel (live.c). */
int collect_live(struct collector *c, struct fault *f);

/* Reads a recorded dump in place of the kernel (replay.c). */
int collect_replay(struct collector *c, struct fault *f);

/* Reads /proc/net in place of sock_diag (procnet.c). */
int collect_procnet(struct collector *c, uint32_t protos, struct fault *f);
/* One of its tables; PROTO_UNIX_STREAM stands for all unix sockets. 0 or negative. */
int collect_procnet_file(struct collector *c, FILE *file, uint8_t proto);
