/* Small files of /proc: sysctls, counters of the namespace, limits of a process. */
#pragma once

#include "model/evidence.h"

/* The whole file as text (bounded), or NULL. Free it. */
char *procfile_read(const char *path);

/* The first number of a file below /proc/sys/net/ipv4 or /proc/sys. */
bool procfile_sysctl(const char *name, uint64_t *value);

void procfile_counters(struct net_counters *c);
/* Packets of IPv4 or IPv6 (family) that this namespace meant to send, its own and those
 * it forwards, and that it sent. What lies between was dropped by this host itself: by an
 * OUTPUT rule of its firewall, mostly. */
struct out_counters {
	uint64_t meant, sent;
	bool known; /* older kernels do not count what was sent */
};
void procfile_out(int family, struct out_counters *c);

void procfile_limits(struct net_limits *l);

/* Descriptors in use and RLIMIT_NOFILE (soft). */
bool procfile_descriptors(int32_t pid, uint64_t *fds, uint64_t *limit);

/* The systemd unit of a process, from /proc/PID/cgroup; copied into the arena, or NULL.
 */
const char *procfile_unit(struct arena *a, int32_t pid);
