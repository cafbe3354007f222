#include "model/advice.h"

#include <stdarg.h>

/* Who may run it as who he is; everybody else needs sudo. */
enum needs {
	NEEDS_NOTHING,
	NEEDS_OWNER, /* or root */
	NEEDS_ROOT,
};

enum { WORDS_MOST = 8 };

static const struct {
	enum needs needs;
	const char *words[WORDS_MOST];
} lines[] = {
	[ADVICE_STOP_UNIT] = { NEEDS_ROOT, { "systemctl", "stop", "#" } },
	[ADVICE_STOP_ACTIVATED] = { NEEDS_ROOT, { "systemctl", "stop", "#", "#" } },
	[ADVICE_STOP_USER_ACTIVATED] = { NEEDS_NOTHING,
					 { "systemctl", "--user", "stop", "#", "#" } },
	[ADVICE_RESTART_UNIT] = { NEEDS_ROOT, { "systemctl", "restart", "#" } },
	[ADVICE_RESTART_USER_UNIT] = { NEEDS_NOTHING,
				       { "systemctl", "--user", "restart", "#" } },
	[ADVICE_THAW_UNIT] = { NEEDS_ROOT, { "systemctl", "thaw", "#" } },
	[ADVICE_STOP_USER_UNIT] = { NEEDS_NOTHING,
				    { "systemctl", "--user", "stop", "#" } },
	[ADVICE_STOP_USER_UNIT_OF] = { NEEDS_ROOT,
				       { "systemctl", "--user", "--machine=#@.host",
					 "stop", "#" } },
	[ADVICE_SOCKET_UNITS] = { NEEDS_NOTHING,
				  { "systemctl", "list-sockets", "--all" } },
	[ADVICE_USER_SOCKET_UNITS] = { NEEDS_NOTHING,
				       { "systemctl", "--user", "list-sockets",
					 "--all" } },
	[ADVICE_USER_SOCKET_UNITS_OF] = { NEEDS_ROOT,
					  { "systemctl", "--user", "--machine=#@.host",
					    "list-sockets", "--all" } },
	[ADVICE_DOCKER_PORT] = { NEEDS_ROOT,
				 { "docker", "ps", "--filter", "publish=&" } },
	[ADVICE_DOCKER_STOP] = { NEEDS_ROOT, { "docker", "stop", "#" } },
	[ADVICE_USER_DOCKER_STOP] = { NEEDS_OWNER,
				      { "docker", "-H", "unix:///run/user/&/docker.sock",
					"stop", "#" } },
	[ADVICE_DOCKER_RESTART] = { NEEDS_ROOT, { "docker", "restart", "#" } },
	[ADVICE_DOCKER_UNPAUSE] = { NEEDS_ROOT, { "docker", "unpause", "#" } },
	[ADVICE_DOCKER_LIST] = { NEEDS_ROOT, { "docker", "ps" } },
	[ADVICE_PODMAN_STOP] = { NEEDS_OWNER, { "podman", "stop", "#" } },
	[ADVICE_PODMAN_STOP_OF] = { NEEDS_ROOT,
				    { "runuser", "-u", "#", "--", "podman", "stop",
				      "#" } },
	[ADVICE_PODMAN_UNPAUSE] = { NEEDS_OWNER, { "podman", "unpause", "#" } },
	[ADVICE_NERDCTL_STOP] = { NEEDS_OWNER, { "nerdctl", "stop", "#" } },
	[ADVICE_CRICTL_STOP] = { NEEDS_ROOT, { "crictl", "stop", "#" } },
	[ADVICE_CRICTL_FIND] = { NEEDS_ROOT, { "crictl", "ps", "--id", "#" } },
	[ADVICE_THAW_CGROUP] = { NEEDS_ROOT,
				 { "sh", "-c", "echo 0 >\"$1\"", "sh", "#" } },
	[ADVICE_THAW_FREEZER] = { NEEDS_ROOT,
				  { "sh", "-c", "echo THAWED >\"$1\"", "sh", "#" } },
	[ADVICE_KILL] = { NEEDS_OWNER, { "kill", "&" } },
	[ADVICE_CONTINUE] = { NEEDS_OWNER, { "kill", "-CONT", "&" } },
	[ADVICE_WCHAN] = { NEEDS_OWNER, { "cat", "/proc/&/wchan" } },
	[ADVICE_STACK] = { NEEDS_ROOT, { "cat", "/proc/&/stack" } },
	/* Yama, where it is on, lets nobody but root trace what he has not started. */
	[ADVICE_GDB] = { NEEDS_ROOT, { "gdb", "-p", "&" } },
	[ADVICE_DESCRIPTORS] = { NEEDS_OWNER, { "ls", "-l", "/proc/&/fd" } },
	[ADVICE_RAISE_NOFILE] = { NEEDS_OWNER,
				  { "prlimit", "--pid", "&", "--nofile=&:" } },
	[ADVICE_RAISE_NOFILE_HARD] = { NEEDS_ROOT,
				       { "prlimit", "--pid", "&", "--nofile=&:&" } },
	[ADVICE_OPEN_FILES] = { NEEDS_ROOT,
				{ "sh", "-c",
				  "for p in /proc/[0-9]*; do echo $(ls $p/fd | wc -l) $p; "
				  "done | sort -n | tail" } },
	[ADVICE_SETCAP] = { NEEDS_ROOT, { "setcap", "cap_net_bind_service=+ep", "#" } },
	[ADVICE_LOW_PORTS] = { NEEDS_ROOT,
			       { "sysctl", "-w",
				 "net.ipv4.ip_unprivileged_port_start=&" } },
	[ADVICE_RESERVE_PORT] = { NEEDS_ROOT,
				  { "sysctl", "-w",
				    "net.ipv4.ip_local_reserved_ports=#" } },
	[ADVICE_PORT_RANGE] = { NEEDS_NOTHING,
				{ "sysctl", "net.ipv4.ip_local_port_range" } },
	[ADVICE_LOOPBACK_UP] = { NEEDS_ROOT, { "ip", "link", "set", "lo", "up" } },
	[ADVICE_IPV6_ON] = { NEEDS_ROOT,
			     { "sysctl", "-w", "net.ipv6.conf.%.disable_ipv6=0" } },
	[ADVICE_ADDRESSES] = { NEEDS_NOTHING, { "ip", "address" } },
	[ADVICE_TENTATIVE] = { NEEDS_NOTHING,
			       { "ip", "-6", "address", "show", "tentative" } },
	[ADVICE_DADFAILED] = { NEEDS_NOTHING,
			       { "ip", "-6", "address", "show", "dadfailed" } },
	[ADVICE_LINK_UP] = { NEEDS_ROOT, { "ip", "link", "set", "#", "up" } },
	[ADVICE_ROUTE] = { NEEDS_NOTHING, { "ip", "route", "get", "%" } },
	[ADVICE_ROUTE_FROM] = { NEEDS_NOTHING,
				{ "ip", "route", "get", "%", "from", "%" } },
	[ADVICE_ROUTES] = { NEEDS_NOTHING, { "ip", "route" } },
	[ADVICE_ROUTES_V6] = { NEEDS_NOTHING, { "ip", "-6", "route" } },
	[ADVICE_ROUTES_MATCH] = { NEEDS_NOTHING,
				  { "ip", "route", "show", "table", "all", "match",
				    "%" } },
	[ADVICE_RULES] = { NEEDS_NOTHING, { "ip", "rule" } },
	[ADVICE_RULES_V6] = { NEEDS_NOTHING, { "ip", "-6", "rule" } },
	[ADVICE_TUNNELS] = { NEEDS_NOTHING, { "ip", "-d", "link" } },
	[ADVICE_REMOVE_LINK] = { NEEDS_ROOT, { "ip", "link", "delete", "%" } },
	[ADVICE_RPC] = { NEEDS_NOTHING, { "rpcinfo", "-p" } },
	[ADVICE_NFT] = { NEEDS_ROOT, { "nft", "list", "ruleset" } },
	/* Of all and the own value the greater counts. */
	[ADVICE_LOOSE_PATH] = { NEEDS_ROOT,
				{ "sysctl", "-w", "net.ipv4.conf.#.rp_filter=2" } },
	/* To write what it is forgets what was found. */
	[ADVICE_MPTCP_ON] = { NEEDS_ROOT,
			      { "sysctl", "-w", "net.mptcp.blackhole_timeout=&" } },
	[ADVICE_INGRESS] = { NEEDS_NOTHING,
			     { "tc", "filter", "show", "dev", "#", "ingress" } },
	[ADVICE_IPTABLES] = { NEEDS_ROOT, { "iptables-save" } },
	[ADVICE_IP6TABLES] = { NEEDS_ROOT, { "ip6tables-save" } },
	[ADVICE_LEGACY] = { NEEDS_ROOT, { "iptables-legacy", "-S" } },
	[ADVICE_LEGACY_V6] = { NEEDS_ROOT, { "ip6tables-legacy", "-S" } },
	[ADVICE_LEGACY_NAT] = { NEEDS_ROOT, { "iptables-legacy", "-t", "nat", "-S" } },
	[ADVICE_LEGACY_NAT_V6] = { NEEDS_ROOT,
				   { "ip6tables-legacy", "-t", "nat", "-S" } },
	[ADVICE_CGROUP_BPF] = { NEEDS_ROOT, { "bpftool", "cgroup", "tree" } },
	[ADVICE_NAT] = { NEEDS_ROOT, { "iptables", "-t", "nat", "-S" } },
	[ADVICE_NAT_V6] = { NEEDS_ROOT, { "ip6tables", "-t", "nat", "-S" } },
	[ADVICE_CONNTRACK] = { NEEDS_ROOT, { "conntrack", "-L" } },
	[ADVICE_REMOVE] = { NEEDS_OWNER, { "rm", "--", "%" } },
	[ADVICE_REMOVE_DIRECTORY] = { NEEDS_OWNER, { "rmdir", "--", "%" } },
	[ADVICE_MAKE_DIRECTORY] = { NEEDS_OWNER, { "mkdir", "-p", "--", "%" } },
	[ADVICE_JOIN_GROUP] = { NEEDS_ROOT, { "usermod", "-aG", "%", "%" } },
	[ADVICE_NEW_GROUP] = { NEEDS_NOTHING, { "newgrp", "%" } },
	[ADVICE_GRANT] = { NEEDS_OWNER, { "setfacl", "-m", "%", "--", "%" } },
	[ADVICE_CHMOD] = { NEEDS_OWNER, { "chmod", "%", "--", "%" } },
	/* Whoever cannot search the directory above cannot read it either. */
	[ADVICE_SHOW_LIST] = { NEEDS_OWNER, { "getfacl", "--", "%" } },
	[ADVICE_MUTABLE] = { NEEDS_ROOT, { "chattr", "-i", "--", "%" } },
	[ADVICE_CONNECT] = { NEEDS_NOTHING, { "sockctl", "connect", "%" } },
	[ADVICE_CONNECT_SMALL] = { NEEDS_NOTHING,
				   { "sockctl", "connect", "-O", "mss=1000", "%" } },
	[ADVICE_CONNECT_IN] = { NEEDS_ROOT,
				{ "nsenter", "--net=/proc/&/ns/net", "sockctl", "connect",
				  "%" } },
	/* Into the root of another process go those who may trace it. */
	[ADVICE_CONNECT_ROOT] = { NEEDS_OWNER, { "sockctl", "connect", "%" } },
	[ADVICE_PROBE] = { NEEDS_NOTHING, { "sockctl", "probe", "%" } },
	[ADVICE_PROBE_VERIFY] = { NEEDS_NOTHING,
				  { "sockctl", "probe", "--verify", "%" } },
	[ADVICE_PING] = { NEEDS_NOTHING, { "ping", "-c", "3", "%" } },
	[ADVICE_PING_SIZE] = { NEEDS_NOTHING,
			       { "ping", "-c", "3", "-M", "do", "-s", "&", "%" } },
	[ADVICE_MTR] = { NEEDS_NOTHING, { "mtr", "-n", "-r", "-c", "100", "%" } },
	[ADVICE_QDISC] = { NEEDS_NOTHING, { "tc", "-s", "qdisc" } },
	[ADVICE_LINK_COUNTERS] = { NEEDS_NOTHING, { "ip", "-s", "link" } },
	[ADVICE_INSPECT_PORT] = { NEEDS_NOTHING,
				  { "sockctl", "inspect", "-p", "--port", "&" } },
	[ADVICE_INSPECT_UNIX] = { NEEDS_NOTHING, { "sockctl", "inspect", "-xlp" } },
	[ADVICE_BINDABLE] = { NEEDS_NOTHING,
			      { "sockctl", "inspect", "--bindable", "%" } },
	[ADVICE_INSPECT_MEMORY] = { NEEDS_ROOT,
				    { "sockctl", "inspect", "-p", "-o",
				      "+rmem_alloc,wmem_queued", "--sort", "#" } },
};

_Static_assert(ARRAY_SIZE(lines) == ADVICE_LINES, "one row a line");

const char *const *advice_words(enum advice_line line)
{
	return lines[line].words;
}

static void begin_line(struct buf *b)
{
	if (b->len && b->data[b->len - 1] != '\n')
		buf_putc(b, '\n');
}

void advise_in_words(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	begin_line(b);
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

static const char and_then[] = "; ";

void advise_then(struct buf *b)
{
	buf_puts(b, and_then);
}

static bool goes_on(const struct buf *b)
{
	size_t n = strlen(and_then);

	return b->len >= n && memcmp(b->data + b->len - n, and_then, n) == 0;
}

void advise_begin(struct buf *b, bool sudo)
{
	if (!goes_on(b)) {
		begin_line(b);
		buf_putc(b, '\t');
	}
	buf_puts(b, sudo ? "sudo" : "");
}

void advise_escaped_word(struct buf *b, const char *escaped)
{
	if (b->data[b->len - 1] != '\t' && !goes_on(b))
		buf_putc(b, ' ');
	buf_put_shell_word(b, escaped);
}

void advise_word(struct buf *b, const char *raw)
{
	_cleanup_buf_ struct buf escaped = { 0 };

	buf_put_escaped(&escaped, raw, strlen(raw));
	advise_escaped_word(b, buf_cstr(&escaped));
}

void advise_number(struct buf *b, unsigned n)
{
	buf_putc(b, ' ');
	buf_put_u64(b, n);
}

/* One word of a row with its arguments; what is the row's own needs no escape. */
static void put_word(struct buf *b, const char *word, va_list *ap)
{
	_cleanup_buf_ struct buf filled = { 0 };

	for (; *word; word++) {
		const char *text;

		switch (*word) {
		case '#':
			text = va_arg(*ap, const char *);
			buf_put_escaped(&filled, text, strlen(text));
			break;
		case '%':
			buf_puts(&filled, va_arg(*ap, const char *));
			break;
		case '&':
			buf_put_u64(&filled, va_arg(*ap, unsigned));
			break;
		default:
			buf_putc(&filled, *word);
			break;
		}
	}
	advise_escaped_word(b, buf_cstr(&filled));
}

bool advice_asks_root(const char *text, size_t len)
{
	static const char before[] = "sudo ";
	size_t n = sizeof(before) - 1;

	return len >= n && memcmp(text + len - n, before, n) == 0;
}

static bool needs_sudo(enum needs needs, struct advised who)
{
	return who.uid != 0 &&
	       (needs == NEEDS_ROOT || (needs == NEEDS_OWNER && who.uid != who.owner));
}

static void put_line(struct buf *b, enum advice_line line, struct advised who,
		     va_list *ap)
{
	const char *const *word;

	advise_begin(b, needs_sudo(lines[line].needs, who));
	for (word = lines[line].words; *word; word++)
		put_word(b, *word, ap);
}

void advise(struct buf *b, enum advice_line line, struct advised who, ...)
{
	va_list ap;

	va_start(ap, who);
	put_line(b, line, who, &ap);
	va_end(ap);
}

const char *advise_within(struct buf *b, enum advice_line line, struct advised who, ...)
{
	va_list ap;

	buf_reset(b);
	va_start(ap, who);
	put_line(b, line, who, &ap);
	va_end(ap);
	return buf_cstr(b) + 1;
}

void advice_put_plain(struct buf *b, const char *text)
{
	for (; *text; text++)
		if (*text != '\t')
			buf_putc(b, *text);
}

const char *advice_next_command(const char **at, size_t *len)
{
	const char *p = *at;

	while (*p && *p != '\t')
		p += strcspn(p, "\n"), p += *p == '\n';
	if (!*p)
		return NULL;
	*len = strcspn(++p, "\n");
	*at = p + *len + (p[*len] == '\n');
	return p;
}
