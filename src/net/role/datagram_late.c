#include "net/role/datagram_late.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/mem.h"

enum {
	BUCKETS = 4096,
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
	struct late_peer *next;	     /* who is tried after it */
	struct late_peer *in_bucket; /* of the same hash */
};

struct late {
	struct datagram *d;
	void (*go_on)(struct datagram *d);
	struct late_peer *first, **last;
	struct late_peer *buckets[BUCKETS];
	struct hash_key key; /* of the buckets: peers choose their names */
	size_t n_peers, bytes;
	struct timer again;
	uint64_t again_us;
	uint64_t credit_us, credit_at_us;
	bool pausing;
};

static struct late_peer **late_bucket(struct late *late, const void *name, size_t len)
{
	return &late->buckets[hash_bytes(&late->key, name, len) % BUCKETS];
}

static struct late_peer *find_late(const struct late *late, const struct msghdr *to)
{
	struct late_peer *p = *late_bucket((struct late *)(uintptr_t)late, to->msg_name,
					   to->msg_namelen);

	while (p && (p->len != to->msg_namelen ||
		     memcmp(&p->ss, to->msg_name, to->msg_namelen) != 0))
		p = p->in_bucket;
	return p;
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

static struct late_peer *add_peer(struct late *late, const struct msghdr *to)
{
	struct late_peer *p = xcalloc(1, sizeof(*p));
	struct late_peer **bucket = late_bucket(late, to->msg_name, to->msg_namelen);

	memcpy(&p->ss, to->msg_name, to->msg_namelen);
	p->len = to->msg_namelen;
	p->last = &p->first;
	p->in_bucket = *bucket;
	*bucket = p;
	append_late(late, p);
	late->n_peers++;
	late->bytes += sizeof(*p);
	return p;
}

/* It is in no list of those who are tried any more. */
static void drop_peer(struct late *late, struct late_peer *p)
{
	struct late_peer **at = late_bucket(late, &p->ss, p->len);

	while (*at != p)
		at = &(*at)->in_bucket;
	*at = p->in_bucket;
	late->n_peers--;
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
		ssize_t n = sendto(d->w.fd, p->first->data, p->first->len,
				   MSG_DONTWAIT | MSG_NOSIGNAL,
				   (const struct sockaddr *)&p->ss, p->len);

		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR))
			break;
		any = true;
		if (n >= 0) {
			datagram_was_sent(d, (size_t)n);
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
	late->key = hash_key_of_process();
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
	free(late);
}
