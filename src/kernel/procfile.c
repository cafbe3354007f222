#include "kernel/procfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

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
		if (n <= 0)
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

bool procfile_sysctl(const char *name, uint64_t *value)
{
	_cleanup_free_ char *text = NULL;
	char path[128], *end;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	text = procfile_read(path);
	if (!text)
		return false;
	*value = strtoull(text, &end, 10);
	return end != text;
}

/* netstat and snmp: a line of names, a line of values, the same word first. */
static bool pair_value(const char *text, const char *table, const char *name,
		       uint64_t *value)
{
	size_t table_len = strlen(table), name_len = strlen(name);
	const char *line;

	for (line = text; line && *line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		const char *values, *n, *v;

		if (strncmp(line, table, table_len) != 0 || line[table_len] != ':')
			continue;
		values = strchr(line, '\n');
		if (!values)
			return false;
		n = line + table_len + 1;
		v = values + 1 + table_len + 1;
		while (*n == ' ' && *v == ' ') {
			size_t len = strcspn(++n, " \n");

			v++;
			if (len == name_len && memcmp(n, name, len) == 0) {
				*value = strtoull(v, NULL, 10);
				return true;
			}
			n += len;
			v += strcspn(v, " \n");
		}
		line = values + 1;
	}
	return false;
}

/* snmp6: one name and value a line. */
static bool line_value(const char *text, const char *name, uint64_t *value)
{
	size_t len = strlen(name);
	const char *line;

	for (line = text; line && *line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, name, len) == 0 &&
		    (line[len] == ' ' || line[len] == '\t')) {
			*value = strtoull(line + len, NULL, 10);
			return true;
		}
	return false;
}

/* Of UDP over IPv4 and IPv6. */
static void read_udp(struct net_counters *c)
{
	_cleanup_free_ char *v4 = procfile_read("/proc/thread-self/net/snmp");
	_cleanup_free_ char *v6 = procfile_read("/proc/thread-self/net/snmp6");
	uint64_t full = 0, memory = 0;

	if (v4) {
		pair_value(v4, "Udp", "RcvbufErrors", &c->udp_full);
		pair_value(v4, "Udp", "MemErrors", &c->udp_memory);
	}
	if (v6) {
		line_value(v6, "Udp6RcvbufErrors", &full);
		line_value(v6, "Udp6MemErrors", &memory);
	}
	c->udp_full += full;
	c->udp_memory += memory;
}

bool procfile_tcp_came(void)
{
	_cleanup_free_ char *text = procfile_read("/proc/thread-self/net/snmp");
	uint64_t segments;

	return !text || !pair_value(text, "Tcp", "InSegs", &segments) || segments;
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
		c->known = pair_value(text, "Ip", "OutRequests", &c->meant) &&
			   pair_value(text, "Ip", "ForwDatagrams", &forwarded) &&
			   pair_value(text, "Ip", "OutTransmits", &c->sent);
	} else {
		c->known = line_value(text, "Ip6OutRequests", &c->meant) &&
			   line_value(text, "Ip6OutForwDatagrams", &forwarded) &&
			   line_value(text, "Ip6OutTransmits", &c->sent);
	}
	c->meant += forwarded;
}

void procfile_counters(struct net_counters *c)
{
	_cleanup_free_ char *text = procfile_read("/proc/thread-self/net/netstat");
	uint64_t dropped = 0;

	*c = (struct net_counters){ 0 };
	if (!text)
		return;
	c->known = pair_value(text, "TcpExt", "ListenOverflows", &c->listen_overflows);
	pair_value(text, "TcpExt", "ListenDrops", &c->listen_drops);
	pair_value(text, "TcpExt", "SyncookiesSent", &c->syncookies_sent);
	pair_value(text, "TcpExt", "TCPReqQFullDoCookies", &c->reqq_full);
	if (pair_value(text, "TcpExt", "TCPReqQFullDrop", &dropped))
		c->reqq_full += dropped;
	pair_value(text, "TcpExt", "TCPTimeWaitOverflow", &c->tw_overflow);
	read_udp(c);
}

static void take_out(struct net_limits *l, uint32_t a, uint32_t b,
		     const uint8_t *listeners)
{
	for (; a <= b; a++) {
		l->ephemeral_ports--;
		l->ephemeral_listeners -= listeners && listeners[a];
	}
}

/* The range without ip_local_reserved_ports, "8080,9148-9150", and the ports of it that
 * listeners have. */
static void count_ephemeral(struct net_limits *l, unsigned lo, unsigned hi,
			    const uint8_t *listeners)
{
	_cleanup_free_ char *text = procfile_read(
		"/proc/sys/net/ipv4/ip_local_reserved_ports");
	char *p = text;
	unsigned port;

	l->ephemeral_ports = hi - lo + 1;
	for (port = lo; port <= hi && listeners; port++)
		l->ephemeral_listeners += listeners[port] > 0;
	while (p && *p >= '0' && *p <= '9') {
		unsigned long a = strtoul(p, &p, 10), b = a;

		if (*p == '-')
			b = strtoul(p + 1, &p, 10);
		take_out(l, (uint32_t)MAX(a, (unsigned long)lo),
			 (uint32_t)MIN(b, (unsigned long)hi), listeners);
		p += *p == ',';
	}
}

static void read_sockstat(struct net_limits *l)
{
	_cleanup_free_ char *text = procfile_read("/proc/thread-self/net/sockstat");
	const char *tcp = text ? strstr(text, "TCP: ") : NULL;
	unsigned long long inuse, orphan, tw;

	if (!tcp ||
	    sscanf(tcp, "TCP: inuse %llu orphan %llu tw %llu", &inuse, &orphan, &tw) != 3)
		return;
	l->orphans = orphan;
	l->time_wait = tw;
	l->has_sockstat = true;
}

void procfile_limits(struct net_limits *l, const uint8_t *listeners)
{
	_cleanup_free_ char *range = procfile_read(
		"/proc/sys/net/ipv4/ip_local_port_range");
	unsigned lo, hi;

	*l = (struct net_limits){ .syncookies = 1 };
	l->has_somaxconn = procfile_sysctl("core/somaxconn", &l->somaxconn);
	l->has_syn_backlog = procfile_sysctl("ipv4/tcp_max_syn_backlog", &l->syn_backlog);
	l->has_tw_buckets = procfile_sysctl("ipv4/tcp_max_tw_buckets", &l->tw_buckets);
	l->has_max_orphans = procfile_sysctl("ipv4/tcp_max_orphans", &l->max_orphans);
	procfile_sysctl("ipv4/tcp_abort_on_overflow", &l->abort_on_overflow);
	procfile_sysctl("ipv4/tcp_syncookies", &l->syncookies);
	procfile_sysctl("ipv4/tcp_tw_reuse", &l->tw_reuse);
	procfile_sysctl("ipv4/tcp_timestamps", &l->timestamps);
	if (range && sscanf(range, "%u %u", &lo, &hi) == 2 && lo <= hi && hi <= 65535)
		count_ephemeral(l, lo, hi, listeners);
	read_sockstat(l);
}

bool procfile_descriptors_are_sizes(void)
{
	struct stat st;

	return stat("/proc/self/fd", &st) == 0 && st.st_size > 0;
}

bool procfile_descriptors(int32_t pid, bool sizes, uint64_t *fds)
{
	char path[40];
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if (sizes) {
		*fds = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
		return *fds > 0;
	}
	dir = opendir(path);
	if (!dir)
		return false;
	*fds = 0;
	for (struct dirent *d; (d = readdir(dir));)
		*fds += d->d_name[0] != '.';
	closedir(dir);
	return *fds > 0;
}

bool procfile_descriptor_limit(int32_t pid, uint64_t *limit)
{
	static const char head[] = "Max open files";
	_cleanup_free_ char *text = NULL;
	char path[40], *line;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	text = procfile_read(path);
	line = text ? strstr(text, head) : NULL;
	if (!line)
		return false;
	line += sizeof(head) - 1;
	line += strspn(line, " ");
	*limit = has_prefix(line, "unlimited") ? UINT64_MAX : strtoull(line, NULL, 10);
	return true;
}

const char *procfile_unit(struct arena *a, int32_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[40], *line, *end;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	text = procfile_read(path);
	for (line = text; line && *line; line = end + 1) {
		char *slash;
		size_t len;

		end = line + strcspn(line, "\n");
		slash = memrchr(line, '/', (size_t)(end - line));
		len = slash ? (size_t)(end - slash - 1) : 0;
		if (len > 8 && memcmp(end - 8, ".service", 8) == 0)
			return arena_strndup(a, slash + 1, len);
		if (!*end)
			break;
	}
	return NULL;
}
