/*
 * The addresses that the interfaces of the network namespace have, and whether a row has
 * one of them: a comparison or two a row. What has none is only a candidate: whole
 * prefixes may be local, and only the kernel's routes tell.
 */
#pragma once

#include "base/hash.h"
#include "model/sock.h"

enum { OWN_RECENT = 16 };

struct own {
	bool known;	   /* they were read */
	bool has_loopback; /* 127.0.0.1, and so all of 127.0.0.0/8 */
	struct addr *v;
	size_t n, cap;
	struct hash_index at;	   /* of v */
	struct hash_index devices; /* interfaces with an address */
	/* Ends that were found: address and interface, by the last byte of either family.
	 */
	struct {
		uint64_t ip[2];
		uint32_t ifindex;
		uint8_t family;
	} recent[OWN_RECENT];
};

void own_add(struct own *o, const struct addr *a, uint32_t ifindex);
void own_free(struct own *o);

/* Whether the local end is an address here, on its interface; true if nothing is known.
 */
bool own_look_up(struct own *o, const struct sock *s);
static inline bool own_has(struct own *o, const struct sock *s)
{
	unsigned i = (s->local.ip[3] ^ s->local.ip[15]) % OWN_RECENT;
	uint64_t ip[2];

	memcpy(ip, s->local.ip, sizeof(ip));
	if (LIKELY(o->recent[i].ip[0] == ip[0] && o->recent[i].ip[1] == ip[1] &&
		   o->recent[i].ifindex == s->ifindex &&
		   o->recent[i].family == s->local.family))
		return true;
	return own_look_up(o, s);
}
