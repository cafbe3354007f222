#include "model/answer/nearby.h"

#include "model/advice.h"
#include "model/cause/connect_cause.h"

static void advise_rules(struct buf *b, const struct nearby_facts *f)
{
	advise(b, ADVICE_NFT, (struct advised){ .uid = f->asker });
	advise(b, ADVICE_IPTABLES, (struct advised){ .uid = f->asker });
}

static void say_here(const struct nearby_facts *f, struct causes *causes)
{
	struct buf b = { 0 }, a = { 0 };

	if (f->to.family) {
		buf_puts(&b, "NAT of this host redirects it to ");
		addr_put(&b, &f->to);
		buf_puts(&b, " of this host itself, and nothing listens there");
		buf_puts(&a, "Start the program that should listen there, or remove the "
			     "rule. These show the rules:");
	} else {
		buf_puts(&b,
			 "a firewall rule of this host rejects it with RST: no packet "
			 "left this host");
		buf_puts(&a, "These show the rules:");
	}
	advise_rules(&a, f);
	causes_add(causes, connect_causes[CONNECT_REFUSED_HERE].id, &b, &a, NULL);
}

/* A rule may name several addresses: the RST that was first seen can be of another. */
static void say_translated(const struct nearby_facts *f, struct causes *causes)
{
	struct buf b = { 0 }, a = { 0 };

	if (f->again) {
		buf_puts(&b, "NAT of this host sends it to ");
		addr_put(&b, &f->sent_to);
		buf_puts(&b, ", and nothing listens there");
	} else {
		buf_puts(&b, "NAT of this host sends it to another address (a second SYN "
			     "went to ");
		addr_put(&b, &f->sent_to);
		buf_puts(&b, "), and nothing listens where it went");
	}
	buf_puts(&a, "Start the program that should listen there, or correct the rule. "
		     "These show the rules:");
	advise_rules(&a, f);
	causes_add(causes, connect_causes[CONNECT_REFUSED_TRANSLATED].id, &b, &a, NULL);
}

static void say_near(const struct nearby_facts *f, struct causes *causes)
{
	bool left = f->left == KNOWN_ON;
	struct buf b = { 0 }, a = { 0 };

	buf_puts(&b, "a SYN with TTL 1, which no router passes on, is refused, too: ");
	if (!left)
		buf_puts(&b, "NAT or a firewall rule of this host refuses it, or ");
	buf_puts(&b, "the gateway ");
	addr_put_ip(&b, &f->gateway);
	buf_puts(&b, left ? " itself answers" : " itself does");
	if (f->left == KNOWN_NOT)
		buf_puts(&a, "Ask again as root: then it is seen whether the packet "
			     "leaves this host. These show the rules:");
	else if (!left)
		buf_puts(&a, "These show the rules:");
	if (!left)
		advise_rules(&a, f);
	causes_add(causes, connect_causes[CONNECT_REFUSED_NEAR].id, &b, &a, NULL);
}

void cause_of_nearby(const struct nearby_facts *f, struct causes *causes)
{
	if (f->again && f->here == KNOWN_ON)
		say_here(f, causes);
	else if (f->sent_to.family)
		say_translated(f, causes);
	else if (f->again && f->gateway.family)
		say_near(f, causes);
}

void nearby_put_taker(struct buf *b, const struct nearby_facts *f)
{
	if (f->taken && f->to.family) {
		buf_puts(b, "NAT of this host redirects it to ");
		addr_put(b, &f->to);
		buf_puts(b, " of this host itself");
	} else if (f->sent_to.family) {
		buf_puts(b, "NAT of this host sends it to another address: a second SYN "
			    "went to ");
		addr_put(b, &f->sent_to);
	} else if (f->taken && f->gateway.family) {
		buf_puts(b, "a SYN with TTL 1, which no router passes on, is accepted, "
			    "too: ");
		if (f->left != KNOWN_ON)
			buf_puts(b, "NAT of this host redirects it, or ");
		buf_puts(b, "the gateway ");
		addr_put_ip(b, &f->gateway);
		buf_puts(b, " itself answers");
	}
}
