/*
 * The format of a record. Up to the first NLMSG_DONE it holds the TCP sockets, each once,
 * as the kernel told them: what ss reads (TCPDIAG_FILE), which takes any message for a
 * socket and stops there. This NLMSG_DONE is marked: the record goes on until RECORD_END.
 * Behind it come further readings of TCP sockets, and sections of other protocols. What
 * the kernel did not say stands in messages of type NLMSG_NOOP with a magic and a kind: a
 * protocol (enum sock_proto, the section of which begins), or one of record_kind,
 * followed by attributes.
 */
#pragma once

#include <linux/netlink.h>

#include "model/sock.h"

#define RECORD_MAGIC "sockctl"

enum { RECORD_VERSION = 1 };

enum record_kind {
	RECORD_META = 0x80, /* where, when and by whom it was made */
	RECORD_OWNERS,	    /* why a socket may have a holder that is not named */
	RECORD_PROCESS,	    /* one that holds sockets, or could not be read */
	RECORD_CGROUP,
	RECORD_USER,
	RECORD_DEVICE,
	RECORD_STORAGE,	 /* what BPF programs keep for a socket */
	RECORD_END,	 /* nothing is missing */
	RECORD_STORAGES, /* those of all TCP sockets are in the record */
};

struct record_head {
	struct nlmsghdr h;
	char magic[8];
	uint8_t kind;
	uint8_t version;
	uint8_t pad[2];
};

struct record_done {
	struct nlmsghdr h;
	int32_t err;
	char magic[8];
};

/* Attributes, by kind. Numbers have the order of bytes of the machine, as all of netlink.
 */
enum {
	META_PROGRAM = 1, /* text: its version */
	META_HOST,	  /* text */
	META_BOOT_ID,	  /* text */
	META_KERNEL,	  /* text */
	META_MACHINE,	  /* text */
	META_TIME,	  /* u64: microseconds since 1970 */
	META_NETNS,	  /* u64: inode of the network namespace */
	META_UID,	  /* u32: whose rights it was made with */
	META_PROTOS,	  /* u32: BIT(enum sock_proto) of what was asked for */
	META_LISTS_BOUND, /* u8: whether the kernel lists sockets that are only bound */

	OWNERS_UNSEEN = 1, /* text: key of owner_words(), absent = nothing is hidden */
	OWNERS_WHY,	   /* text: what hides some */
	OWNERS_FAILED,	   /* u32: errno, if some could not be read */
	OWNERS_N_FAILED,   /* u64 */
	OWNERS_CGROUPS_DENIED, /* u32: errno, if some control groups could not be read */

	PROCESS_PID = 1,  /* u32 */
	PROCESS_COMMAND,  /* bytes */
	PROCESS_ERR,	  /* u32: errno of reading its descriptors */
	PROCESS_NAME_ERR, /* u32 */
	PROCESS_FDS,	  /* struct kept_descriptor[] */

	NAME_ID = 1, /* u64: of a control group, user or device */
	NAME_TEXT,   /* bytes; absent = it has no name */

	STORAGE_COOKIE = 1, /* u64 */
	STORAGE_DATA,	    /* the attribute of sock_diag, as it came */
};

/* Whether a message of type NLMSG_NOOP or NLMSG_DONE is marked as one of ours. */
static inline bool record_is_marked(const struct nlmsghdr *h)
{
	bool done = h->nlmsg_type == NLMSG_DONE;
	size_t at = done ? offsetof(struct record_done, magic)
			 : offsetof(struct record_head, magic);
	size_t least = done ? sizeof(struct record_done) : sizeof(struct record_head);

	return h->nlmsg_len >= least && (done || h->nlmsg_type == NLMSG_NOOP) &&
	       memcmp((const char *)h + at, RECORD_MAGIC, sizeof(RECORD_MAGIC)) == 0;
}

/* Where a row waits in a queue, or is one: read more than once it says more. */
static inline bool record_is_of_queue(const struct sock *s)
{
	return sock_is_listener(s) || sock_is_unaccepted(s) ||
	       (s->state == STATE_SYN_RECV && !(s->has & SOCK_IS_FULL));
}
