/*
 * Whether a process can be reached by the path that its unix socket is bound to: the path
 * as that process sees it, below /proc/PID/root, against the file in the socket's row.
 * File servers that do not answer stop a look-up for ever, so it is made in a thread that
 * is left behind when its time is over.
 */
#pragma once

#include "model/file_id.h"

enum in_root {
	IN_ROOT_UNKNOWN, /* may not be looked at, late, or a root within its namespace */
	IN_ROOT_SAME,	 /* the file of the socket, by this name or a sibling's */
	IN_ROOT_OTHER,	 /* another file has the name */
	IN_ROOT_NOTHING, /* nothing has */
};

enum { IN_ROOT_PATH = 112, IN_ROOT_LIMIT_MS = 1000 };

struct in_root_look {
	/* Asked. pid 0: our own root. The path is absolute. */
	int32_t pid;
	char path[IN_ROOT_PATH];
	struct sock row; /* its file: has, vfs_dev, vfs_inode alone */

	/* Answered; as it was where the time did not suffice. */
	enum in_root is;
	bool apart; /* the process is in another mount namespace than we are */
	/* SAME: where the file is below that root, without links; "" = not known */
	char real[IN_ROOT_PATH];
};

/* Prepares a look; false if the name of the row is no absolute path. */
bool in_root_ask(struct in_root_look *look, int32_t pid, const struct sock *row);

/* All of them within IN_ROOT_LIMIT_MS. */
void in_root(struct in_root_look *looks, size_t n);
