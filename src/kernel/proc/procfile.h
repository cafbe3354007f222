/* Small files of /proc: sysctls, counters of the namespace, limits of a process. */
#pragma once

#include "model/finding/evidence.h"
#include "model/keeper.h"
#include "model/legacy_rules.h"
#include "model/port_draw.h"

/* The whole file as text (bounded), or NULL with errno. Free it. */
char *procfile_read(const char *path);

/* The first number of a file below /proc/sys/net/ipv4 or /proc/sys. */
bool procfile_sysctl(const char *name, uint64_t *value);

/* Which tables of iptables-legacy this network namespace has. */
void procfile_legacy_rules(struct legacy_rules *l);

void procfile_counters(struct net_counters *c);
void procfile_host(struct host_facts *h);
/* Packets of IPv4 or IPv6 (family) that this namespace meant to send, its own and those
 * it forwards, and that it sent. What lies between was dropped by this host itself: by an
 * OUTPUT rule of its firewall, mostly. */
struct out_counters {
	uint64_t meant, sent;
	bool known; /* older kernels do not count what was sent */
};
void procfile_out(int family, struct out_counters *c);

/* Connections of this network namespace that met a full accept queue, and that programs
 * of it aborted by close(). False if they could not be read. */
struct end_counters {
	uint64_t overflows, unread, lingered;
};
bool procfile_ends(struct end_counters *c);

/* Whether a TCP segment ever came to this namespace, or that cannot be told. */
bool procfile_tcp_came(void);

/* ip_local_port_range of the namespace, or the kernel's default where that cannot be
 * read: 0 or -errno. */
int procfile_port_range(uint16_t *lo, uint16_t *hi);
/* Marks the ports of ip_local_reserved_ports, which are never drawn: there is a place for
 * each of PORT_COUNT. The list as text, to be freed; NULL with errno. */
char *procfile_reserved_ports(bool *reserved);

/* draw_unread: errno, if what may be drawn could not be read. */
void procfile_limits(struct net_limits *l, const struct port_draw *draw, int draw_unread);

/* Since Linux 6.2 the size of /proc/PID/fd is the number of descriptors. */
bool procfile_descriptors_are_sizes(void);

/* Descriptors in use, by the size of their directory or by counting. 0 or -errno. */
int procfile_descriptors(int32_t pid, bool sizes, uint64_t *fds);

/* How many its table has room for by now, which nobody is refused: 0 or -errno. */
int procfile_descriptor_room(int32_t pid, uint64_t *room);

/* RLIMIT_NOFILE (soft). 0 or -errno. */
int procfile_descriptor_limit(int32_t pid, uint64_t *soft, uint64_t *hard);

/* What keeps a process running; its name lives in the arena. */
struct keeper procfile_keeper(struct arena *a, int32_t pid);

/* Its state, threads and voluntary switches, as a reading of its pulse: 0 or 1. */
void procfile_pulse(int32_t pid, struct pulse *pulse, int turn);
