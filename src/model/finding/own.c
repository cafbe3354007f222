#include "model/finding/own.h"

#include <stdlib.h>

static size_t find(const struct own *o, const struct addr *a, uint32_t hash)
{
	uint32_t step = 0;
	size_t at;

	while ((at = hash_index_next(&o->at, hash, &step)) != SIZE_MAX)
		if (addr_same_ip(&o->v[at], a))
			return at;
	return SIZE_MAX;
}

void own_add(struct own *o, const struct addr *a, uint32_t ifindex)
{
	uint32_t hash = hash_bytes(&o->at, a->ip, sizeof(a->ip));

	hash_set_add(&o->devices, ifindex);
	o->has_loopback |= a->family == AF_INET && addr_is_loopback(a);
	if (find(o, a, hash) != SIZE_MAX)
		return;
	o->v = array_grow(o->v, o->n, &o->cap, sizeof(*o->v));
	hash_index_add(&o->at, hash, o->n);
	o->v[o->n++] = *a;
}

void own_free(struct own *o)
{
	free(o->v);
	hash_index_free(&o->at);
	hash_index_free(&o->devices);
	*o = (struct own){ 0 };
}

static bool is_own(struct own *o, const struct addr *a)
{
	if (addr_is_any(a) || addr_is_multicast(a))
		return true;
	if (a->family == AF_INET && addr_is_loopback(a))
		return o->has_loopback;
	return find(o, a, hash_bytes(&o->at, a->ip, sizeof(a->ip))) != SIZE_MAX;
}

bool own_look_up(struct own *o, const struct sock *s)
{
	unsigned i = (s->local.ip[3] ^ s->local.ip[15]) % OWN_RECENT;
	struct addr plain = addr_unmapped(&s->local);

	if (!o->known)
		return true;
	if (!is_own(o, &plain) || (s->ifindex && !hash_set_has(&o->devices, s->ifindex)))
		return false;
	memcpy(o->recent[i].ip, s->local.ip, sizeof(o->recent[i].ip));
	o->recent[i].ifindex = s->ifindex;
	o->recent[i].family = s->local.family;
	return true;
}
