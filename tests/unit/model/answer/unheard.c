/* Answers that do not reach the socket: a cause only where they were seen. */
#include "model/answer/unheard.h"

#include <string.h>
#include <sys/socket.h>

#include "unit/unit.h"

static struct unheard facts(void)
{
	struct unheard u = { .counted = true, .may_listen = true, .listened = true };

	CHECK(addr_parse_ip("10.1.2.3", 8, false, &u.peer) == 0);
	return u;
}

static const char *said(const struct unheard *u)
{
	static struct buf b;

	b.len = 0;
	unheard_put(&b, u);
	return buf_cstr(&b);
}

static const char *advised(const struct unheard *u)
{
	static struct buf b;

	b.len = 0;
	unheard_put_advice(&b, u, 0);
	return buf_cstr(&b);
}

static void seen(void)
{
	struct unheard u = facts();

	u.seen = u.by_path = 2;
	u.filter = 1;
	snprintf(u.arrived, sizeof(u.arrived), "eth0.7");
	snprintf(u.leaves, sizeof(u.leaves), "eth1");
	CHECK(strstr(said(&u),
		     "2 answers of 10.1.2.3 came in through eth0.7, and the reverse "
		     "path filter of this host dropped them: what goes there "
		     "leaves through eth1"));
	CHECK_STR(advised(&u), "\tsysctl -w net.ipv4.conf.eth0/7.rp_filter=2");
	/* Loose drops what no route leads to: no value of it helps. */
	u.filter = 2;
	CHECK_STR(advised(&u), "\tip rule");
	/* The filter is off where they came in: what it counts is another's. */
	u.filter = 0;
	u.in_other = 1;
	CHECK(strstr(said(&u),
		     "a rule of its own firewall, a tc filter or an IPsec policy"));
	CHECK(strstr(advised(&u), "nft list ruleset") &&
	      strstr(advised(&u), "tc filter"));
	u.in_other = 2;
	CHECK(strstr(said(&u), "a rule of its own firewall (2 received, not delivered)"));
	CHECK_STR(advised(&u), "\tnft list ruleset");
	u.in_other = 0;
	u.damaged = 2;
	CHECK(strstr(said(&u), "wrong checksum"));
}

static void counted(void)
{
	struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };
	struct unheard u = facts();

	u.by_path = 4;
	/* Who listened and heard nothing knows that none of them was an answer. */
	CHECK(!unheard_is_told(&u));
	u.listened = false;
	CHECK(unheard_is_told(&u));
	CHECK(!strstr(said(&u), "as root"));
	u.may_listen = false;
	CHECK(strstr(said(&u), "or only packets of others; as root"));
	cause_of_unheard(&u, 0, &causes);
	CHECK(causes.n == 0);
	u.counted = false;
	CHECK(!unheard_is_told(&u));
	causes_free(&causes);
	arena_free(&arena);
}

int main(void)
{
	RUN(seen, "which of this host's filters it was, and what to change");
	RUN(counted, "numbers are no cause");
	return unit_done();
}
