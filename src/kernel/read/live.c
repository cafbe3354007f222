/* Asking the kernel: which dumps answer a question, in which order. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "kernel/netlink/bytecode.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/procfile.h"
#include "kernel/proc/sockstat.h"
#include "kernel/read/bound.h"
#include "kernel/read/collect_private.h"
#include "kernel/read/shard.h"
#include "kernel/read/unix_join.h"
#include "kernel/read/waiters.h"

enum {
	PROTOS_UNIX = BIT(PROTO_UNIX_STREAM) | BIT(PROTO_UNIX_DGRAM) |
		      BIT(PROTO_UNIX_SEQPACKET),
	/* Whatever is shown now, who reads a record asks for something else. Not the
	 * storage of BPF programs: a row of it may be larger than what ss reads into. */
	NEEDS_RECORDED = NEED_INFO | NEED_SKMEM | NEED_MEMINFO | NEED_CONG |
			 NEED_CC_INFO | NEED_TOS | NEED_TCLASS | NEED_DROPS |
			 NEED_ATTRIBUTES | NEED_UNIX_CLIENTS,
};

static uint32_t ext_for(uint32_t needs, bool listeners)
{
	uint32_t ext = 0;

	if (needs & NEED_INFO)
		ext |= EXT_BIT(INET_DIAG_INFO);
	if ((needs & NEED_SKMEM) || (listeners && (needs & NEED_DROPS)))
		ext |= EXT_BIT(INET_DIAG_SKMEMINFO);
	if (needs & NEED_MEMINFO)
		ext |= EXT_BIT(INET_DIAG_MEMINFO);
	if (needs & NEED_CONG)
		ext |= EXT_BIT(INET_DIAG_CONG);
	if (needs & NEED_CC_INFO)
		ext |= EXT_BIT(INET_DIAG_VEGASINFO);
	if (needs & NEED_TOS)
		ext |= EXT_BIT(INET_DIAG_TOS);
	if (needs & NEED_TCLASS)
		ext |= EXT_BIT(INET_DIAG_TCLASS);
	if (needs & NEED_BPF)
		ext |= EXT_BIT(UAPI_INET_DIAG_SK_BPF_STORAGES);
	return ext;
}

/* What failed is told, and makes the result incomplete. */
static int note_lack(struct collector *c, const char *what, int err)
{
	struct fault f = FAULT_INIT;

	c->complete = false;
	fault(&f, -err, "%s", what);
	if (c->sink->note)
		c->sink->note(c->sink->ctx, "incomplete-dump", f.what);
	return 0;
}

/* A dump did: what came before stays. */
static int note_failure(struct collector *c, const char *what, int err)
{
	c->rows_missing = true;
	return note_lack(c, what, err);
}

/* Whether a dump is of many rows that nothing but their number makes slow; a record is of
 * one dump. */
static bool can_shard(const struct collector *c, const struct inet_query *q)
{
	return q->protocol == IPPROTO_TCP && (q->states & 1 << STATE_ESTABLISHED) &&
	       !q->bytecode.len && !q->sport && !q->dport && !c->recorder;
}

static int run_query(struct collector *c, const struct inet_query *q, const char *what)
{
	unsigned shards = can_shard(c, q) ? shard_count(c->r->threads) : 1;
	int err = shards > 1 ? shard_dump(&c->r->dump, q, shards, collect_inet_message, c)
			     : inet_dump(&c->r->dump, q, collect_inet_message, c);

	if (c->sink_error)
		return c->sink_error;
	/* Refused before a row came: no right to ask for marks, or an operation it does
	 * not know. */
	if ((err == -EPERM || err == -EINVAL) && q->bytecode.len) {
		struct inet_query plain = *q;

		plain.bytecode.len = 0;
		return run_query(c, &plain, what);
	}
	return err < 0 ? note_failure(c, what, err) : 0;
}

/* What the kernel can decide of the filter, as the request's own fields or as bytecode.
 */
static void add_filter(const struct collector *c, struct inet_query *q,
		       struct buf *program)
{
	buf_reset(program);
	if (c->recorder)
		return;
	/* Looked at before any program runs, but not by every walk. */
	filter_only_ports(c->req->filter, &q->sport, &q->dport);
	if (c->req->filter && bytecode_compile(program, c->req->filter, &reader_caps))
		q->bytecode = (struct blob){ program->data, (uint32_t)program->len };
}

static void tell_unsettled(const struct collector *c, bool settled)
{
	if (!settled && c->sink->note)
		c->sink->note(c->sink->ctx, "listeners-unsettled",
			      "listeners come and go faster than they can be read: "
			      "some may be missing or gone");
}

/* Rows of their own, so that the index stays as the kernel told it. */
static int show_listeners(struct collector *c, const struct listeners *l)
{
	size_t i;
	int r = 0;

	tell_unsettled(c, l->settled);
	for (i = 0; i < l->n && r == 0; i++) {
		struct sock s = *l->v[i];

		r = collect_row(c, &s);
	}
	return r;
}

static bool wants_waiters(const struct sock *listener, const void *ctx)
{
	const struct collector *c = ctx;

	if (!listener->recv_queue && !c->req->all_waiters)
		return false;
	return !c->req->filter ||
	       filter_eval(c->req->filter, listener, c->known) != FILTER_NO;
}

/*
 * All of them as an index, if who waits in their queues must be known before they are
 * shown; else row by row, and only those that the filter lets through. Then an index is
 * made when the first un-accepted connection asks for it, which most listings have none
 * of.
 */
static int read_listeners(struct collector *c, const struct blob *bytecode)
{
	uint32_t ext = ext_for(c->needs, true);
	int err;

	if (!(c->needs & NEED_WAITERS)) {
		bool settled;

		err = listeners_each(&c->r->dump, ext, bytecode, collect_inet_message, c,
				     &settled);
		if (c->sink_error)
			return c->sink_error;
		tell_unsettled(c, settled);
		return err < 0 ? note_failure(c, "read the listeners", err) : 0;
	}
	err = reader_listeners(c->r, ext);
	if (err < 0)
		note_failure(c, "read the listeners", err);
	if (err == 0) {
		recorder_beside(c->recorder, true);
		err = waiters_read(c->r, wants_waiters, c);
		recorder_beside(c->recorder, false);
		if (err < 0)
			note_failure(c, "read who waits in the accept queues", err);
	}
	return show_listeners(c, &c->r->listeners);
}

/* Whether the connection is there; who else would take it, a listener, is no answer. */
static int ask_exact(struct collector *c, const struct addr *local,
		     const struct addr *peer, uint32_t ifindex, struct sock *s)
{
	int err = inet_exact(&c->r->dump, local, peer, ifindex, 0,
			     ext_for(c->needs, false), s);

	return err == 0 && (s->local.port != local->port || s->peer.port != peer->port)
		       ? -ENOENT
		       : err;
}

/*
 * One connection by its four-tuple: one request instead of a walk. What is bound to a
 * device, as every connection of a link-local address is, only those find who ask for
 * that device.
 */
static int read_exact(struct collector *c, const struct addr *local,
		      const struct addr *peer)
{
	struct if_nameindex *devices;
	struct sock s;
	size_t i;
	int err = ask_exact(c, local, peer, 0, &s);

	if (err == -ENOENT && !(devices = if_nameindex()))
		return note_failure(c, "list the interfaces", -errno);
	if (err == -ENOENT) {
		for (i = 0; devices[i].if_index && err == -ENOENT; i++)
			err = ask_exact(c, local, peer, devices[i].if_index, &s);
		if_freenameindex(devices);
	}
	if (err == -ENOENT)
		return 0;
	if (err < 0)
		return note_failure(c, "ask for one connection", err);
	return collect_row(c, &s);
}

/*
 * Whether the table can have rows: the walk, of all namespaces' sockets where they share
 * one, is spared if the namespace counts none. Half-open requests are not counted; they
 * come of a packet, and may stay when their listener is closed.
 */
static bool worth_a_walk(const struct collector *c, uint32_t states)
{
	return c->matched_listeners || c->recorder || !sockstat_no_tcp() ||
	       ((states & STATES_SYN_RECV) && procfile_tcp_came());
}

/* A record is of all of them, whatever is shown. */
static uint32_t states_of(const struct collector *c)
{
	return c->recorder ? (uint32_t)STATES_ALL : c->req->states;
}

static bool can_ask_exactly(const struct collector *c, struct addr *local,
			    struct addr *peer)
{
	const struct collect_request *req = c->req;

	/* The answer to a single question never has their storage, nor is it looked for
	 * among sockets that are only bound. */
	return req->filter && !c->recorder && !(c->needs & NEED_BPF) &&
	       (req->bound_unless_listening ||
		!(req->states & (1 << STATE_BOUND_INACTIVE))) &&
	       filter_exact(req->filter, local, peer);
}

struct bound_walk {
	struct collector *c;
	uint64_t n;
};

static int take_bound(const struct nlmsghdr *h, void *ctx)
{
	struct bound_walk *w = ctx;

	w->n++;
	return collect_inet_message(h, w->c);
}

static int dump_bound(struct bound_walk *w, struct inet_query *q)
{
	struct nl *nl = &w->c->r->dump;
	int err;

	q->states = 1 << STATE_BOUND_INACTIVE;
	err = inet_dump(nl, q, take_bound, w);
	/* As in run_query(). */
	if ((err == -EPERM || err == -EINVAL) && q->bytecode.len && !w->n) {
		q->bytecode.len = 0;
		err = inet_dump(nl, q, take_bound, w);
	}
	return err;
}

/* A kernel that does not know the state shows none of them, as if there were none. The
 * rest of a record's rows are whole all the same. */
static int read_bound(struct collector *c, struct inet_query *q, int *listed)
{
	struct bound_walk w = { .c = c };
	int err, refused;

	recorder_beside(c->recorder, true);
	err = bound_error(dump_bound(&w, q));
	recorder_beside(c->recorder, false);
	if (c->sink_error)
		return c->sink_error;
	if (err < 0)
		return note_failure(c, "read the bound sockets", err);
	*listed = 1;
	if (!w.n && (c->recorder || collect_asks_for_bound(c)))
		*listed = bound_are_listed(c->r, &refused);
	if (*listed <= 0 && collect_asks_for_bound(c))
		collect_lacks_bound(c, *listed);
	return 0;
}

static int read_tcp(struct collector *c, int *listed)
{
	const struct collect_request *req = c->req;
	uint32_t states = states_of(c), listen = states & (1 << STATE_LISTEN);
	uint32_t others = states & ~(1u << STATE_LISTEN | 1u << STATE_BOUND_INACTIVE);
	_cleanup_buf_ struct buf program = { 0 };
	struct inet_query q = { .protocol = IPPROTO_TCP };
	struct addr local, peer;
	int r = 0;

	c->proto = PROTO_TCP;
	if (can_ask_exactly(c, &local, &peer))
		return read_exact(c, &local, &peer);
	add_filter(c, &q, &program);
	if (listen)
		r = read_listeners(c, &q.bytecode);
	q.ext = ext_for(c->needs, false);
	if (r == 0 && others && worth_a_walk(c, others)) {
		q.states = others;
		if (others & (1 << STATE_SYN_RECV))
			q.states |= 1 << STATE_NEW_SYN_RECV;
		if (req->v6 && !req->v4 && !c->recorder)
			q.family = AF_INET6;
		r = run_query(c, &q, "read the TCP sockets");
	}
	if (r == 0 && (states & (1 << STATE_BOUND_INACTIVE)) &&
	    (c->recorder || collect_wants_bound(c)))
		r = read_bound(c, &q, listed);
	return r;
}

static int read_udp(struct collector *c)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	_cleanup_buf_ struct buf program = { 0 };
	size_t i;
	int r = 0;

	c->proto = PROTO_UDP;
	for (i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
		struct inet_query q = { .protocol = IPPROTO_UDP,
					.family = families[i],
					.states = states_of(c),
					.ext = ext_for(c->needs, true) };

		if (families[i] == AF_INET && c->req->v6 && !c->req->v4 && !c->recorder)
			continue;
		add_filter(c, &q, &program);
		r = run_query(c, &q, "read the UDP sockets");
	}
	return r;
}

/* Of what is only judged, the states of listeners, and of datagram sockets: one is
 * ESTABLISHED once somebody has connected to it. A record is of all. */
static uint32_t unix_states(const struct collector *c)
{
	const uint32_t judged = 1u << STATE_LISTEN | 1u << STATE_CLOSE |
				1u << STATE_ESTABLISHED;

	return (c->req->judged & PROTOS_UNIX) && !c->recorder ? c->req->states & judged
							      : states_of(c);
}

static int read_unix(struct collector *c)
{
	uint32_t states = unix_states(c);
	uint32_t show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
			UDIAG_SHOW_RQLEN | UAPI_UDIAG_SHOW_UID;
	bool join = (c->needs & NEED_UNIX_PEER) && states == states_of(c);
	struct unix_rows rows = { 0 };
	int err, r = 0;

	if (!states)
		return 0;
	if (c->needs & NEED_UNIX_CLIENTS)
		show |= UDIAG_SHOW_ICONS;
	if (c->needs & (NEED_SKMEM | NEED_MEMINFO | NEED_DROPS))
		show |= UDIAG_SHOW_MEMINFO;
	if (join) {
		/* The peer may be in a state or of a name that is not asked for: all are
		 * read. */
		err = unix_dump(&c->r->dump, ~0u, show, unix_rows_add, &rows);
		if (err == 0 && rows.crowded && !c->recorder)
			err = unix_dump(&c->r->dump, 1u << STATE_LISTEN, UDIAG_SHOW_ICONS,
					unix_rows_add_waits, &rows);
		r = unix_rows_show(&rows, c);
		unix_rows_free(&rows);
	} else {
		err = unix_dump(&c->r->dump, states, show, collect_unix_message, c);
	}
	if (r < 0 || c->sink_error)
		return r < 0 ? r : c->sink_error;
	return err < 0 ? note_failure(c, "read the unix sockets", err) : 0;
}

static int no_row(const struct nlmsghdr *h, void *ctx)
{
	(void)h, (void)ctx;
	return 0;
}

/* A dump that asks for them is refused as a whole to those who may not: of no state, so
 * that nothing is read to find out. */
static void without_refused_storages(struct collector *c)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.family = AF_INET,
				.ext = ext_for(NEED_BPF, false) };
	int err;

	if (!(c->needs & NEED_BPF) ||
	    (err = inet_dump(&c->r->dump, &q, no_row, NULL)) == 0)
		return;
	c->needs &= ~(uint32_t)NEED_BPF;
	if (!c->sink->note)
		return;
	c->sink->note(c->sink->ctx, "bpf-refused",
		      err == -EPERM
			      ? "what BPF programs keep for sockets is told to root "
				"only (CAP_BPF)"
			      : "this kernel does not tell what BPF programs keep for "
				"sockets");
}

static int take_storage(const struct nlmsghdr *h, void *ctx)
{
	struct sock s;

	if (inet_parse(h, PROTO_TCP, &s) && s.bpf_storages.len)
		recorder_storage(ctx, &s);
	return 0;
}

/* What BPF programs keep has a dump of its own: those who may not hear of it are refused
 * the whole dump, and ss has no room for a row with it. */
static void record_storages(struct collector *c)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = states_of(c) | 1 << STATE_NEW_SYN_RECV,
				.ext = ext_for(NEED_BPF, false) };
	struct nl_record *record = take_ptr(&c->r->dump.record);
	int err = inet_dump(&c->r->dump, &q, take_storage, c->recorder);

	if (err == 0)
		recorder_has_storages(c->recorder);
	c->r->dump.record = record;
}

/* Second readings and answers to single questions, too: they tell who waits. */
static void begin_record(struct collector *c)
{
	struct nl_record *listener = recorder_listener(c->recorder);
	int err = reader_side_socket(c->r);

	c->r->dump.record = listener;
	if (err == 0) {
		c->r->exact.record = listener;
	} else {
		note_failure(c, "open a socket for second readings", err);
		listener->failed(listener, err);
	}
}

static int read_all(struct collector *c)
{
	int listed = -1, r = 0, err;

	if (c->req->protos & BIT(PROTO_TCP))
		r = read_tcp(c, &listed);
	c->r->exact.record = NULL;
	err = c->recorder ? recorder_end_tcp(c->recorder, listed) : 0;
	if (err)
		note_lack(c, "ask for the name of this host", err);
	if (c->recorder && (c->req->protos & BIT(PROTO_TCP)))
		record_storages(c);
	if (r == 0 && (c->req->protos & BIT(PROTO_UDP))) {
		recorder_section(c->recorder, PROTO_UDP);
		r = read_udp(c);
	}
	if (r == 0 && (c->req->protos & PROTOS_UNIX)) {
		recorder_section(c->recorder, PROTO_UNIX_STREAM);
		r = read_unix(c);
	}
	return r;
}

int collect_live(struct collector *c, struct fault *f)
{
	struct nl *nl = &c->r->dump;
	int r;

	if (c->req->record && !nl->sock)
		return fault_say(
			f, EOPNOTSUPP,
			"--record keeps what sock_diag says, which is refused or "
			"missing here");
	if (c->req->record)
		c->needs |= NEEDS_RECORDED;
	c->all_attributes = ext_for(c->needs, true) ||
			    (c->needs & (NEED_ATTRIBUTES | NEED_CGROUP | NEED_OWNERS |
					 NEED_PEER_OWNERS));
	if (!nl->sock)
		/* Which tells nothing of the queue of a unix listener. */
		return collect_procnet(
			c, c->req->protos & ~(c->req->judged & PROTOS_UNIX), f);
	without_refused_storages(c);
	if (c->req->record) {
		c->recorder = recorder_new(c->req->record, c->req->protos);
		begin_record(c);
	}
	r = read_all(c);
	nl->record = NULL;
	if (c->recorder && r == 0)
		recorder_end(c->recorder, &c->r->cgroups, c->r->threads);
	recorder_free(take_ptr(&c->recorder));
	if (nl->interrupted)
		note_failure(c, "a dump was interrupted by changes of the table",
			     -EAGAIN);
	return r;
}
