#include "model/cause/foreign.h"

#include "model/cause/bind_say.h"
#include "model/cause/connect_cause.h"
#include "model/cause/connect_facts.h"
#include "model/cause/listener_match.h"

void foreign_put_place(const struct foreign_facts *f, struct buf *b)
{
	bool container = keeper_is_container(&f->keeper);

	if (container) {
		buf_printf(b, "container %s", f->keeper.name);
	} else if (f->name) {
		buf_puts(b, "network namespace ");
		buf_put_escaped(b, f->name, strlen(f->name));
	} else {
		buf_puts(b, "another network namespace");
	}
}

static const char *verb(const struct connect_facts *f)
{
	return f->proto == PROTO_UDP ? "receives" : "listens";
}

static void put_listener(const struct connect_facts *f, const struct bind_found *x,
			 struct buf *b)
{
	bind_put_owner(b, x);
	buf_printf(b, " %s on ", verb(f));
	bind_put_address(b, &x->holder.row->local);
}

/* Without the interface: it is one of ours, and has no meaning there. */
static void put_address(const struct connect_facts *f, struct buf *b)
{
	struct addr a = f->to;

	a.scope = 0;
	addr_put_ip(b, &a);
}

/* The interface that has the address is not known there; one that a listener is bound to
 * may be another. */
static const struct bind_found *find_taker(const struct connect_facts *f)
{
	size_t i;

	for (i = 0; i < f->foreign.n; i++)
		if (!f->foreign.others && !f->foreign.v[i].holder.row->ifindex &&
		    listener_score(f->foreign.v[i].holder.row, &f->to, 0) > 0)
			return &f->foreign.v[i];
	return NULL;
}

/* Another host may have the address, and be the one that refused. */
static void put_doubt(const struct connect_facts *f, struct buf *b)
{
	if (f->foreign.sure)
		return;
	buf_puts(b, ", if that is the host that has ");
	put_address(f, b);
}

static void put_only(const struct sock *s, struct buf *b)
{
	if (s->device) {
		buf_puts(b, ", on interface ");
		buf_put_escaped(b, s->device, strlen(s->device));
	}
	buf_puts(b, " only");
}

static bool is_other_family(const struct connect_facts *f, const struct sock *s)
{
	return addr_is_any(&s->local) && !s->ifindex &&
	       addr_unmapped(&s->local).family != f->to.family;
}

/* What it listens on can be reached from within its namespace. */
static void advise_from_within(const struct connect_facts *f, const struct bind_found *x,
			       struct causes *causes)
{
	const struct holder *h = x->holder.row->holders;
	_cleanup_buf_ struct buf there = { 0 };
	int32_t pid = h ? h->pid : f->foreign.pid;
	struct buf next = { 0 };

	if (causes->next || !pid || addr_is_any(&x->holder.row->local) ||
	    x->holder.row->ifindex)
		return;
	buf_puts(&there, f->proto == PROTO_UDP ? "udp:" : "");
	bind_put_address(&there, &x->holder.row->local);
	advise(&next, ADVICE_CONNECT_IN, (struct advised){ .uid = f->asker },
	       (unsigned)pid, buf_cstr(&there));
	causes_next(causes, &next);
}

static void say_other_address(const struct connect_facts *f, const struct bind_found *x,
			      struct causes *causes)
{
	const struct sock *s = x->holder.row;
	bool family = is_other_family(f, s);
	struct buf b = { 0 }, a = { 0 };

	put_listener(f, x, &b);
	if (family)
		buf_printf(&b, ", %s only",
			   addr_unmapped(&s->local).family == AF_INET ? "IPv4" : "IPv6");
	else
		put_only(s, &b);
	buf_puts(&b, ", in ");
	foreign_put_place(&f->foreign, &b);
	put_doubt(f, &b);
	buf_puts(&a, "Let it listen on ");
	if (!addr_is_link_local(&f->to)) {
		put_address(f, &a);
		buf_puts(&a, " or on ");
	}
	buf_puts(&a, "every address.");
	causes_add(
		causes,
		connect_causes[family ? CONNECT_OTHER_FAMILY : CONNECT_OTHER_ADDRESS].id,
		&b, &a, s->holders);
	advise_from_within(f, x, causes);
}

static void say_rejected(const struct connect_facts *f, const struct bind_found *x,
			 struct causes *causes)
{
	struct buf b = { 0 };

	put_listener(f, x, &b);
	buf_puts(&b, " in ");
	foreign_put_place(&f->foreign, &b);
	buf_puts(&b,
		 ": it has just begun, or a firewall rule, there or here, rejects the "
		 "connection");
	causes_add(causes, connect_causes[CONNECT_REJECTED].id, &b, NULL,
		   x->holder.row->holders);
}

/* Nothing has the port there; what listens shows which program was meant. */
static void say_nothing_there(const struct connect_facts *f, struct causes *causes)
{
	const struct foreign_facts *o = &f->foreign;
	struct buf b = { 0 };
	size_t i;

	buf_printf(&b, "nothing %s on port %u in ", verb(f), f->to.port);
	foreign_put_place(o, &b);
	buf_puts(&b, ", which has the address");
	for (i = 0; i < o->n; i++) {
		if (i)
			buf_puts(&b, ", ");
		else
			buf_printf(&b, "; what %s there: ", verb(f));
		bind_put_owner(&b, &o->v[i]);
		buf_puts(&b, " on ");
		bind_put_address(&b, &o->v[i].holder.row->local);
	}
	if (o->n_others > o->n)
		buf_printf(&b, ", and %zu more", o->n_others - o->n);
	causes_add(causes, connect_causes[CONNECT_NOT_LISTENING].id, &b, NULL, NULL);
}

static void say_not_searched(const struct connect_facts *f, struct causes *causes)
{
	struct buf b = { 0 };

	buf_puts(&b, "whether another network namespace of this host has ");
	put_address(f, &b);
	buf_puts(&b, " is not known: ");
	bind_put_searched(f->foreign.searched, &b);
	causes_add(causes, connect_causes[CONNECT_UNKNOWN].id, &b, NULL, NULL);
}

void cause_of_foreign(const struct connect_facts *f, struct causes *causes)
{
	const struct foreign_facts *o = &f->foreign;
	const struct bind_found *x = find_taker(f);
	struct buf b = { 0 };
	size_t i;

	if (!o->found) {
		/* What is behind a router is rarely of this host. */
		if (o->cut && o->direct)
			say_not_searched(f, causes);
	} else if (o->error) {
		buf_puts(&b, "what listens in ");
		foreign_put_place(o, &b);
		if (o->sure)
			causes_add_unread(causes, buf_cstr(&b), o->error);
		buf_free(&b);
	} else if (x) {
		if (o->sure)
			say_rejected(f, x, causes);
	} else if (o->others || !o->n) {
		if (o->sure)
			say_nothing_there(f, causes);
	} else {
		for (i = 0; i < o->n && causes->n < 4; i++)
			say_other_address(f, &o->v[i], causes);
	}
}
