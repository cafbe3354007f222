#include "model/sock.h"

bool sock_info_u32(const struct sock *s, size_t offset, uint32_t *value)
{
	if (offset + sizeof(*value) > s->tcp_info.len)
		return false;
	memcpy(value, (const char *)s->tcp_info.data + offset, sizeof(*value));
	return true;
}

bool sock_info_u64(const struct sock *s, size_t offset, uint64_t *value)
{
	if (offset + sizeof(*value) > s->tcp_info.len)
		return false;
	memcpy(value, (const char *)s->tcp_info.data + offset, sizeof(*value));
	return true;
}

bool sock_mem_u32(const struct sock *s, enum sock_mem index, uint32_t *value)
{
	if ((index + 1) * sizeof(*value) > s->skmem.len)
		return false;
	memcpy(value, (const uint32_t *)s->skmem.data + index, sizeof(*value));
	return true;
}

bool sock_are_ends(const struct sock *a, const struct sock *b)
{
	return a->local.port == b->peer.port && a->peer.port == b->local.port &&
	       addr_same_end(&a->local, &b->peer) && addr_same_end(&a->peer, &b->local);
}

bool sock_peer_is_here(const struct sock *s)
{
	return addr_is_loopback(&s->peer) || addr_same_ip(&s->local, &s->peer);
}

bool sock_is_writable(const struct sock *s)
{
	uint32_t queued, room;

	if (!sock_mem_u32(s, SOCK_MEM_WMEM_QUEUED, &queued) ||
	    !sock_mem_u32(s, SOCK_MEM_SNDBUF, &room))
		return true;
	return queued + (uint64_t)queued / 2 <= room;
}

static void own(struct arena *a, struct blob *b)
{
	if (b->data)
		b->data = arena_dup(a, b->data, b->len);
}

struct holder *holder_append(struct arena *a, const struct holder ***link,
			     const struct holder *h)
{
	struct holder *copy = arena_dup(a, h, sizeof(*h));

	copy->next = NULL;
	**link = copy;
	*link = &copy->next;
	return copy;
}

static const struct holder *own_holders(struct arena *a, const struct holder *h)
{
	const struct holder *first = NULL, **link = &first;

	for (; h; h = h->next)
		holder_append(a, &link, h);
	return first;
}

struct sock *sock_dup(struct arena *a, const struct sock *s)
{
	struct sock *copy = arena_dup(a, s, sizeof(*s));

	own(a, &copy->tcp_info);
	own(a, &copy->skmem);
	own(a, &copy->meminfo);
	own(a, &copy->cong);
	own(a, &copy->vegas);
	own(a, &copy->dctcp);
	own(a, &copy->bbr);
	own(a, &copy->ulp);
	own(a, &copy->md5);
	own(a, &copy->bpf_storages);
	own(a, &copy->path);
	own(a, &copy->peer_path);
	own(a, &copy->waiting_clients);
	own(a, &copy->owner_options);
	copy->holders = own_holders(a, copy->holders);
	copy->peer_holders = own_holders(a, copy->peer_holders);
	return copy;
}

void sock_put_path(struct buf *b, const struct blob *path)
{
	const char *p = path->data;

	if (path->len && !p[0]) {
		buf_putc(b, '@');
		buf_put_escaped(b, p + 1, path->len - 1);
	} else {
		/* A bound path ends in NUL. */
		buf_put_escaped(b, p, strnlen(p, path->len));
	}
}
