/*
 * The path of every row: a message becomes a struct sock (inet_parse()), which passes the
 * request's conditions and reaches the sink.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/read/collect_private.h"

/* v4 or v6 alone is wanted: a v4-mapped connection is v4. */
static bool family_wanted(const struct collect_request *req, const struct sock *s)
{
	if (s->family == AF_UNIX)
		return true;
	return s->family == AF_INET || addr_is_v4_mapped(&s->local) ? req->v4 : req->v6;
}

/* What an owner's descriptor tells. */
#define NEEDS_OPTIONS ((uint32_t)(NEED_SOCKOPTS | NEED_SOCKOPTS_TOO))

/* An owner's descriptor is duplicated only for what is left without its options. */
static bool passes_with_options(struct collector *c, struct sock *s)
{
	const struct filter_node *filter = c->filter_again ? c->req->filter : NULL;

	if (filter && filter_eval(filter, s, ~NEEDS_OPTIONS) == FILTER_NO)
		return false;
	reader_annotate(c->r, s, NEED_SOCKOPTS);
	return true;
}

/* Enough to find one among a thousand processes for a filter that is about owners alone;
 * a bound, for there may be as many rows. */
enum { MOST_GUESSES = 1 << 14 };

static bool may_match_as(struct reader *r, const struct filter_node *filter,
			 struct sock *guess, const struct holder **end, unsigned *guesses,
			 struct holder *h)
{
	size_t i = 0;

	while (*guesses < MOST_GUESSES && owners_unreadable(&r->owners, &i, h)) {
		(*guesses)++;
		*end = h;
		if (filter_eval(filter, guess, ~NEEDS_OPTIONS) != FILTER_NO)
			return true;
	}
	return false;
}

/* A process that is not even listed may have any name and any pid. */
static bool any_may_match(struct reader *r, const struct filter_node *filter,
			  const struct sock *s, struct holder *h)
{
	const uint32_t unknown = NEED_OWNERS | NEED_PEER_OWNERS | NEEDS_OPTIONS;

	if (!owner_is_unseen(s->owner_status) && !owner_is_unseen(s->peer_owner_status))
		return false;
	*h = (struct holder){ .command = r->owners.unseen_why };
	return filter_eval(filter, s, ~unknown) != FILTER_NO;
}

bool collect_may_match(struct reader *r, const struct filter_node *filter,
		       const struct sock *s, unsigned *guesses, struct holder *h)
{
	const struct holder *known = s->holders ? s->holders : s->peer_holders;
	struct sock guess = *s;

	/* A name or an option of a holder that is known could not be read. */
	if (known && filter_eval(filter, s, ~0u) == FILTER_MAYBE) {
		*h = *known;
		return true;
	}
	if (any_may_match(r, filter, s, h))
		return true;
	if (owner_is_unknown(s->owner_status) &&
	    may_match_as(r, filter, &guess, &guess.holders, guesses, h))
		return true;
	guess = *s;
	return owner_is_unknown(s->peer_owner_status) &&
	       may_match_as(r, filter, &guess, &guess.peer_holders, guesses, h);
}

static const char *why_lacking(const struct collector *c, const struct field *f,
			       const struct sock *s)
{
	if (c->req->from)
		return "the recorded dump does not have it";
	if (!(s->has & SOCK_HAS_COOKIE))
		return "/proc/net does not have it";
	return field_is_privileged(f) ? "the kernel shows it to root only"
				      : "this kernel does not have it";
}

static void note_lacking(struct collector *c, const struct field *f, const struct sock *s)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (c->hidden[0])
		return;
	if (sock_is_unix(s))
		buf_puts(&b, "a unix socket");
	else
		addr_put(&b, &s->local);
	snprintf(c->hidden, sizeof(c->hidden), "%s: %s: whether %s matches", f->name,
		 why_lacking(c, f, s), buf_cstr(&b));
	c->hidden_field = f;
}

/* Its source did not give what would decide. */
static __attribute__((noinline)) bool is_undecided(struct collector *c,
						   const struct sock *s)
{
	const struct field *f = filter_unknown(c->req->filter, s);

	if (f && !(c->req->judged & BIT(s->proto)))
		note_lacking(c, f, s);
	return f;
}

static void say_hidden(struct collector *c, const struct holder *h)
{
	const char *when = c->req->from ? " when this was recorded" : "";
	char *text = c->hidden, shown[80];
	size_t size = sizeof(c->hidden);

	escape_text(shown, sizeof(shown), h->command, strlen(h->command));
	if (h->pid)
		snprintf(text, size,
			 "%s[%d] %s be read%s: whether a socket of it matches", shown,
			 h->pid, *when ? "could not" : "may not", when);
	else if (c->r->owners.unseen == OWNER_NOT_RECORDED)
		snprintf(text, size,
			 "the recorded dump does not say who holds its sockets (%s): "
			 "whether one matches",
			 shown);
	else if (c->r->owners.unseen == OWNER_CANDIDATES)
		snprintf(text, size,
			 "no descriptor shows who holds a socket, which may be %s: "
			 "whether it matches",
			 shown);
	else
		snprintf(text, size,
			 "some processes %s not visible%s (%s): whether a socket of "
			 "theirs matches",
			 *when ? "were" : "are", when, shown);
}

static void try_hidden(struct collector *c, const struct sock *s)
{
	struct holder h;

	if (!is_undecided(c, s) && !c->hidden[0] && !(c->req->judged & BIT(s->proto)) &&
	    collect_may_match(c->r, c->req->filter, s, &c->guesses, &h))
		say_hidden(c, &h);
}

/* Rows without a holder that wait for a second look at all processes; where it is the
 * rule, in another pid namespace, there is no sense in it. */
enum { MOST_YOUNG = 4096 };

/* Nobody is named, although there are processes that could be. */
static inline bool has_nobody(const struct sock *s)
{
	return s->owner_status >= OWNER_INVISIBLE && s->owner_status < OWNER_NOT_READ;
}

/* Its holder may have opened it since the owners were read: somebody who is visible, or
 * one of our own user. */
static bool may_be_young(const struct collector *c, const struct sock *s)
{
	return c->owners_first && c->n_rows < MOST_YOUNG &&
	       (s->owner_status == OWNER_INVISIBLE || s->uid == c->euid);
}

enum { PORTS_A_WORD = 64 };

static __attribute__((noinline)) void note_port(struct collector *c, const struct sock *s)
{
	if (sock_is_listener(s))
		c->listening[s->local.port / PORTS_A_WORD] |=
			1ull << s->local.port % PORTS_A_WORD;
}

/* Every row comes through here. */
static inline void note_listener(struct collector *c, const struct sock *s)
{
	c->matched_listeners += sock_is_listener(s);
	if (UNLIKELY(c->listening))
		note_port(c, s);
}

static bool has_listener(const struct collector *c, uint32_t port)
{
	return c->listening &&
	       (c->listening[port / PORTS_A_WORD] >> port % PORTS_A_WORD & 1);
}

bool collect_wants_bound(const struct collector *c)
{
	const struct port_set *ports = c->req->bound_unless_listening;
	uint32_t port;
	size_t i;

	for (i = 0; ports && i < ports->n; i++)
		for (port = ports->v[i].lo; port <= ports->v[i].hi; port++)
			if (!has_listener(c, port))
				return true;
	return !ports;
}

bool collect_asks_for_bound(const struct collector *c)
{
	return (c->req->states & (1 << STATE_BOUND_INACTIVE)) &&
	       (c->req->protos & BIT(PROTO_TCP)) && !c->req->bound_unless_listening;
}

void collect_lacks_bound(struct collector *c, int err)
{
	struct fault f = FAULT_INIT;

	c->complete = false;
	if (c->sink->note && err < 0) {
		fault(&f, -err,
		      "whether there are sockets that are only bound is not known: none "
		      "could be made to see if this kernel lists them");
		c->sink->note(c->sink->ctx, "bound-not-listed", f.what);
		return;
	}
	if (c->sink->note)
		c->sink->note(
			c->sink->ctx, "bound-not-listed",
			c->req->from ? "the recorded dump does not have sockets that are "
				       "only bound"
			: c->r->dump.sock
				? "this kernel does not list sockets that are only "
				  "bound (Linux 6.8 does)"
				: "/proc/net does not have sockets that are only "
				  "bound");
}

static inline int give(struct collector *c, struct sock *s)
{
	int r;

	note_listener(c, s);
	r = c->sink->row(c->sink->ctx, s);
	if (UNLIKELY(r < 0))
		c->sink_error = r;
	return r;
}

/* Few rows wait in a queue or are bound to an interface. */
static inline bool needs_more(const struct collector *c, const struct sock *s)
{
	return UNLIKELY(s->ifindex | !s->inode) && c->added &&
	       (s->ifindex || sock_is_unaccepted(s));
}

static __attribute__((noinline)) int finish_asking(struct collector *c, struct sock *s)
{
	if (c->every_row || needs_more(c, s))
		reader_annotate(c->r, s, c->added & ~(uint32_t)NEED_SOCKOPTS);
	if (UNLIKELY(has_nobody(s)) && may_be_young(c, s)) {
		collect_keep(c, s);
		return 0;
	}
	if ((c->added & NEED_SOCKOPTS) && !passes_with_options(c, s))
		return 0;
	if (c->filter_again && filter_eval(c->req->filter, s, ~0u) != FILTER_YES) {
		try_hidden(c, s);
		return 0;
	}
	return give(c, s);
}

static inline int finish_row(struct collector *c, struct sock *s)
{
	/* Most rows wait in no queue, and most listings ask for nothing else (whoever
	 * asks for owners adds to every row). */
	if (UNLIKELY(c->every_row || c->filter_again || (c->added & NEED_SOCKOPTS) ||
		     needs_more(c, s)))
		return finish_asking(c, s);
	return give(c, s);
}

int collect_finish(struct collector *c, struct sock *s)
{
	return finish_row(c, s);
}

void collect_keep(struct collector *c, const struct sock *s)
{
	c->rows = array_grow(c->rows, c->n_rows, &c->cap_rows, sizeof(*c->rows));
	c->rows[c->n_rows++] = sock_dup(&c->arena, s);
}

void collect_drop_held(struct collector *held)
{
	arena_free(&held->arena);
	free(take_ptr(&held->rows));
}

/* Apart, because a plain listing has no filter. */
static __attribute__((noinline)) bool passes_filter(struct collector *c,
						    const struct sock *s)
{
	enum filter_result passes = filter_eval(c->req->filter, s, c->known);

	if (UNLIKELY(passes == FILTER_MAYBE) && !c->filter_again && is_undecided(c, s))
		return false;
	return passes != FILTER_NO;
}

static inline int pass(struct collector *c, struct sock *s)
{
	const struct collect_request *req = c->req;

	if (!(req->protos & BIT(s->proto)) || !(BIT(s->state) & req->states))
		return 0;
	if (req->v4 != req->v6 && !family_wanted(req, s))
		return 0;
	if (seen_before(&c->seen, s->cookie))
		return 0;
	if (req->filter && !passes_filter(c, s))
		return 0;
	if (UNLIKELY(c->listening) && s->state == STATE_BOUND_INACTIVE &&
	    has_listener(c, s->local.port))
		return 0;
	if (!c->deferred)
		return finish_row(c, s);
	note_listener(c, s);
	collect_keep(c, s);
	return 0;
}

int collect_row(struct collector *c, struct sock *s)
{
	return pass(c, s);
}

int collect_inet_message(const struct nlmsghdr *h, void *ctx)
{
	struct collector *c = ctx;
	struct sock s;

	bool valid = c->all_attributes ? inet_parse(h, c->proto, &s)
				       : inet_parse_brief(h, c->proto, &s);

	return valid ? pass(c, &s) : 0;
}

/* Most unix sockets have nothing in a queue that could be judged; a record is of all. */
static bool is_idle(const struct collector *c, const struct sock *s)
{
	return (c->req->judged & BIT(s->proto)) && !c->recorder && !s->recv_queue &&
	       !sock_is_listener(s);
}

int collect_unix_message(const struct nlmsghdr *h, void *ctx)
{
	struct collector *c = ctx;
	struct sock s;

	if (!unix_parse(h, &s) || is_idle(c, &s))
		return 0;
	return pass(c, &s);
}
