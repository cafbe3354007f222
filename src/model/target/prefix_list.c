#include "model/target/prefix_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"

static int bad_prefix(const char *text, const char *at, size_t len, struct fault *f)
{
	if (!len)
		fault_say(f, EINVAL, "an address is missing");
	else
		fault_say(f, EINVAL, "'%.*s' is not an address or a prefix",
			  (int)MIN(len, (size_t)200), at);
	fault_hint(f, "numeric, without a port: 192.0.2.7, 10.0.0.0/8, 2001:db8::/32");
	fault_mark(f, text, (size_t)(at - text));
	return -EINVAL;
}

/* ::ffff:10.0.0.0/104 is 10.0.0.0/8: one spelling for both kinds of sockets. */
static struct addr plain(struct addr a)
{
	unsigned prefix = a.prefix;

	if (!addr_is_v4_mapped(&a) || prefix < 96)
		return a;
	a = addr_unmapped(&a);
	a.prefix = (uint8_t)(prefix - 96);
	return a;
}

int prefix_list_parse(const char *text, void *list, struct fault *f)
{
	struct prefix_list *to = list;
	const char *at = text;
	struct addr a;
	size_t len;

	for (;; at += len + 1) {
		len = strcspn(at, ",");
		if (addr_parse_ip(at, len, true, &a) < 0)
			return bad_prefix(text, at, len, f);
		to->v = xrealloc(to->v, (to->n + 1) * sizeof(*to->v));
		to->v[to->n++] = plain(a);
		if (!at[len])
			return 0;
	}
}

void prefix_list_free(struct prefix_list *list)
{
	free(list->v);
	*list = (struct prefix_list){ 0 };
}

static bool has(const struct prefix_list *list, const struct addr *a)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (addr_in_prefix(a, &list->v[i]))
			return true;
	return false;
}

bool peer_rules_given(const struct peer_rules *rules)
{
	return rules->allow.n || rules->deny.n;
}

bool peer_rules_admit(const struct peer_rules *rules, const struct addr *peer)
{
	struct addr a = addr_unmapped(peer);

	return !has(&rules->deny, &a) && (!rules->allow.n || has(&rules->allow, &a));
}
