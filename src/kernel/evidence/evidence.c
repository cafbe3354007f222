#include "kernel/evidence/gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/procfile.h"
#include "kernel/proc/rights.h"
#include "kernel/read/waiters.h"
#include "model/finding/rules.h"
#include "model/proctext.h"
#include "model/tcpinfo.h"

void evidence_begin(struct detect *d)
{
	_cleanup_free_ char *reserved = NULL;

	d->unread = -procfile_port_range(&d->draw.lo, &d->draw.hi);
	reserved = procfile_reserved_ports(d->reserved);
	if (!reserved && !d->unread && errno != ENOENT && errno != EACCES)
		d->unread = errno;
	d->began_ms = clock_ms();
}

void evidence_free(struct evidence *e)
{
	arena_free(&e->arena);
	free(e->processes);
	*e = (struct evidence){ 0 };
}

/* A listener whose queue, or whose half-open connections, call for a closer look. */
static bool deserves_look(const struct sock *listener, const void *ctx)
{
	const struct evidence *e = ctx;
	size_t i;

	for (i = 0; i < e->n_listeners; i++)
		if (e->listeners[i].row->cookie == listener->cookie)
			return e->listeners[i].suspect;
	return false;
}

static void read_listeners(struct reader *r, const struct detect *d, struct evidence *e,
			   int turn)
{
	size_t i, k;
	int err;

	err = reader_listeners(r, EXT_BIT(INET_DIAG_SKMEMINFO));
	evidence_lacks(e, -err);
	if (err < 0)
		return;
	evidence_lacks(e, -waiters_read(r, deserves_look, e));
	for (i = 0; i < d->listeners.n; i++) {
		struct listener_facts *l = &e->listeners[i];

		for (k = 0; k < r->listeners.n; k++) {
			const struct sock *row = r->listeners.v[k], *found;
			uint32_t drops, members;

			if (row->cookie != l->row->cookie)
				continue;
			l->read[turn] = true;
			l->queued[turn] = row->recv_queue;
			l->limit = row->send_queue;
			if (row->accept)
				l->stats[turn] = *row->accept;
			if (sock_mem_u32(row, SOCK_MEM_DROPS, &drops)) {
				l->drops[turn] = drops;
				l->has_drops = true;
			}
			if (reader_listener_of(r, row, &found, &members))
				l->members = members;
			break;
		}
	}
}

static uint32_t info_u32(const struct sock *s, size_t offset)
{
	uint32_t v = 0;

	sock_info_u32(s, offset, &v);
	return v;
}

static uint64_t info_u64(const struct sock *s, size_t offset)
{
	uint64_t v = 0;

	if (offset + sizeof(v) <= s->tcp_info.len)
		memcpy(&v, (const char *)s->tcp_info.data + offset, sizeof(v));
	return v;
}

static uint32_t mem_u32(const struct sock *s, enum sock_mem index)
{
	uint32_t v = 0;

	sock_mem_u32(s, index, &v);
	return v;
}

#define INFO(member) offsetof(struct tcpinfo, member)

enum { CONNECTION_EXT = EXT_BIT(INET_DIAG_INFO) | EXT_BIT(INET_DIAG_SKMEMINFO) };

static void take_reading(struct connection_facts *c, const struct sock *s, int turn)
{
	c->read[turn] = true;
	c->recv[turn] = sock_recv_bytes(s);
	c->send[turn] = sock_send_bytes(s);
	c->acked[turn] = info_u64(s, INFO(bytes_acked));
	c->received[turn] = info_u64(s, INFO(bytes_received));
	c->retrans = s->retrans;
	c->has_info = s->tcp_info.len >= INFO(bytes_acked) + 8;
	if (s->tcp_info.len > INFO(backoff))
		c->backoff = ((const uint8_t *)s->tcp_info.data)[INFO(backoff)];
	c->rto_us = info_u32(s, INFO(rto));
	c->has_windows = s->tcp_info.len >= INFO(rcv_wnd) + 4;
	c->snd_wnd = info_u32(s, INFO(snd_wnd));
	c->rcv_wnd = info_u32(s, INFO(rcv_wnd));
	c->age_ms = info_u32(s, INFO(last_ack_recv));
	c->sent_ms = info_u32(s, INFO(last_data_sent));
	c->received_ms = info_u32(s, INFO(last_data_recv));
	c->has_mem = s->skmem.len > 0;
	c->rmem[turn] = mem_u32(s, SOCK_MEM_RMEM);
	c->drops[turn] = mem_u32(s, SOCK_MEM_DROPS);
	c->rcvbuf = mem_u32(s, SOCK_MEM_RCVBUF);
}

/* One more look at a TCP connection, by its cookie. */
static void read_connection(struct reader *r, struct connection_facts *c, int turn)
{
	struct sock s;

	if (reader_exact(r, c->row, CONNECTION_EXT, &s) == 0 &&
	    s.cookie == c->row->cookie && s.state == c->row->state)
		take_reading(c, &s, turn);
}

struct by_cookie {
	struct connection_facts **v;
	size_t n;
	uint8_t proto;
	int turn;
};

static int compare_cookies(const void *a, const void *b)
{
	const struct connection_facts *x = *(struct connection_facts *const *)a,
				      *y = *(struct connection_facts *const *)b;

	return (x->row->cookie > y->row->cookie) - (x->row->cookie < y->row->cookie);
}

static int take_one(const struct nlmsghdr *h, void *ctx)
{
	const struct by_cookie *all = ctx;
	struct connection_facts key, *wanted = &key, **found;
	struct sock s;

	if (!inet_parse(h, all->proto, &s))
		return 0;
	key.row = &s;
	found = bsearch(&wanted, all->v, all->n, sizeof(*all->v), compare_cookies);
	if (found)
		take_reading(*found, &s, all->turn);
	return 0;
}

/* In one more dump of their states; of UDP one a family. */
static void read_dump(struct reader *r, struct evidence *e, const struct suspects *list,
		      struct connection_facts *v, int turn)
{
	bool udp = list->rule->rows == ROWS_UDP;
	struct inet_query q = { .protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
				.family = udp ? AF_INET : AF_UNSPEC,
				.states = udp ? STATES_ALL : list->rule->rows,
				.ext = CONNECTION_EXT };
	struct by_cookie all = { .n = list->n,
				 .proto = udp ? PROTO_UDP : PROTO_TCP,
				 .turn = turn };
	size_t i;

	all.v = xcalloc(list->n, sizeof(struct connection_facts *));
	for (i = 0; i < list->n; i++)
		all.v[i] = &v[i];
	qsort(all.v, list->n, sizeof(struct connection_facts *), compare_cookies);
	evidence_lacks(e, -inet_dump(&r->dump, &q, take_one, &all));
	q.family = AF_INET6;
	if (udp)
		evidence_lacks(e, -inet_dump(&r->dump, &q, take_one, &all));
	free(all.v);
}

static void read_each(struct reader *r, struct connection_facts *v, size_t n, int turn)
{
	size_t i;

	for (i = 0; i < n; i++)
		read_connection(r, &v[i], turn);
}

/* The first look at the candidates of a rule. */
static void look_at(struct reader *r, struct evidence *e, const struct suspects *list,
		    struct connection_facts *v)
{
	enum { FEW = 256 };
	const struct rule *rule = list->rule;

	if (rule->look == LOOK_NONE || list->count < rule->least)
		return;
	if (rule->look == LOOK_STATE && list->n > FEW)
		read_dump(r, e, list, v, 0);
	else
		read_each(r, v, list->n, 0);
}

static void look_again(struct reader *r, struct evidence *e, const struct suspects *list,
		       struct connection_facts *v)
{
	if (list->rule->rows == ROWS_UDP)
		read_dump(r, e, list, v, 1);
	else
		read_each(r, v, list->n, 1);
}

static struct connection_facts *begin_connections(struct evidence *e,
						  const struct suspects *list)
{
	struct connection_facts *v = arena_zalloc(&e->arena, list->n * sizeof(*v) + 1);
	size_t i;

	for (i = 0; i < list->n; i++) {
		const struct sock *row = list->v[i];

		v[i].row = row;
		v[i].retrans = row->retrans;
		v[i].rmem[0] = mem_u32(row, SOCK_MEM_RMEM);
		v[i].rcvbuf = mem_u32(row, SOCK_MEM_RCVBUF);
		v[i].has_mem = row->skmem.len > 0;
		v[i].drops[0] = mem_u32(row, SOCK_MEM_DROPS);
	}
	return v;
}

/* The processes behind what is still suspect: one scan for their inodes. waiting_too: and
 * those of listeners in whose queue somebody waits, whose descriptors nobody else looks
 * at. */
static void read_owners(struct reader *r, const struct detect *d, struct evidence *e,
			bool name_listeners, bool waiting_too)
{
	struct hash_index wanted = { 0 };
	char remedy[REMEDY_MAX];
	size_t i, k;

	for (i = 0; i < e->n_listeners; i++)
		if (e->listeners[i].suspect || e->listeners[i].shadow || name_listeners ||
		    (waiting_too && e->listeners[i].row->recv_queue))
			hash_set_add(&wanted, e->listeners[i].row->inode);
	for (k = 0; k < RULES_MOST; k++)
		for (i = 0; i < d->suspects[k].n; i++)
			if (e->connections[k][i].suspect)
				hash_set_add(&wanted, e->connections[k][i].row->inode);
	if (!wanted.n)
		return;
	owners_scan(&r->owners, &wanted, NULL, 0, r->threads);
	hash_index_free(&wanted);
	e->unowned = owners_why_nobody(&r->owners);
	if (owner_is_unknown(e->unowned) && rights_to_know_owner(e->unowned, remedy)[0])
		e->owner_remedy = arena_strdup(&e->arena, remedy);
	e->owners_error = r->owners.failed;
	evidence_lacks(e, e->owners_error);
	for (i = 0; i < e->n_listeners; i++)
		e->listeners[i].holders = evidence_holders(r, e, e->listeners[i].row);
	for (k = 0; k < RULES_MOST; k++)
		for (i = 0; i < d->suspects[k].n; i++) {
			struct connection_facts *c = &e->connections[k][i];

			c->holders = evidence_holders(r, e, c->row);
		}
}

/* First look at the listeners: which of them need another. */
static bool suspect_listeners(const struct detect *d, struct evidence *e)
{
	bool any = false;
	size_t i;

	e->n_listeners = d->listeners.n;
	e->listeners = arena_zalloc(&e->arena,
				    d->listeners.n * sizeof(*e->listeners) + 1);
	for (i = 0; i < d->listeners.n; i++) {
		struct listener_facts *l = &e->listeners[i];
		const struct sock *row = d->listeners.v[i];

		l->row = row;
		l->members = 1;
		l->queued[0] = row->recv_queue;
		l->limit = row->send_queue;
		l->shadow = d->listener_ports[row->local.port] > 1;
		l->suspect = rules_suspect_listener(d, e, l);
		any |= l->suspect;
	}
	return any;
}

/*
 * The look that clears most candidates. Returns when a second reading is due for what is
 * left, or 0: READING_INTERVAL_MS after this one, which began at start; of leaks alone,
 * whose first reading is the dump of all rows, after that.
 */
static uint64_t first_reading(struct reader *r, const struct detect *d,
			      struct evidence *e, uint64_t start)
{
	bool twice = suspect_listeners(d, e);
	enum rule_again again;
	size_t i;

	for (i = 0; i < RULES_MOST; i++)
		e->connections[i] = begin_connections(e, &d->suspects[i]);
	if (!r->dump.sock)
		return 0;
	if (twice)
		read_listeners(r, d, e, 0);
	for (i = 0; i < RULES_MOST; i++)
		if (d->suspects[i].n)
			look_at(r, e, &d->suspects[i], e->connections[i]);
	again = rules_suspect(d, e);
	if (twice || again == AGAIN_EACH)
		return start + READING_INTERVAL_MS;
	return again == AGAIN_GROWTH ? d->began_ms + READING_INTERVAL_MS : 0;
}

/* Whether a first reading of the listeners waits for its second. */
static bool read_once(const struct evidence *e)
{
	size_t i;

	for (i = 0; i < e->n_listeners; i++)
		if (e->listeners[i].read[0])
			return true;
	return false;
}

static void second_reading(struct reader *r, const struct detect *d, struct evidence *e,
			   uint64_t start, uint64_t due)
{
	size_t i;

	clock_sleep_until(due * 1000);
	e->interval_ms = (uint32_t)(clock_ms() - start);
	if (read_once(e))
		read_listeners(r, d, e, 1);
	for (i = 0; i < RULES_MOST; i++)
		if (d->suspects[i].n && d->suspects[i].rule->again == AGAIN_EACH)
			look_again(r, e, &d->suspects[i], e->connections[i]);
	/* Since the middle of the dump, where its rows were read on average. */
	e->growth_ms = (uint32_t)(clock_ms() - (d->began_ms + start) / 2);
	for (i = 0; i < RULES_MOST; i++)
		if (d->suspects[i].n && d->suspects[i].rule->again == AGAIN_GROWTH)
			evidence_growth(r, e, &d->suspects[i]);
	procfile_counters(&e->counters[1]);
}

void evidence_read(struct reader *r, const struct detect *d, struct evidence *e,
		   bool name_listeners, bool every_process)
{
	uint64_t start = clock_ms(), due;

	r->unanswered = 0;
	procfile_limits(&e->limits, &d->draw, d->unread);
	procfile_counters(&e->counters[0]);
	due = first_reading(r, d, e, start);
	read_owners(r, d, e, name_listeners, !every_process);
	/* Before the sleep, which is the shorter by it. */
	evidence_descriptors(e, every_process);
	if (due)
		second_reading(r, d, e, start, due);
	evidence_starved(r, e);
	evidence_lacks(e, d->unread);
	evidence_lacks(e, e->limits.unread);
	evidence_lacks(e, e->counters[0].unread);
	evidence_lacks(e, e->counters[1].unread);
	evidence_lacks(e, r->unanswered);
}
