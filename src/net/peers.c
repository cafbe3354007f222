#include "net/peers.h"

#include <stdlib.h>

#include "base/mem.h"

enum { PEERS_MOST = 65536 };

struct peer {
	struct sockaddr_storage ss;
	socklen_t len; /* 0 = an empty place */
	uint32_t id;
};

struct peers {
	struct peer *v;
	size_t n, size; /* size is a power of two */
};

static uint64_t hash_address(const void *p, size_t len)
{
	const unsigned char *s = p;
	uint64_t h = 14695981039346656037ull;

	for (; len; len--)
		h = (h ^ *s++) * 1099511628211ull;
	return h ^ h >> 32;
}

/* Where it is, or the empty place where it belongs. */
static struct peer *place_of(const struct peers *p, const struct sockaddr_storage *ss,
			     socklen_t len)
{
	size_t i = hash_address(ss, len) & (p->size - 1);

	for (; p->v[i].len; i = (i + 1) & (p->size - 1))
		if (p->v[i].len == len && memcmp(&p->v[i].ss, ss, len) == 0)
			break;
	return &p->v[i];
}

static void grow(struct peers *p)
{
	struct peers bigger = { .n = p->n, .size = p->size ? p->size * 2 : 64 };
	size_t i;

	bigger.v = xcalloc(bigger.size, sizeof(*bigger.v));
	for (i = 0; i < p->size; i++)
		if (p->v[i].len)
			*place_of(&bigger, &p->v[i].ss, p->v[i].len) = p->v[i];
	free(p->v);
	*p = bigger;
}

uint32_t peers_meet(struct peers *p, const struct sockaddr_storage *ss, socklen_t len,
		    bool *new)
{
	struct peer *at;

	*new = false;
	if (!len)
		return 0;
	if (p->n * 2 >= p->size)
		grow(p);
	at = place_of(p, ss, len);
	if (at->len)
		return at->id;
	if (p->n >= PEERS_MOST)
		return 0;
	memcpy(&at->ss, ss, len);
	at->len = len;
	at->id = (uint32_t)++p->n;
	*new = true;
	return at->id;
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
	free(p);
}
