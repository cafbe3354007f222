/* Peers that are told apart by their address. */
#include "net/role/peers.h"

#include <netinet/in.h>

#include "unit/unit.h"

static void test_numbers(void)
{
	enum { PEERS = 2000 };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	struct peers *p = peers_new();
	struct sockaddr_storage ss = { 0 };
	uint32_t turn, i;
	bool new;

	for (turn = 0; turn < 2; turn++)
		for (i = 0; i < PEERS; i++) {
			memcpy(a.sin6_addr.s6_addr + 12, &i, sizeof(i));
			memcpy(&ss, &a, sizeof(a));
			CHECK_INT(peers_meet(p, &ss, sizeof(a), &new), i + 1);
			CHECK(new == (turn == 0));
		}
	CHECK_INT(peers_meet(p, &ss, 0, &new), 0);
	CHECK(!new);
	peers_free(p);
}

int main(void)
{
	RUN(test_numbers, "peers are numbered in the order of appearance");
	return unit_done();
}
