/*
 * What must not stay behind when the program ends, in whatever way: temporary names, the
 * files of unix sockets, commands that were started. One list, and one set of signals.
 */
#pragma once

#include <signal.h>

#include "base/entry.h"

/* A member of what it belongs to; zeroed = not on the list. */
struct leaving {
	int dir;		     /* of the file; AT_FDCWD or ours to keep open */
	const char *name;	     /* NULL = it is a process */
	char aside[ENTRY_FRESH_MAX]; /* its name while it is removed */
	dev_t dev;
	ino_t ino;
	pid_t pid;
	struct leaving *next, **at;
};

/*
 * From here on the file, while its name belongs to this inode, is removed by a signal
 * that ends the program and by running out of memory. `name` and what `dir` stands for
 * stay the caller's. With `aside` NULL it is moved to a name of that directory that
 * nobody has.
 */
void leave_file(struct leaving *e, int dir, const char *name, const struct stat *st);

/* The same for a child: it gets SIGTERM. */
void leave_process(struct leaving *e, pid_t pid);

/* Takes it from the list, if it is there; nothing is removed. */
void leave_forget(struct leaving *e);

/* Removes the file of the list now; see entry_remove(). */
int leave_remove(struct leaving *e);

/* The list is of the process that began it; after fork() the child takes it over. */
void leave_inherit(void);

/* All that is on the list goes. May be called by a signal handler. */
void leave_now(void);

/* The signals that end a program unless it catches them, but those that were ignored when
 * it began (nohup, '&' of a script): they stay ignored. */
void leave_signals(sigset_t *set);
