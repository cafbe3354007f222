#include "kernel/explain_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "kernel/bytecode.h"
#include "kernel/diag_inet.h"
#include "kernel/fdsteal.h"
#include "kernel/netns_each.h"
#include "kernel/place.h"
#include "kernel/process.h"
#include "kernel/procfile.h"
#include "model/filter.h"

void kept_add(struct kept *k, const struct sock *s)
{
	if (seen_before(&k->seen, s->cookie))
		return;
	k->v = array_grow(k->v, k->n, &k->cap, sizeof(*k->v));
	k->v[k->n++] = sock_dup(k->arena, s);
}

void kept_free(struct kept *k)
{
	seen_free(&k->seen);
	free(take_ptr(&k->v));
}

void kept_own(struct kept *k, struct reader *r)
{
	struct inode_set wanted = { 0 };
	struct holder *h;
	size_t i;

	for (i = 0; i < k->n; i++)
		inode_set_add(&wanted, k->v[i]->inode);
	if (wanted.n)
		owners_scan(&r->owners, &wanted, NULL, 0, r->threads);
	inode_set_free(&wanted);
	for (i = 0; i < k->n; i++) {
		struct sock s = *k->v[i];

		reader_annotate(r, &s, NEED_OWNERS | NEED_CGROUP | NEED_USER);
		/* Names live as long as the reader; these rows live longer. */
		*k->v[i] = *sock_dup(k->arena, &s);
		for (h = (struct holder *)(uintptr_t)k->v[i]->holders; h;
		     h = (struct holder *)(uintptr_t)h->next)
			h->command = arena_strdup(k->arena, h->command);
		if (s.cgroup)
			k->v[i]->cgroup = arena_strdup(k->arena, s.cgroup);
		if (s.user)
			k->v[i]->user = arena_strdup(k->arena, s.user);
	}
}

void found_process(struct bind_found *x, struct arena *a)
{
	const struct holder *h = x->holder.row->holders;

	x->user = x->holder.row->user;
	if (!h)
		return;
	x->age_ms = process_age_ms(h->pid);
	x->unit = procfile_unit(a, h->pid);
}

struct reading {
	struct kept *k;
	uint8_t proto;
	uint16_t port;
};

static int keep_row(const struct nlmsghdr *h, void *ctx)
{
	struct reading *reading = ctx;
	struct sock s;

	if (inet_parse(h, reading->proto, &s) && bind_holds(&s) &&
	    (!reading->port || s.local.port == reading->port))
		kept_add(reading->k, &s);
	return 0;
}

/* The walk over bound sockets ignores the port of the request's header. */
static int read_bound(struct reader *r, struct reading *reading)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_buf_ struct buf program = { 0 };
	struct port_range range = { reading->port, reading->port };
	struct port_set ports = { &range, 1, 1 };
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = 1 << STATE_BOUND_INACTIVE };

	if (reading->port &&
	    bytecode_compile(&program, filter_ports(&a, SIDE_LOCAL, &ports),
			     &reader_caps))
		q.bytecode = (struct blob){ program.data, (uint32_t)program.len };
	return inet_dump(&r->dump, &q, keep_row, reading);
}

int explain_read_port(struct reader *r, uint8_t proto, uint16_t port, struct kept *k)
{
	struct reading reading = { k, proto, port };
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = STATES_DEFAULT | 1 << STATE_NEW_SYN_RECV,
				.sport = port };
	int err;

	if (proto == PROTO_TCP) {
		err = inet_dump(&r->dump, &q, keep_row, &reading);
		return err < 0 ? err : read_bound(r, &reading);
	}
	q.protocol = IPPROTO_UDP;
	q.family = AF_INET;
	err = inet_dump(&r->dump, &q, keep_row, &reading);
	if (err < 0)
		return err;
	q.family = AF_INET6;
	err = inet_dump(&r->dump, &q, keep_row, &reading);
	/* A kernel without IPv6 has no such table, and no such holder. */
	return err == -ENOENT ? 0 : err;
}

/* Whether the kernel lists bound sockets: by one of our own, for a moment, on a port that
 * the kernel chooses. */
static bool lists_bound(struct reader *r)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_arena_ struct arena a = { 0 };
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	struct kept k = { .arena = &a };
	struct reading reading = { &k, PROTO_TCP, 0 };
	bool seen;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		return false;
	reading.port = ntohs(sin.sin_port);
	seen = read_bound(r, &reading) == 0 && k.n > 0;
	kept_free(&k);
	return seen;
}

#define RANGE_FILE    "/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED_FILE "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define LOW_FILE      "/proc/sys/net/ipv4/ip_unprivileged_port_start"

void explain_settings(struct bind_facts *f)
{
	_cleanup_free_ char *range = procfile_read(RANGE_FILE),
			    *start = procfile_read(LOW_FILE);
	unsigned lo, hi, low;

	f->range_lo = 32768;
	f->range_hi = 60999;
	f->unprivileged_from = 1024;
	if (range && sscanf(range, "%u %u", &lo, &hi) == 2 && lo <= hi &&
	    hi <= UINT16_MAX) {
		f->range_lo = (uint16_t)lo;
		f->range_hi = (uint16_t)hi;
		f->range_read = true;
	}
	if (start && sscanf(start, "%u", &low) == 1 && low <= UINT16_MAX)
		f->unprivileged_from = (uint16_t)low;
}

/* The listener in whose name a connection came: its options are the connection's, which
 * it took over at the handshake. */
static const struct bind_found *listener_of(const struct bind_facts *f,
					    const struct sock *s)
{
	struct bind_candidate as_if = { .proto = s->proto, .addr = s->local };
	size_t i;

	for (i = 0; i < f->n_listening; i++)
		if (bind_overlap(&as_if, &f->found[i].holder) == KNOWN_ON)
			return &f->found[i];
	return NULL;
}

static bool is_connection(const struct sock *s)
{
	return s->proto == PROTO_TCP && s->state != STATE_LISTEN &&
	       s->state != STATE_BOUND_INACTIVE && s->peer.port;
}

/*
 * Whether the port was drawn for this connection or was a server's. No table says so; the
 * other end does: a listener there, or a port that no kernel draws, means that it was
 * called by us.
 */
static enum bind_direction direction_of(struct reader *r,
					const struct bind_found *listener,
					const struct bind_facts *f, const struct sock *s)
{
	enum {
		BIND_NO_PORT = BIT(8)
	}; /* struct inet_diag_sockopt: bind_address_no_port */
	bool drawn = s->local.port >= f->range_lo && s->local.port <= f->range_hi;
	bool theirs_drawn = s->peer.port >= f->range_lo && s->peer.port <= f->range_hi;
	const struct sock *there;
	struct sock key = { .family = s->family, .local = s->peer };
	uint32_t members;

	if (!is_connection(s))
		return s->proto == PROTO_UDP && s->peer.port && drawn ? DIRECTION_OUTGOING
								      : DIRECTION_NONE;
	if (listener)
		return DIRECTION_SERVED;
	if (s->state == STATE_SYN_SENT || (s->options & BIND_NO_PORT))
		return DIRECTION_OUTGOING;
	if (reader_listeners(r, 0) == 0) {
		if (reader_listener_of(r, &key, &there, &members))
			return DIRECTION_OUTGOING;
		/* A dual-stack listener takes IPv4 as well. */
		key.family = AF_INET6;
		if (s->family == AF_INET &&
		    reader_listener_of(r, &key, &there, &members) &&
		    addr_is_any(&there->local) && addr_is_loopback(&s->peer))
			return DIRECTION_OUTGOING;
	}
	return drawn && !theirs_drawn ? DIRECTION_OUTGOING : DIRECTION_SERVED;
}

static enum known known_option(uint64_t value)
{
	return value == UINT64_MAX ? KNOWN_NOT : known_bool(value != 0);
}

static void read_holder(struct bind_found *x, struct arena *a)
{
	const struct sock *s = x->holder.row;
	struct sock_options o;

	if (s->has & SOCK_HAS_V6ONLY)
		x->holder.v6only = known_bool(s->v6only);
	found_process(x, a);
	if (!s->holders || fdsteal_options_of(s, &o) < 0)
		return;
	x->holder.reuseaddr = known_option(o.reuseaddr);
	x->holder.reuseport = known_option(o.reuseport);
	if (s->family == AF_INET6 && o.v6only != UINT64_MAX)
		x->holder.v6only = known_option(o.v6only);
}

/* A port may have hundreds of thousands of connections: so many owners are asked for
 * their options; what a listener took beyond has the listener's. */
enum { MOST_ASKED = 1024 };

/* Listeners first: all else is measured by them. */
static size_t listeners_first(struct kept *k)
{
	size_t n = 0, i;

	for (i = 0; i < k->n; i++) {
		struct sock *s = k->v[i];

		if (s->state != STATE_LISTEN)
			continue;
		k->v[i] = k->v[n];
		k->v[n++] = s;
	}
	return n;
}

/* What a connection has of its listener. */
static void inherit(struct bind_found *x, const struct bind_found *listener, bool options)
{
	x->covered = true;
	if (!options)
		return;
	x->holder.reuseaddr = listener->holder.reuseaddr;
	x->holder.reuseport = listener->holder.reuseport;
	x->holder.v6only = listener->holder.v6only;
}

static void find_holders(struct reader *r, struct arena *a, struct kept *k,
			 struct bind_facts *f)
{
	size_t i;

	f->unreadable = r->owners.unreadable;
	f->found = arena_zalloc(a, (k->n + 1) * sizeof(*f->found));
	f->n_found = k->n;
	f->n_listening = listeners_first(k);
	for (i = 0; i < k->n; i++) {
		struct bind_found *x = &f->found[i];
		const struct sock *row = x->holder.row = k->v[i];
		const struct bind_found *listener = is_connection(row)
							    ? listener_of(f, row)
							    : NULL;

		if (!listener || i < MOST_ASKED)
			read_holder(x, a);
		if (listener)
			inherit(x, listener, sock_is_unaccepted(row) || i >= MOST_ASKED);
		x->direction = direction_of(r, listener, f, row);
		x->holder.inherited = x->direction == DIRECTION_SERVED;
	}
}

/* Reserved ports are never drawn: "8080,9000-9010". */
void explain_reserved(bool *held)
{
	_cleanup_free_ char *text = procfile_read(RESERVED_FILE);
	char *p = text, *end;

	while (p && *p) {
		unsigned long lo = strtoul(p, &end, 10), hi = lo;

		if (end == p)
			break;
		if (*end == '-')
			hi = strtoul(end + 1, &end, 10);
		for (; lo <= hi && lo <= UINT16_MAX; lo++)
			held[lo] = true;
		p = end + (*end == ',');
	}
}

/* Port 0: how many ports of the range nobody holds at an address that overlaps. */
static void count_range(const struct kept *k, struct bind_facts *f)
{
	_cleanup_free_ bool *held = xcalloc(UINT16_MAX + 1, sizeof(*held));
	unsigned port;
	size_t i;

	explain_reserved(held);
	for (port = f->range_lo; port <= f->range_hi; port++)
		f->range_ports += !held[port];
	for (i = 0; i < k->n; i++) {
		struct bind_holder h = { .row = k->v[i] };

		if (bind_overlap(&f->candidate, &h) != KNOWN_OFF)
			held[k->v[i]->local.port] = true;
	}
	for (port = f->range_lo; port <= f->range_hi; port++)
		f->range_free += !held[port];
}

struct elsewhere {
	struct kept kept;
	uint16_t port;
};

static bool look_elsewhere(void *ctx)
{
	struct elsewhere *e = ctx;
	struct reading reading = { &e->kept, PROTO_TCP, e->port };
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = 1 << STATE_LISTEN,
				.sport = e->port };
	struct nl nl;

	if (nl_open(&nl, NULL) == 0)
		inet_dump(&nl, &q, keep_row, &reading);
	nl_close(&nl);
	return e->kept.n < 8;
}

/* Who has the port in other namespaces: what people look for when nothing is wrong here.
 * Appends their rows to k. */
void explain_elsewhere(struct kept *k, uint16_t port)
{
	struct elsewhere e = { .kept.arena = k->arena, .port = port };
	size_t hidden, i;

	netns_each(look_elsewhere, &e, &hidden);
	for (i = 0; i < e.kept.n; i++)
		kept_add(k, e.kept.v[i]);
	kept_free(&e.kept);
}

struct bind_found *explain_found(struct arena *a, struct sock *const *rows, size_t n)
{
	struct bind_found *found = arena_zalloc(a, (n + 1) * sizeof(*found));
	size_t i;

	for (i = 0; i < n; i++) {
		found[i].holder.row = rows[i];
		found_process(&found[i], a);
	}
	return found;
}

static bool has_bound(const struct kept *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->v[i]->state == STATE_BOUND_INACTIVE)
			return true;
	return false;
}

/* The processes of both kinds of rows are found in one pass over /proc. */
static void explain_port(struct reader *r, struct arena *a, struct kept *k,
			 struct bind_facts *f)
{
	size_t here = k->n, all;

	if (f->candidate.proto == PROTO_TCP) {
		f->sees_bound = has_bound(k) || lists_bound(r);
		explain_elsewhere(k, f->candidate.addr.port);
	}
	kept_own(k, r);
	all = k->n;
	f->n_elsewhere = all - here;
	f->elsewhere = explain_found(a, k->v + here, f->n_elsewhere);
	k->n = here;
	find_holders(r, a, k, f);
	k->n = all;
}

static void explain_inet(struct arena *a, struct bind_facts *f)
{
	_cleanup_reader_ struct reader r = { 0 };
	const struct bind_candidate *c = &f->candidate;
	struct kept k = { .arena = a };
	struct fault ignored = FAULT_INIT;
	int err = reader_open(&r, &ignored);

	explain_settings(f);
	f->place = place_of(&c->addr, c->ifindex);
	if (err == 0)
		err = explain_read_port(&r, c->proto, c->addr.port, &k);
	f->dump_error = -err;
	if (!c->addr.port)
		count_range(&k, f);
	else if (r.dump.sock)
		explain_port(&r, a, &k, f);
	kept_free(&k);
}

void explain_bind(const struct bind_question *q, struct arena *a,
		  struct bind_facts *facts)
{
	*facts = (struct bind_facts){ .candidate = q->candidate,
				      .freebind = q->freebind,
				      .user = q->user,
				      .address = q->address,
				      .asked = q->asked };
	facts->privileged = q->user ? q->candidate.uid == 0 : process_may_bind_low();
	if (q->name)
		explain_unix(q, a, facts);
	else
		explain_inet(a, facts);
}
