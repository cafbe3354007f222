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

static void say_near(const struct nearby_facts *f, struct causes *causes)
{
	bool left = f->here == KNOWN_OFF;
	struct buf b = { 0 }, a = { 0 };

	buf_puts(&b, "a SYN with TTL 1, which no router passes on, is refused, too: ");
	if (!left)
		buf_puts(&b, "NAT or a firewall rule of this host refuses it, or ");
	buf_puts(&b, "the gateway ");
	addr_put_ip(&b, &f->gateway);
	buf_puts(&b, left ? " itself answers" : " itself does");
	if (!left) {
		buf_puts(&a, "Ask again as root: then it is seen whether the packet "
			     "leaves this host. These show the rules:");
		advise_rules(&a, f);
	}
	causes_add(causes, connect_causes[CONNECT_REFUSED_NEAR].id, &b, &a, NULL);
}

void cause_of_nearby(const struct nearby_facts *f, struct causes *causes)
{
	if (!f->again)
		return;
	if (f->here == KNOWN_ON)
		say_here(f, causes);
	else if (f->gateway.family)
		say_near(f, causes);
}
