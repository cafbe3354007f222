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

uint32_t peers_meet(struct peers *p, const struct sockaddr_storage *ss, socklen_t len,
		    bool *new)
{
	uint32_t hash, step = 0;
	size_t at;

	*new = false;
	if (!len)
		return 0;
	hash = hash_bytes(&p->index, ss, len);
	while ((at = hash_index_next(&p->index, hash, &step)) != SIZE_MAX)
		if (p->v[at].len == len && memcmp(&p->v[at].ss, ss, len) == 0)
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
