#include "net/role/pinger.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/chain.h"
#include "base/mem.h"
#include "net/socket/record.h"

/* A prime, so that the pattern never falls in step with powers of two. */
enum { PATTERN = 65521 };

struct ping {
	struct watch w;
	struct timer patience;
	struct pinger *p;
	uint64_t id, round, sent, got; /* of the current message */
	uint64_t offset;	       /* of it in the stream */
	uint64_t began_ns, last_us;
	bool records;	/* a message comes whole, or not */
	bool seqpacket; /* records that have an end */
	struct ping *next, **at;
};

void pinger_init(struct pinger *p, struct session *s, const struct pinger_how *how)
{
	uint32_t x = 2463534242u;
	size_t i;

	*p = (struct pinger){ .s = s, .how = how };
	p->pattern = xmalloc(PATTERN * 2);
	for (i = 0; i < PATTERN; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		p->pattern[i] = p->pattern[i + PATTERN] = (char)x;
	}
}

void pinger_free(struct pinger *p)
{
	while (p->pings) {
		struct ping *g = p->pings;

		p->pings = g->next;
		timer_stop(&p->s->loop, &g->patience);
		watch_close(&p->s->loop, &g->w);
		free(g);
	}
	free(take_ptr(&p->pattern));
}

/* The bytes at an offset of a connection's stream; at least PATTERN of them follow. */
static const char *bytes_at(const struct ping *g, uint64_t offset)
{
	return g->p->pattern + (offset + g->id * 977) % PATTERN;
}

static void pinger_check_over(struct pinger *p)
{
	if (p->n_done < p->n_pings)
		return;
	p->ended_us = clock_us();
	loop_stop(&p->s->loop);
}

static void ping_over(struct ping *g, const struct fault *f)
{
	struct pinger *p = g->p;

	if (f) {
		p->broken++;
		p->s->totals.failed++;
		session_worse(p->s, f->err == ETIMEDOUT ? CONN_IDLE : CONN_RESET, f->err);
		if (p->broken <= 3)
			session_trouble(p->s, f);
	} else {
		p->s->totals.complete++;
	}
	timer_stop(&p->s->loop, &g->patience);
	watch_close(&p->s->loop, &g->w);
	CHAIN_TAKE(g);
	free(g);
	p->n_done++;
	pinger_check_over(p);
}

static void compare_pattern(struct ping *g, const char *data, size_t len)
{
	struct pinger *p = g->p;
	uint64_t offset = g->offset + g->got;
	size_t i, n;

	for (; len; data += n, len -= n, offset += n) {
		const char *want = bytes_at(g, offset);

		n = MIN(len, (size_t)PATTERN);
		if (memcmp(data, want, n) == 0)
			continue;
		for (i = 0; i < n; i++) {
			if (data[i] == want[i])
				continue;
			if (!p->wrong_bytes++) {
				p->first_wrong = offset + i;
				p->wanted = (uint8_t)want[i];
				p->got = (uint8_t)data[i];
			}
		}
	}
}

/* "send message 3: ...". A datagram's refusal comes late, as an ICMP message. */
static void say_failed(struct fault *f, int err, const char *what, uint64_t round)
{
	fault(f, err, "%s message %llu", what, (unsigned long long)round + 1);
	if (err == ECONNREFUSED)
		fault_hint(f, "the host is up, but nothing receives on that port");
}

static bool write_pings(struct ping *g)
{
	struct pinger *p = g->p;
	struct fault f = FAULT_INIT;
	int r;

	while (g->sent < p->how->size) {
		size_t n = (size_t)MIN(p->how->size - g->sent, (uint64_t)PATTERN);
		ssize_t done = send(g->w.fd, bytes_at(g, g->offset + g->sent), n,
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
			break;
		if (done < 0) {
			say_failed(&f, errno, "send", g->round);
			ping_over(g, &f);
			return false;
		}
		g->sent += (uint64_t)done;
		p->s->totals.bytes_out += (uint64_t)done;
	}
	r = watch_set(&p->s->loop, &g->w,
		      EPOLLIN | (g->sent < p->how->size ? (uint32_t)EPOLLOUT : 0));
	if (r < 0) {
		fault(&f, -r, "watch the connection");
		ping_over(g, &f);
	}
	return r == 0;
}

static void begin_round(struct ping *g)
{
	g->sent = g->got = 0;
	g->began_ns = clock_ns();
	write_pings(g);
}

/* False: that was the last one, the ping is gone. */
static bool ping_round_over(struct ping *g)
{
	struct pinger *p = g->p;

	samples_add(&p->samples, clock_ns() - g->began_ns);
	g->offset += p->how->size;
	if (++g->round < p->how->count)
		return true;
	ping_over(g, NULL);
	return false;
}

static void ping_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct ping *g = LOOP_OWNER(w, struct ping, w);
	struct pinger *p = g->p;
	struct fault f = FAULT_INIT;
	bool empty = g->records && !g->seqpacket; /* what 0 bytes are */
	size_t most = (size_t)MIN(p->how->size - g->got, (uint64_t)LOOP_SCRATCH);
	ssize_t n;

	if ((events & EPOLLOUT) && !write_pings(g))
		return;
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return;
	if (g->seqpacket) {
		n = record_recv(w->fd, l->scratch, LOOP_SCRATCH, &empty);
	} else {
		n = recv(w->fd, l->scratch, most, MSG_DONTWAIT);
		n = n < 0 ? -errno : n;
	}
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n < 0 || (n == 0 && !empty)) {
		if (n < 0)
			say_failed(&f, -(int)n, "receive", g->round);
		else
			fault_say(&f, ECONNRESET,
				  "the server ended the connection after %llu "
				  "of %llu bytes of message %llu",
				  (unsigned long long)g->got,
				  (unsigned long long)p->how->size,
				  (unsigned long long)g->round + 1);
		ping_over(g, &f);
		return;
	}
	compare_pattern(g, l->scratch, (size_t)n);
	g->got += (uint64_t)n;
	g->last_us = loop_now(l);
	p->s->totals.bytes_in += (uint64_t)n;
	/* A datagram comes whole, or what is missing never comes. */
	if (g->got < p->how->size && !g->records)
		return;
	if (g->got < p->how->size)
		p->wrong_bytes += p->how->size - g->got;
	if (ping_round_over(g))
		begin_round(g);
}

static void patience_over(struct loop *l, struct timer *t)
{
	struct ping *g = LOOP_OWNER(t, struct ping, patience);
	struct pinger *p = g->p;
	struct fault f = FAULT_INIT;
	uint64_t now = loop_now(l);

	if (now < g->last_us + p->how->lost_us) {
		timer_set(l, t, g->last_us + p->how->lost_us);
		return;
	}
	if (!g->records) {
		fault_say(&f, ETIMEDOUT, "message %llu did not come back within %.3g s",
			  (unsigned long long)g->round + 1,
			  (double)p->how->lost_us / 1e6);
		ping_over(g, &f);
		return;
	}
	p->lost++;
	g->last_us = now;
	timer_set(l, t, now + p->how->lost_us);
	g->offset += p->how->size;
	if (++g->round < p->how->count)
		begin_round(g);
	else
		ping_over(g, NULL);
}

static void begin_pinging(struct pinger *p)
{
	struct ping *g, *next;

	p->started = true;
	p->began_us = clock_us();
	for (g = p->pings; g; g = next) {
		next = g->next;
		g->last_us = p->began_us;
		timer_set(&p->s->loop, &g->patience, p->began_us + p->how->lost_us);
		begin_round(g);
	}
	pinger_check_over(p);
}

static void begin_when_all(struct pinger *p)
{
	if (!p->started && p->n_pings + p->s->totals.failed >= p->how->connections)
		begin_pinging(p);
}

void pinger_missing(void *pinger)
{
	begin_when_all(pinger);
}

int pinger_take(void *pinger, int fd, const struct endpoint *peer, struct fault *f)
{
	struct pinger *p = pinger;
	struct ping *g = xcalloc(1, sizeof(*g));
	int one = 1, r;

	g->p = p;
	g->id = ++p->n_pings;
	g->records = peer->type != SOCK_STREAM;
	g->seqpacket = peer->type == SOCK_SEQPACKET;
	g->w = (struct watch){ .fd = fd, .fn = ping_ready };
	g->patience.fn = patience_over;
	/* Each message is waited for: Nagle would only add the peer's delayed ACK. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (g->seqpacket)
		record_mark(fd);
	r = watch_set(&p->s->loop, &g->w, 0);
	if (r < 0) {
		watch_close(&p->s->loop, &g->w);
		free(g);
		p->n_pings--;
		return fault(f, -r, "watch the connection");
	}
	CHAIN_ADD(&p->pings, g);
	p->s->totals.started++;
	p->s->totals.open++;
	p->s->totals.most_open = MAX(p->s->totals.most_open, p->s->totals.open);
	begin_when_all(p);
	return 0;
}
