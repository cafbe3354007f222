/*
 * What is known of the holder of a socket: the one place of the reasons why nobody is
 * named, and of their words.
 */
#pragma once

#include "base/util.h"

enum owner_status {
	OWNER_NOT_ASKED,
	OWNER_FOUND,
	OWNER_NONE,	 /* the kernel holds it alone: no inode, by nature of the state */
	OWNER_KERNEL,	 /* a tunnel of the kernel's has its port */
	OWNER_INVISIBLE, /* all processes and threads were read: kernel socket, or held
			    where nothing shows it */
	OWNER_PERMISSION,    /* some process could not be read: the owner may be among
				them */
	OWNER_HIDEPID,	     /* /proc hides the processes of others */
	OWNER_PID_NAMESPACE, /* processes outside of our pid namespace have no number here
			      */
	OWNER_NO_PROC,	     /* there is no /proc, or another directory in its place */
	OWNER_THREADS,	     /* all processes were read, not all threads */
	OWNER_CANDIDATES,   /* nobody has a descriptor, and somebody may have it in flight
			       or registered with io_uring */
	OWNER_NOT_RECORDED, /* a recorded dump that does not say who held its sockets */
	OWNER_NOT_READ,	    /* reading them failed: who has it is not known */
	OWNER_STATUSES,
};

/* Whether somebody who is not named may hold it. Else nobody but the holders does. */
static inline bool owner_is_unknown(uint8_t status)
{
	return status > OWNER_INVISIBLE;
}

/* ... a process that was not seen, of which not even a name or a pid is known. */
static inline bool owner_is_unseen(uint8_t status)
{
	return status > OWNER_PERMISSION && status < OWNER_NOT_READ;
}

/* The status of a key of JSON; OWNER_NOT_READ for one that is not known. */
uint8_t owner_status_of(const char *key, size_t len);

struct owner_words {
	const char *key;     /* of JSON: processes_unknown; NULL = no member */
	const char *cell;    /* of a table, without what closes the bracket */
	const char *finding; /* in place of the process of a finding */
	const char *who;     /* subject of a sentence: who holds it; NULL = is named */
};
const struct owner_words *owner_words(uint8_t status);
