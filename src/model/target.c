#include "model/target.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/mem.h"

struct proto_name {
	const char *name;
	enum target_proto proto;
	uint8_t family;
};

/* The names before the colon; the first row of a protocol is how it is written. */
static const struct proto_name proto_names[] = {
	{ "tcp", TARGET_TCP, AF_UNSPEC },
	{ "tcp4", TARGET_TCP, AF_INET },
	{ "tcp6", TARGET_TCP, AF_INET6 },
	{ "mptcp", TARGET_MPTCP, AF_UNSPEC },
	{ "udp", TARGET_UDP, AF_UNSPEC },
	{ "udp4", TARGET_UDP, AF_INET },
	{ "udp6", TARGET_UDP, AF_INET6 },
	{ "unix", TARGET_UNIX, AF_UNIX },
	{ "unix-dgram", TARGET_UNIX_DGRAM, AF_UNIX },
	{ "unix-seqpacket", TARGET_UNIX_SEQPACKET, AF_UNIX },
	{ "vsock", TARGET_VSOCK, AF_VSOCK },
	{ "raw", TARGET_RAW, AF_UNSPEC },
	{ "fd", TARGET_FD, AF_UNSPEC },
};

const char *target_proto_name(enum target_proto proto)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(proto_names); i++)
		if (proto_names[i].proto == proto)
			return proto_names[i].name;
	return "?";
}

bool target_is_connected(enum target_proto proto)
{
	return proto != TARGET_UDP && proto != TARGET_UNIX_DGRAM && proto != TARGET_RAW;
}

/* What is being parsed: the whole text for the marks, and how far we are in it. */
struct parse {
	const char *text;
	const char *at;
	unsigned flags;
	struct target *t;
	struct fault *f;
};

static int refuse(const struct parse *p, const char *at, const char *what)
{
	char shown[160];

	fault_say(p->f, EINVAL, "'%s' is not an address: %s",
		  escape_text(shown, sizeof(shown), p->text, strlen(p->text)), what);
	fault_mark(p->f, p->text, (size_t)(at - p->text));
	return -EINVAL;
}

/* A sub-parser marked its own text; move the mark to where that stands in the whole. */
static int remark(const struct parse *p, const char *at, int r)
{
	if (r < 0 && p->f)
		fault_mark(p->f, p->text,
			   (size_t)(at - p->text) +
				   (p->f->mark > 0 ? (size_t)p->f->mark : 0));
	return r;
}

static const struct proto_name *find_proto(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(proto_names); i++)
		if (strlen(proto_names[i].name) == len &&
		    memcmp(proto_names[i].name, name, len) == 0)
			return &proto_names[i];
	return NULL;
}

/* "http://db:80" and the like: a URL is no address, but what it means is clear. */
static int refuse_scheme(const struct parse *p, const char *colon)
{
	const char *rest = colon + 3;
	size_t len = strcspn(rest, "/?#");
	bool has_port = memchr(rest, ':', len) != NULL;

	refuse(p, p->at, "no protocol has this name here");
	fault_hint(p->f, "write '%.*s%s'; the protocols are tcp, udp, unix, mptcp, vsock",
		   (int)MIN(len, (size_t)100), rest, has_port ? "" : ":PORT");
	return -EINVAL;
}

static int parse_proto(struct parse *p, const struct target_how *how)
{
	size_t len = strcspn(p->at, ":");
	const struct proto_name *n = p->at[len] ? find_proto(p->at, len) : NULL;
	const char *colon = p->at + len;

	if (!n && has_prefix(colon, "://"))
		return refuse_scheme(p, colon);
	p->t->proto = how->proto;
	p->t->family = how->family;
	if (!n)
		return 0;
	if (n->family && how->family && n->family != how->family &&
	    (n->family == AF_INET || n->family == AF_INET6))
		return refuse(p, p->at,
			      n->family == AF_INET ? "-6 says IPv6 only"
						   : "-4 says IPv4 only");
	p->t->proto = n->proto;
	if (n->family)
		p->t->family = n->family;
	p->at = colon + 1;
	if (has_prefix(p->at, "//"))
		p->at += 2;
	return 0;
}

static int parse_port(struct parse *p)
{
	int r;

	if (!*p->at) {
		r = refuse(p, p->at, "a port is missing after the colon");
		fault_hint(p->f, "write '%.200s80', or '...:0' to let the kernel choose",
			   p->text);
		return r;
	}
	r = remark(p, p->at, num_parse_ports(p->at, &p->t->ports, p->f));
	if (r < 0)
		return r;
	if (!(p->flags & TARGET_PORT_LIST) &&
	    (p->t->ports.n > 1 || p->t->ports.v[0].lo != p->t->ports.v[0].hi)) {
		r = refuse(p, p->at, "one port is wanted here, not several");
		fault_hint(p->f, "give the one to use");
		return r;
	}
	p->t->port = p->t->ports.v[0].lo;
	return 0;
}

static int check_family(struct parse *p, const char *at)
{
	struct target *t = p->t;

	if ((t->family == AF_INET || t->family == AF_INET6) && t->family != t->ip.family)
		return refuse(p, at,
			      t->family == AF_INET ? "IPv4 was asked for, this is IPv6"
						   : "IPv6 was asked for, this is IPv4");
	t->family = t->ip.family;
	t->host = TARGET_HOST_IP;
	return 0;
}

static int take_ip(struct parse *p, const char *at, size_t len)
{
	int r = addr_parse_ip(at, len, false, &p->t->ip);
	const char *percent;

	if (r == -ENODEV) {
		percent = memchr(at, '%', len);
		refuse(p, percent ? percent + 1 : at, "there is no such interface");
		fault_hint(p->f, "'ip link' lists them");
		return -ENODEV;
	}
	return r < 0 ? r : check_family(p, at);
}

static int parse_bracketed(struct parse *p)
{
	const char *open = p->at, *close = strchr(open, ']');
	int r;

	if (!close) {
		r = refuse(p, open, "the bracket is not closed");
		fault_hint(p->f, "IPv6 with a port looks like [::1]:80");
		return r;
	}
	r = take_ip(p, open + 1, (size_t)(close - open - 1));
	if (r < 0 && !(p->f && p->f->err))
		r = refuse(p, open + 1, "no IPv6 address stands in the brackets");
	if (r < 0)
		return r;
	p->at = close + 1;
	if (!*p->at && (p->flags & TARGET_PORT_OPTIONAL))
		return 0;
	if (*p->at != ':') {
		r = refuse(p, p->at, "a port is missing");
		fault_hint(p->f, "write '%.*s:PORT'", (int)MIN(close + 1 - p->text, 200),
			   p->text);
		return r;
	}
	p->at++;
	return parse_port(p);
}

/* Two colons or more without brackets: where the address ends cannot be told. */
static int refuse_bare_ip6(struct parse *p)
{
	size_t word = strspn(p->at, "abcdefghijklmnopqrstuvwxyz-");
	const char *last = strrchr(p->at, ':');
	struct addr ignored;
	int r;

	/* "sctp:host:80"; a word of hexadecimal digits may be an address. */
	if (p->at == p->text && p->at[word] == ':' && strspn(p->at, "abcdef") < word) {
		r = refuse(p, p->at, "no protocol has this name here");
		fault_hint(p->f, "the protocols are tcp, udp, unix, mptcp, vsock");
		return r;
	}
	r = refuse(p, p->at, "an IPv6 address wants brackets before its port");

	if (last > p->at && last[1] &&
	    strspn(last + 1, "0123456789") == strlen(last + 1) &&
	    addr_parse_ip(p->at, (size_t)(last - p->at), false, &ignored) == 0)
		fault_hint(p->f, "write '%.*s[%.*s]%s'", (int)(p->at - p->text), p->text,
			   (int)MIN(last - p->at, 100), p->at, last);
	else if (addr_parse_ip(p->at, strlen(p->at), false, &ignored) == 0)
		fault_hint(p->f, "write '%.*s[%.100s]:PORT'", (int)(p->at - p->text),
			   p->text, p->at);
	else
		fault_hint(p->f, "IPv6 with a port looks like [::1]:80");
	return r;
}

static int refuse_portless(struct parse *p, size_t len)
{
	bool digits = len && strspn(p->at, "0123456789") == len;
	int prefix = (int)(p->at - p->text), r;

	r = refuse(p, p->at + len,
		   digits ? "is it a port? then a colon is missing"
			  : "a port is missing");
	if (digits)
		fault_hint(p->f, "write '%.*s:%.100s'", prefix, p->text, p->at);
	else
		fault_hint(p->f, "write '%.*s%.*s:PORT', or './%.*s' for a unix socket",
			   prefix, p->text, (int)MIN(len, (size_t)100), p->at,
			   (int)MIN(len, (size_t)60), p->at);
	return r;
}

static int check_name(struct parse *p, size_t len)
{
	size_t good = 0;

	/* Letters of any script may stand in a name; blanks and delimiters may not. */
	while (good < len && ((unsigned char)p->at[good] > ' ') &&
	       !strchr("/?#@[]\\\"'<>()", p->at[good]) && p->at[good] != 0x7f)
		good++;
	if (good < len)
		return refuse(p, p->at + good, "a host name has no such character");
	return 0;
}

static int take_host(struct parse *p, size_t len)
{
	struct target *t = p->t;
	int r;

	if (len == 0)
		return 0;
	if (len == 1 && *p->at == '*') {
		t->host = TARGET_HOST_ANY;
		return 0;
	}
	r = take_ip(p, p->at, len);
	if (r == 0 || (p->f && p->f->err))
		return r;
	r = check_name(p, len);
	if (r < 0)
		return r;
	/* "1.2.3" and "300.1.1.1" are no names: the resolver would read them as
	 * something else. */
	if (strspn(p->at, "0123456789.") == len)
		return refuse(p, p->at, "neither an IPv4 address nor a name");
	t->host = TARGET_HOST_NAME;
	t->name = xstrndup(p->at, len);
	return 0;
}

static int parse_inet(struct parse *p)
{
	size_t len = strcspn(p->at, ":"), blank = strcspn(p->at, " \t");
	int r;

	if (*p->at == '[')
		return parse_bracketed(p);
	if (p->at[blank] && p->at[blank + 1]) {
		r = refuse(p, p->at + blank, "there is a blank in it");
		fault_hint(p->f, "write '%.*s:%.60s'", (int)MIN(blank, (size_t)100),
			   p->at, p->at + blank + 1);
		return r;
	}
	if (p->at[len] && strchr(p->at + len + 1, ':')) {
		if (!(p->flags & TARGET_PORT_OPTIONAL) ||
		    addr_parse_ip(p->at, strlen(p->at), false, &p->t->ip) < 0)
			return refuse_bare_ip6(p);
		return take_ip(p, p->at, strlen(p->at));
	}
	if (!p->at[len] && (!(p->flags & TARGET_PORT_OPTIONAL) || !len))
		return refuse_portless(p, len);
	r = take_host(p, len);
	if (r < 0 || !p->at[len])
		return r;
	p->at += len + 1;
	return parse_port(p);
}

static int parse_path(struct parse *p)
{
	/* sun_path may be used to its last byte, but then readers that expect a NUL go
	 * astray. */
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	bool abstract = *p->at == '@';
	const char *name = p->at + abstract;
	int r;

	if (!*p->at)
		return refuse(p, p->at, "a path is missing");
	if (strlen(name) + abstract > most) {
		r = fault_say(p->f, ENAMETOOLONG,
			      "the path is %zu bytes long; a unix socket takes %zu",
			      strlen(name), most - abstract);
		fault_mark(p->f, p->text, (size_t)(name - p->text) + most - abstract);
		fault_hint(p->f,
			   "change to its directory and use a relative path: ./NAME");
		return r;
	}
	p->t->host = abstract ? TARGET_HOST_ABSTRACT : TARGET_HOST_PATH;
	p->t->family = AF_UNIX;
	p->t->name = xstrdup(name);
	return 0;
}

static int parse_cid(struct parse *p, size_t len)
{
	static const struct {
		const char *name;
		uint32_t cid;
	} names[] = {
		{ "any", UINT32_MAX }, { "hypervisor", 0 }, { "local", 1 }, { "host", 2 }
	};
	_cleanup_free_ char *word = xstrndup(p->at, len);
	uint64_t v = 0;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(names[i].name, word)) {
			p->t->cid = names[i].cid;
			return 0;
		}
	if (!len) {
		p->t->cid = UINT32_MAX;
		return 0;
	}
	r = remark(p, p->at, num_parse_u64(word, UINT32_MAX, &v, p->f));
	p->t->cid = (uint32_t)v;
	return r;
}

static int parse_vsock(struct parse *p)
{
	size_t len = strcspn(p->at, ":");
	uint64_t port = 0;
	int r;

	if (!p->at[len]) {
		r = refuse(p, p->at + len, "a vsock address has a CID and a port");
		fault_hint(p->f,
			   "vsock:2:1234; the CID may be any, local, host or a number");
		return r;
	}
	r = parse_cid(p, len);
	if (r < 0)
		return r;
	p->at += len + 1;
	r = remark(p, p->at, num_parse_u64(p->at, UINT32_MAX, &port, p->f));
	p->t->vport = (uint32_t)port;
	return r;
}

static int parse_raw(struct parse *p)
{
	size_t len = strcspn(p->at, ":");
	_cleanup_free_ char *word = xstrndup(p->at, len);
	struct protoent *pe;
	uint64_t v = 0;
	int r;

	if (!p->at[len] || !len) {
		r = refuse(p, p->at + len, "a raw address has a protocol and a host");
		fault_hint(p->f, "raw:icmp:127.0.0.1, or raw:253:host");
		return r;
	}
	if (*word >= '0' && *word <= '9') {
		r = remark(p, p->at, num_parse_u64(word, 255, &v, p->f));
		if (r < 0)
			return r;
		p->t->number = (int)v;
	} else {
		pe = getprotobyname(word);
		if (!pe)
			return refuse(p, p->at,
				      "no number, and no such name in /etc/protocols");
		p->t->number = pe->p_proto;
	}
	p->at += len + 1;
	len = strlen(p->at);
	if (*p->at == '[' && p->at[len - 1] == ']') {
		r = take_ip(p, p->at + 1, len - 2);
		if (r < 0 && !(p->f && p->f->err))
			r = refuse(p, p->at + 1,
				   "no IPv6 address stands in the brackets");
		return r;
	}
	return take_host(p, len);
}

static int parse_fd(struct parse *p)
{
	uint64_t v = 0;
	int r;

	p->t->number = -1;
	if (!*p->at)
		return 0;
	r = remark(p, p->at, num_parse_u64(p->at, INT32_MAX, &v, p->f));
	p->t->number = (int)v;
	return r;
}

static bool looks_like_path(const char *s)
{
	return *s == '/' || *s == '@' || has_prefix(s, "./") || has_prefix(s, "../");
}

static int parse_rest(struct parse *p)
{
	struct target *t = p->t;

	switch (t->proto) {
	case TARGET_TCP:
		if (p->at == p->text && looks_like_path(p->at)) {
			t->proto = TARGET_UNIX;
			return parse_path(p);
		}
		return parse_inet(p);
	case TARGET_UDP:
		if (p->at == p->text && looks_like_path(p->at)) {
			t->proto = TARGET_UNIX_DGRAM;
			return parse_path(p);
		}
		return parse_inet(p);
	case TARGET_MPTCP:
		return parse_inet(p);
	case TARGET_UNIX:
	case TARGET_UNIX_DGRAM:
	case TARGET_UNIX_SEQPACKET:
		return parse_path(p);
	case TARGET_VSOCK:
		return parse_vsock(p);
	case TARGET_RAW:
		return parse_raw(p);
	case TARGET_FD:
		return parse_fd(p);
	}
	return -EINVAL;
}

int target_parse(const char *text, const struct target_how *how, struct target *t,
		 struct fault *f)
{
	static const struct target_how plain = { .proto = TARGET_TCP };
	struct fault own = FAULT_INIT;
	struct parse p = { .text = text, .at = text, .t = t, .f = f ? f : &own };
	int r;

	if (!how)
		how = &plain;
	p.flags = how->flags;
	p.f->err = 0; /* tells a refusal from "no address, try as a name" */
	*t = (struct target){ .proto = how->proto, .number = -1 };
	if (!*text)
		r = refuse(&p, text, "it is empty");
	else
		r = parse_proto(&p, how);
	if (r == 0)
		r = parse_rest(&p);
	if (r < 0)
		target_free(t);
	return r;
}

void target_free(struct target *t)
{
	free(t->name);
	port_set_free(&t->ports);
	*t = (struct target){ .number = -1 };
}

int target_two_words(const char *host, const char *port, struct fault *f)
{
	char h[120], p[60];
	bool ip6 = strchr(host, ':') && *host != '[';

	escape_text(h, sizeof(h), host, strlen(host));
	escape_text(p, sizeof(p), port, strlen(port));
	fault_say(f, EINVAL, "'%s %s' are two words; an address is one", h, p);
	fault_hint(f, "write '%s%s%s:%s'", ip6 ? "[" : "", h, ip6 ? "]" : "", p);
	return -EINVAL;
}

static void put_ports(struct buf *b, const struct target *t)
{
	size_t i;

	for (i = 0; i < t->ports.n; i++) {
		buf_putc(b, i ? ',' : ':');
		buf_put_u64(b, t->ports.v[i].lo);
		if (t->ports.v[i].hi != t->ports.v[i].lo) {
			buf_putc(b, '-');
			buf_put_u64(b, t->ports.v[i].hi);
		}
	}
}

void target_put(struct buf *b, const struct target *t)
{
	if (t->proto != TARGET_TCP)
		buf_printf(b, "%s:", target_proto_name(t->proto));
	if (t->proto == TARGET_VSOCK) {
		if (t->cid == UINT32_MAX)
			buf_printf(b, "any:%u", t->vport);
		else
			buf_printf(b, "%u:%u", t->cid, t->vport);
	} else if (t->proto == TARGET_FD && t->number >= 0) {
		buf_put_u64(b, (uint64_t)t->number);
	} else if (t->proto == TARGET_RAW) {
		buf_printf(b, "%d:", t->number);
	}
	switch (t->host) {
	case TARGET_HOST_NONE:
		break;
	case TARGET_HOST_ANY:
		buf_putc(b, '*');
		break;
	case TARGET_HOST_IP:
		if (t->ip.family == AF_INET6)
			buf_putc(b, '[');
		addr_put_ip(b, &t->ip);
		if (t->ip.family == AF_INET6)
			buf_putc(b, ']');
		break;
	case TARGET_HOST_ABSTRACT:
		buf_putc(b, '@');
		buf_put_escaped(b, t->name, strlen(t->name));
		break;
	case TARGET_HOST_NAME:
	case TARGET_HOST_PATH: {
		const char *name = t->name;

		/* "//" after the protocol would be taken for that of a URL. */
		while (has_prefix(name, "//"))
			name++;
		buf_put_escaped(b, name, strlen(name));
		break;
	}
	}
	put_ports(b, t);
}

bool target_next_port(const struct target *t, size_t *index, uint16_t *port)
{
	size_t skip = *index, i;

	for (i = 0; i < t->ports.n; i++) {
		size_t span = (size_t)t->ports.v[i].hi - t->ports.v[i].lo + 1;

		if (skip < span) {
			*port = (uint16_t)(t->ports.v[i].lo + skip);
			++*index;
			return true;
		}
		skip -= span;
	}
	return false;
}
