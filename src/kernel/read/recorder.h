/* Writes a record of sockets: what the kernel said, in an order that ss reads too, and
 * what it did not say (record_private.h). */
#pragma once

#include "base/out.h"
#include "kernel/proc/cgroup.h"
#include "kernel/read/reader.h"

struct recorder;

/* protos: BIT(enum sock_proto) of what is asked for. */
struct recorder *recorder_new(struct out *out, uint32_t protos);
void recorder_free(struct recorder *w);

/* For the netlink sockets that it listens to. */
struct nl_record *recorder_listener(struct recorder *w);

/* From here on TCP sockets are read that were, or will be, read for themselves (true); or
 * that ss is not to show. */
void recorder_beside(struct recorder *w, bool beside);

/* The TCP sockets are over; lists_bound: whether the kernel lists those that are only
 * bound, negative = not known. 0, or -errno: of which host it is could not be kept. */
int recorder_end_tcp(struct recorder *w, int lists_bound);

/* What BPF programs keep for a TCP socket, once those are over; and that what is not
 * there is kept for none of them. */
void recorder_storage(struct recorder *w, const struct sock *s);
void recorder_has_storages(struct recorder *w);

/* The sockets of another protocol begin. */
void recorder_section(struct recorder *w, uint8_t proto);

/* Reads who holds the sockets, and the names of what they name, and ends the record. */
void recorder_end(struct recorder *w, struct cgroups *cgroups, unsigned threads);
