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

#define TAKES(named, of_kind, on, numbered, up_to, ...)                 \
	{                                                               \
		.name = named, .kind = SOCKOPT_##of_kind, .level = on,  \
		.optname = numbered, .most = up_to, .help = __VA_ARGS__ \
	}
#define FLAG(named, on, numbered, ...) TAKES(named, FLAG, on, numbered, 1, __VA_ARGS__)
#define V6(numbered)		       .level6 = IPPROTO_IPV6, .optname6 = numbered

static const struct sockopt options[] = {
	FLAG("reuseaddr", SOL_SOCKET, SO_REUSEADDR, "bind over connections in TIME_WAIT"),
	FLAG("reuseport", SOL_SOCKET, SO_REUSEPORT,
	     "share the port with others that set it too"),
	FLAG("v6only", IPPROTO_IPV6, IPV6_V6ONLY, "no IPv4 on an IPv6 socket"),
	FLAG("broadcast", SOL_SOCKET, SO_BROADCAST,
	     "allow sending to broadcast addresses"),
	TAKES("keepalive", KEEPALIVE, SOL_SOCKET, SO_KEEPALIVE, 0,
	      "probe idle peers; =IDLE:INTERVAL:COUNT sets the times"),
	TAKES("linger", LINGER, SOL_SOCKET, SO_LINGER, INT32_MAX,
	      "what close() does with unsent data; 0 resets the connection"),
	TAKES("rcvbuf", SIZE, SOL_SOCKET, SO_RCVBUF, INT32_MAX,
	      "receive buffer; the kernel doubles it"),
	TAKES("sndbuf", SIZE, SOL_SOCKET, SO_SNDBUF, INT32_MAX,
	      "send buffer; the kernel doubles it"),
	TAKES("rcvbuf-force", SIZE, SOL_SOCKET, SO_RCVBUFFORCE, INT32_MAX,
	      "as rcvbuf, above rmem_max (CAP_NET_ADMIN)"),
	TAKES("sndbuf-force", SIZE, SOL_SOCKET, SO_SNDBUFFORCE, INT32_MAX,
	      "as sndbuf, above wmem_max (CAP_NET_ADMIN)"),
	TAKES("rcvlowat", SIZE, SOL_SOCKET, SO_RCVLOWAT, INT32_MAX,
	      "readable only from so many bytes on"),
	FLAG("oobinline", SOL_SOCKET, SO_OOBINLINE, "urgent data stays in the stream"),
	FLAG("dontroute", SOL_SOCKET, SO_DONTROUTE, "directly connected hosts only"),
	TAKES("priority", INT, SOL_SOCKET, SO_PRIORITY, UINT32_MAX,
	      "queueing priority 0 to 6"),
	TAKES("mark", INT, SOL_SOCKET, SO_MARK, UINT32_MAX,
	      "firewall mark (CAP_NET_ADMIN)"),
	TAKES("interface", TEXT, SOL_SOCKET, SO_BINDTODEVICE, IFNAMSIZ - 1,
	      "this interface only"),
	TAKES("busy-poll", INT, SOL_SOCKET, SO_BUSY_POLL, INT32_MAX,
	      "microseconds to poll the device"),
	TAKES("max-pacing-rate", SIZE, SOL_SOCKET, SO_MAX_PACING_RATE, INT32_MAX,
	      "bytes a second"),
	TAKES("incoming-cpu", INT, SOL_SOCKET, SO_INCOMING_CPU, INT32_MAX,
	      "the CPU whose packets are preferred"),
	FLAG("nodelay", IPPROTO_TCP, TCP_NODELAY,
	     "send small segments at once (no Nagle)"),
	FLAG("cork", IPPROTO_TCP, TCP_CORK, "send full segments only"),
	FLAG("quickack", IPPROTO_TCP, TCP_QUICKACK,
	     "acknowledge at once; the kernel may leave that mode",
	     .phase = SOCKOPT_LATE),
	TAKES("mss", INT, IPPROTO_TCP, TCP_MAXSEG, INT16_MAX, "largest segment"),
	TAKES("defer-accept", SECONDS, IPPROTO_TCP, TCP_DEFER_ACCEPT, INT32_MAX,
	      "a connection is one only when data came; rounded to SYN-ACK times"),
	TAKES("fastopen", INT, IPPROTO_TCP, TCP_FASTOPEN, INT32_MAX,
	      "listener: length of the fast-open queue"),
	FLAG("fastopen-connect", IPPROTO_TCP, OPT_TCP_FASTOPEN_CONNECT,
	     "client: send data with the SYN"),
	TAKES("user-timeout", MS, IPPROTO_TCP, TCP_USER_TIMEOUT, INT32_MAX,
	      "give up when data stays unacknowledged so long"),
	TAKES("linger2", SECONDS, IPPROTO_TCP, TCP_LINGER2, INT32_MAX,
	      "life of an orphan in FIN_WAIT2"),
	TAKES("syn-count", INT, IPPROTO_TCP, TCP_SYNCNT, 127,
	      "SYNs to send before giving up", .least = 1),
	TAKES("window-clamp", SIZE, IPPROTO_TCP, TCP_WINDOW_CLAMP, INT32_MAX,
	      "largest window to advertise"),
	TAKES("notsent-lowat", SIZE, IPPROTO_TCP, TCP_NOTSENT_LOWAT, INT32_MAX,
	      "writable only with less than this unsent"),
	TAKES("congestion", TEXT, IPPROTO_TCP, TCP_CONGESTION, 15,
	      "congestion control: cubic, reno, bbr"),
	TAKES("tos", INT, IPPROTO_IP, IP_TOS, UINT8_MAX, "type of service, traffic class",
	      V6(IPV6_TCLASS)),
	TAKES("ttl", INT, IPPROTO_IP, IP_TTL, UINT8_MAX, "time to live, hop limit",
	      V6(IPV6_UNICAST_HOPS), .least = 1),
	TAKES("multicast-ttl", INT, IPPROTO_IP, IP_MULTICAST_TTL, UINT8_MAX,
	      "hop limit of multicast", V6(IPV6_MULTICAST_HOPS)),
	TAKES("mtu-discover", INT, IPPROTO_IP, IP_MTU_DISCOVER, 5,
	      "0 never, 1 want, 2 always, 3 probe", V6(IPV6_MTU_DISCOVER)),
	FLAG("freebind", IPPROTO_IP, IP_FREEBIND,
	     "bind an address that is not there (yet)", V6(OPT_IPV6_FREEBIND)),
	FLAG("transparent", IPPROTO_IP, IP_TRANSPARENT,
	     "foreign addresses (CAP_NET_ADMIN)", V6(OPT_IPV6_TRANSPARENT)),
	FLAG("bind-no-port", IPPROTO_IP, OPT_IP_BIND_ADDRESS_NO_PORT,
	     "choose the local port at connect()"),
	TAKES("local-ports", RANGE, IPPROTO_IP, OPT_IP_LOCAL_PORT_RANGE, 0,
	      "range of local ports to choose from (Linux 6.3)"),
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
