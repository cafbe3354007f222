/* The rows that explainers look at, with their owners, and the settings that decide about
 * ports. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/explain/explain_private.h"
#include "kernel/netlink/bytecode.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/proc/netns_each.h"
#include "kernel/proc/occupants.h"
#include "kernel/proc/process.h"
#include "kernel/proc/procfile.h"
#include "kernel/proc/rights.h"
#include "model/filter/filter.h"

void kept_add(struct kept *k, const struct sock *s)
{
	if (seen_before(&k->seen, s->cookie))
		return;
	k->v = array_grow(k->v, k->n, &k->cap, sizeof(*k->v));
	k->v[k->n++] = sock_dup(k->arena, s);
}

void kept_free(struct kept *k)
{
	seen_free(&k->seen);
	free(take_ptr(&k->v));
}

void kept_own(struct kept *k, struct reader *r)
{
	struct hash_index wanted = { 0 };
	struct holder *h;
	size_t i;

	for (i = 0; i < k->n; i++)
		hash_set_add(&wanted, k->v[i]->inode);
	if (wanted.n)
		owners_scan(&r->owners, &wanted, NULL, 0, r->threads);
	hash_index_free(&wanted);
	for (i = 0; i < k->n; i++) {
		struct sock s = *k->v[i];

		reader_annotate(r, &s,
				NEED_OWNERS | NEED_CGROUP | NEED_USER | NEED_DEVICE);
		/* Names live as long as the reader; these rows live longer. */
		*k->v[i] = *sock_dup(k->arena, &s);
		for (h = (struct holder *)(uintptr_t)k->v[i]->holders; h;
		     h = (struct holder *)(uintptr_t)h->next)
			h->command = arena_strdup(k->arena, h->command);
		if (s.cgroup)
			k->v[i]->cgroup = arena_strdup(k->arena, s.cgroup);
		if (s.device)
			k->v[i]->device = arena_strdup(k->arena, s.device);
		if (s.user)
			k->v[i]->user = arena_strdup(k->arena, s.user);
	}
}

/* Its name is read now: a row has no room for what so few of them have. */
static void found_tunnel(struct bind_found *x, struct arena *a)
{
	struct tunnels all;
	const struct tunnel *t;
	char text[128];

	tunnels_read(&all);
	t = tunnels_find(&all, x->holder.row->local.port);
	if (!t)
		return;
	snprintf(text, sizeof(text), "%s (%s)", t->name, t->kind);
	if (t->links == 1)
		x->link = arena_strdup(a, t->name);
	else
		snprintf(text, sizeof(text), "%s (%s) and %u more", t->name, t->kind,
			 t->links - 1);
	x->tunnel = arena_strdup(a, text);
}

/* systemd has the socket of a service, too. */
static const char *unit_of(const struct occupants *o)
{
	const char *unit = NULL;
	size_t i;

	for (i = 0; i < o->n && !unit; i++)
		unit = keeper_unit(&o->v[i].keeper);
	return unit;
}

void found_process(struct bind_found *x, struct arena *a)
{
	const struct holder *h = x->holder.row->holders;
	char remedy[REMEDY_MAX];

	x->user = x->holder.row->user;
	if (x->holder.row->owner_status == OWNER_KERNEL)
		found_tunnel(x, a);
	if (!h) {
		if (rights_to_know_owner(x->holder.row->owner_status, remedy)[0])
			x->remedy = arena_strdup(a, remedy);
		return;
	}
	x->age_ms = process_age_ms(h->pid);
	x->occupants = occupants_read(a, h);
	x->unit = unit_of(&x->occupants);
}

struct reading {
	struct kept *k;
	uint8_t proto;
	uint16_t port;
};

static int keep_row(const struct nlmsghdr *h, void *ctx)
{
	struct reading *reading = ctx;
	struct sock s;

	if (inet_parse(h, reading->proto, &s) && bind_holds(&s) &&
	    (!reading->port || s.local.port == reading->port))
		kept_add(reading->k, &s);
	return 0;
}

/* This walk ignores the port of the request's header. */
static int walk_bound(struct reader *r, struct reading *reading)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_buf_ struct buf program = { 0 };
	struct port_range range = { reading->port, reading->port };
	struct port_set ports = { &range, 1, 1 };
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = 1 << STATE_BOUND_INACTIVE };

	if (reading->port &&
	    bytecode_compile(&program, filter_ports(&a, SIDE_LOCAL, &ports),
			     &reader_caps))
		q.bytecode = (struct blob){ program.data, (uint32_t)program.len };
	return inet_dump(&r->dump, &q, keep_row, reading);
}

static int read_udp(struct reader *r, struct reading *reading)
{
	struct inet_query q = { .protocol = IPPROTO_UDP,
				.family = AF_INET,
				.states = STATES_DEFAULT,
				.sport = reading->port };
	int err = inet_dump(&r->dump, &q, keep_row, reading);

	if (err < 0)
		return err;
	q.family = AF_INET6;
	err = inet_dump(&r->dump, &q, keep_row, reading);
	/* A kernel without IPv6 has no such table, and no such holder. */
	return err == -ENOENT ? 0 : err;
}

static int read_tcp(struct reader *r, uint32_t states, struct reading *reading)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = states,
				.sport = reading->port };

	return inet_dump(&r->dump, &q, keep_row, reading);
}

int explain_read_port(struct reader *r, uint8_t proto, uint16_t port, struct kept *k)
{
	struct reading reading = { k, proto, port };
	int err;

	if (proto == PROTO_UDP)
		return read_udp(r, &reading);
	err = read_tcp(r, STATES_DEFAULT | 1 << STATE_NEW_SYN_RECV, &reading);
	return err < 0 ? err : walk_bound(r, &reading);
}

int explain_read_servers(struct reader *r, uint8_t proto, uint16_t port, struct kept *k)
{
	struct reading reading = { k, proto, port };

	if (proto == PROTO_UDP)
		return read_udp(r, &reading);
	return read_tcp(r, 1 << STATE_LISTEN, &reading);
}

int explain_read_bound(struct reader *r, uint16_t port, struct kept *k)
{
	struct reading reading = { k, PROTO_TCP, port };

	return walk_bound(r, &reading);
}

void explain_settings(struct bind_facts *f)
{
	_cleanup_free_ char *start = NULL;
	int err = procfile_port_range(&f->range_lo, &f->range_hi);
	unsigned low;

	f->unprivileged_from = 1024;
	f->range_read = err == 0;
	start = procfile_read("/proc/sys/net/ipv4/ip_unprivileged_port_start");
	if (start && sscanf(start, "%u", &low) == 1 && low <= UINT16_MAX)
		f->unprivileged_from = (uint16_t)low;
	else if (start)
		f->unprivileged_error = EIO;
	/* Before Linux 4.11 there is no such file beside the other: it is 1024. */
	else if (errno != ENOENT || (err < 0 && err != -EBADMSG))
		f->unprivileged_error = errno;
}

void explain_reservation(struct arena *a, struct bind_facts *f)
{
	_cleanup_free_ bool *reserved = xcalloc(PORT_COUNT, sizeof(*reserved));
	_cleanup_free_ char *text = procfile_reserved_ports(reserved);
	/* It goes into a command that people run. */
	size_t len = text ? strspn(text, "0123456789,-") : 0;

	f->port_reserved = reserved[f->candidate.addr.port];
	f->reserved = len ? arena_strndup(a, text, len) : NULL;
}

struct elsewhere {
	struct kept kept;
	uint16_t port;
	size_t failed; /* namespaces whose table could not be read */
};

static bool look_elsewhere(void *ctx, const struct netns_at *at)
{
	struct elsewhere *e = ctx;
	struct reading reading = { &e->kept, PROTO_TCP, e->port };
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = 1 << STATE_LISTEN,
				.sport = e->port };
	struct nl nl;
	int err = nl_open(&nl, NULL);

	(void)at;
	if (err == 0)
		err = inet_dump(&nl, &q, keep_row, &reading);
	nl_close(&nl);
	e->failed += err < 0;
	return e->kept.n < 8;
}

/* Who has the port in other namespaces: what people look for when nothing is wrong here.
 */
struct other_netns explain_elsewhere(struct kept *k, uint16_t port)
{
	struct elsewhere e = { .kept.arena = k->arena, .port = port };
	struct netns_search s = { .fn = look_elsewhere,
				  .ctx = &e,
				  .budget_us = EXPLAIN_BUDGET_US };
	bool lost = netns_search(&s) < 0;
	size_t i;

	for (i = 0; i < e.kept.n; i++)
		kept_add(k, e.kept.v[i]);
	kept_free(&e.kept);
	return (struct other_netns){ .hidden = lost || s.hidden || e.failed,
				     .cut = s.cut,
				     .searched = s.searched };
}

struct bind_found *explain_found(struct arena *a, struct sock *const *rows, size_t n)
{
	struct bind_found *found = arena_zalloc(a, (n + 1) * sizeof(*found));
	size_t i;

	for (i = 0; i < n; i++) {
		found[i].holder.row = rows[i];
		found_process(&found[i], a);
	}
	return found;
}
