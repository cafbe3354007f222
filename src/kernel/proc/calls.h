/* System calls that tasks sleep in, by the numbers of this machine. */
#pragma once

#include "model/processtext.h"

/* The call that a task of a process sleeps in. False if it is in none, or may not be
 * read. */
bool calls_read(int32_t pid, int32_t tid, struct process_call *c);

/* "epoll_wait", or NULL. */
const char *calls_name(const struct process_call *c);
/* The descriptor that the call is about, or -1. */
int32_t calls_fd(const struct process_call *c);

enum calls_kind {
	CALL_OTHER,
	CALL_ACCEPT,
	CALL_EPOLL,
	CALL_SELECT,
	CALL_POLL,
	CALL_SIGNAL, /* waits for children or signals */
};
enum calls_kind calls_kind(const struct process_call *c);

/* Whether a select() or poll() waits until the descriptor can be read, by the set in the
 * memory of the process. */
enum calls_set { SET_UNKNOWN, SET_LACKS, SET_HAS };
enum calls_set calls_waits_for(int32_t pid, const struct process_call *c, int32_t fd);
