/*
 * Recorded dumps. The file is what recvmsg() gave, message after message, as `ss -D`
 * writes it too (types 18 and 20, IPv4 then IPv6, each with its DONE). inet_diag messages
 * do not say their protocol: TCP unless a section marker of ours says otherwise. What
 * else is ours in it stands in record_private.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/owners_kept.h"
#include "kernel/read/record_private.h"
#include "kernel/read/replay.h"
#include "kernel/read/unix_join.h"
#include "model/field/field.h"

/* The reading of a file. */
struct replay {
	struct collector *c;
	struct unix_rows unix_rows;
	struct collector queues, rest; /* TCP rows that wait for those of all queues */
	bool tcp_over;		       /* they were shown */
	int failed; /* errno of a dump or a question that failed when it was recorded */
	bool told;  /* that the file itself is no whole record */
	/* Of the first reading. */
	uint8_t proto;
	bool empty;	 /* not one message */
	bool has_bound;	 /* a socket that is only bound */
	bool open;	 /* a dump of the kernel has no end */
	uint32_t protos; /* BIT(enum sock_proto) of which there are rows, or could be */
};

enum {
	PROTOS_UNIX = BIT(PROTO_UNIX_STREAM) | BIT(PROTO_UNIX_DGRAM) |
		      BIT(PROTO_UNIX_SEQPACKET),
};

/* Rows may be missing: said once. */
static void is_incomplete(struct replay *p, const char *id, const char *why)
{
	const struct collect_sink *sink = p->c->sink;

	p->c->complete = false;
	p->c->rows_missing = true;
	if (sink->note && !p->told)
		sink->note(sink->ctx, id, why);
	p->told = true;
}

/* ---- what it says beside the sockets ---- */

static bool is_section(const struct nlmsghdr *h)
{
	return h->nlmsg_type == NLMSG_NOOP && record_is_marked(h) &&
	       ((const struct record_head *)h)->kind < PROTO_COUNT;
}

static bool is_socket(const struct nlmsghdr *h)
{
	return h->nlmsg_type == UAPI_TCPDIAG_GETSOCK ||
	       h->nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

/* Listed where they were asked for; inet_parse() says why it is this state. */
static bool is_bound(const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);

	return h->nlmsg_len >= NLMSG_LENGTH(sizeof(*m)) && m->idiag_state == STATE_CLOSE;
}

static int take_facts(const struct nlmsghdr *h, void *ctx)
{
	struct replay *p = ctx;
	struct reader *r = p->c->r;

	p->empty = false;
	if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
		p->open = false;
	if (is_section(h)) {
		p->proto = ((const struct record_head *)h)->kind;
		p->protos |= p->proto < PROTO_UNIX_STREAM ? BIT(p->proto) : PROTOS_UNIX;
	}
	recorded_take(&r->recorded, &r->owners, h);
	if (!is_socket(h))
		return 0;
	p->has_bound |= p->proto == PROTO_TCP && is_bound(h);
	p->open |= (h->nlmsg_flags & NLM_F_MULTI) && !r->recorded.is_ours;
	if ((p->c->needs & NEED_PEER_OWNERS) && p->proto == PROTO_TCP)
		recorded_note_end(&r->recorded, h);
	return 0;
}

/* Whatever its second reading comes to tells what is wrong with it. */
static int read_facts(struct replay *p, struct replay_file *file, struct fault *f)
{
	struct reader *r = p->c->r;
	struct fault first = FAULT_INIT;
	bool cut;
	int err;

	recorded_free(&r->recorded);
	r->recorded.meta.lists_bound = -1;
	owners_begin_kept(&r->owners);
	r->replays = true;
	p->empty = true;
	p->proto = PROTO_TCP;
	p->protos = BIT(PROTO_TCP);
	err = replay_each(file, take_facts, p, &cut, &first);
	if (err < 0 && err != -EBADMSG) {
		if (f)
			*f = first;
		return err;
	}
	if (!r->recorded.has_owners) {
		r->owners.unseen = OWNER_NOT_RECORDED;
		snprintf(r->owners.unseen_why, sizeof(r->owners.unseen_why), "%s",
			 r->recorded.is_ours	       ? "the record ends before it"
			 : p->protos == BIT(PROTO_TCP) ? "ss -D does not"
						       : "an older sockctl made it");
	}
	return replay_rewind(file, f);
}

/* ---- the sockets ---- */

/* The number of an interface is one of the host that was recorded. */
static void mark_scope(struct addr *a)
{
	if (a->scope)
		a->scope |= ADDR_SCOPE_ELSEWHERE;
}

/* What BPF programs keep stands apart from the sockets. */
static void add_storages(const struct replay *p, struct sock *s)
{
	const struct recorded *r = &p->c->r->recorded;
	const struct recorded_name *kept;

	if (s->bpf_storages.len || !s->cookie)
		return;
	kept = recorded_name(&r->storages, s->cookie);
	if (kept)
		s->bpf_storages = (struct blob){ kept->text, kept->len };
	else if (!r->has_storages)
		s->has |= SOCK_LACKS_STORAGES;
}

static bool parse_inet(const struct replay *p, const struct nlmsghdr *h, struct sock *s)
{
	if (!inet_parse(h, p->c->proto, s))
		return false;
	mark_scope(&s->local);
	mark_scope(&s->peer);
	if (p->c->proto == PROTO_TCP)
		add_storages(p, s);
	return true;
}

/* A peer's path may come later in the file: unix rows wait for the end of it. */
static int replay_unix(struct replay *p, const struct nlmsghdr *h)
{
	if (!(p->c->needs & NEED_UNIX_PEER))
		return collect_unix_message(h, p->c);
	return unix_rows_add(h, &p->unix_rows);
}

/*
 * Who waits in whose queue is known at the end of the TCP rows: what is of a queue waits
 * for it (it may be in the file more than once), and with it the rest where listeners
 * come first. But as long as nobody asks for that count, listeners and the rest are shown
 * as they come.
 */
static int replay_tcp(struct replay *p, const struct nlmsghdr *h)
{
	struct collector *c = p->c;
	bool counts = c->needs & NEED_WAITERS;
	struct sock s;

	if (!parse_inet(p, h, &s))
		return 0;
	if (p->tcp_over)
		return collect_row(c, &s);
	if (record_is_of_queue(&s))
		collect_keep(&p->queues, &s);
	else if (counts)
		collect_keep(&p->rest, &s);
	return counts || sock_is_unaccepted(&s) ? 0 : collect_row(c, &s);
}

static int replay_udp(struct replay *p, const struct nlmsghdr *h)
{
	struct sock s;

	return parse_inet(p, h, &s) ? collect_row(p->c, &s) : 0;
}

static int end_tcp(struct replay *p)
{
	int r = 0;

	if (!p->tcp_over)
		r = replay_queues(p->c, &p->queues, &p->rest);
	p->tcp_over = true;
	collect_drop_held(&p->queues);
	collect_drop_held(&p->rest);
	return r;
}

static int replay_socket(struct replay *p, const struct nlmsghdr *h)
{
	struct collector *c = p->c;

	if (h->nlmsg_len > NLMSG_LENGTH(0) && *(const uint8_t *)NLMSG_DATA(h) == AF_UNIX)
		return replay_unix(p, h);
	if (c->proto != PROTO_TCP && c->proto != PROTO_UDP) {
		is_incomplete(
			p, "broken-record",
			"the recorded dump has a socket of IPv4 or IPv6 among those "
			"of unix: it is left out");
		return 0;
	}
	return c->proto == PROTO_TCP ? replay_tcp(p, h) : replay_udp(p, h);
}

/* A DONE that carries an errno makes the record incomplete, as it was when it was made.
 */
static int replay_message(const struct nlmsghdr *h, void *ctx)
{
	struct replay *p = ctx;

	if ((h->nlmsg_flags & NLM_F_DUMP_INTR) && !p->failed)
		p->failed = EINTR;
	if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
		int32_t err = 0;

		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
			memcpy(&err, NLMSG_DATA(h), sizeof(err));
		if (nl_error_of(err))
			p->failed = -nl_error_of(err);
		return 0;
	}
	if (is_section(h)) {
		p->c->proto = ((const struct record_head *)h)->kind;
		return p->c->proto == PROTO_TCP ? 0 : end_tcp(p);
	}
	return is_socket(h) ? replay_socket(p, h) : 0;
}

/* ---- what it lacks ---- */

static void tell_failed(const struct replay *p)
{
	const struct collect_sink *sink = p->c->sink;
	struct fault f = FAULT_INIT;

	if (!p->failed)
		return;
	p->c->complete = false;
	p->c->rows_missing = true;
	fault(&f, p->failed, "the record lacks what could not be read when it was made");
	if (sink->note)
		sink->note(sink->ctx, "incomplete-dump", f.what);
}

/* Sockets of a protocol that was not recorded are unknown, not absent. */
static void tell_not_recorded(struct replay *p)
{
	const struct recorded_meta *m = &p->c->r->recorded.meta;
	uint32_t lacks = p->c->req->protos & ~(m->origin.known ? m->protos : p->protos);
	const struct collect_sink *sink = p->c->sink;
	char text[128];

	if (!lacks)
		return;
	p->c->complete = false;
	snprintf(text, sizeof(text), "the recorded dump has no%s%s%s sockets",
		 lacks & BIT(PROTO_TCP) ? " TCP" : "",
		 lacks & BIT(PROTO_UDP) ? " UDP" : "",
		 lacks & PROTOS_UNIX ? " unix" : "");
	if (sink->note)
		sink->note(sink->ctx, "not-recorded", text);
}

static void tell_no_bound(struct replay *p)
{
	if (collect_asks_for_bound(p->c) && !p->has_bound &&
	    p->c->r->recorded.meta.lists_bound <= 0)
		collect_lacks_bound(p->c, 0);
}

static void tell_broken(struct replay *p, bool cut)
{
	const struct recorded *r = &p->c->r->recorded;

	if (cut)
		is_incomplete(p, "truncated-record",
			      "the recorded dump ends in the middle of a message");
	else if (p->empty)
		is_incomplete(p, "truncated-record",
			      "the file is empty: a recorded dump has at least an end");
	else if (p->open || (r->is_ours && !r->ended))
		is_incomplete(p, "truncated-record",
			      "the recorded dump ends before its end is marked");
	if (r->meta.newer)
		is_incomplete(
			p, "broken-record",
			"a newer sockctl recorded this: some of it is not understood");
	if (r->broken)
		is_incomplete(p, "broken-record",
			      "a part of the recorded dump makes no sense: it is left "
			      "out");
}

static int replay_rows(struct replay *p, const struct replay_file *file, struct fault *f)
{
	bool cut = false;
	int r = replay_each(file, replay_message, p, &cut, f);

	if (r == 0)
		tell_broken(p, cut);
	/* What came before an error is shown all the same. */
	if (r == 0 || r == -EBADMSG) {
		int shown_tcp = end_tcp(p);

		r = r < 0 ? r : shown_tcp;
	}
	if (r == 0 || r == -EBADMSG) {
		int joined = unix_rows_show(&p->unix_rows, p->c);

		r = r < 0 ? r : joined;
	}
	if (r == 0) {
		tell_not_recorded(p);
		tell_no_bound(p);
	}
	tell_failed(p);
	return r;
}

int collect_replay(struct collector *c, struct fault *f)
{
	struct replay replay = { .c = c };
	struct replay_file file;
	int r = replay_open(&file, c->req->from, f);

	if (r == 0)
		r = read_facts(&replay, &file, f);
	c->proto = PROTO_TCP;
	/* Of the file, not of this machine. */
	c->r->listeners.read = c->r->listeners.settled = true;
	if (r == 0)
		r = replay_rows(&replay, &file, f);
	unix_rows_free(&replay.unix_rows);
	collect_drop_held(&replay.queues);
	collect_drop_held(&replay.rest);
	if (r == -EBADMSG && f && f->err == EBADMSG) {
		char what[sizeof(f->what)];

		memcpy(what, f->what, sizeof(what));
		fault_say(f, EBADMSG, "%.200s: %.200s", file.shown, what);
		fault_hint(f, "--from reads what --record or 'ss -D FILE' wrote");
	}
	replay_close(&file);
	return r;
}
