#include "model/cause/no_source.h"

#include <errno.h>
#include <string.h>

#include "model/advice.h"
#include "model/cause/connect_cause.h"

/* As sysctl(8) has it: a dot in a name is a slash. */
static void put_setting(struct buf *b, const char *device)
{
	_cleanup_buf_ struct buf name = { 0 };

	for (; *device; device++)
		buf_putc(&name, *device == '.' ? '/' : *device);
	buf_puts(b, "net.ipv6.conf.");
	buf_put_escaped(b, name.data, name.len);
	buf_puts(b, ".disable_ipv6");
}

static void put_device(struct buf *b, const char *device)
{
	buf_put_escaped(b, device, strlen(device));
}

static bool is_off(const struct source_facts *f)
{
	return f->device[0] ? f->device_off : f->n_off && !f->n_on;
}

static void put_off(const struct source_facts *f, struct buf *b)
{
	if (f->device[0]) {
		buf_puts(b, "IPv6 is disabled on ");
		put_device(b, f->device);
		buf_puts(b, " (");
		put_setting(b, f->device);
		buf_puts(b, " is 1)");
	} else {
		buf_puts(b, "IPv6 is disabled on every interface that leads elsewhere (");
		put_setting(b, f->all_off ? "all" : f->off);
		buf_puts(b,
			 f->n_off > 1 && !f->all_off ? " and others are 1)" : " is 1)");
	}
}

bool ipv6_is_off(const struct source_facts *f)
{
	return f->err && addr_unmapped(&f->to).family == AF_INET6 &&
	       (f->kernel_off || f->no_socket || is_off(f));
}

void ipv6_put_off(const struct source_facts *f, struct buf *why)
{
	if (f->kernel_off) {
		buf_puts(why, "IPv6 is disabled in this kernel (ipv6.disable=1)");
	} else if (f->no_socket) {
		buf_puts(
			why,
			f->kernel_has
				? "IPv6 is disabled for this process: a sandbox allows no "
				  "sockets of this family"
				: "IPv6 is disabled here: no such socket can be made");
	} else {
		put_off(f, why);
	}
}

void ipv6_advise_on(const struct source_facts *f, uint32_t asker, struct buf *next)
{
	/* Its address comes back by itself; those of others do not. */
	if (addr_is_loopback(&f->to) && f->device_off)
		advise(next, ADVICE_IPV6_ON, (struct advised){ .uid = asker }, f->device);
}

bool no_source_put(const struct source_facts *f, struct buf *why)
{
	if (!f->err || addr_unmapped(&f->to).family != AF_INET6)
		return false;
	if (ipv6_is_off(f)) {
		ipv6_put_off(f, why);
	} else if (f->err == EADDRNOTAVAIL) {
		buf_puts(why, "no IPv6 address of this host can be the source");
		if (f->n_off) {
			buf_puts(why, "; IPv6 is disabled on ");
			put_device(why, f->off);
			if (f->n_off > 1)
				buf_printf(why, " and %zu more", f->n_off - 1);
		}
	} else {
		return false;
	}
	return true;
}

bool cause_of_no_source(const struct source_facts *f, uint32_t asker,
			struct causes *causes)
{
	struct buf b = { 0 }, next = { 0 };

	if (!no_source_put(f, &b))
		return false;
	causes_add(
		causes,
		connect_causes[ipv6_is_off(f) ? CONNECT_NO_IPV6 : CONNECT_NO_SOURCE].id,
		&b, NULL, NULL);
	ipv6_advise_on(f, asker, &next);
	if (next.len)
		causes_next(causes, &next);
	return true;
}
