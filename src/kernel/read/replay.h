/* What the parts of reading a recorded dump share. */
#pragma once

#include "kernel/netlink/nl.h"
#include "kernel/read/collect_private.h"

/* A file that is read twice: who held the sockets stands behind them. */
struct replay_file {
	int fd;
	int copy;   /* of what cannot be read twice, as a pipe; -1 = none is needed */
	off_t from; /* where it begins */
	char shown[160];
};

/* 0 or -errno with a fault; replay_close() in any case. */
int replay_open(struct replay_file *file, const char *path, struct fault *f);
/* To its beginning, after the first reading. */
int replay_rewind(struct replay_file *file, struct fault *f);
void replay_close(struct replay_file *file);

/*
 * Hands its messages to fn, each whole and at least as long as a header, aligned to 4. 0,
 * what fn returned, or -errno with a fault: EBADMSG where something else stands in the
 * file. cut: it ends in the middle of a message.
 */
int replay_each(const struct replay_file *file, nl_message_fn *fn, void *ctx, bool *cut,
		struct fault *f);

/*
 * Shows the TCP rows that were held back: those of `queues` (listeners, half-open and
 * un-accepted connections), which say who waits in whose queue, and the others in `rest`.
 * 0 or negative.
 */
int replay_queues(struct collector *c, struct collector *queues, struct collector *rest);
