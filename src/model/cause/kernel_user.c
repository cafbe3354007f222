#include "model/cause/kernel_user.h"

/* The ports that they take unless they are given another one. */
static const struct kernel_user users[] = {
	{ "nfsd", ADVICE_RPC, 2049, BIT(PROTO_TCP) | BIT(PROTO_UDP) },
	{ "l2tp", ADVICE_TUNNELS, 1701, BIT(PROTO_UDP) },
	{ "vxlan", ADVICE_TUNNELS, 4789, BIT(PROTO_UDP) },
	{ "vxlan", ADVICE_TUNNELS, 4790, BIT(PROTO_UDP) },
	{ "geneve", ADVICE_TUNNELS, 6081, BIT(PROTO_UDP) },
	{ "vxlan", ADVICE_TUNNELS, 8472, BIT(PROTO_UDP) },
	{ "wireguard", ADVICE_TUNNELS, 51820, BIT(PROTO_UDP) },
};

const struct kernel_user *kernel_user(const struct sock *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(users); i++)
		if (users[i].port == s->local.port && (users[i].protos & BIT(s->proto)))
			return &users[i];
	return NULL;
}
