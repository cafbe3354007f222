/*
 * Texts of /proc that say what one process does, as proctext.h has those of all: a text
 * may end anywhere, and what is not there is false.
 */
#pragma once

#include "model/addr.h"

/* PID/stat: its state ('S', 'T' ...), the process that started it, and its threads. */
bool processtext_task(const char *text, char *state, int32_t *parent, uint64_t *threads);

/* PID/syscall: the system call that a task sleeps in; false if it runs, or is in none. */
struct process_call {
	uint64_t number, args[6];
	bool narrow; /* of 32 bits, whose numbers are others: its stack lies that low */
};
bool processtext_call(const char *text, struct process_call *c);

/* A line of PID/fdinfo/FD of an epoll instance: the file it watches; the device is as the
 * kernel packs it. */
bool processtext_watched(const char *line, uint64_t *inode, uint64_t *device);

/* PID/cmdline of a docker-proxy: where it passes connections on to, and the port of this
 * host, 0 if that is not said. Each argument ends in NUL. */
bool processtext_proxy(const char *args, size_t len, struct addr *to,
		       uint16_t *published);
