#include "net/role/datagram_late.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/mem.h"

enum {
	TRIES = 64, /* peers that are tried in a turn */
	AGAIN_FIRST_US = 1000,
	AGAIN_MOST_US = 100000,
	/* Whoever sends more than it reads in a turn will read in the next: nothing is
	 * received meanwhile, and so nothing is dropped. It is a fifth of the time at
	 * most that the others wait for that. */
	CREDIT_MOST_US = 200000,
	CREDIT_SHARE = 4,
};

struct late_answer {
	struct late_answer *next;
	size_t len;
	char data[];
};

struct late_peer {
	struct sockaddr_storage ss;
	socklen_t len;
	int n;
	struct late_answer *first, **last;
	struct late_peer *next; /* who is tried after it */
	uint32_t hash;
	size_t at; /* its place in peers */
};

struct late {
	struct datagram *d;
	void (*go_on)(struct datagram *d);
	struct late_peer *first, **last;
	struct late_peer **peers;
	struct hash_index index; /* of peers by address */
	size_t n_peers, cap_peers, bytes;
	struct timer again;
	uint64_t again_us;
	uint64_t credit_us, credit_at_us;
	bool pausing;
};

static struct late_peer *find_late(const struct late *late, const struct msghdr *to)
{
	const struct hash_index *x = &late->index;
	uint32_t hash = hash_bytes_by(&x->key, to->msg_name, to->msg_namelen), step = 0;
	size_t at;

	while ((at = hash_index_next(x, hash, &step)) != SIZE_MAX)
		if (late->peers[at]->len == to->msg_namelen &&
		    memcmp(&late->peers[at]->ss, to->msg_name, to->msg_namelen) == 0)
			return late->peers[at];
	return NULL;
}

bool late_any(const struct late *late)
{
	return late->n_peers;
}

bool late_waits(const struct late *late, const struct msghdr *to)
{
	return late->n_peers && to->msg_namelen && find_late(late, to);
}

static void append_late(struct late *late, struct late_peer *p)
{
	p->next = NULL;
	*late->last = p;
	late->last = &p->next;
}

static void place_peer(struct late *late, struct late_peer *p, size_t at)
{
	p->at = at;
	late->peers[at] = p;
	hash_index_add(&late->index, p->hash, at);
}

static struct late_peer *add_peer(struct late *late, const struct msghdr *to)
{
	struct late_peer *p = xcalloc(1, sizeof(*p));

	memcpy(&p->ss, to->msg_name, to->msg_namelen);
	p->len = to->msg_namelen;
	p->last = &p->first;
	p->hash = hash_bytes(&late->index, to->msg_name, to->msg_namelen);
	append_late(late, p);
	late->peers = array_grow(late->peers, late->n_peers, &late->cap_peers,
				 sizeof(struct late_peer *));
	place_peer(late, p, late->n_peers++);
	late->bytes += sizeof(*p);
	return p;
}

/* It is in no list of those who are tried any more. The last takes its place. */
static void drop_peer(struct late *late, struct late_peer *p)
{
	struct late_peer *last = late->peers[--late->n_peers];

	hash_index_remove(&late->index, p->hash, p->at);
	if (last != p) {
		hash_index_remove(&late->index, last->hash, last->at);
		place_peer(late, last, p->at);
	}
	late->bytes -= sizeof(*p);
	free(p);
}

static void drop_first(struct late *late, struct late_peer *p)
{
	struct late_answer *a = p->first;

	p->first = a->next;
	if (!p->first)
		p->last = &p->first;
	p->n--;
	late->bytes -= sizeof(*a) + a->len;
	free(a);
}

static void drop_answer(struct late *late, const struct msghdr *to, size_t len,
			int waiting)
{
	struct session_totals *t = &late->d->s->totals;
	struct endpoint peer = late->d->local;
	char text[ENDPOINT_TEXT_MAX];
	struct fault f = FAULT_INIT;

	t->unsent_bytes += len;
	if (t->datagrams_dropped++)
		return;
	peer.len = to->msg_namelen;
	memcpy(&peer.ss, to->msg_name, to->msg_namelen);
	endpoint_text(text, sizeof(text), &peer);
	if (waiting >= LATE_OF_PEER)
		fault_say(&f, ENOBUFS,
			  "%s does not read: %d answers wait for it, more are dropped",
			  text, waiting);
	else
		fault_say(&f, ENOBUFS,
			  "%s does not read: %d MiB of answers wait, more are dropped",
			  text, LATE_BYTES >> 20);
	fault_hint(&f, "the others are served; how many are dropped is said at the end");
	session_trouble(late->d->s, &f);
}

/* Whether the others may wait a little longer for one who does not read. */
static bool is_patient(struct late *late)
{
	uint64_t now = loop_now(&late->d->s->loop), passed = now - late->credit_at_us;

	if (late->pausing)
		late->credit_us -= MIN(late->credit_us, passed);
	else
		late->credit_us = MIN(late->credit_us + passed / CREDIT_SHARE,
				      (uint64_t)CREDIT_MOST_US);
	late->credit_at_us = now;
	late->pausing = late->credit_us;
	return late->pausing;
}

static void arm_late(struct late *late)
{
	uint64_t at = loop_now(&late->d->s->loop) + AGAIN_FIRST_US;

	if (timer_armed(&late->again) && !late->pausing)
		return;
	late->again_us = AGAIN_FIRST_US;
	timer_set(&late->d->s->loop, &late->again, at);
}

bool late_add(struct late *late, const struct msghdr *to, const struct iovec *v)
{
	struct late_peer *p = find_late(late, to);
	size_t need = sizeof(struct late_answer) + v->iov_len + (p ? 0 : sizeof(*p));
	struct late_answer *a;

	if ((p && p->n >= LATE_OF_PEER) || late->bytes + need > LATE_BYTES) {
		if (is_patient(late)) {
			arm_late(late);
			return false;
		}
		drop_answer(late, to, v->iov_len, p ? p->n : 0);
		return true;
	}
	late->pausing = false;
	if (!p)
		p = add_peer(late, to);
	a = xmalloc(sizeof(*a) + v->iov_len);
	a->next = NULL;
	a->len = v->iov_len;
	if (v->iov_len)
		memcpy(a->data, v->iov_base, v->iov_len);
	*p->last = a;
	p->last = &a->next;
	p->n++;
	late->bytes += sizeof(*a) + a->len;
	arm_late(late);
	return true;
}

/* Sends what goes to one peer. True: some of it went, or never will. */
static bool send_to(struct late *late, struct late_peer *p)
{
	struct datagram *d = late->d;
	bool any = false;

	while (p->first && datagram_due(d, d->send_at_us)) {
		struct iovec v = { p->first->data, p->first->len };
		ssize_t n = sendto(d->w.fd, v.iov_base, v.iov_len,
				   MSG_DONTWAIT | MSG_NOSIGNAL,
				   (const struct sockaddr *)&p->ss, p->len);

		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR))
			break;
		any = true;
		if (n >= 0) {
			datagram_was_sent(d, &p->ss, p->len, &v);
			drop_first(late, p);
			continue;
		}
		/* It has gone: so have its answers. */
		if (!datagram_is_nobody(d, errno))
			datagram_failed(d, errno, "send");
		while (p->first)
			drop_first(late, p);
	}
	return any;
}

static void late_again(struct loop *l, struct timer *t)
{
	struct late *late = LOOP_OWNER(t, struct late, again);
	size_t tries = MIN(late->n_peers, (size_t)TRIES);
	bool any = false;

	while (tries-- && !l->stopped) {
		struct late_peer *p = late->first;

		late->first = p->next;
		if (!late->first)
			late->last = &late->first;
		any |= send_to(late, p);
		if (p->first)
			append_late(late, p);
		else
			drop_peer(late, p);
	}
	late->again_us = any || late->pausing
				 ? AGAIN_FIRST_US
				 : MIN(late->again_us * 2, (uint64_t)AGAIN_MOST_US);
	if ((late->n_peers || late->pausing) && !l->stopped)
		timer_set(l, t, loop_now(l) + late->again_us);
	late->go_on(late->d);
}

struct late *late_new(struct datagram *d, void (*go_on)(struct datagram *d))
{
	struct late *late = xcalloc(1, sizeof(*late));

	late->d = d;
	late->go_on = go_on;
	late->last = &late->first;
	late->again.fn = late_again;
	late->credit_us = CREDIT_MOST_US;
	late->credit_at_us = loop_now(&d->s->loop);
	return late;
}

void late_free(struct late *late)
{
	struct late_peer *p;

	if (!late)
		return;
	timer_stop(&late->d->s->loop, &late->again);
	while ((p = late->first)) {
		late->first = p->next;
		while (p->first) {
			late->d->s->totals.unsent_bytes += p->first->len;
			late->d->s->totals.datagrams_dropped++;
			drop_first(late, p);
		}
		drop_peer(late, p);
	}
	hash_index_free(&late->index);
	free(late->peers);
	free(late);
}
