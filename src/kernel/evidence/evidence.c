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

/* Who waits for a unix listener is on this host, too. */
static void want_clients(struct hash_index *wanted, const struct listener_facts *l)
{
	const uint32_t *inodes = l->clients[0].data;
	size_t i;

	for (i = 0; l->suspect && i < l->clients[0].len / sizeof(*inodes); i++)
		if (inodes[i])
			hash_set_add(wanted, inodes[i]);
}

/* What is suspect; of what may grow all, for the young ones are no growth. */
static void want_connections(const struct suspects *list,
			     const struct connection_facts *v, struct hash_index *wanted)
{
	bool all = list->rule && list->rule->again == AGAIN_GROWTH &&
		   list->count >= list->rule->least;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (all || v[i].suspect)
			hash_set_add(wanted, v[i].row->inode);
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
	for (i = 0; i < e->n_listeners; i++)
		want_clients(&wanted, &e->listeners[i]);
	for (k = 0; k < RULES_MOST; k++) {
		want_connections(&d->suspects[k], e->connections[k], &wanted);
		evidence_want_listening(r, &d->suspects[k], &wanted);
	}
	if (!wanted.n)
		return;
	owners_scan(&r->owners, &wanted, NULL, 0, r->threads);
	hash_index_free(&wanted);
	e->unowned = owners_why_nobody(&r->owners);
	if (owner_is_unknown(e->unowned) && rights_to_know_owner(e->unowned, remedy)[0])
		e->owner_remedy = arena_strdup(&e->arena, remedy);
	e->owners_error = r->owners.failed;
	evidence_lacks(e, e->owners_error);
	for (i = 0; i < e->n_listeners; i++) {
		e->listeners[i].holders = evidence_holders(r, e, e->listeners[i].row);
		if (e->listeners[i].suspect)
			evidence_unix_clients(r, e, &e->listeners[i]);
	}
	for (k = 0; k < RULES_MOST; k++)
		for (i = 0; i < d->suspects[k].n; i++) {
			struct connection_facts *c = &e->connections[k][i];

			c->holders = evidence_holders(r, e, c->row);
		}
	for (k = 0; k < RULES_MOST; k++)
		evidence_listening(r, e, &d->suspects[k]);
}

/*
 * The look that clears most candidates. Returns when a second reading is due for what is
 * left, or 0: READING_INTERVAL_MS or more after this one, which began at start; of leaks
 * alone, whose first reading is the dump of all rows, after that.
 */
static uint64_t first_reading(struct reader *r, const struct detect *d,
			      struct evidence *e, uint64_t start)
{
	uint32_t patience;
	enum rule_again again;
	size_t i;

	evidence_suspect_listeners(d, e);

	for (i = 0; i < RULES_MOST; i++)
		e->connections[i] = begin_connections(e, &d->suspects[i]);
	patience = evidence_listeners(r, d, e);
	if (!r->dump.sock)
		return 0;
	for (i = 0; i < RULES_MOST; i++) {
		if (!d->suspects[i].n)
			continue;
		look_at(r, e, &d->suspects[i], e->connections[i]);
		evidence_ends(r, e, &d->suspects[i], e->connections[i]);
	}
	again = rules_suspect(d, e);
	if (patience || again == AGAIN_EACH)
		return start + MAX(patience, (uint32_t)READING_INTERVAL_MS);
	return again == AGAIN_GROWTH ? d->began_ms + READING_INTERVAL_MS : 0;
}

static void second_reading(struct reader *r, const struct detect *d, struct evidence *e,
			   uint64_t start, uint64_t due)
{
	size_t i;

	evidence_watch_listeners(r, e, start, due);
	e->interval_ms = (uint32_t)(clock_ms() - start);
	procfile_counters(&e->counters[1]);
	evidence_suspect_again(d, e);
	evidence_listeners_again(r, d, e);
	for (i = 0; i < RULES_MOST; i++)
		if (d->suspects[i].n && d->suspects[i].rule->again == AGAIN_EACH)
			look_again(r, e, &d->suspects[i], e->connections[i]);
	procfile_counters(&e->counters[1]);
	if (d->whole_tcp)
		procfile_host(&e->host[1]);
	/* Since the middle of the dump, where its rows were read on average. */
	for (i = 0; i < RULES_MOST; i++)
		if (d->suspects[i].n && d->suspects[i].rule->again == AGAIN_GROWTH)
			evidence_growth(r, e, &d->suspects[i], e->connections[i],
					(d->began_ms + start) / 2);
}

void evidence_read(struct reader *r, const struct detect *d, struct evidence *e,
		   bool name_listeners, bool every_process)
{
	uint64_t start = clock_ms(), due;

	r->unanswered = 0;
	procfile_limits(&e->limits, &d->draw, d->unread);
	procfile_counters(&e->counters[0]);
	if (d->whole_tcp)
		procfile_host(&e->host[0]);
	due = first_reading(r, d, e, start);
	read_owners(r, d, e, name_listeners, !every_process);
	/* Before the sleep, which is the shorter by it. */
	evidence_descriptors(e, every_process);
	if (due)
		second_reading(r, d, e, start, due);
	evidence_acceptors(r, e);
	evidence_starved(r, e);
	evidence_lacks(e, d->unread);
	evidence_lacks(e, e->limits.unread);
	evidence_lacks(e, e->counters[0].unread);
	evidence_lacks(e, e->counters[1].unread);
	evidence_lacks(e, e->host[0].unread);
	evidence_lacks(e, e->host[1].unread);
	evidence_lacks(e, r->unanswered);
}
