/* What is read of single connections: TCP_INFO and memory, twice. */
#include <stdlib.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"
#include "model/finding/looks.h"
#include "model/tcpinfo.h"

static uint32_t info_u32(const struct sock *s, size_t offset)
{
	uint32_t v = 0;

	sock_info_u32(s, offset, &v);
	return v;
}

static uint64_t info_u64(const struct sock *s, size_t offset)
{
	uint64_t v = 0;

	sock_info_u64(s, offset, &v);
	return v;
}

static uint32_t mem_u32(const struct sock *s, enum sock_mem index)
{
	uint32_t v = 0;

	sock_mem_u32(s, index, &v);
	return v;
}

#define INFO(member) offsetof(struct tcpinfo, member)

enum { FEW = 256 }; /* more of a state are read in a dump of it */
enum { CONNECTION_EXT = EXT_BIT(INET_DIAG_INFO) | EXT_BIT(INET_DIAG_SKMEMINFO) };

static uint8_t info_u8(const struct sock *s, size_t offset)
{
	return s->tcp_info.len > offset ? ((const uint8_t *)s->tcp_info.data)[offset] : 0;
}

/* What was sent, and what of it came through. */
static void take_sent(struct connection_facts *c, const struct sock *s, int turn)
{
	c->has_sent = s->tcp_info.len >= INFO(reord_seen) + 4;
	c->sent[turn] = (struct sent_facts){
		.bytes = info_u64(s, INFO(bytes_sent)),
		.bytes_again = info_u64(s, INFO(bytes_retrans)),
		.again = info_u32(s, INFO(total_retrans)),
		.duplicates = info_u32(s, INFO(dsack_dups)),
	};
	c->held[turn] = (struct held_facts){
		.busy_us = info_u64(s, INFO(busy_time)),
		.window_us = info_u64(s, INFO(rwnd_limited)),
		.buffer_us = info_u64(s, INFO(sndbuf_limited)),
	};
	c->busy_us = c->held[turn].busy_us;
	c->rtt_us = info_u32(s, INFO(rtt));
	c->rtt_least_us = info_u32(s, INFO(min_rtt));
	c->cwnd = info_u32(s, INFO(snd_cwnd));
	c->scales = info_u8(s, INFO(options)) & TCPINFO_WSCALE;
	c->reordered = info_u32(s, INFO(reord_seen));
	c->probes = info_u8(s, INFO(probes));
	c->ca_state = info_u8(s, INFO(ca_state));
	c->unsent = info_u32(s, INFO(notsent_bytes));
	c->unacked = info_u32(s, INFO(unacked));
	if (s->tcp_info.len >= INFO(data_segs_in) + 4)
		c->answers = info_u32(s, INFO(segs_in)) - info_u32(s, INFO(data_segs_in));
	c->has_send_window = s->tcp_info.len >= INFO(snd_wnd) + 4;
}

static void take_reading(struct connection_facts *c, const struct sock *s, int turn)
{
	c->read[turn] = true;
	c->recv[turn] = sock_recv_bytes(s);
	c->send[turn] = sock_send_bytes(s);
	c->acked[turn] = info_u64(s, INFO(bytes_acked));
	c->received[turn] = info_u64(s, INFO(bytes_received));
	c->retrans = s->retrans;
	c->has_info = s->tcp_info.len >= INFO(bytes_acked) + 8;
	take_sent(c, s, turn);
	c->backoff = info_u8(s, INFO(backoff));
	c->rto_us = info_u32(s, INFO(rto));
	c->sacked = info_u32(s, INFO(sacked));
	c->mss = info_u32(s, INFO(snd_mss));
	c->pmtu = info_u32(s, INFO(pmtu));
	c->has_overtook = s->tcp_info.len >= INFO(rcv_ooopack) + 4;
	c->overtook[turn] = info_u32(s, INFO(rcv_ooopack));
	c->mark = s->mark;
	c->has_mark = s->has & SOCK_HAS_MARK;
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
	c->sndbuf = mem_u32(s, SOCK_MEM_SNDBUF);
	c->wmem = mem_u32(s, SOCK_MEM_WMEM_QUEUED);
	c->choked = !sock_is_writable(s);
	looks_add(c, turn);
}

void evidence_connection(struct reader *r, struct connection_facts *c, int turn)
{
	struct sock s;

	c->read[turn] = false;
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
		evidence_connection(r, &v[i], turn);
}

void evidence_look(struct reader *r, struct evidence *e, const struct suspects *list,
		   struct connection_facts *v)
{
	const struct rule *rule = list->rule;

	if (rule->look == LOOK_PLACE)
		evidence_places(e, list, v);
	if (rule->look == LOOK_NONE || rule->look == LOOK_FAR_END ||
	    rule->look == LOOK_PLACE || list->count < rule->least)
		return;
	if (rule->look == LOOK_STATE && list->n > FEW)
		read_dump(r, e, list, v, 0);
	else
		read_each(r, v, list->n, 0);
}

void evidence_look_again(struct reader *r, struct evidence *e,
			 const struct suspects *list, struct connection_facts *v)
{
	if (list->rule->look == LOOK_FAR_END)
		return;
	if (list->rule->rows == ROWS_UDP ||
	    (list->rule->look == LOOK_STATE && list->n > FEW))
		read_dump(r, e, list, v, 1);
	else
		read_each(r, v, list->n, 1);
}

struct connection_facts *evidence_connections(struct evidence *e,
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
