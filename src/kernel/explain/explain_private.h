/* What the explainers share (rows.c). */
#pragma once

#include "base/clock.h"
#include "kernel/explain/explain.h"
#include "kernel/read/reader.h"
#include "kernel/read/seen.h"

/* The bound of a search in other network namespaces, of processor time: it answers a call
 * that failed, and nobody waits for more. */
enum { EXPLAIN_BUDGET_US = WORK_US(3000) };

/* Rows that are kept, in an arena. */
struct kept {
	struct arena *arena;
	struct sock **v;
	size_t n, cap;
	struct seen seen;
};

void kept_free(struct kept *k); /* the arena stays */

/* A copy of s at the end of k, unless its cookie is there already. */
void kept_add(struct kept *k, const struct sock *s);

/* Processes, control groups and users of the kept rows: one pass over /proc. */
void kept_own(struct kept *k, struct reader *r);

/* Age, unit and user of who holds x->holder.row. */
void found_process(struct bind_found *x, struct arena *a);

/* Every socket with this local port (0 = all), bound ones included. 0 or -errno. */
int explain_read_port(struct reader *r, uint8_t proto, uint16_t port, struct kept *k);

/* The same of UDP; of TCP only the listeners, which walks no connections. */
int explain_read_servers(struct reader *r, uint8_t proto, uint16_t port, struct kept *k);

/* The TCP sockets that are bound and silent: a walk over two tables of the kernel. */
int explain_read_bound(struct reader *r, uint16_t port, struct kept *k);

/* The name of an interface; NULL = there is none. */
const char *explain_device(struct arena *a, uint32_t ifindex);
/* ip_local_port_range and ip_unprivileged_port_start. */
void explain_settings(struct bind_facts *f);
/* ip_local_reserved_ports as text, and whether the candidate's port is in it. */
void explain_reservation(struct arena *a, struct bind_facts *f);
/* Appends the listeners on a TCP port in the other network namespaces; which of them were
 * searched. */
struct other_netns explain_elsewhere(struct kept *k, uint16_t port);
/* Rows as a list with their processes. */
struct bind_found *explain_found(struct arena *a, struct sock *const *rows, size_t n);

/* Whether an address is of this namespace, and the interface that has it. */
bool explain_find_device(const struct addr *to, uint32_t *device);

/* Sockets of any namespace that were bound to the name, and are not found by it here. */
void explain_namesakes(const struct bind_question *q, struct arena *a,
		       struct bind_facts *f);

/* Who else of this host has an address that is not of this namespace, within 3 ms; in
 * words only, or NULL. */
const char *explain_foreign_place(const struct addr *a, struct arena *arena);
/* The same of one that was connected to, with what listens there. */
void explain_foreign(const struct addr *to, uint8_t proto, struct arena *a,
		     struct foreign_facts *f);

/* Listeners that take what goes to f->to, on an address or an interface that is gone. */
void explain_deaf(struct connect_facts *f, struct arena *a);
/* The same where the sockets with that port have been read. */
void explain_deaf_among(const struct kept *servers, struct reader *r, struct arena *a,
			struct connect_facts *f);
/* The unix half of explain_listening(). */
struct listening explain_unix_listening(const struct connect_question *q);
/* The unix half of explain_bind(). */
void explain_unix(const struct bind_question *q, struct arena *a,
		  struct bind_facts *facts);
