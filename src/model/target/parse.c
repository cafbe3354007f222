/* [PROTO:]TARGET: the protocol, then what stands behind it. Hosts and ports are in
 * inet.c. */
#include <errno.h>
#include <netdb.h>
#include <sys/un.h>

#include "base/mem.h"
#include "model/target/target_private.h"

/* "http://db:80" and the like: a URL is no address, but what it means is clear. */
static int refuse_scheme(const struct target_parser *p, const char *colon)
{
	const char *rest = colon + 3;
	size_t len = strcspn(rest, "/?#");
	bool has_port = memchr(rest, ':', len) != NULL;

	target_refuse(p, p->at, "no protocol has this name here");
	fault_hint(p->f, "write '%.*s%s'; the protocols are tcp, udp, unix, mptcp, vsock",
		   (int)MIN(len, (size_t)100), rest, has_port ? "" : ":PORT");
	return -EINVAL;
}

static int parse_proto(struct target_parser *p, const struct target_how *how)
{
	size_t len = strcspn(p->at, ":");
	const struct target_protocol *n = p->at[len] ? target_find_proto(p->at, len)
						     : NULL;
	const char *colon = p->at + len;

	if (!n && has_prefix(colon, "://"))
		return refuse_scheme(p, colon);
	p->t->proto = how->proto;
	p->t->family = how->family;
	if (!n)
		return 0;
	if (n->family && how->family && n->family != how->family &&
	    (n->family == AF_INET || n->family == AF_INET6))
		return target_refuse(p, p->at,
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

static int parse_path(struct target_parser *p)
{
	/* sun_path may be used to its last byte, but then readers that expect a NUL go
	 * astray. */
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	bool abstract = *p->at == '@';
	const char *name = p->at + abstract;
	int r;

	if (!*p->at)
		return target_refuse(p, p->at, "a path is missing");
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

static int parse_cid(struct target_parser *p, size_t len)
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
	r = target_remark(p, p->at, num_parse_u64(word, UINT32_MAX, &v, p->f));
	p->t->cid = (uint32_t)v;
	return r;
}

static int parse_vsock(struct target_parser *p)
{
	size_t len = strcspn(p->at, ":");
	uint64_t port = 0;
	int r;

	if (!p->at[len]) {
		r = target_refuse(p, p->at + len, "a vsock address has a CID and a port");
		fault_hint(p->f,
			   "vsock:2:1234; the CID may be any, local, host or a number");
		return r;
	}
	r = parse_cid(p, len);
	if (r < 0)
		return r;
	p->at += len + 1;
	r = target_remark(p, p->at, num_parse_u64(p->at, UINT32_MAX, &port, p->f));
	p->t->vport = (uint32_t)port;
	return r;
}

static int parse_raw(struct target_parser *p)
{
	size_t len = strcspn(p->at, ":");
	_cleanup_free_ char *word = xstrndup(p->at, len);
	struct protoent *pe;
	uint64_t v = 0;
	int r;

	if (!p->at[len] || !len) {
		r = target_refuse(p, p->at + len,
				  "a raw address has a protocol and a host");
		fault_hint(p->f, "raw:icmp:127.0.0.1, or raw:253:host");
		return r;
	}
	if (*word >= '0' && *word <= '9') {
		r = target_remark(p, p->at, num_parse_u64(word, 255, &v, p->f));
		if (r < 0)
			return r;
		p->t->number = (int)v;
	} else {
		pe = getprotobyname(word);
		if (!pe)
			return target_refuse(
				p, p->at,
				"no number, and no such name in /etc/protocols");
		p->t->number = pe->p_proto;
	}
	p->at += len + 1;
	len = strlen(p->at);
	if (*p->at == '[' && p->at[len - 1] == ']') {
		r = target_take_ip(p, p->at + 1, len - 2);
		if (r < 0 && !(p->f && p->f->err))
			r = target_refuse(p, p->at + 1,
					  "no IPv6 address stands in the brackets");
		return r;
	}
	return target_take_host(p, len);
}

static int parse_fd(struct target_parser *p)
{
	uint64_t v = 0;
	int r;

	p->t->number = -1;
	if (!*p->at)
		return 0;
	r = target_remark(p, p->at, num_parse_u64(p->at, INT32_MAX, &v, p->f));
	p->t->number = (int)v;
	return r;
}

static bool looks_like_path(const char *s)
{
	return *s == '/' || *s == '@' || has_prefix(s, "./") || has_prefix(s, "../");
}

static int parse_rest(struct target_parser *p)
{
	struct target *t = p->t;

	switch (t->proto) {
	case TARGET_TCP:
		if (p->at == p->text && looks_like_path(p->at)) {
			t->proto = TARGET_UNIX;
			return parse_path(p);
		}
		return target_parse_inet(p);
	case TARGET_UDP:
		if (p->at == p->text && looks_like_path(p->at)) {
			t->proto = TARGET_UNIX_DGRAM;
			return parse_path(p);
		}
		return target_parse_inet(p);
	case TARGET_MPTCP:
		return target_parse_inet(p);
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
	struct target_parser p = { .text = text, .at = text, .t = t, .f = f ? f : &own };
	int r;

	if (!how)
		how = &plain;
	p.flags = how->flags;
	p.f->err = 0; /* tells a refusal from "no address, try as a name" */
	*t = (struct target){ .proto = how->proto, .number = -1 };
	if (!*text)
		r = target_refuse(&p, text, "it is empty");
	else if (target_foreign(text, p.f))
		r = -EINVAL;
	else
		r = parse_proto(&p, how);
	if (r == 0)
		r = parse_rest(&p);
	if (r < 0)
		target_free(t);
	return r;
}
