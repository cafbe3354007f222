/* Which listener a waiting connection belongs to, whatever else listens on its port: each
 * answer is that of a walk over all, and costs no more steps where there are many. */
#include "kernel/read/listeners.h"

#include <stdlib.h>

#include "model/cause/listener_match.h"
#include "unit/unit.h"

enum {
	MANY = 20000,
	STEPS_MOST = 4, /* a look-up, on the average: half full, it is 1.5 to 2.5 */
};

static struct sock make(uint8_t family, uint32_t ip, uint16_t port, uint32_t device)
{
	struct sock s = { .family = family, .ifindex = device };

	s.local.family = family;
	s.local.port = port;
	memcpy(s.local.ip, &ip, sizeof(ip));
	return s;
}

static const struct sock *walk(const struct listeners *l, const struct sock *s,
			       uint32_t *members)
{
	const struct sock *listener = NULL;
	int best = 0;
	size_t i;

	*members = 0;
	for (i = 0; i < l->n; i++) {
		int score = listener_took(l->v[i], s);

		if (!score || score < best)
			continue;
		*members = score == best ? *members + 1 : 1;
		best = score;
		listener = l->v[i];
	}
	return listener;
}

static void check_as_walk(struct listeners *l, const struct sock *s)
{
	const struct sock *found = NULL;
	uint32_t members, walked;
	const struct sock *right = walk(l, s, &walked);

	CHECK_INT(listeners_find(l, s, &found, &members), right != NULL);
	CHECK(found == right);
	CHECK_INT(members, walked);
}

/* All of few addresses, ports, devices and families, some of them more than once. */
static void test_the_most_specific(void)
{
	unsigned seed, i;

	srand(1);
	for (seed = 0; seed < 50; seed++) {
		struct listeners l = { 0 };

		for (i = 0; i < 12; i++) {
			struct sock s = make(
				rand() % 3 ? AF_INET : AF_INET6, (uint32_t)rand() % 3,
				(uint16_t)(80 + rand() % 2), (uint32_t)rand() % 3);

			s.cookie = (uint64_t)rand() % 100 + 1;
			listeners_add(&l, &s);
			/* One that comes after a question is found, too. */
			if (i % 4 == 0)
				check_as_walk(&l, &s);
		}
		listeners_sort(&l);
		for (i = 0; i < 2 * 3 * 3 * 3; i++) {
			struct sock s = make(i % 2 ? AF_INET : AF_INET6, i / 2 % 3,
					     (uint16_t)(80 + i / 6 % 3), i / 18);

			check_as_walk(&l, &s);
		}
		listeners_free(&l);
	}
}

static void test_mapped_addresses(void)
{
	struct listeners l = { 0 };
	struct sock any = make(AF_INET6, 0, 80, 0), mapped = make(AF_INET6, 0, 80, 0);

	mapped.local.ip[10] = mapped.local.ip[11] = 0xff;
	mapped.local.ip[12] = 127;
	listeners_add(&l, &any);
	check_as_walk(&l, &mapped);
	listeners_add(&l, &mapped);
	check_as_walk(&l, &mapped);
	/* The same bytes of another family are another address. */
	mapped.local.family = AF_INET;
	check_as_walk(&l, &mapped);
	listeners_free(&l);
}

/* Every address of a net listens on one port, and a connection waits at each. */
static void test_many_addresses_on_one_port(void)
{
	struct listeners l = { 0 };
	const struct sock *found;
	uint32_t i, members;

	for (i = 1; i <= MANY; i++) {
		struct sock s = make(AF_INET, i << 8 | 10, 443, 0);

		listeners_add(&l, &s);
	}
	listeners_sort(&l);
	for (i = 1; i <= 2 * MANY; i++) {
		struct sock s = make(AF_INET, i << 8 | 10, 443, i % 2);
		bool listens = listeners_find(&l, &s, &found, &members);

		CHECK_INT(listens, i <= MANY);
		CHECK(!listens || addr_same_ip(&found->local, &s.local));
		CHECK_INT(members, listens);
	}
	/* They are found on the way on which they were added. */
	if (l.index.steps > (uint64_t)2 * STEPS_MOST * MANY)
		printf("# %llu steps\n", (unsigned long long)l.index.steps);
	CHECK(l.index.steps <= (uint64_t)2 * STEPS_MOST * MANY);
	CHECK(l.index.steps >= MANY);
	listeners_free(&l);
}

int main(void)
{
	RUN(test_the_most_specific,
	    "the most specific listener is found, as by a walk over all");
	RUN(test_mapped_addresses, "a mapped address is one of IPv6, and no wildcard");
	RUN(test_many_addresses_on_one_port,
	    "many addresses on one port cost no more steps than one");
	return unit_done();
}
