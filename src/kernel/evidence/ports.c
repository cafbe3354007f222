/* Ephemeral ports that are nearly used up: which, and who holds them. */
#include <stdlib.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_inet.h"
#include "model/rule/rules.h"

struct port_use_row {
	uint32_t inode;
	uint8_t crowd;
};

struct port_uses_seen {
	const struct detect *d;
	struct evidence *e;
	struct port_use_row *v;
	size_t n, cap;
	uint8_t *ports; /* by crowd and port: seen */
};

static bool is_of(const struct port_crowd *c, const struct addr *local,
		  const struct addr *peer)
{
	return !c->udp && addr_same_ip(&c->local, local) &&
	       (!c->peer.family ||
		(peer->port == c->peer.port && addr_same_ip(&c->peer, peer)));
}

/* bind() draws ports of this parity first, connect() of the other. */
static bool is_bound(const struct detect *d, uint16_t port)
{
	return (port ^ d->draw.lo) & 1;
}

static void count_port(struct port_uses_seen *u, size_t i, const struct sock *s)
{
	struct port_crowd *c = &u->e->crowds[i];
	uint8_t *seen = &u->ports[i * PORT_COUNT + s->local.port];

	c->used += !*seen;
	c->bound += !*seen && is_bound(u->d, s->local.port);
	*seen = 1;
	u->v = array_grow(u->v, u->n, &u->cap, sizeof(*u->v));
	u->v[u->n++] = (struct port_use_row){ s->inode, (uint8_t)i };
}

static int take_udp_port(const struct nlmsghdr *h, void *ctx)
{
	struct port_uses_seen *u = ctx;
	struct port_draw draw = u->d->draw;
	struct sock s;
	size_t i;

	draw.listeners = NULL; /* of TCP */
	if (!inet_parse(h, PROTO_UDP, &s) || !port_is_drawn(&draw, s.local.port))
		return 0;
	for (i = 0; i < u->e->n_crowds; i++)
		if (u->e->crowds[i].udp & udp_port_taken(&s))
			count_port(u, i, &s);
	return 0;
}

static int take_port(const struct nlmsghdr *h, void *ctx)
{
	struct port_uses_seen *u = ctx;
	struct addr local, peer;
	struct sock s;
	size_t i;

	if (!inet_parse_brief(h, PROTO_TCP, &s) ||
	    !port_is_drawn(&u->d->draw, s.local.port))
		return 0;
	local = addr_unmapped(&s.local);
	peer = addr_unmapped(&s.peer);
	for (i = 0; i < u->e->n_crowds; i++) {
		if (is_of(&u->e->crowds[i], &local, &peer))
			count_port(u, i, &s);
	}
	return 0;
}

static struct port_user *user_of(struct evidence *e, struct port_crowd *c,
				 const struct holder *h, size_t *cap)
{
	size_t i;

	for (i = 0; i < c->n_users; i++)
		if (c->users[i].pid == h->pid)
			return &c->users[i];
	c->users = array_grow(c->users, c->n_users, cap, sizeof(*c->users));
	c->users[c->n_users] = (struct port_user){
		.pid = h->pid, .command = arena_strdup(&e->arena, h->command)
	};
	return &c->users[c->n_users++];
}

static int by_number(const void *a, const void *b)
{
	const struct port_user *x = a, *y = b;

	return x->n == y->n ? (x->pid > y->pid) - (x->pid < y->pid)
			    : (x->n < y->n) - (x->n > y->n);
}

/* Several descriptors of one process are one port. */
static void count_users(struct port_uses_seen *u, struct owners *o, size_t crowd)
{
	struct port_crowd *c = &u->e->crowds[crowd];
	struct port_user *heap;
	size_t i, cap = 0;

	for (i = 0; i < u->n; i++) {
		const struct holder *h = u->v[i].inode ? owners_find(o, u->v[i].inode)
						       : NULL;
		int32_t last = -1;

		if (u->v[i].crowd != crowd)
			continue;
		c->unowned += !h;
		for (; h; last = h->pid, h = h->next)
			if (h->pid != last)
				user_of(u->e, c, h, &cap)->n++;
	}
	heap = c->users;
	if (!heap)
		return;
	qsort(heap, c->n_users, sizeof(*heap), by_number);
	c->users = arena_dup(&u->e->arena, heap, c->n_users * sizeof(*heap));
	free(heap);
}

/* The sockets of the protocols that were asked about. */
static void read_ports(struct reader *r, struct port_uses_seen *u)
{
	struct inet_query tcp = { .protocol = IPPROTO_TCP,
				  .states = (STATES_ALL & ~BIT(STATE_LISTEN)) };
	struct inet_query udp = { .protocol = IPPROTO_UDP,
				  .family = AF_INET,
				  .states = STATES_ALL };
	bool any_tcp = false, any_udp = false;
	size_t i;

	for (i = 0; i < u->e->n_crowds; i++) {
		any_udp |= u->e->crowds[i].udp != 0;
		any_tcp |= !u->e->crowds[i].udp;
	}
	if (any_tcp)
		evidence_lacks(u->e, -inet_dump(&r->dump, &tcp, take_port, u));
	if (!any_udp)
		return;
	evidence_lacks(u->e, -inet_dump(&r->dump, &udp, take_udp_port, u));
	udp.family = AF_INET6;
	evidence_lacks(u->e, -inet_dump(&r->dump, &udp, take_udp_port, u));
}

void evidence_ports(struct reader *r, const struct detect *d, struct evidence *e)
{
	struct port_uses_seen u = { .d = d, .e = e };
	struct hash_index wanted = { 0 };
	struct owners owners = { 0 };
	size_t i;

	e->n_crowds = rules_port_crowds(d, &e->limits, e->crowds, PORT_CROWDS);
	if (!e->n_crowds || !r->dump.sock)
		return;
	u.ports = xcalloc(e->n_crowds, PORT_COUNT);
	read_ports(r, &u);
	for (i = 0; i < u.n; i++)
		if (u.v[i].inode)
			hash_set_add(&wanted, u.v[i].inode);
	if (wanted.n)
		owners_scan(&owners, &wanted, NULL, 0, r->threads);
	evidence_lacks(e, owners.failed);
	for (i = 0; i < e->n_crowds; i++)
		count_users(&u, &owners, i);
	owners_free(&owners);
	hash_index_free(&wanted);
	free(u.ports);
	free(u.v);
}
