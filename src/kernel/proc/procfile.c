#include "kernel/proc/procfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "model/proctext.h"

enum { LARGEST = 1 << 20 };

char *procfile_read(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t cap = 4096, len = 0;
	char *text;

	if (fd < 0)
		return NULL;
	text = xmalloc(cap);
	for (;;) {
		ssize_t n = read(fd, text + len, cap - len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = errno;

			free(text);
			errno = err;
			return NULL;
		}
		if (n == 0)
			break;
		len += (size_t)n;
		if (cap - len < 2) {
			if (cap >= LARGEST)
				break;
			cap *= 2;
			text = xrealloc(text, cap);
		}
	}
	text[len] = '\0';
	return text;
}

/* The first error is kept, but for what is not there or may not be read: a kernel without
 * it, or one that hides it. */
static void note(int err, int *unread)
{
	if (err && !*unread && err != ENOENT && err != ESRCH && err != EACCES &&
	    err != EPERM)
		*unread = err;
}

static char *read_or_note(const char *path, int *unread)
{
	char *text = procfile_read(path);

	if (!text)
		note(errno, unread);
	return text;
}

static bool sysctl_or_note(const char *name, uint64_t *value, int *unread)
{
	_cleanup_free_ char *text = NULL;
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	text = read_or_note(path, unread);
	return text && proctext_number(text, value);
}

bool procfile_sysctl(const char *name, uint64_t *value)
{
	int unread = 0;

	return sysctl_or_note(name, value, &unread);
}

/* The kernel without its module has no such file. */
static enum legacy legacy_of(const char *path)
{
	_cleanup_free_ char *text = procfile_read(path);

	if (!text)
		return errno == ENOENT && access("/proc/thread-self/net", F_OK) == 0
			       ? LEGACY_NONE
			       : LEGACY_UNKNOWN;
	return *text ? LEGACY_SOME : LEGACY_NONE;
}

void procfile_legacy_rules(struct legacy_rules *l)
{
	l->v4 = legacy_of("/proc/thread-self/net/ip_tables_names");
	l->v6 = legacy_of("/proc/thread-self/net/ip6_tables_names");
}

/* Of UDP, and of packets without a route, over IPv4 and IPv6. */
static void read_packets(struct net_counters *c)
{
	_cleanup_free_ char *v4 = read_or_note("/proc/thread-self/net/snmp", &c->unread);
	_cleanup_free_ char *v6 = read_or_note("/proc/thread-self/net/snmp6", &c->unread);
	uint64_t full = 0, memory = 0;

	if (v4) {
		proctext_pair(v4, "Udp", "RcvbufErrors", &c->udp_full);
		proctext_pair(v4, "Udp", "MemErrors", &c->udp_memory);
		proctext_pair(v4, "Ip", "OutNoRoutes", &c->no_routes[0]);
	}
	if (v6) {
		proctext_line(v6, "Udp6RcvbufErrors", &full);
		proctext_line(v6, "Udp6MemErrors", &memory);
		proctext_line(v6, "Ip6OutNoRoutes", &c->no_routes[1]);
	}
	c->udp_full += full;
	c->udp_memory += memory;
}

bool procfile_tcp_came(void)
{
	_cleanup_free_ char *text = procfile_read("/proc/thread-self/net/snmp");
	uint64_t segments;

	return !text || !proctext_pair(text, "Tcp", "InSegs", &segments) || segments;
}

void procfile_out(int family, struct out_counters *c)
{
	bool four = family == AF_INET;
	_cleanup_free_ char *text = procfile_read(four ? "/proc/thread-self/net/snmp"
						       : "/proc/thread-self/net/snmp6");
	uint64_t forwarded = 0;

	*c = (struct out_counters){ 0 };
	if (!text)
		return;
	if (four) {
		c->known = proctext_pair(text, "Ip", "OutRequests", &c->meant) &&
			   proctext_pair(text, "Ip", "ForwDatagrams", &forwarded) &&
			   proctext_pair(text, "Ip", "OutTransmits", &c->sent);
	} else {
		c->known = proctext_line(text, "Ip6OutRequests", &c->meant) &&
			   proctext_line(text, "Ip6OutForwDatagrams", &forwarded) &&
			   proctext_line(text, "Ip6OutTransmits", &c->sent);
	}
	c->meant += forwarded;
}

void procfile_counters(struct net_counters *c)
{
	_cleanup_free_ char *text = NULL;
	uint64_t dropped = 0;

	*c = (struct net_counters){ 0 };
	text = read_or_note("/proc/thread-self/net/netstat", &c->unread);
	if (!text)
		return;
	c->known = proctext_pair(text, "TcpExt", "ListenOverflows", &c->listen_overflows);
	proctext_pair(text, "TcpExt", "ListenDrops", &c->listen_drops);
	proctext_pair(text, "TcpExt", "SyncookiesSent", &c->syncookies_sent);
	proctext_pair(text, "TcpExt", "TCPReqQFullDoCookies", &c->reqq_full);
	if (proctext_pair(text, "TcpExt", "TCPReqQFullDrop", &dropped))
		c->reqq_full += dropped;
	proctext_pair(text, "TcpExt", "TCPTimeWaitOverflow", &c->tw_overflow);
	proctext_pair(text, "TcpExt", "TCPMemoryPressures", &c->tcp_pressures);
	proctext_pair(text, "TcpExt", "PruneCalled", &c->tcp_pruned);
	read_packets(c);
	/* A counter that was not read would seem to rise from 0 to the next reading. */
	c->known &= !c->unread;
}

bool procfile_ends(struct end_counters *c)
{
	_cleanup_free_ char *text = procfile_read("/proc/thread-self/net/netstat");

	return text && proctext_pair(text, "TcpExt", "ListenOverflows", &c->overflows) &&
	       proctext_pair(text, "TcpExt", "TCPAbortOnClose", &c->unread) &&
	       proctext_pair(text, "TcpExt", "TCPAbortOnData", &c->lingered);
}

static void read_conntrack(struct host_facts *h)
{
	_cleanup_free_ char *stat = NULL;

	/* Without an entry it is not in use, mostly. */
	if (!sysctl_or_note("netfilter/nf_conntrack_count", &h->tracked, &h->unread) ||
	    !h->tracked)
		return;
	h->knows_tracked = sysctl_or_note("netfilter/nf_conntrack_max", &h->most_tracked,
					  &h->unread);
	stat = read_or_note("/proc/thread-self/net/stat/nf_conntrack", &h->unread);
	h->knows_track_drops = stat && proctext_stat(stat, "drop", &h->track_drops) &&
			       proctext_stat(stat, "insert_failed", &h->track_failed) &&
			       proctext_stat(stat, "early_drop", &h->track_early);
}

/* Allocated, 0, the limit. */
static void read_files(struct host_facts *h)
{
	_cleanup_free_ char *text = read_or_note("/proc/sys/fs/file-nr", &h->unread);
	uint64_t v[3];

	h->knows_files = text && proctext_triple(text, v);
	if (!h->knows_files)
		return;
	h->files = v[0];
	h->most_files = v[2];
}

void procfile_host(struct host_facts *h)
{
	_cleanup_free_ char *protocols = NULL, *tcp_mem = NULL;

	*h = (struct host_facts){ 0 };
	protocols = read_or_note("/proc/thread-self/net/protocols", &h->unread);
	tcp_mem = read_or_note("/proc/sys/net/ipv4/tcp_mem", &h->unread);
	h->knows_tcp_memory = protocols &&
			      proctext_memory(protocols, "TCP", &h->tcp_pages,
					      &h->tcp_pressed);
	h->knows_tcp_mem = tcp_mem && proctext_triple(tcp_mem, h->tcp_mem);
	read_conntrack(h);
	read_files(h);
}

int procfile_port_range(uint16_t *lo, uint16_t *hi)
{
	_cleanup_free_ char *text = procfile_read(
		"/proc/sys/net/ipv4/ip_local_port_range");

	*lo = 32768;
	*hi = 60999;
	if (!text)
		return -errno;
	return proctext_range(text, lo, hi) ? 0 : -EBADMSG;
}

char *procfile_reserved_ports(bool *reserved)
{
	char *text = procfile_read("/proc/sys/net/ipv4/ip_local_reserved_ports");

	if (text)
		proctext_ports(text, reserved);
	return text;
}

static void read_sockstat(struct net_limits *l)
{
	_cleanup_free_ char *text = read_or_note("/proc/thread-self/net/sockstat",
						 &l->unread);

	l->has_sockstat = text && proctext_keyed(text, "TCP", "orphan", &l->orphans) &&
			  proctext_keyed(text, "TCP", "tw", &l->time_wait);
}

void procfile_limits(struct net_limits *l, const struct port_draw *draw, int draw_unread)
{
	int *unread = &l->unread;

	*l = (struct net_limits){ .syncookies = 1 };
	note(draw_unread, unread);
	if (!draw_unread)
		port_draw_count(draw, &l->ephemeral_ports, &l->ephemeral_listeners);
	sysctl_or_note("ipv4/tcp_tw_reuse", &l->tw_reuse, unread);
	sysctl_or_note("ipv4/tcp_timestamps", &l->timestamps, unread);
	/* How many there are hangs on all of these. */
	if (l->unread)
		l->ephemeral_ports = l->ephemeral_listeners = 0;
	l->has_somaxconn = sysctl_or_note("core/somaxconn", &l->somaxconn, unread);
	l->has_syn_backlog = sysctl_or_note("ipv4/tcp_max_syn_backlog", &l->syn_backlog,
					    unread);
	l->has_tw_buckets = sysctl_or_note("ipv4/tcp_max_tw_buckets", &l->tw_buckets,
					   unread);
	l->has_max_orphans = sysctl_or_note("ipv4/tcp_max_orphans", &l->max_orphans,
					    unread);
	sysctl_or_note("ipv4/tcp_abort_on_overflow", &l->abort_on_overflow, unread);
	sysctl_or_note("ipv4/tcp_syncookies", &l->syncookies, unread);
	read_sockstat(l);
}

bool procfile_descriptors_are_sizes(void)
{
	struct stat st;

	return stat("/proc/self/fd", &st) == 0 && st.st_size > 0;
}

static int count_descriptors(const char *path, uint64_t *fds)
{
	DIR *dir = opendir(path);
	int err;

	if (!dir)
		return -errno;
	for (struct dirent *d; (errno = 0, d = readdir(dir));)
		*fds += d->d_name[0] != '.';
	err = errno;
	closedir(dir);
	return -err;
}

int procfile_descriptors(int32_t pid, bool sizes, uint64_t *fds)
{
	char path[40];
	struct stat st;

	*fds = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if (!sizes)
		return count_descriptors(path, fds);
	if (stat(path, &st) != 0)
		return -errno;
	*fds = (uint64_t)st.st_size;
	return 0;
}

int procfile_descriptor_room(int32_t pid, uint64_t *room)
{
	_cleanup_free_ char *text = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = procfile_read(path);
	if (!text)
		return -errno;
	return proctext_line(text, "FDSize:", room) ? 0 : -EBADMSG;
}

int procfile_descriptor_limit(int32_t pid, uint64_t *soft, uint64_t *hard)
{
	_cleanup_free_ char *text = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	text = procfile_read(path);
	if (!text)
		return -errno;
	return proctext_descriptor_limit(text, soft, hard) ? 0 : -EBADMSG;
}

struct keeper procfile_keeper(struct arena *a, int32_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	text = procfile_read(path);
	return text ? keeper_of(a, text) : (struct keeper){ 0 };
}

void procfile_pulse(int32_t pid, struct pulse *pulse, int turn)
{
	_cleanup_free_ char *text = NULL;
	static const char key[] = "\nState:\t";
	const char *state;
	uint64_t threads;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = procfile_read(path);
	/* What follows Name:, where a newline is escaped. */
	state = text ? strstr(text, key) : NULL;
	if (!state || !proctext_line(state, "Threads:", &threads) ||
	    !proctext_line(state, "voluntary_ctxt_switches:", &pulse->switches[turn]))
		return;
	pulse->threads = (uint32_t)threads;
	pulse->known[turn] = true;
}
