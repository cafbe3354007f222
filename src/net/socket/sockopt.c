#include "net/socket/sockopt.h"

#include <errno.h>
#include <linux/in6.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/opt.h"

/* Newer than the headers of the oldest system we build on. */
#define OPT_IP_BIND_ADDRESS_NO_PORT 24
#define OPT_IP_LOCAL_PORT_RANGE	    51
#define OPT_IPV6_FREEBIND	    78
#define OPT_IPV6_TRANSPARENT	    75
#define OPT_TCP_FASTOPEN_CONNECT    30

static const struct sockopt options[] = {
	{ "reuseaddr", SOCKOPT_FLAG, SOCKOPT_EARLY, SOL_SOCKET, SO_REUSEADDR, 0, 0,
	  "bind over connections in TIME_WAIT", 0, 1 },
	{ "reuseport", SOCKOPT_FLAG, SOCKOPT_EARLY, SOL_SOCKET, SO_REUSEPORT, 0, 0,
	  "share the port with others that set it too", 0, 1 },
	{ "v6only", SOCKOPT_FLAG, SOCKOPT_EARLY, IPPROTO_IPV6, IPV6_V6ONLY, 0, 0,
	  "no IPv4 on an IPv6 socket", 0, 1 },
	{ "broadcast", SOCKOPT_FLAG, SOCKOPT_EARLY, SOL_SOCKET, SO_BROADCAST, 0, 0,
	  "allow sending to broadcast addresses", 0, 1 },
	{ "keepalive", SOCKOPT_KEEPALIVE, SOCKOPT_EARLY, SOL_SOCKET, SO_KEEPALIVE, 0, 0,
	  "probe idle peers; =IDLE:INTERVAL:COUNT sets the times", 0, 0 },
	{ "linger", SOCKOPT_LINGER, SOCKOPT_EARLY, SOL_SOCKET, SO_LINGER, 0, 0,
	  "what close() does with unsent data; 0 resets the connection", 0, INT32_MAX },
	{ "rcvbuf", SOCKOPT_SIZE, SOCKOPT_EARLY, SOL_SOCKET, SO_RCVBUF, 0, 0,
	  "receive buffer; the kernel doubles it", 0, INT32_MAX },
	{ "sndbuf", SOCKOPT_SIZE, SOCKOPT_EARLY, SOL_SOCKET, SO_SNDBUF, 0, 0,
	  "send buffer; the kernel doubles it", 0, INT32_MAX },
	{ "rcvbuf-force", SOCKOPT_SIZE, SOCKOPT_EARLY, SOL_SOCKET, SO_RCVBUFFORCE, 0, 0,
	  "as rcvbuf, above rmem_max (CAP_NET_ADMIN)", 0, INT32_MAX },
	{ "sndbuf-force", SOCKOPT_SIZE, SOCKOPT_EARLY, SOL_SOCKET, SO_SNDBUFFORCE, 0, 0,
	  "as sndbuf, above wmem_max (CAP_NET_ADMIN)", 0, INT32_MAX },
	{ "rcvlowat", SOCKOPT_SIZE, SOCKOPT_EARLY, SOL_SOCKET, SO_RCVLOWAT, 0, 0,
	  "readable only from so many bytes on", 0, INT32_MAX },
	{ "oobinline", SOCKOPT_FLAG, SOCKOPT_EARLY, SOL_SOCKET, SO_OOBINLINE, 0, 0,
	  "urgent data stays in the stream", 0, 1 },
	{ "dontroute", SOCKOPT_FLAG, SOCKOPT_EARLY, SOL_SOCKET, SO_DONTROUTE, 0, 0,
	  "directly connected hosts only", 0, 1 },
	{ "priority", SOCKOPT_INT, SOCKOPT_EARLY, SOL_SOCKET, SO_PRIORITY, 0, 0,
	  "queueing priority 0 to 6", 0, UINT32_MAX },
	{ "mark", SOCKOPT_INT, SOCKOPT_EARLY, SOL_SOCKET, SO_MARK, 0, 0,
	  "firewall mark (CAP_NET_ADMIN)", 0, UINT32_MAX },
	{ "interface", SOCKOPT_TEXT, SOCKOPT_EARLY, SOL_SOCKET, SO_BINDTODEVICE, 0, 0,
	  "this interface only", 0, IFNAMSIZ - 1 },
	{ "busy-poll", SOCKOPT_INT, SOCKOPT_EARLY, SOL_SOCKET, SO_BUSY_POLL, 0, 0,
	  "microseconds to poll the device", 0, INT32_MAX },
	{ "max-pacing-rate", SOCKOPT_SIZE, SOCKOPT_EARLY, SOL_SOCKET, SO_MAX_PACING_RATE,
	  0, 0, "bytes a second", 0, INT32_MAX },
	{ "incoming-cpu", SOCKOPT_INT, SOCKOPT_EARLY, SOL_SOCKET, SO_INCOMING_CPU, 0, 0,
	  "the CPU whose packets are preferred", 0, INT32_MAX },
	{ "nodelay", SOCKOPT_FLAG, SOCKOPT_EARLY, IPPROTO_TCP, TCP_NODELAY, 0, 0,
	  "send small segments at once (no Nagle)", 0, 1 },
	{ "cork", SOCKOPT_FLAG, SOCKOPT_EARLY, IPPROTO_TCP, TCP_CORK, 0, 0,
	  "send full segments only", 0, 1 },
	{ "quickack", SOCKOPT_FLAG, SOCKOPT_LATE, IPPROTO_TCP, TCP_QUICKACK, 0, 0,
	  "acknowledge at once; the kernel may leave that mode", 0, 1 },
	{ "mss", SOCKOPT_INT, SOCKOPT_EARLY, IPPROTO_TCP, TCP_MAXSEG, 0, 0,
	  "largest segment", 0, INT16_MAX },
	{ "defer-accept", SOCKOPT_SECONDS, SOCKOPT_EARLY, IPPROTO_TCP, TCP_DEFER_ACCEPT,
	  0, 0, "a connection is one only when data came; rounded to SYN-ACK times", 0,
	  INT32_MAX },
	{ "fastopen", SOCKOPT_INT, SOCKOPT_EARLY, IPPROTO_TCP, TCP_FASTOPEN, 0, 0,
	  "listener: length of the fast-open queue", 0, INT32_MAX },
	{ "fastopen-connect", SOCKOPT_FLAG, SOCKOPT_EARLY, IPPROTO_TCP,
	  OPT_TCP_FASTOPEN_CONNECT, 0, 0, "client: send data with the SYN", 0, 1 },
	{ "user-timeout", SOCKOPT_MS, SOCKOPT_EARLY, IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0,
	  "give up when data stays unacknowledged so long", 0, INT32_MAX },
	{ "linger2", SOCKOPT_SECONDS, SOCKOPT_EARLY, IPPROTO_TCP, TCP_LINGER2, 0, 0,
	  "life of an orphan in FIN_WAIT2", 0, INT32_MAX },
	{ "syn-count", SOCKOPT_INT, SOCKOPT_EARLY, IPPROTO_TCP, TCP_SYNCNT, 0, 0,
	  "SYNs to send before giving up", 1, 127 },
	{ "window-clamp", SOCKOPT_SIZE, SOCKOPT_EARLY, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0,
	  0, "largest window to advertise", 0, INT32_MAX },
	{ "notsent-lowat", SOCKOPT_SIZE, SOCKOPT_EARLY, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0,
	  0, "writable only with less than this unsent", 0, INT32_MAX },
	{ "congestion", SOCKOPT_TEXT, SOCKOPT_EARLY, IPPROTO_TCP, TCP_CONGESTION, 0, 0,
	  "congestion control: cubic, reno, bbr", 0, 15 },
	{ "tos", SOCKOPT_INT, SOCKOPT_EARLY, IPPROTO_IP, IP_TOS, IPPROTO_IPV6,
	  IPV6_TCLASS, "type of service, traffic class", 0, UINT8_MAX },
	{ "ttl", SOCKOPT_INT, SOCKOPT_EARLY, IPPROTO_IP, IP_TTL, IPPROTO_IPV6,
	  IPV6_UNICAST_HOPS, "time to live, hop limit", 1, UINT8_MAX },
	{ "multicast-ttl", SOCKOPT_INT, SOCKOPT_EARLY, IPPROTO_IP, IP_MULTICAST_TTL,
	  IPPROTO_IPV6, IPV6_MULTICAST_HOPS, "hop limit of multicast", 0, UINT8_MAX },
	{ "mtu-discover", SOCKOPT_INT, SOCKOPT_EARLY, IPPROTO_IP, IP_MTU_DISCOVER,
	  IPPROTO_IPV6, IPV6_MTU_DISCOVER, "0 never, 1 want, 2 always, 3 probe", 0, 5 },
	{ "freebind", SOCKOPT_FLAG, SOCKOPT_EARLY, IPPROTO_IP, IP_FREEBIND, IPPROTO_IPV6,
	  OPT_IPV6_FREEBIND, "bind an address that is not there (yet)", 0, 1 },
	{ "transparent", SOCKOPT_FLAG, SOCKOPT_EARLY, IPPROTO_IP, IP_TRANSPARENT,
	  IPPROTO_IPV6, OPT_IPV6_TRANSPARENT, "foreign addresses (CAP_NET_ADMIN)", 0, 1 },
	{ "bind-no-port", SOCKOPT_FLAG, SOCKOPT_EARLY, IPPROTO_IP,
	  OPT_IP_BIND_ADDRESS_NO_PORT, 0, 0, "choose the local port at connect()", 0, 1 },
	{ "local-ports", SOCKOPT_RANGE, SOCKOPT_EARLY, IPPROTO_IP,
	  OPT_IP_LOCAL_PORT_RANGE, 0, 0,
	  "range of local ports to choose from (Linux 6.3)", 0, 0 },
};

static const char *const value_forms[] = {
	[SOCKOPT_FLAG] = "",	       [SOCKOPT_INT] = "=N",
	[SOCKOPT_SIZE] = "=SIZE",      [SOCKOPT_SECONDS] = "=DURATION",
	[SOCKOPT_MS] = "=DURATION",    [SOCKOPT_TEXT] = "=NAME",
	[SOCKOPT_LINGER] = "=SECONDS", [SOCKOPT_KEEPALIVE] = "[=IDLE:INTERVAL:COUNT]",
	[SOCKOPT_RANGE] = "=LOW-HIGH",
};

void sockopt_help(struct buf *b)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		size_t start = b->len;

		buf_printf(b, "  %s%s", options[i].name, value_forms[options[i].kind]);
		buf_pad(b, ' ', b->len - start < 38 ? 38 - (b->len - start) : 1);
		buf_printf(b, "%s\n", options[i].help);
	}
}

void sockopt_list_free(struct sockopt_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->v[i].text);
	free(list->v);
	*list = (struct sockopt_list){ 0 };
}

void sockopt_copy(struct sockopt_list *list, const struct sockopt_list *from)
{
	size_t i;

	for (i = 0; i < from->n; i++) {
		list->v = array_grow(list->v, list->n, &list->cap, sizeof(*list->v));
		list->v[list->n] = from->v[i];
		if (from->v[i].text)
			list->v[list->n].text = xstrdup(from->v[i].text);
		list->n++;
	}
}

static const struct sockopt *find_sockopt(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].name) == len &&
		    memcmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

static struct sockopt_value *append(struct sockopt_list *list, const struct sockopt *o)
{
	struct sockopt_value *v;

	list->v = array_grow(list->v, list->n, &list->cap, sizeof(*list->v));
	v = &list->v[list->n++];
	*v = (struct sockopt_value){ .opt = o };
	return v;
}

bool sockopt_given(const struct sockopt_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (streq(list->v[i].opt->name, name))
			return true;
	return false;
}

void sockopt_default(struct sockopt_list *list, const char *name, int value)
{
	struct sockopt_value *v;

	if (sockopt_given(list, name))
		return;
	v = append(list, find_sockopt(name, strlen(name)));
	v->n = value;
	v->implicit = true;
}

static int unknown(const char *word, struct fault *f)
{
	const char *names[ARRAY_SIZE(options)], *nearest;
	char shown[60];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		names[i] = options[i].name;
	nearest = opt_nearest(word, names, ARRAY_SIZE(options));
	fault_say(f, EINVAL, "no socket option is called '%s'",
		  escape_text(shown, sizeof(shown), word, strlen(word)));
	if (nearest)
		fault_hint(f, "did you mean '%s'?", nearest);
	else
		fault_hint(f, "'--option help' lists them");
	return -EINVAL;
}

/* A time that the kernel counts in whole units: what it cannot keep is refused. */
static int parse_time(const char *arg, uint64_t unit_us, int *value, struct fault *f)
{
	uint64_t us = 0;
	int r = num_parse_duration(arg, &us, f);

	if (r < 0)
		return r;
	if (us / unit_us > INT32_MAX)
		r = fault_say(f, ERANGE, "'%s' is too long, the most is %d %s", arg,
			      INT32_MAX, unit_us == 1000 ? "ms" : "seconds");
	else if (us % unit_us)
		r = fault_say(f, EINVAL, "'%s' is not a whole number of %s", arg,
			      unit_us == 1000 ? "milliseconds" : "seconds");
	if (r < 0) {
		fault_mark(f, arg, 0);
		return r;
	}
	*value = (int)(us / unit_us);
	return 0;
}

/* The kernel's own bounds: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT. */
enum { KEEP_TIME_MOST = 32767, KEEP_COUNT_MOST = 127 };

/* "60:10:5", "60", "::5": what is left empty stays as the system has it. */
static int parse_keepalive(const char *arg, struct sockopt_value *v, struct fault *f)
{
	int *fields[] = { &v->n, &v->extra[0], &v->extra[1] };
	size_t i = 0, at = 0;

	for (;; i++, at++) {
		size_t len = strcspn(arg + at, ":");
		_cleanup_free_ char *word = xstrndup(arg + at, len);
		uint64_t n = 0;
		int r = 0;

		if (i == ARRAY_SIZE(fields)) {
			r = fault_say(f, EINVAL, "'%s' is more than IDLE:INTERVAL:COUNT",
				      arg);
		} else if (len) {
			r = i < 2 ? parse_time(word, 1000000, fields[i], f)
				  : num_parse_range(word, 1, KEEP_COUNT_MOST, &n, f);
			if (r == 0 && i == 2)
				*fields[i] = (int)n;
			if (r == 0 && (*fields[i] < 1 || *fields[i] > KEEP_TIME_MOST))
				r = fault_say(f, ERANGE, "'%s' is not 1 to %d seconds",
					      word, KEEP_TIME_MOST);
		}
		if (r < 0) {
			fault_mark(f, arg, at);
			return r;
		}
		at += len;
		if (!arg[at])
			return 0;
	}
}

static int parse_range(const char *arg, int *value, struct fault *f)
{
	struct port_set set = { 0 };
	int r = num_parse_ports(arg, &set, f);

	if (r == 0 && set.n != 1)
		r = fault_say(f, EINVAL, "'%s' is not one range, LOW-HIGH", arg);
	if (r == 0)
		*value = (int)((uint32_t)set.v[0].hi << 16 | set.v[0].lo);
	port_set_free(&set);
	return r;
}

/* The kernel cuts a longer name off. */
static int parse_name(const char *arg, struct sockopt_value *v, struct fault *f)
{
	if (strlen(arg) > v->opt->most)
		return fault_say(f, ERANGE,
				 "'%s' is too long a name, the most is %u bytes", arg,
				 v->opt->most);
	v->text = xstrdup(arg);
	return 0;
}

static int parse_value(struct sockopt_value *v, const char *arg, struct fault *f)
{
	const struct sockopt *o = v->opt;
	uint64_t n = 0;
	int r;

	if (!arg) {
		v->n = o->kind == SOCKOPT_FLAG;
		if (o->kind == SOCKOPT_FLAG || o->kind == SOCKOPT_KEEPALIVE)
			return 0;
		fault_say(f, EINVAL, "the socket option '%s' needs a value", o->name);
		fault_hint(f, "%s%s", o->name, value_forms[o->kind]);
		return -EINVAL;
	}
	switch (o->kind) {
	case SOCKOPT_FLAG:
	case SOCKOPT_INT:
		r = num_parse_range(arg, o->least, o->most, &n, f);
		/* The kernel takes an int, and reads some of them as unsigned. */
		v->n = (int)(uint32_t)n;
		return r;
	case SOCKOPT_SIZE:
		r = num_parse_size(arg, &n, f);
		if (r == 0 && n > o->most)
			r = fault_say(f, ERANGE, "'%s' is too large, the most is %u", arg,
				      o->most);
		v->n = (int)n;
		return r;
	case SOCKOPT_SECONDS:
	case SOCKOPT_LINGER:
		return parse_time(arg, 1000000, &v->n, f);
	case SOCKOPT_MS:
		return parse_time(arg, 1000, &v->n, f);
	case SOCKOPT_KEEPALIVE:
		return parse_keepalive(arg, v, f);
	case SOCKOPT_TEXT:
		return parse_name(arg, v, f);
	case SOCKOPT_RANGE:
		return parse_range(arg, &v->n, f);
	}
	return -EINVAL;
}

int sockopt_add(const char *name, const char *value, void *list, struct fault *f)
{
	return parse_value(append(list, find_sockopt(name, strlen(name))), value, f);
}

int sockopt_parse_interface(const char *name, void *list, struct fault *f)
{
	return sockopt_add("interface", name, list, f);
}

int sockopt_parse(const char *text, void *list, struct fault *f)
{
	const char *p = text;

	for (;;) {
		size_t len = strcspn(p, ","), name_len = strcspn(p, ",=");
		const struct sockopt *o = find_sockopt(p, name_len);
		_cleanup_free_ char *word = xstrndup(p, name_len), *arg = NULL;
		int r;

		if (name_len < len)
			arg = xstrndup(p + name_len + 1, len - name_len - 1);
		r = o ? parse_value(append(list, o), arg, f) : unknown(word, f);
		if (r < 0) {
			size_t inner = o && arg && f && f->mark > 0 ? (size_t)f->mark : 0;

			fault_mark(f, text,
				   (size_t)(p - text) + (o && arg ? name_len + 1 : 0) +
					   inner);
			return r;
		}
		if (!p[len])
			return 0;
		p += len + 1;
	}
}

static int set_int(int fd, int level, int optname, int value)
{
	return setsockopt(fd, level, optname, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int set_one(int fd, int family, const struct sockopt_value *v)
{
	const struct sockopt *o = v->opt;
	bool six = family == AF_INET6 && o->level6;
	int level = six ? o->level6 : o->level, optname = six ? o->optname6 : o->optname;
	struct linger linger = { 1, v->n };
	int r;

	switch (o->kind) {
	case SOCKOPT_TEXT:
		return setsockopt(fd, level, optname, v->text,
				  (socklen_t)strlen(v->text) + 1) == 0
			       ? 0
			       : -errno;
	case SOCKOPT_LINGER:
		return setsockopt(fd, level, optname, &linger, sizeof(linger)) == 0
			       ? 0
			       : -errno;
	case SOCKOPT_KEEPALIVE:
		r = set_int(fd, level, optname, 1);
		if (r == 0 && v->n)
			r = set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, v->n);
		if (r == 0 && v->extra[0])
			r = set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, v->extra[0]);
		if (r == 0 && v->extra[1])
			r = set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, v->extra[1]);
		return r;
	case SOCKOPT_FLAG:
	case SOCKOPT_INT:
	case SOCKOPT_SIZE:
	case SOCKOPT_SECONDS:
	case SOCKOPT_MS:
	case SOCKOPT_RANGE:
		r = set_int(fd, level, optname, v->n);
		/* An IPv6 socket may carry IPv4: that has its own copy of the value. */
		if (r == 0 && six)
			set_int(fd, o->level, o->optname, v->n);
		return r;
	}
	return -EINVAL;
}

/* What the kernel made of a number, where it did not take it as it was. */
static void read_back(int fd, int family, const struct sockopt_value *v,
		      void (*note)(void *ctx, const char *text), void *ctx)
{
	const struct sockopt *o = v->opt;
	bool six = family == AF_INET6 && o->level6;
	int got = 0;
	socklen_t len = sizeof(got);
	char text[160];
	const char *why = "";

	if (!note || v->implicit || o->kind == SOCKOPT_TEXT ||
	    o->kind == SOCKOPT_LINGER || o->kind == SOCKOPT_KEEPALIVE)
		return;
	if (getsockopt(fd, six ? o->level6 : o->level, six ? o->optname6 : o->optname,
		       &got, &len) != 0)
		return;
	if (len < sizeof(got))
		got &= 0xff;
	if (got == v->n || (o->kind == SOCKOPT_FLAG && !got == !v->n))
		return;
	if (o->level == SOL_SOCKET &&
	    (o->optname == SO_RCVBUF || o->optname == SO_SNDBUF))
		why = got == 2ll * v->n	 ? " (doubled, for its own bookkeeping)"
		      : got > 2ll * v->n ? " (its minimum)"
					 : " (limited by net.core.{r,w}mem_max)";
	else if (o->optname == TCP_DEFER_ACCEPT && o->level == IPPROTO_TCP)
		why = " seconds (it counts SYN-ACK retransmissions)";
	snprintf(text, sizeof(text), "%s: asked for %d, the kernel took %d%s", o->name,
		 v->n, got, why);
	note(ctx, text);
}

static int tell_sockopt(const struct sockopt_value *v, int err, struct fault *f)
{
	fault(f, err, "set the socket option '%s'", v->opt->name);
	if (err == EPERM)
		fault_hint(f, "it needs CAP_NET_ADMIN or CAP_NET_RAW");
	else if (err == ENOPROTOOPT || err == EOPNOTSUPP)
		fault_hint(f, "this kind of socket, or this kernel, does not have it");
	else if (err == ENOENT && v->text)
		fault_hint(f, "see 'sysctl net.ipv4.tcp_available_congestion_control'");
	else if (err == ENODEV)
		fault_hint(f, "'ip link' lists the interfaces");
	return -err;
}

int sockopt_apply(int fd, const struct sockopt_list *list, enum sockopt_phase phase,
		  void (*note)(void *ctx, const char *text), void *ctx, struct fault *f)
{
	int family = AF_UNSPEC;
	socklen_t len = sizeof(family);
	size_t i;

	for (i = 0; i < list->n; i++) {
		const struct sockopt_value *v = &list->v[i];
		int r;

		if (v->opt->phase != phase)
			continue;
		if (family == AF_UNSPEC)
			getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
		r = set_one(fd, family, v);
		if (r < 0 && !v->implicit)
			return tell_sockopt(v, -r, f);
		if (r == 0)
			read_back(fd, family, v, note, ctx);
	}
	return 0;
}
