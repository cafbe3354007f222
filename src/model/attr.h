/*
 * Netlink attributes: type, length and payload, one after the other, in a message or
 * inside another attribute. The same in live messages, in recorded ones, and in those
 * that a row keeps whole and a column looks into.
 */
#pragma once

#include <linux/netlink.h>

#include "base/util.h"

struct nl_attr {
	uint16_t type;
	uint16_t len; /* of the payload */
	const void *data;
};

/* Takes the attribute at *p (end bounds it) and steps on; false when there is no further
 * one. Its payload is in bounds. */
static inline bool nl_attr_next(const char **p, const char *end, struct nl_attr *a)
{
	ptrdiff_t left = end - *p;
	struct nlattr h;

	if (left < (ptrdiff_t)sizeof(h))
		return false;
	memcpy(&h, *p, sizeof(h));
	if (h.nla_len < sizeof(h) || h.nla_len > left)
		return false;
	a->type = h.nla_type & NLA_TYPE_MASK;
	a->len = (uint16_t)(h.nla_len - sizeof(h));
	a->data = *p + sizeof(h);
	*p += MIN((ptrdiff_t)NLA_ALIGN(h.nla_len), left);
	return true;
}
