#include "net/role/peers.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

enum { PEERS_MOST = 65536 };

struct peer {
	struct sockaddr_storage ss;
	socklen_t len;
};

struct peers {
	struct peer *v; /* in the order of appearance */
	size_t n, cap;
	struct hash_index index;
};

struct looked_for {
	const struct peers *p;
	const struct sockaddr_storage *ss;
	socklen_t len;
};

static bool is_peer(const void *ctx, size_t at)
{
	const struct looked_for *x = ctx;
	const struct peer *peer = &x->p->v[at];

	return peer->len == x->len && memcmp(&peer->ss, x->ss, x->len) == 0;
}

uint32_t peers_meet(struct peers *p, const struct sockaddr_storage *ss, socklen_t len,
		    bool *new)
{
	const struct looked_for x = { p, ss, len };
	uint64_t hash;
	size_t at;

	*new = false;
	if (!len)
		return 0;
	hash = hash_bytes(hash_index_key(&p->index), ss, len);
	at = hash_index_find(&p->index, hash, is_peer, &x);
	if (at != SIZE_MAX)
		return (uint32_t)at + 1;
	if (p->n >= PEERS_MOST)
		return 0;
	p->v = array_grow(p->v, p->n, &p->cap, sizeof(*p->v));
	memcpy(&p->v[p->n].ss, ss, len);
	p->v[p->n].len = len;
	hash_index_add(&p->index, hash, p->n);
	*new = true;
	return (uint32_t)++p->n;
}

struct peers *peers_new(void)
{
	return xcalloc(1, sizeof(struct peers));
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	free(p->v);
	hash_index_free(&p->index);
	free(p);
}
