/* Sockets on addresses that no interface has: whether the kernel calls them local all the
 * same, and whose they are. */
#include <stdlib.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/presence_ask.h"
#include "kernel/proc/place.h"
#include "kernel/proc/procfile.h"

enum { MOST_ASKED = 1024 }; /* addresses, each with its interface: 5 us each */

static bool same_question(const struct presence_of *p, const struct addr *a,
			  uint32_t ifindex)
{
	return p->ifindex == ifindex && p->addr.scope == a->scope &&
	       addr_same_ip(&p->addr, a);
}

/* Which question is about a row: its number, a new one if it is the first. */
static size_t question_of(struct presence_of *v, size_t *n, const struct sock *s)
{
	struct addr plain = addr_unmapped(&s->local);
	size_t i;

	for (i = 0; i < *n; i++)
		if (same_question(&v[i], &plain, s->ifindex))
			return i;
	if (*n == MOST_ASKED)
		return MOST_ASKED;
	v[*n] = (struct presence_of){ .addr = plain, .ifindex = s->ifindex };
	return (*n)++;
}

static enum nonlocal_bind read_nonlocal(const char *name)
{
	uint64_t on;

	return !procfile_sysctl(name, &on) ? NONLOCAL_UNKNOWN
	       : on			   ? NONLOCAL_ON
					   : NONLOCAL_OFF;
}

static bool is_on(const char *name)
{
	uint64_t on;

	return procfile_sysctl(name, &on) && on;
}

static void read_settings(struct evidence *e)
{
	e->nonlocal_v4 = read_nonlocal("ipv4/ip_nonlocal_bind");
	e->nonlocal_v6 = read_nonlocal("ipv6/ip_nonlocal_bind");
	e->loopback_down = place_loopback_is_down() == 1;
	e->takes_vrf = is_on("ipv4/tcp_l3mdev_accept") || is_on("ipv4/udp_l3mdev_accept");
}

void evidence_stranded(const struct detect *d, struct evidence *e)
{
	const struct suspects *list = &d->stranded;
	_cleanup_free_ struct presence_of *asked = NULL;
	_cleanup_free_ size_t *of = NULL;
	size_t n = 0, i;

	if (!list->n)
		return;
	asked = xcalloc(MOST_ASKED, sizeof(*asked));
	of = xcalloc(list->n, sizeof(*of));
	for (i = 0; i < list->n; i++)
		of[i] = question_of(asked, &n, list->v[i]);
	evidence_lacks(e, -presence_ask(asked, n));
	e->stranded = arena_zalloc(&e->arena, list->n * sizeof(*e->stranded));
	for (i = 0; i < list->n; i++) {
		enum presence is = of[i] < n ? asked[of[i]].is : PRESENCE_UNKNOWN;

		if (presence_is_lost(is) || is == PRESENCE_BY_RULE)
			e->stranded[e->n_stranded++] =
				(struct stranded){ .row = list->v[i], .is = is };
	}
	if (e->n_stranded)
		read_settings(e);
}

void evidence_want_stranded(const struct evidence *e, struct hash_index *wanted)
{
	size_t i;

	for (i = 0; i < e->n_stranded; i++)
		hash_set_add(wanted, e->stranded[i].row->inode);
}

void evidence_stranded_holders(struct reader *r, struct evidence *e)
{
	size_t i;

	for (i = 0; i < e->n_stranded; i++)
		e->stranded[i].holders = evidence_holders(r, e, e->stranded[i].row);
}
