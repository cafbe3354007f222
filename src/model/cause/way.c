#include "model/cause/way.h"

#include "model/advice.h"
#include "model/cause/connect_cause.h"

static void put_kind_of_address(const struct way_facts *f, const char *kind,
				struct buf *b)
{
	addr_put_ip(b, &f->to);
	if (f->stream)
		buf_printf(b,
			   " is a %s address: TCP has no connections to multicast or "
			   "broadcast addresses (%s)",
			   kind, strerrorname_np(f->err));
	else
		buf_printf(b,
			   " is a %s address, which needs SO_BROADCAST (%s): set it with "
			   "'--option broadcast'",
			   kind, strerrorname_np(f->err));
}

static void put_source(const struct way_facts *f, struct buf *b)
{
	addr_put_ip(b, &f->from);
	buf_puts(b, " cannot be the source of what goes to ");
	addr_put_ip(b, &f->to);
	buf_printf(b, " (%s)", strerrorname_np(f->err));
	if (addr_is_loopback(&f->from))
		buf_puts(b, ": a loopback address does not leave this host");
}

static void put_ignored(const struct way_facts *f, struct buf *b)
{
	buf_printf(b, "no route from this host (%s): the one over ",
		   strerrorname_np(f->err));
	buf_put_escaped(b, f->device, strlen(f->device));
	buf_printf(b,
		   " is ignored, because this interface has no carrier "
		   "(net.ipv%d.conf.*.ignore_routes_with_linkdown)",
		   f->to.family == AF_INET ? 4 : 6);
}

bool way_put(const struct way_facts *f, struct buf *b)
{
	const char *name = strerrorname_np(f->err);

	switch (f->kind) {
	case WAY_UNKNOWN:
		return false;
	case WAY_NONE:
		buf_printf(b, "no route from this host (%s)", name);
		break;
	case WAY_IGNORED:
		put_ignored(f, b);
		break;
	case WAY_BLACKHOLE:
		buf_printf(b, "a blackhole route of this host drops it (%s)", name);
		break;
	case WAY_PROHIBIT:
		buf_printf(b, "a prohibit route of this host forbids it (%s)", name);
		break;
	case WAY_UNREACHABLE:
		buf_printf(b,
			   "no route from this host (%s): its route there is of the type "
			   "unreachable",
			   name);
		break;
	case WAY_SOURCE:
		put_source(f, b);
		break;
	case WAY_BROADCAST:
		put_kind_of_address(f, "broadcast", b);
		break;
	case WAY_MULTICAST:
		put_kind_of_address(f, "multicast", b);
		break;
	}
	return true;
}

void way_advise(const struct way_facts *f, uint32_t asker, struct buf *next)
{
	_cleanup_buf_ struct buf to = { 0 };

	addr_put_ip(&to, &f->to);
	if (f->kind == WAY_BLACKHOLE || f->kind == WAY_PROHIBIT ||
	    f->kind == WAY_UNREACHABLE)
		advise(next, ADVICE_ROUTES_MATCH, (struct advised){ .uid = asker },
		       buf_cstr(&to));
}

bool cause_of_way(const struct way_facts *f, uint32_t asker, struct causes *causes)
{
	struct buf b = { 0 }, a = { 0 }, next = { 0 };
	bool denied = f->kind == WAY_PROHIBIT || (f->kind == WAY_BROADCAST && !f->stream);

	if (!way_put(f, &b))
		return false;
	if (f->kind == WAY_SOURCE)
		buf_puts(&a, "Without --source the kernel chooses an address.");
	causes_add(causes,
		   connect_causes[denied ? CONNECT_DENIED_LOCAL : CONNECT_UNREACHABLE].id,
		   &b, &a, NULL);
	way_advise(f, asker, &next);
	if (next.len)
		causes_next(causes, &next);
	return true;
}
