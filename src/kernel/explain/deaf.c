/* Listeners on the address that was asked for, which nothing can reach. */
#include <errno.h>
#include <stdlib.h>

#include "kernel/explain/explain_private.h"
#include "kernel/netlink/presence_ask.h"

enum { MOST_ASKED = 64 };

/* Only what is bound to an interface, or to an address that is not here, can be one. */
static bool may_be_deaf(const struct connect_facts *f, const struct sock *s)
{
	struct addr local = addr_unmapped(&s->local);
	bool server = s->state == STATE_LISTEN ||
		      (s->proto == PROTO_UDP && !s->peer.port);

	if (!server || sock_is_transparent(s))
		return false;
	if (addr_is_any(&s->local))
		return s->ifindex != 0;
	return addr_same_ip(&local, &f->to) && (s->ifindex || !f->local);
}

void explain_deaf(struct connect_facts *f, struct arena *a)
{
	_cleanup_free_ struct presence_of *asked = xcalloc(MOST_ASKED, sizeof(*asked));
	_cleanup_reader_ struct reader r = { 0 };
	struct kept all = { .arena = a }, k = { .arena = a };
	size_t n = 0, i;

	/* What cannot be read is told by those who look for listeners. */
	if (reader_open(&r, NULL) < 0 ||
	    explain_read_servers(&r, f->proto, f->to.port, &all) < 0)
		goto out;
	for (i = 0; i < all.n && n < MOST_ASKED; i++)
		if (may_be_deaf(f, all.v[i])) {
			all.v[n] = all.v[i];
			asked[n++] = (struct presence_of){ .addr = all.v[i]->local,
							   .ifindex = all.v[i]->ifindex };
		}
	presence_ask(asked, n);
	for (i = 0; i < n; i++)
		if (presence_is_lost(asked[i].is))
			kept_add(&k, all.v[i]);
	if (k.n)
		kept_own(&k, &r);
	f->deaf = explain_found(a, k.v, k.n);
	for (i = 0; i < n; i++)
		if (presence_is_lost(asked[i].is))
			f->deaf[f->n_deaf++].presence = asked[i].is;
out:
	kept_free(&all);
	kept_free(&k);
}
