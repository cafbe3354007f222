#include "model/port_draw.h"

#include <stdlib.h>
#include <sys/socket.h>

/* The first port from `from` on whose byte in set is not 0, above hi if there is none. Of
 * ten thousands few are: eight at a time. */
static unsigned next_set(const void *set, unsigned from, unsigned hi)
{
	const uint8_t *bytes = set;
	uint64_t word;

	for (; from + sizeof(word) <= hi + 1; from += sizeof(word)) {
		memcpy(&word, bytes + from, sizeof(word));
		if (word)
			break;
	}
	while (from <= hi && !bytes[from])
		from++;
	return from;
}

void port_draw_count(const struct port_draw *d, uint64_t *ports, uint64_t *listeners)
{
	unsigned hi = d->hi, port;

	*ports = d->lo <= hi ? hi - d->lo + 1u : 0;
	*listeners = 0;
	for (port = d->reserved ? next_set(d->reserved, d->lo, hi) : hi + 1; port <= hi;
	     port = next_set(d->reserved, port + 1, hi))
		--*ports;
	for (port = d->listeners ? next_set(d->listeners, d->lo, hi) : hi + 1; port <= hi;
	     port = next_set(d->listeners, port + 1, hi))
		*listeners += !(d->reserved && d->reserved[port]);
}

unsigned udp_port_taken(const struct sock *s)
{
	struct addr local = addr_unmapped(&s->local);
	bool v6_only = local.family == AF_INET6 &&
		       (!addr_is_any(&local) ||
			((s->has & SOCK_HAS_V6ONLY) && s->v6only));

	return v6_only ? UDP_PORT_V6 : UDP_PORT_V4 | UDP_PORT_V6;
}

static struct port_use *use_of(struct port_uses *u, const struct addr *from)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (addr_same_ip(&u->v[i].from, from))
			return &u->v[i];
	u->v = array_grow(u->v, u->n, &u->cap, sizeof(*u->v));
	u->v[u->n] = (struct port_use){ .from = *from };
	return &u->v[u->n++];
}

/* Both kinds of sockets draw from one range towards an IPv4 destination. */
void port_uses_add(struct port_uses *u, const struct sock *s)
{
	struct addr local = addr_unmapped(&s->local), peer = addr_unmapped(&s->peer);
	struct addr to = addr_unmapped(&u->to), from = addr_unmapped(&u->from);
	struct port_use *use;

	if (peer.port != to.port || !addr_same_ip(&peer, &to) ||
	    !port_is_drawn(&u->draw, local.port) ||
	    (from.family && !addr_is_any(&from) && !addr_same_ip(&local, &from)))
		return;
	use = use_of(u, &local);
	use->used++;
	use->time_wait += s->state == STATE_TIME_WAIT;
}

struct port_use port_uses_most(const struct port_uses *u)
{
	struct port_use most = { 0 };
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->v[i].used > most.used)
			most = u->v[i];
	return most;
}

void port_uses_free(struct port_uses *u)
{
	free(take_ptr(&u->v));
	u->n = u->cap = 0;
}
