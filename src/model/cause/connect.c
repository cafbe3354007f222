/* Why nobody answers here, in sentences. */
#include <errno.h>

#include "model/cause/bind_say.h"
#include "model/cause/connect_cause.h"
#include "model/cause/connect_facts.h"
#include "model/cause/dead_file.h"
#include "model/cause/listener_match.h"
#include "model/cause/namesake.h"
#include "model/names.h"

static void add(struct causes *causes, enum connect_cause cause, struct buf *summary,
		struct buf *advice, const struct holder *processes)
{
	causes_add(causes, connect_causes[cause].id, summary, advice, processes);
}

static bool takes(const struct sock *s, const struct connect_facts *f)
{
	return listener_score(s, &f->to, f->device) > 0;
}

static bool is_silent(const struct sock *s)
{
	return s->state == STATE_BOUND_INACTIVE;
}

static bool is_deaf(const struct connect_facts *f, const struct sock *s)
{
	size_t i;

	for (i = 0; i < f->n_deaf; i++)
		if (f->deaf[i].holder.row->cookie == s->cookie)
			return true;
	return false;
}

static const struct bind_found *find_here(const struct connect_facts *f, bool silent,
					  bool there)
{
	size_t i;

	for (i = 0; i < f->n_here; i++) {
		const struct sock *s = f->here[i].holder.row;

		if (is_silent(s) == silent && takes(s, f) == there && !is_deaf(f, s))
			return &f->here[i];
	}
	return NULL;
}

static void put_found(struct buf *b, const struct bind_found *x)
{
	bind_put_owner(b, x);
	buf_puts(b, x->holder.row->proto == PROTO_UDP ? " receives on " : " listens on ");
	bind_put_address(b, &x->holder.row->local);
}

/* Nothing that is sent to it arrives, whoever refuses or is silent in its place. */
static void say_deaf(const struct connect_facts *f, struct causes *causes)
{
	size_t i;

	for (i = 0; i < f->n_deaf && causes->n < 4; i++) {
		const struct bind_found *x = &f->deaf[i];
		const struct sock *s = x->holder.row;
		struct advised who = { .uid = f->asker, .owner = s->uid };
		struct keeper keeper = occupants_keeper(&x->occupants);
		struct buf b = { 0 }, next = { 0 };

		put_found(&b, x);
		presence_put_loss(&b, x->presence, s->ifindex);
		buf_puts(&b, ": nothing can reach it");
		if (x->presence == PRESENCE_DUPLICATE)
			advise(&next, ADVICE_DADFAILED, who);
		else if (x->presence == PRESENCE_GONE)
			advise(&next, ADVICE_ADDRESSES, who);
		else
			keeper_advise_restart(&next, &keeper, who);
		if (next.len && !causes->next)
			causes_next(causes, &next);
		buf_free(&next);
		add(causes, CONNECT_DEAF, &b, NULL, s->holders);
	}
}

static bool is_other_family(const struct connect_facts *f, const struct sock *s)
{
	struct addr a = addr_unmapped(&s->local), to = addr_unmapped(&f->to);

	return a.family != to.family;
}

static void say_other_place(const struct connect_facts *f, const struct bind_found *x,
			    struct causes *causes)
{
	const struct sock *s = x->holder.row;
	bool family = is_other_family(f, s), device = listener_score(s, &f->to, 0) > 0;
	struct buf b = { 0 }, a = { 0 }, next = { 0 }, there = { 0 };

	put_found(&b, x);
	if (device && s->device) {
		buf_puts(&b, ", on interface ");
		buf_put_escaped(&b, s->device, strlen(s->device));
		buf_puts(&b, " only");
	} else if (family)
		buf_printf(&b, ", %s only",
			   addr_unmapped(&s->local).family == AF_INET ? "IPv4" : "IPv6");
	else
		buf_puts(&b, " only");
	buf_puts(&a,
		 device ? "Connect to an address of that interface, or bind it to none."
			: "Connect there, or let it listen on every address.");
	add(causes, family ? CONNECT_OTHER_FAMILY : CONNECT_OTHER_ADDRESS, &b, &a,
	    s->holders);
	if (causes->next || addr_is_any(&s->local) || device)
		return;
	buf_puts(&there, s->proto == PROTO_UDP ? "udp:" : "");
	bind_put_address(&there, &s->local);
	advise(&next, ADVICE_CONNECT, (struct advised){ 0 }, buf_cstr(&there));
	buf_free(&there);
	causes_next(causes, &next);
}

static void say_silent(const struct bind_found *x, struct causes *causes)
{
	struct buf b = { 0 };

	bind_put_owner(&b, x);
	buf_puts(&b, " is bound there, and does not listen");
	bind_put_age_and_unit(&b, x);
	add(causes, CONNECT_BOUND, &b, NULL, x->holder.row->holders);
}

static void say_elsewhere(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_found *x = &f->elsewhere[0];
	struct buf b = { 0 }, next = { 0 };

	put_found(&b, x);
	buf_puts(&b, ", but in another network namespace");
	if (f->n_elsewhere > 1)
		buf_printf(&b, " (and %zu more do)", f->n_elsewhere - 1);
	bind_put_cut(&f->others, &b);
	if (x->holder.row->holders && !causes->next) {
		advise(&next, ADVICE_CONNECT_IN, (struct advised){ .uid = f->asker },
		       (unsigned)x->holder.row->holders->pid, f->address);
		causes_next(causes, &next);
	}
	add(causes, CONNECT_OTHER_NAMESPACE, &b, NULL, x->holder.row->holders);
}

static void advise_rules(const struct connect_facts *f, struct buf *a)
{
	buf_puts(a, "These show the rules:");
	advise(a, ADVICE_NFT, (struct advised){ .uid = f->asker });
	advise(a, ADVICE_IPTABLES, (struct advised){ .uid = f->asker });
}

static void refusal_causes(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_found *x = find_here(f, false, true);
	struct buf b = { 0 }, a = { 0 };
	size_t i;

	if (x) {
		put_found(&b, x);
		buf_puts(&b,
			 ": it has just begun, or a firewall rule of this host rejects "
			 "the connection");
		advise_rules(f, &a);
		add(causes, CONNECT_REJECTED, &b, &a, x->holder.row->holders);
		return;
	}
	say_deaf(f, causes);
	if ((x = find_here(f, true, true)))
		say_silent(x, causes);
	for (i = 0; i < f->n_here && causes->n < 4; i++) {
		const struct sock *s = f->here[i].holder.row;

		if (!is_silent(s) && !takes(s, f) && !is_deaf(f, s))
			say_other_place(f, &f->here[i], causes);
	}
	if (f->n_elsewhere)
		say_elsewhere(f, causes);
	if (f->dump_error)
		causes_add_unread(causes, "whether something here listens there",
				  f->dump_error);
	if (causes->n)
		return;
	if (!addr_is_loopback(&f->to) && !addr_is_any(&f->to)) {
		struct addr to = f->to;

		to.port = 0;
		addr_put_ip(&b, &to);
		buf_puts(&b, " is an address of this host; ");
	}
	buf_printf(&b, "nothing listens on port %u, on any address of this %s",
		   f->to.port,
		   f->others.hidden || f->others.cut ? "network namespace" : "host");
	bind_put_cut(&f->others, &b);
	if (f->others.hidden && f->enter_remedy)
		buf_printf(&a, "Not every other namespace could be looked into: %s.",
			   f->enter_remedy);
	add(causes, CONNECT_NOT_LISTENING, &b, &a, NULL);
}

/* A listener took the connection, and it was reset since. */
static void reset_causes(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_found *x = find_here(f, false, true);
	struct buf b = { 0 };

	if (x) {
		put_found(&b, x);
		buf_puts(&b, ", and ");
		put_who_reset(&b, &f->meanwhile, f->sent);
		add(causes, CONNECT_RESET, &b, NULL, x->holder.row->holders);
	} else if (f->dump_error) {
		causes_add_unread(causes, "what here listens there", f->dump_error);
	} else {
		buf_puts(&b, "nothing listens there any more: a listener that is closed "
			     "resets what waits in its queue");
		add(causes, CONNECT_RESET, &b, NULL, NULL);
	}
}

/* An address of this host, and none that it may use. */
static void say_unusable_source(const struct connect_facts *f, struct causes *causes)
{
	struct buf b = { 0 }, a = { 0 }, next = { 0 };
	struct addr from = f->from;

	from.port = 0;
	addr_put_ip(&b, &from);
	buf_puts(&b, ": ");
	bind_put_place(f->from_place, f->from_device, &b);
	if (f->from_place != PLACE_DUPLICATE)
		bind_advise_place(f->from_place, from.family, &a);
	add(causes, CONNECT_NOT_LOCAL, &b, &a, NULL);
	bind_next_place(f->from_place, f->from_device,
			(struct advised){ .uid = f->asker }, &next);
	causes_next(causes, &next);
}

/* The target: whoever else would be blamed for it is not asked at all. */
static void say_unusable_target(const struct connect_facts *f, struct causes *causes)
{
	struct buf b = { 0 }, a = { 0 }, next = { 0 };

	bind_put_unusable(&f->to, f->to_place, f->to_device, &b);
	if (f->to_place != PLACE_DUPLICATE)
		bind_advise_place(f->to_place, f->to.family, &a);
	add(causes, CONNECT_UNREACHABLE, &b, &a, NULL);
	bind_next_place(f->to_place, f->to_device, (struct advised){ .uid = f->asker },
			&next);
	causes_next(causes, &next);
}

static void local_port_causes(const struct connect_facts *f, struct causes *causes)
{
	struct buf b = { 0 }, a = { 0 };

	if (f->from.family && f->from_place == PLACE_FOREIGN) {
		addr_put_ip(&b, &f->from);
		buf_puts(&b, " is not an address of this network namespace");
		add(causes, CONNECT_NOT_LOCAL, &b, NULL, NULL);
	} else if (f->from.family && bind_place_is_unusable(f->from_place)) {
		say_unusable_source(f, causes);
	} else if (f->twin) {
		buf_printf(&b, "a connection from port %u to %s exists already, in %s",
			   f->from.port, f->address, state_name(f->twin->state));
		if (f->twin->timer == TIMER_REMNANT) {
			buf_puts(&b, ", for ");
			put_span(&b, f->twin->expires_ms);
			buf_puts(&b, " more");
		}
		add(causes, CONNECT_DUPLICATE, &b, NULL, f->twin->holders);
	} else if (f->used + 1 >= f->range_ports) {
		buf_printf(
			&b,
			"%zu of the %zu ports that the kernel may draw (%u to %u, without "
			"those that are reserved or listened on) are in use towards %s, %zu of them in "
			"TIME_WAIT",
			f->used, f->range_ports, f->range_lo, f->range_hi, f->address,
			f->used_time_wait);
		buf_puts(&a, connect_causes[CONNECT_EXHAUSTED].advice);
		add(causes, CONNECT_EXHAUSTED, &b, &a, NULL);
	} else if (f->dump_error) {
		causes_add_unread(causes, "what holds the local ports", f->dump_error);
	}
}

/* The same address as a socket of the type that is there. */
static void put_retyped(struct buf *b, const struct bind_facts *file, const char *address)
{
	_cleanup_buf_ struct buf other = { 0 };

	buf_printf(&other, "%s:%s", proto_name(file->taken->holder.row->proto), address);
	advise(b, ADVICE_CONNECT, (struct advised){ 0 }, buf_cstr(&other));
}

static void say_policy(const struct connect_facts *f, struct causes *causes)
{
	struct buf b = { 0 }, a = { 0 };

	policy_put(&b, &f->policy);
	policy_advise(&a, &f->policy);
	add(causes, CONNECT_POLICY, &b, &a, NULL);
}

/* EACCES and EPERM of a path, or of an abstract name, which has no permissions. */
static void denied_causes(const struct connect_facts *f, struct causes *causes)
{
	struct buf b = { 0 }, a = { 0 }, command = { 0 };

	if (access_denies(&f->access) || f->access.kind == ACCESS_UNKNOWN) {
		access_say(&f->access, f->asker, &b, &a, &command);
		if (a.len && command.len)
			buf_putc(&a, '\n');
		buf_put(&a, command.data, command.len);
		buf_free(&command);
		add(causes,
		    access_denies(&f->access) ? CONNECT_NO_PERMISSION : CONNECT_UNKNOWN,
		    &b, &a, NULL);
		return;
	}
	if (f->policy.err)
		say_policy(f, causes);
}

static void unix_causes(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_facts *file = &f->file;
	struct buf b = { 0 }, next = { 0 };

	if (f->err == EACCES || f->err == EPERM) {
		denied_causes(f, causes);
	} else if (f->err == ENOENT) {
		if (!namesake_cause(f, causes))
			namesake_none(f, causes);
	} else if (file->file == FILE_STALE || file->file == FILE_OTHER) {
		dead_file_cause(f, causes);
	} else if (*f->address == '@' && namesake_cause(f, causes)) {
		return;
	} else if (file->taken && f->err == EPROTOTYPE) {
		bind_put_owner(&b, file->taken);
		buf_printf(&b, " has %s, of another type: %s", f->address,
			   proto_name(file->taken->holder.row->proto));
		add(causes, CONNECT_OTHER_TYPE, &b, NULL,
		    file->taken->holder.row->holders);
		put_retyped(&next, file, f->address);
		causes_next(causes, &next);
	} else if (file->taken) {
		say_silent(file->taken, causes);
	} else if (file->dump_error) {
		_cleanup_buf_ struct buf what = { 0 };

		buf_printf(&what, "what has %s", f->address);
		causes_add_unread(causes, buf_cstr(&what), file->dump_error);
	}
}

/* Nothing that this host sends to itself arrives. */
static void say_loopback_down(const struct connect_facts *f, struct causes *causes)
{
	struct addr to = addr_unmapped(&f->to);
	struct buf b = { 0 }, next = { 0 };

	to.port = 0;
	buf_puts(&b,
		 "the loopback interface of this network namespace is down, so nothing "
		 "reaches ");
	addr_put_ip(&b, &to);
	add(causes, CONNECT_LOOPBACK_DOWN, &b, NULL, NULL);
	advise(&next, ADVICE_LOOPBACK_UP, (struct advised){ .uid = f->asker });
	causes_next(causes, &next);
}

/* The message itself is the fact. */
static void icmp_causes(const struct connect_facts *f, struct causes *causes)
{
	const struct icmp_error *icmp = &f->icmp;
	enum connect_cause cause = CONNECT_UNREACHABLE;
	struct buf b = { 0 }, a = { 0 };

	/* Which hop is silent the neighbour table says. */
	if (icmp->no_neighbour)
		return;
	if (icmp->own) {
		cause = CONNECT_DENIED_LOCAL;
		icmp_put_own(&b, icmp);
		advise_rules(f, &a);
	} else {
		enum outcome o = icmp_outcome(icmp);

		icmp_put(&b, icmp);
		icmp_put_used_up(&b, icmp);
		if (f->local || o == OUTCOME_REJECTED)
			cause = CONNECT_REJECTED;
		else if (o == OUTCOME_REFUSED_ICMP)
			cause = CONNECT_REFUSED_ICMP;
		if (f->local)
			buf_puts(&b, ": a firewall rule of this host rejects the "
				     "connection");
		if (f->local)
			advise_rules(f, &a);
		else if (o == OUTCOME_REFUSED_ICMP)
			buf_puts(&a, connect_causes[cause].why);
	}
	add(causes, cause, &b, &a, NULL);
}

void cause_of_connect(const struct connect_facts *f, struct causes *causes)
{
	if (!f->to.family)
		unix_causes(f, causes);
	else if (f->loopback_down && !(f->from.family && f->from_place == PLACE_FOREIGN))
		say_loopback_down(f, causes);
	else if (f->n_deaf && !f->local)
		say_deaf(f, causes);
	else if (bind_place_is_unusable(f->to_place))
		say_unusable_target(f, causes);
	else if (f->icmp.family)
		icmp_causes(f, causes);
	else if (cause_of_no_source(&f->source, f->asker, causes) ||
		 cause_of_way(&f->way, f->asker, causes))
		return;
	else if (f->policy.err)
		say_policy(f, causes);
	else if (f->err == EADDRNOTAVAIL)
		local_port_causes(f, causes);
	else if (f->local && f->err == ECONNREFUSED)
		refusal_causes(f, causes);
	else if (f->err == ECONNREFUSED)
		cause_of_foreign(f, causes);
	else if (f->local && f->err == ECONNRESET)
		reset_causes(f, causes);
	if (causes->n)
		bind_say_owners(f->to.family ? f->owners_error : f->file.owners_error,
				causes);
}
