/*
 * What a record says beside its sockets: where and when it was made, who held them, and
 * the names of users, interfaces and control groups, as seen then. None of that is asked
 * of the machine that reads it.
 */
#pragma once

#include <linux/netlink.h>

#include "base/hash.h"
#include "base/mem.h"
#include "kernel/proc/owners.h"
#include "model/origin.h"

struct recorded_name {
	uint64_t id;
	const char *text; /* ends with NUL; NULL = it had none */
	uint32_t len;
};

/* Zero-initialise. */
struct recorded_names {
	struct recorded_name *v;
	size_t n, cap;
	struct hash_index index;
};

/* What a dump is of; 0 = not known, as of what ss wrote. */
struct recorded_meta {
	struct origin origin;
	uint32_t protos;    /* BIT(enum sock_proto) of what was asked for */
	bool newer;	    /* in a format that is not known here */
	int8_t lists_bound; /* of the kernel; negative = not known */
};

struct recorded_end {
	struct addr local, peer;
	uint32_t inode;
};

/* Zero-initialise. */
struct recorded {
	struct arena arena;
	struct recorded_meta meta;
	struct recorded_names users, devices, cgroups;
	struct recorded_names storages; /* what BPF programs keep, by cookie */
	struct recorded_end *ends;	/* of TCP connections that somebody holds */
	size_t n_ends, cap_ends;
	struct hash_index ends_index;
	int cgroups_denied; /* errno, if some could not be read then */
	bool has_owners;
	bool has_storages; /* of every TCP socket that has one */
	bool is_ours;	   /* a mark says that an end must come */
	bool ended;
	bool broken; /* something of it is not what it should be */
};

/* Takes a message of a file, if it is one of ours that is no socket; owners are added to
 * o. */
void recorded_take(struct recorded *r, struct owners *o, const struct nlmsghdr *h);
/* Takes a TCP socket of a file, so that recorded_peer_inode() finds it. */
void recorded_note_end(struct recorded *r, const struct nlmsghdr *h);
/* The inode of the other end of a TCP connection; 0 if it is not in the file. */
uint32_t recorded_peer_inode(const struct recorded *r, const struct sock *s);
void recorded_free(struct recorded *r);

/* NULL if nothing is known of it. */
const struct recorded_name *recorded_name(const struct recorded_names *names,
					  uint64_t id);
