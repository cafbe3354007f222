/* The namespace of this host that has an address, and what listens there. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "kernel/explain/explain_private.h"
#include "kernel/netlink/neighbour.h"
#include "kernel/proc/netns_each.h"
#include "kernel/proc/procfile.h"

enum { OTHERS_MOST = 3 };

struct owner {
	const struct addr *to;
	uint8_t proto;
	bool any;	       /* the first is enough, whatever listens there */
	bool direct;	       /* no router is in between, and ... */
	struct hardware there; /* ... who answers for the address has this one */
	struct arena *arena;
	struct foreign_facts *f;
	uint32_t ino;
	size_t found;
	struct kept kept;
};

/* Names of interfaces mean something in their own namespace only. */
static void name_devices(struct owner *o)
{
	char name[IF_NAMESIZE];
	size_t i;

	for (i = 0; i < o->kept.n; i++) {
		struct sock *s = o->kept.v[i];

		s->device = s->ifindex && if_indextoname(s->ifindex, name)
				    ? arena_strdup(o->arena, name)
				    : NULL;
	}
}

/* Those of the port, or else the first of all. */
static void choose(struct owner *o, struct kept *all)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->v[i]->local.port == o->to->port)
			kept_add(&o->kept, all->v[i]);
	o->f->others = !o->kept.n && all->n;
	o->f->n_others = all->n;
	for (i = 0; o->f->others && i < MIN(all->n, (size_t)OTHERS_MOST); i++)
		kept_add(&o->kept, all->v[i]);
}

static void read_listeners(struct owner *o)
{
	_cleanup_reader_ struct reader r = { 0 };
	struct kept all = { .arena = o->arena }, mute = { .arena = o->arena };
	int err = reader_open(&r, NULL);
	size_t i;

	if (err == 0)
		err = explain_read_servers(&r, o->proto, 0, &all);
	o->f->error = -err;
	/* Of UDP those that are connected receive from their peer only. */
	for (i = 0; i < all.n; i++)
		if (o->proto == PROTO_TCP || !all.v[i]->peer.port)
			kept_add(&mute, all.v[i]);
	choose(o, &mute);
	name_devices(o);
	kept_free(&all);
	kept_free(&mute);
}

/* Two that have it are told apart by what our neighbour is; else neither is meant for
 * certain. */
static bool look(void *ctx, const struct netns_at *at)
{
	struct owner *o = ctx;

	if (!neighbour_is_own(o->to) ||
	    (o->direct && o->there.len && !neighbour_is_here(&o->there)))
		return true;
	if (o->found++)
		return false;
	o->ino = at->ino;
	o->f->pid = at->pid;
	o->f->name = at->name ? arena_strdup(o->arena, at->name) : NULL;
	if (!o->any)
		read_listeners(o);
	return !o->any;
}

static void name_owners(struct owner *o)
{
	_cleanup_reader_ struct reader r = { 0 };
	_cleanup_free_ const char **devices = xcalloc(o->kept.n + 1, sizeof(*devices));
	size_t i;

	for (i = 0; i < o->kept.n; i++)
		devices[i] = o->kept.v[i]->device;
	kept_own(&o->kept, &r);
	o->f->owners_error = r.owners.failed;
	for (i = 0; i < o->kept.n; i++)
		o->kept.v[i]->device = devices[i];
	o->f->v = explain_found(o->arena, o->kept.v, o->kept.n);
	o->f->n = o->kept.n;
	for (i = 0; i < o->f->n && !o->f->keeper.kind; i++)
		o->f->keeper = occupants_keeper(&o->f->v[i].occupants);
	if (!o->f->pid)
		o->f->pid = netns_process(o->ino);
	if (!o->f->keeper.kind && o->f->pid)
		o->f->keeper = procfile_keeper(o->arena, o->f->pid);
}

void explain_foreign(const struct addr *to, uint8_t proto, struct arena *a,
		     struct foreign_facts *f)
{
	struct owner o = {
		.to = to, .proto = proto, .arena = a, .f = f, .kept.arena = a
	};
	struct netns_search s = { .fn = look, .ctx = &o, .budget_us = EXPLAIN_BUDGET_US };
	struct addr hop = { 0 };

	*f = (struct foreign_facts){ 0 };
	o.direct = neighbour_hardware(to, &hop, &o.there) && addr_same_ip(&hop, to);
	f->direct = o.direct;
	if (netns_search(&s) < 0)
		return;
	f->cut = s.cut;
	f->searched = s.searched;
	/* Of those that were left out one may have it, too. */
	f->sure = o.direct && o.there.len;
	f->found = o.found == 1 && (f->sure || !(s.cut || s.hidden));
	if (f->found)
		name_owners(&o);
	kept_free(&o.kept);
}

const char *explain_foreign_place(const struct addr *a, struct arena *arena)
{
	struct addr to = addr_unmapped(a);
	struct foreign_facts f = { 0 };
	struct owner o = {
		.to = &to, .any = true, .arena = arena, .f = &f, .kept.arena = arena
	};
	struct netns_search s = { .fn = look, .ctx = &o, .budget_us = EXPLAIN_BUDGET_US };
	_cleanup_buf_ struct buf b = { 0 };

	if (netns_search(&s) < 0 || !o.found)
		return NULL;
	name_owners(&o);
	foreign_put_place(&f, &b);
	return arena_strdup(arena, buf_cstr(&b));
}
