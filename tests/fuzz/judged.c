/*
 * Findings and --bindable of any rows: those of a dump, held by processes of any name,
 * with any figures as evidence. The sentences are for a terminal, the objects JSON. The
 * bytes: a length, so many for the figures, then the dump.
 */
#include <errno.h>
#include <string.h>

#include "fuzz/lib/rows.h"
#include "model/cause/bind_facts.h"
#include "model/field/field.h"
#include "model/rule/rules.h"
#include "view/view_bindable.h"
#include "view/view_findings.h"

#include "fuzz.h"

enum { MOST_ROWS = 400 };

struct bytes {
	const uint8_t *p;
	size_t left;
};

/* Small numbers mostly, for thresholds lie there; zeros when the bytes are used up. */
static uint64_t number(struct bytes *b)
{
	static const uint64_t edges[] = { 0,	     1,		 16,	    1000,
					  60000,     UINT16_MAX, INT32_MAX, UINT32_MAX,
					  INT64_MAX, UINT64_MAX };
	uint8_t c;

	if (!b->left)
		return 0;
	c = *b->p++;
	b->left--;
	return c < 0x80 ? c : edges[c % ARRAY_SIZE(edges)];
}

static bool yes(struct bytes *b)
{
	return number(b) & 1;
}

static const char *word(struct arena *a, struct bytes *b)
{
	size_t len = (size_t)number(b) % 24;
	const char *text;

	len = MIN(len, b->left);
	text = arena_strndup(a, (const char *)b->p, len);
	b->p += len;
	b->left -= len;
	return text;
}

static const struct holder *holders(struct arena *a, struct bytes *b)
{
	const struct holder *first = NULL;
	size_t n = number(b) % 4;

	while (n--) {
		struct holder *h = arena_zalloc(a, sizeof(*h));

		h->pid = (int32_t)(number(b) & INT32_MAX);
		h->fd = (int32_t)number(b);
		h->command = word(a, b);
		h->unnamed = yes(b);
		h->next = first;
		first = h;
	}
	return first;
}

struct rows {
	struct arena arena;
	struct sock *v[MOST_ROWS];
	size_t n;
	struct detect detect;
};

static int keep_row(void *ctx, struct sock *s)
{
	struct rows *r = ctx;

	rows_check(s);
	detect_row(&r->detect, s);
	if (r->n < MOST_ROWS)
		r->v[r->n++] = sock_dup(&r->arena, s);
	return 0;
}

static struct connection_facts *connections(struct arena *a, struct bytes *b,
					    const struct suspects *list)
{
	struct connection_facts *v = arena_zalloc(a, list->n * sizeof(*v) + 1);
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		struct connection_facts *c = &v[i];

		c->row = list->v[i];
		for (k = 0; k < 2; k++) {
			c->recv[k] = (uint32_t)number(b);
			c->send[k] = (uint32_t)number(b);
			c->acked[k] = number(b);
			c->received[k] = number(b);
			c->drops[k] = number(b);
			c->sent[k].bytes = number(b);
			c->sent[k].bytes_again = number(b);
			c->sent[k].again = (uint32_t)number(b);
			c->sent[k].duplicates = (uint32_t)number(b);
			c->read[k] = !yes(b);
		}
		c->age_ms = (uint32_t)number(b) * 1000;
		c->sent_ms = (uint32_t)number(b) * 1000;
		c->received_ms = (uint32_t)number(b) * 1000;
		c->rcvbuf = (uint32_t)number(b);
		c->rmem[0] = (uint32_t)number(b);
		c->rmem[1] = (uint32_t)number(b);
		c->snd_wnd = (uint32_t)number(b);
		c->mss = (uint32_t)number(b);
		c->unsent = (uint32_t)number(b);
		c->unacked = (uint32_t)number(b);
		c->busy_us = number(b) * 1000;
		c->rtt_us = (uint32_t)number(b);
		c->reordered = (uint32_t)number(b);
		c->ca_state = (uint8_t)number(b);
		c->has_sent = !yes(b);
		c->has_send_window = !yes(b);
		c->rcv_wnd = (uint32_t)number(b);
		c->retrans = (uint32_t)number(b);
		c->rto_us = (uint32_t)number(b);
		c->backoff = (uint8_t)number(b);
		c->suspect = !yes(b);
		c->has_info = !yes(b);
		c->has_mem = !yes(b);
		c->has_windows = !yes(b);
		c->has_listener = yes(b);
		c->is_awaited = yes(b);
		c->alone[0] = yes(b);
		c->alone[1] = yes(b);
		c->place = yes(b) ? v : NULL;
		c->holders = holders(a, b);
	}
	return v;
}

static void stats(struct bytes *b, struct accept_stats *s)
{
	size_t i;

	s->syn_queue = (uint32_t)number(b);
	s->syn_retrans = (uint32_t)number(b);
	s->waiting = (uint32_t)number(b);
	s->closed = (uint32_t)number(b);
	s->gave_up = (uint32_t)number(b);
	s->longest_wait_ms = (uint32_t)number(b) * 1000;
	s->oldest_wait_ms = (uint32_t)number(b) * 1000;
	s->unaged = (uint32_t)number(b);
	for (i = 0; i < ACCEPT_HOSTS; i++)
		s->hosts[i].n = (uint32_t)number(b);
	s->other_hosts = (uint32_t)number(b);
	s->attributable = yes(b);
	s->stable = yes(b);
	s->has_wait = yes(b);
}

static void listeners(struct arena *a, struct bytes *b, const struct detect *d,
		      struct evidence *e)
{
	size_t i, k;

	e->n_listeners = d->listeners.n;
	e->listeners = arena_zalloc(a, e->n_listeners * sizeof(*e->listeners) + 1);
	for (i = 0; i < e->n_listeners; i++) {
		struct listener_facts *l = &e->listeners[i];

		l->row = d->listeners.v[i];
		l->limit = (uint32_t)number(b);
		l->members = 1 + (uint32_t)number(b) % 3;
		for (k = 0; k < 2; k++) {
			l->queued[k] = (uint32_t)number(b);
			l->drops[k] = number(b);
			l->read[k] = !yes(b);
			stats(b, &l->stats[k]);
		}
		l->has_drops = yes(b);
		l->suspect = !yes(b);
		l->shadow = yes(b);
		l->holders = holders(a, b);
	}
}

static void receivers(struct arena *a, struct bytes *b, const struct detect *d,
		      struct evidence *e)
{
	size_t i, k;

	e->n_receivers = d->receivers.n;
	e->receivers = arena_zalloc(a, e->n_receivers * sizeof(*e->receivers) + 1);
	for (i = 0; i < e->n_receivers; i++) {
		struct receiver_facts *to = &e->receivers[i];
		const struct holder *h = holders(a, b);

		to->l.row = d->receivers.v[i];
		to->l.suspect = to->l.read[0] = to->l.read[1] = !yes(b);
		to->l.queued[0] = to->l.queued[1] = (uint32_t)number(b);
		to->l.holders = holders(a, b);
		to->unseen = number(b);
		to->senders = arena_zalloc(a, 4 * sizeof(*to->senders));
		for (k = 0; h; h = h->next, k++)
			to->senders[k] = (struct sender){ .holder = h, .stands = yes(b) };
		to->n_senders = k;
	}
}

static void counters(struct bytes *b, struct net_counters *c)
{
	c->listen_overflows = number(b);
	c->listen_drops = number(b);
	c->syncookies_sent = number(b);
	c->reqq_full = number(b);
	c->tw_overflow = number(b);
	c->udp_full = number(b);
	c->udp_memory = number(b);
	c->known = yes(b);
}

static void limits(struct bytes *b, struct net_limits *l)
{
	l->somaxconn = number(b);
	l->syn_backlog = number(b);
	l->tw_buckets = number(b);
	l->max_orphans = number(b);
	l->abort_on_overflow = number(b);
	l->syncookies = number(b);
	l->tw_reuse = number(b);
	l->timestamps = number(b);
	l->ephemeral_ports = number(b);
	l->ephemeral_listeners = number(b);
	l->time_wait = number(b);
	l->orphans = number(b);
	l->has_somaxconn = yes(b);
	l->has_syn_backlog = yes(b);
	l->has_tw_buckets = yes(b);
	l->has_max_orphans = yes(b);
	l->has_sockstat = yes(b);
}

static void processes(struct arena *a, struct bytes *b, struct evidence *e)
{
	size_t i, k;

	e->n_processes = number(b) % 6;
	e->processes = xcalloc(e->n_processes + 1, sizeof(*e->processes));
	for (i = 0; i < e->n_processes; i++) {
		struct process_facts *p = &e->processes[i];

		p->pid = (int32_t)(number(b) & INT32_MAX);
		p->command = word(a, b);
		p->unit = yes(b) ? word(a, b) : NULL;
		p->fds = number(b);
		p->fd_limit = number(b);
		p->known = !yes(b);
		for (k = 0; k <= GROWTH_READINGS; k++)
			p->leaked[k] = (uint32_t)number(b);
		p->readings = (uint8_t)(number(b) % (GROWTH_READINGS + 1));
		p->listens = yes(b);
	}
}

static void check_findings(struct rows *r, struct bytes *b)
{
	struct evidence e = { 0 };
	struct findings fs = { 0 };
	const struct detect *d = &r->detect;
	size_t i;
	int json;

	e.interval_ms = (uint32_t)number(b);
	e.growth_ms[1] = (uint32_t)number(b);
	e.growth_ms[2] = e.growth_ms[1] + (uint32_t)number(b);
	e.unowned = (uint8_t)(number(b) % OWNER_STATUSES);
	counters(b, &e.counters[0]);
	counters(b, &e.counters[1]);
	limits(b, &e.limits);
	processes(&e.arena, b, &e);
	listeners(&e.arena, b, d, &e);
	for (i = 0; i < RULES_MOST; i++)
		e.connections[i] = connections(&e.arena, b, &d->suspects[i]);
	receivers(&e.arena, b, d, &e);
	rules_judge(d, &e, &fs);
	for (json = 0; json < 2; json++) {
		_cleanup_out_ struct out out = { 0 };
		struct view_options opt = { .format = json ? VIEW_JSON : VIEW_TABLE,
					    .width = json ? 0 : (size_t)number(b) };

		out_init(&out, -1);
		HOLDS(view_findings(&fs, SEVERITY_NOTE, &opt, &out) == fs.n);
		if (json)
			check_json_lines(&out.b);
		else
			check_harmless(&out.b);
	}
	findings_free(&fs);
	arena_free(&e.arena);
	free(e.processes);
}

static struct bind_found *found(struct rows *r, struct bytes *b, size_t *n)
{
	struct bind_found *v = arena_zalloc(&r->arena, (r->n + 1) * sizeof(*v));
	size_t i;

	*n = 0;
	for (i = 0; i < r->n; i++) {
		struct bind_found *x = &v[*n];
		struct sock *row = r->v[i];

		if (sock_is_unix(row))
			continue;
		row->holders = holders(&r->arena, b);
		row->owner_status = row->holders ? OWNER_FOUND
						 : (uint8_t)(OWNER_NONE + number(b) % 4);
		x->holder.row = row;
		x->holder.reuseaddr = (enum known)(number(b) % 3);
		x->holder.reuseport = (enum known)(number(b) % 3);
		x->holder.v6only = (enum known)(number(b) % 3);
		x->holder.inherited = yes(b);
		x->direction = (enum bind_direction)(number(b) % 3);
		x->age_ms = number(b);
		x->unit = yes(b) ? word(&r->arena, b) : NULL;
		x->user = yes(b) ? word(&r->arena, b) : NULL;
		x->covered = yes(b);
		++*n;
	}
	return v;
}

/* Of what was asked for, no more is foreign than a name. */
static void ask(struct rows *r, struct bytes *b, struct bind_facts *f, struct buf *asked)
{
	const char *name = word(&r->arena, b);

	f->candidate.proto = (uint8_t)(number(b) % PROTO_COUNT);
	f->candidate.addr = r->n && !sock_is_unix(r->v[0])
				    ? r->v[0]->local
				    : (struct addr){ .family = AF_INET, .port = 80 };
	f->candidate.reuseaddr = yes(b);
	f->candidate.reuseport = yes(b);
	f->candidate.v6only = yes(b);
	f->candidate.uid = (uint32_t)number(b);
	buf_put_escaped(asked, name, strlen(name));
	f->address = f->asked = buf_cstr(asked);
	f->user = yes(b) ? word(&r->arena, b) : NULL;
}

static void facts(struct bytes *b, struct bind_facts *f)
{
	f->freebind = yes(b);
	f->privileged = yes(b);
	f->place = (enum bind_place)(number(b) % (PLACE_UNKNOWN + 1));
	f->range_lo = (uint16_t)number(b);
	f->range_hi = (uint16_t)number(b);
	f->unprivileged_from = (uint16_t)number(b);
	f->range_read = yes(b);
	f->reserved = yes(b) ? "8080,9000-9010" : NULL;
	f->port_reserved = f->reserved && yes(b);
	f->range_ports = number(b);
	f->range_free = number(b);
	f->sees_bound = yes(b);
	f->dump_error = yes(b) ? EIO : 0;
	f->owners_error = yes(b) ? EMFILE : 0;
	f->tried = yes(b);
	f->trial_error = yes(b) ? EADDRINUSE : 0;
	f->cannot_try = yes(b);
	f->file = (enum bind_file)(number(b) % (FILE_FORBIDDEN + 1));
	f->file_kind = f->file == FILE_OTHER ? "a directory" : NULL;
	f->file_error = EACCES;
}

static void check_bindable(struct rows *r, struct bytes *b)
{
	_cleanup_buf_ struct buf asked = { 0 }, text = { 0 }, json = { 0 };
	struct causes causes = { .arena = &r->arena };
	struct view_bindable v = { .causes = &causes };
	struct bind_facts f = { 0 };

	ask(r, b, &f, &asked);
	facts(b, &f);
	f.found = found(r, b, &f.n_found);
	for (f.n_listening = 0; f.n_listening < f.n_found; f.n_listening++)
		if (f.found[f.n_listening].holder.row->state != STATE_LISTEN)
			break;
	f.elsewhere = f.found;
	f.n_elsewhere = f.n_found % 4;
	if (f.n_found && (f.file == FILE_LIVE || yes(b)))
		f.taken = &f.found[0];
	else if (f.file == FILE_LIVE)
		f.file = FILE_FREE;
	f.taken_elsewhere = yes(b);
	v.address = f.address;
	v.verdict = cause_of_bind(&f, &causes);
	v.tried = f.tried || f.cannot_try;
	HOLDS(v.verdict == BIND_OK || causes.n);
	view_bindable_text(&text, &v, false, number(b));
	check_harmless(&text);
	view_bindable_json(&json, &v);
	check_json_lines(&json);
	causes_free(&causes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collect_request req = { .states = STATES_ALL,
				       .needs = NEED_LISTENER | NEED_WAITERS };
	struct collect_result result = { 0 };
	struct bytes b = { 0 };
	struct rows *r;
	struct collect_sink sink = { .row = keep_row };

	if (size < 2)
		return 0;
	b.left = MIN((size_t)data[0] << 3, size - 1);
	b.p = data + 1;
	r = xcalloc(1, sizeof(*r));
	r->detect.draw.lo = 32768;
	r->detect.draw.hi = 60999;
	r->detect.notes = true;
	rules_begin(&r->detect);
	sink.ctx = r;
	rows_collect(b.p + b.left, size - 1 - b.left, &req, &sink, &result);
	r->detect.whole_tcp = yes(&b);
	r->detect.whole_ports = yes(&b);
	check_findings(r, &b);
	check_bindable(r, &b);
	detect_free(&r->detect);
	arena_free(&r->arena);
	free(r);
	return 0;
}
