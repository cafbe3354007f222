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

void explain_deaf_among(const struct kept *servers, struct reader *r, struct arena *a,
			struct connect_facts *f)
{
	_cleanup_free_ struct presence_of *asked = xcalloc(MOST_ASKED, sizeof(*asked));
	_cleanup_free_ const struct sock **rows = xcalloc(MOST_ASKED, sizeof(*rows));
	struct kept k = { .arena = a };
	size_t n = 0, i;

	for (i = 0; i < servers->n && n < MOST_ASKED; i++)
		if (may_be_deaf(f, servers->v[i])) {
			rows[n] = servers->v[i];
			asked[n++] =
				(struct presence_of){ .addr = servers->v[i]->local,
						      .ifindex = servers->v[i]->ifindex };
		}
	presence_ask(asked, n);
	for (i = 0; i < n; i++)
		if (presence_is_lost(asked[i].is))
			kept_add(&k, rows[i]);
	if (k.n)
		kept_own(&k, r);
	f->deaf = explain_found(a, k.v, k.n);
	for (i = 0; i < n; i++)
		if (presence_is_lost(asked[i].is))
			f->deaf[f->n_deaf++].presence = asked[i].is;
	kept_free(&k);
}

void explain_deaf(struct connect_facts *f, struct arena *a)
{
	_cleanup_reader_ struct reader r = { 0 };
	struct kept all = { .arena = a };

	/* What cannot be read is told by those who look for listeners. */
	if (reader_open(&r, NULL) == 0 &&
	    explain_read_servers(&r, f->proto, f->to.port, &all) == 0)
		explain_deaf_among(&all, &r, a, f);
	kept_free(&all);
}
