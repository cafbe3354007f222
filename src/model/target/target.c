#include "model/target/target.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "model/target/target_private.h"

/* The names before the colon; the first row of a protocol is how it is written. */
static const struct target_protocol proto_names[] = {
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

const struct target_protocol *target_find_proto(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(proto_names); i++)
		if (strlen(proto_names[i].name) == len &&
		    memcmp(proto_names[i].name, name, len) == 0)
			return &proto_names[i];
	return NULL;
}

void target_free(struct target *t)
{
	free(t->name);
	port_set_free(&t->ports);
	*t = (struct target){ .number = -1 };
}

int target_two_words(const char *host, const char *port, struct fault *f)
{
	size_t proto = strcspn(host, ":");
	const char *rest = host, *colon;
	char h[120], p[60];
	bool ip6;

	proto = target_find_proto(host, proto) && host[proto] ? proto + 1 : 0;
	rest += proto;
	colon = strchr(rest, ':');
	ip6 = colon && strchr(colon + 1, ':') && *rest != '[';
	escape_text(h, sizeof(h), rest, strlen(rest));
	escape_text(p, sizeof(p), port, strlen(port));
	fault_say(f, EINVAL, "'%.*s%s %s' are two words; an address is one", (int)proto,
		  host, h, p);
	if (colon && !ip6 && (*rest != '[' || strstr(rest, "]:")))
		fault_hint(f, "'%.*s%s' alone is one", (int)proto, host, h);
	else
		fault_hint(f, "write '%.*s%s%s%s:%s'", (int)proto, host, ip6 ? "[" : "",
			   h, ip6 ? "]" : "", p);
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

static void put_device(struct buf *b, const struct target *t)
{
	char name[IF_NAMESIZE];

	if (!t->ifindex)
		return;
	buf_putc(b, '%');
	if (if_indextoname(t->ifindex, name))
		buf_put_escaped(b, name, strlen(name));
	else
		buf_put_u64(b, t->ifindex);
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
		put_device(b, t);
		break;
	case TARGET_HOST_IP:
		if (t->ip.family == AF_INET6)
			buf_putc(b, '[');
		addr_put_ip(b, &t->ip);
		if (t->ip.family == AF_INET6)
			buf_putc(b, ']');
		put_device(b, t);
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

int target_refuse(const struct target_parser *p, const char *at, const char *what)
{
	char shown[160];

	fault_say(p->f, EINVAL, "'%s' is not an address: %s",
		  escape_text(shown, sizeof(shown), p->text, strlen(p->text)), what);
	fault_mark(p->f, p->text, (size_t)(at - p->text));
	return -EINVAL;
}

int target_remark(const struct target_parser *p, const char *at, int r)
{
	if (r < 0 && p->f)
		fault_mark(p->f, p->text,
			   (size_t)(at - p->text) +
				   (p->f->mark > 0 ? (size_t)p->f->mark : 0));
	return r;
}
