#include "cmd/probe/local.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/why.h"
#include "kernel/explain/source.h"
#include "kernel/explain/way_of.h"
#include "kernel/netlink/known_rtt_ask.h"
#include "kernel/netlink/neighbour.h"
#include "kernel/proc/place.h"
#include "model/advice.h"
#include "model/cause/bind_say.h"
#include "model/cause/connect_cause.h"
#include "model/netns_named.h"

/* The kernel asks a neighbour once a second, three times in all. Answers take a
 * millisecond: who has not answered when the second time is near is silent. Less than a
 * second, for of a deadline of one some is gone before the first packet. */
enum { ASKED_AGAIN_US = 900 * 1000 };

static void put_unread(struct buf *b, const char *what, int err)
{
	buf_printf(b, "what %s could not be read: %s", what, strerror(-err));
}

static void put_summaries(struct buf *b, const struct causes *causes)
{
	size_t i;

	for (i = 0; i < causes->n; i++)
		buf_printf(b, "%s%s", i ? "; " : "", causes->v[i].summary);
}

/* Without tcp_abort_on_overflow a full queue resets nothing. */
static bool queue_resets(void)
{
	uint64_t on;

	return procfile_sysctl("ipv4/tcp_abort_on_overflow", &on) && on;
}

/* Whether the listener had no room when r was asked: sets what is known of it. */
static bool take_full(struct probe_result *r, const struct listening *l,
		      const struct meanwhile *m)
{
	bool reset = r->outcome == OUTCOME_RESET_AFTER_ACCEPT;
	bool before = l->n && was_full(m, reset) && (!reset || queue_resets());

	if (l->n_full && !m->half_open &&
	    (!reset || before || (!m->known && queue_resets()))) {
		r->queue = l->full_queue;
		r->queue_limit = l->full_limit;
		return true;
	}
	if (before)
		r->queue_drops = (uint32_t)(reset ? m->overflows : m->drops);
	return before;
}

/* A silence, or an answer that no listener sends. */
static void look_at_queue(struct buf *b, struct probe_result *r, const struct addr *to,
			  const struct meanwhile *m)
{
	_cleanup_arena_ struct arena arena = { 0 };
	_cleanup_buf_ struct buf shown = { 0 };
	struct causes causes = { .arena = &arena };
	struct listening l = why_listening(&r->peer);
	bool rejected = r->outcome == OUTCOME_REJECTED ||
			r->outcome == OUTCOME_REFUSED_ICMP;
	/* Of a listener that has room by now these two say nothing, but that it dropped
	 * nothing. */
	bool taken = r->outcome == OUTCOME_RESET_AFTER_ACCEPT ||
		     (r->outcome == OUTCOME_GHOST &&
		      (!m->known || m->drops || m->overflows));

	if (!rejected && take_full(r, &l, m)) {
		r->outcome = OUTCOME_QUEUE_FULL;
		return;
	}
	if (taken && !l.err)
		return;
	addr_put(&shown, to);
	cause_of_silence(&(struct silence){ .listening = &l,
					    .meanwhile = *m,
					    .address = buf_cstr(&shown),
					    .rejected = rejected },
			 &causes);
	why_name_rules(&r->peer, &causes);
	put_summaries(b, &causes);
	causes_free(&causes);
}

bool probe_local_listened(const struct probe_result *r)
{
	return r->peer.proto == TARGET_TCP && why_listening(&r->peer).n;
}

/* The first command of an advice, within a sentence. */
static void put_command(struct buf *b, const char *before, const char *advice)
{
	const char *command;
	size_t len;

	if (!advice || !(command = advice_next_command(&advice, &len)))
		return;
	buf_printf(b, "%s'", before);
	buf_put(b, command, len);
	buf_putc(b, '\'');
}

/* A refusal: the same explainer as connect's, whose word is the last. */
static void put_causes(struct buf *b, struct probe_result *r)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	why_connect(&r->peer, NULL, r->err, NULL, &causes);
	r->listened = causes.n &&
		      streq(causes.v[0].id, connect_causes[CONNECT_REJECTED].id);
	put_summaries(b, &causes);
	if (r->outcome == OUTCOME_NO_PERMISSION && causes.n)
		put_command(b, ": run ", causes.v[0].advice);
	causes_free(&causes);
}

/* A silence, no route, or no source address: by what else is up. */
static bool may_be_loopback(const struct probe_result *r)
{
	return r->outcome == OUTCOME_UNREACHABLE || r->outcome == OUTCOME_NO_PORT ||
	       outcome_verdict(r->outcome) == VERDICT_SILENCE;
}

static bool look_at_loopback(struct buf *b, struct probe_result *r, const char *netns)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };
	bool down = may_be_loopback(r) && why_loopback_down(&r->peer, &causes);

	if (down) {
		r->outcome = OUTCOME_UNREACHABLE;
		r->loopback_down = true;
		buf_puts(b, causes.v[0].summary);
		causes_act_in(&causes, netns, geteuid());
		put_command(b, ": run ", causes.next);
	}
	causes_free(&causes);
	return down;
}

static void count_ports_used(struct buf *b, struct probe_result *r)
{
	struct endpoint *from = r->local.len ? &r->local : NULL;
	int err = why_ports_used(&r->peer, from, &r->ports_used);

	if (err < 0)
		put_unread(b, "uses the ports", err);
}

/* What no permission of the path denies is denied by a policy. */
static void look_at_path(struct buf *b, struct probe_result *r)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	why_connect(&r->peer, NULL, r->err, NULL, &causes);
	if (causes.n && streq(causes.v[0].id, connect_causes[CONNECT_POLICY].id)) {
		r->outcome = OUTCOME_DENIED_LOCAL;
		buf_puts(b, causes.v[0].summary);
	}
	causes_free(&causes);
}

char *probe_local_cause(struct probe_result *r, const struct meanwhile *m,
			const char *netns)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct addr to;
	bool ip = endpoint_addr(&r->peer, &to);

	if (ip && look_at_loopback(&b, r, netns))
		return xstrdup(buf_cstr(&b));
	if (r->peer.family == AF_UNIX && r->outcome == OUTCOME_NO_PERMISSION)
		look_at_path(&b, r);
	if (ip && r->peer.proto == TARGET_TCP && r->outcome == OUTCOME_NO_PORT) {
		count_ports_used(&b, r);
	} else if (ip && r->outcome == OUTCOME_NO_PORT) {
		put_causes(&b, r);
	} else if (ip && r->peer.proto == TARGET_TCP &&
		   (r->outcome == OUTCOME_FILTERED || r->outcome == OUTCOME_GHOST ||
		    r->outcome == OUTCOME_RESET_AFTER_ACCEPT ||
		    r->outcome == OUTCOME_REJECTED ||
		    r->outcome == OUTCOME_REFUSED_ICMP)) {
		to = addr_unmapped(&to);
		look_at_queue(&b, r, &to, m);
	}
	return b.len ? xstrdup(buf_cstr(&b)) : NULL;
}

/* A firewall's drop in OUTPUT looks to a TCP socket like silence. The namespace counts
 * the packet as meant to be sent, and not as sent. */
char *probe_local_drops(const struct probe_run *run, const struct probe_result *r)
{
	const struct out_counters *before;
	struct out_counters after;
	_cleanup_buf_ struct buf b = { 0 }, rules = { 0 };
	uint64_t meant, sent;
	struct addr to;

	if (r->outcome != OUTCOME_FILTERED || !r->has_tcp ||
	    !endpoint_addr(&r->peer, &to))
		return NULL;
	to = addr_unmapped(&to);
	before = to.family == AF_INET ? &run->out4 : &run->out6;
	procfile_out(to.family, &after);
	if (!before->known || !after.known)
		return NULL;
	meant = after.meant - before->meant;
	sent = after.sent - before->sent;
	/* Fewer than its SYNs: some of them, at least, went out. */
	if (meant < sent + 1 + r->tcp.total_retrans)
		return NULL;
	why_put_rules(&rules, to.family, run->c->netns);
	unheard_put_kept(&b, meant - sent, buf_cstr(&rules));
	return xstrdup(buf_cstr(&b));
}

void probe_local_known_rtt(struct probe_result *r)
{
	struct addr to;

	if (endpoint_addr(&r->peer, &to))
		known_rtt_ask(&to, &r->known);
}

/* The note of the job, and its remedy. */
static void take_cause(struct probe_job *j, struct causes *causes)
{
	_cleanup_buf_ struct buf b = { 0 };

	causes_act_in(causes, j->run->c->netns, geteuid());
	put_summaries(&b, causes);
	j->note = xstrdup(buf_cstr(&b));
	j->remedy = xstrdup(causes->v[0].advice);
	causes_free(causes);
}

void probe_local_unheard(struct probe_job *j, const struct probe_result *r)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	cause_of_unheard(&r->unheard, geteuid(), &causes);
	why_name_rules(&r->peer, &causes);
	take_cause(j, &causes);
}

void probe_local_stall(struct probe_job *j, const struct probe_result *r)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };
	struct addr to;

	if (!endpoint_addr(&r->peer, &to))
		return;
	cause_of_stall(&r->stall, &to, &causes);
	take_cause(j, &causes);
}

void probe_local_multipath(struct probe_job *j, const struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 }, plain = { 0 }, next = { 0 };
	struct addr to;

	if (!endpoint_addr(&r->peer, &to))
		return;
	to = addr_unmapped(&to);
	multipath_put(&b, &r->multipath);
	multipath_put_advice(&plain, &r->multipath, &to, geteuid());
	netns_put_advice(&next, buf_cstr(&plain), j->run->c->netns, geteuid());
	j->note = b.len ? xstrdup(buf_cstr(&b)) : NULL;
	j->remedy = next.len ? xstrdup(buf_cstr(&next)) : NULL;
}

static char *arrivals_of(const struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (r->unheard.seen || !unheard_is_told(&r->unheard))
		return NULL;
	unheard_put(&b, &r->unheard);
	return xstrdup(buf_cstr(&b));
}

char *probe_local_nearby(const char *netns, struct probe_result *r)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };
	char *remedy = NULL;

	why_nearby(&r->peer, r->local.len ? &r->local : NULL, &causes);
	causes_act_in(&causes, netns, geteuid());
	if (causes.n) {
		snprintf(r->told, sizeof(r->told), "%s", causes.v[0].summary);
		if (causes.v[0].advice)
			remedy = xstrdup(causes.v[0].advice);
	}
	causes_free(&causes);
	return remedy;
}

void probe_local_taker(struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };

	why_taken(&r->peer, r->local.len ? &r->local : NULL, &b);
	snprintf(r->told, sizeof(r->told), "%s", buf_cstr(&b));
}

/* What is bound to another interface does not reach an address of this host. */
static void tell_device(struct probe_result *r, const struct addr *to)
{
	char has[IF_NAMESIZE], bound[IF_NAMESIZE];
	_cleanup_buf_ struct buf b = { 0 };
	uint32_t device = 0;

	if (!r->peer.ifindex || place_of(to, 0, &device) != PLACE_LOCAL || !device ||
	    device == r->peer.ifindex || !if_indextoname(device, has) ||
	    !if_indextoname(r->peer.ifindex, bound))
		return;
	addr_put_ip(&b, to);
	buf_puts(&b, " is an address of interface ");
	buf_put_escaped(&b, has, strlen(has));
	buf_puts(&b, " of this host, and the socket is bound to ");
	buf_put_escaped(&b, bound, strlen(bound));
	snprintf(r->told, sizeof(r->told), "%s", buf_cstr(&b));
}

void probe_local_own(struct probe_job *j, struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 }, next = { 0 }, there = { 0 };
	char name[IF_NAMESIZE] = "";
	uint32_t device = 0;
	enum bind_place place;
	struct addr to;

	if (!endpoint_addr(&r->peer, &to) || addr_is_loopback(&to) ||
	    (r->icmp.family && !r->icmp.own))
		return;
	r->own = neighbour_is_own(&to);
	if (r->own) {
		tell_device(r, &to);
		return;
	}
	place = place_of(&to, to.scope, &device);
	if (!bind_place_is_unusable(place))
		return;
	r->own = true;
	r->outcome = OUTCOME_UNREACHABLE;
	if (!device || !if_indextoname(device, name))
		name[0] = '\0';
	bind_put_unusable(&to, place, name[0] ? name : NULL, &b);
	snprintf(r->told, sizeof(r->told), "%s", buf_cstr(&b));
	bind_next_place(place, name[0] ? name : NULL,
			(struct advised){ .uid = geteuid() }, &next);
	netns_put_advice(&there, buf_cstr(&next), j->run->c->netns, geteuid());
	free(j->remedy);
	j->remedy = xstrdup(buf_cstr(&there));
}

void probe_local_unbound(struct probe_job *j, struct probe_result *r)
{
	const struct endpoint_list *sources = &j->run->how.sources;
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };
	_cleanup_buf_ struct buf b = { 0 };
	size_t i;

	for (i = 0; i < sources->n && sources->v[i].family != r->peer.family; i++)
		;
	if (i == sources->n)
		return;
	why_bind(&sources->v[i], &j->run->how.options, r->err, &causes);
	causes_act_in(&causes, j->run->c->netns, geteuid());
	if (causes.n) {
		buf_puts(&b, "bind ");
		why_put_address(&b, &sources->v[i]);
		buf_printf(&b, ": %s; ", strerror(r->err));
		put_summaries(&b, &causes);
		snprintf(r->told, sizeof(r->told), "%s", buf_cstr(&b));
		if (causes.next)
			j->remedy = xstrdup(causes.next);
	}
	causes_free(&causes);
}

static char *counters_of(const struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };

	unheard_put_others(&b, &r->unheard, "this probe");
	return b.len ? xstrdup(buf_cstr(&b)) : NULL;
}

char *probe_local_lost(const struct probe_run *run, const struct probe_result *r)
{
	char *note = probe_local_drops(run, r);

	note = note ? note : arrivals_of(r);
	/* Of a full queue the outcome has said it. */
	return note || r->outcome == OUTCOME_QUEUE_FULL ? note : counters_of(r);
}

bool probe_local_no_neighbour(const struct addr *to, uint32_t ifindex, uint32_t mark,
			      uint64_t waited_us, struct silent_hop *hop)
{
	switch (neighbour_of(to, ifindex, mark, hop)) {
	case NEIGHBOUR_FAILED:
		return true;
	case NEIGHBOUR_ASKED:
		return hop->no_carrier || waited_us >= ASKED_AGAIN_US;
	case NEIGHBOUR_UNKNOWN:
		break;
	}
	return hop->no_carrier;
}

static bool put_way(const struct probe_result *r, uint32_t ifindex, uint32_t mark,
		    struct buf *why)
{
	struct way_question q = { .ifindex = ifindex,
				  .mark = mark,
				  .err = r->err,
				  .stream = r->peer.type == SOCK_STREAM };
	_cleanup_buf_ struct buf next = { 0 };
	struct way_facts facts;

	endpoint_addr(&r->peer, &q.to);
	if (r->local.len)
		endpoint_addr(&r->local, &q.from);
	explain_way(&q, &facts);
	if (!way_put(&facts, why))
		return false;
	way_advise(&facts, geteuid(), &next);
	put_command(why, ", see ", buf_cstr(&next));
	return true;
}

bool probe_local_no_source(const struct probe_result *r, uint32_t ifindex, uint32_t mark,
			   struct buf *why)
{
	struct source_facts facts;
	struct addr to, from;

	/* A source that was asked for, and bound, is one. */
	if (endpoint_addr(&r->peer, &to) &&
	    !(r->local.len && endpoint_addr(&r->local, &from) && !addr_is_any(&from))) {
		explain_source(&to, ifindex, mark, &facts);
		if (no_source_put(&facts, why)) {
			buf_printf(why, " (%s)", strerrorname_np(r->err));
			return true;
		}
	}
	return put_way(r, ifindex, mark, why);
}

enum known probe_local_accepted(const struct probe_result *r, int fd)
{
	struct addr server, client;
	struct stat st;

	if (r->peer.family == AF_UNIX)
		return r->peer.type != SOCK_DGRAM && fstat(fd, &st) == 0
			       ? waits_unix_accepted((uint32_t)st.st_ino)
			       : KNOWN_NOT;
	if (r->peer.proto != TARGET_TCP || !endpoint_is_local(&r->peer) ||
	    !endpoint_addr(&r->peer, &server) || !endpoint_addr(&r->local, &client))
		return KNOWN_NOT;
	return waits_accepted(&server, &client);
}

void probe_local_waits(struct probe_job *j, struct accept_waits *w)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };
	_cleanup_buf_ struct buf b = { 0 };
	const struct probe_result *r = j->last;
	bool held = r->accepted == KNOWN_OFF;
	struct waiting f;

	why_waits(w, &r->peer, held ? r->held_us : 0, &f, &causes);
	put_summaries(&b, &causes);
	if (causes.next)
		j->remedy = xstrdup(causes.next);
	causes_free(&causes);
	if (!b.len)
		return;
	j->note = xstrdup(buf_cstr(&b));
	if (waiting_is_long(&f)) {
		j->waiting = f.n;
		j->longest_wait_ms = f.oldest_ms;
	}
}

static void put_who(struct buf *b, const struct probe_job *j)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	if (endpoint_is_local(&j->last->peer))
		why_reset(&j->last->peer, &j->meanwhile, j->how.send || j->how.http,
			  &causes);
	put_summaries(b, &causes);
	causes_free(&causes);
}

/* Of an address that this host does not have: a listener here that has lost it. */
static void put_deaf(struct buf *b, const struct probe_result *r)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	/* What the reason has said is not said again. */
	if (!why_loopback_down(&r->peer, &causes) && causes.n &&
	    streq(causes.v[0].id, connect_causes[CONNECT_DEAF].id))
		put_summaries(b, &causes);
	causes_free(&causes);
}

/* Of a full queue: whoever should accept is kept from running. */
static bool put_halted(struct buf *b, struct probe_job *j)
{
	_cleanup_arena_ struct arena arena = { 0 };
	_cleanup_buf_ struct buf next = { 0 };
	struct waiting f;

	if (!why_halted(&j->last->peer, &arena, &f) || !waiting_put_halted(&f, b, &next))
		return false;
	j->remedy = xstrdup(buf_cstr(&next));
	return true;
}

char *probe_local_why(struct probe_job *j)
{
	struct probe_result *r = j->last;
	_cleanup_buf_ struct buf b = { 0 };

	/* A queue that has room by now has lost nothing that waits. */
	if (r->outcome == OUTCOME_QUEUE_FULL && !r->queue_drops && put_halted(&b, j))
		return xstrdup(buf_cstr(&b));
	if (r->outcome == OUTCOME_RESET_AFTER_ACCEPT)
		put_who(&b, j);
	else if (r->outcome == OUTCOME_DENIED_LOCAL && (r->told[0] || r->icmp.family))
		return NULL; /* the routes, or a message, have said it */
	else if (r->outcome == OUTCOME_REFUSED && r->heard == PROBE_HEARD_TAKEN)
		return NULL; /* what took a connection before listens somewhere */
	else if (r->outcome == OUTCOME_REFUSED || r->outcome == OUTCOME_SELF_CONNECT ||
		 (r->outcome == OUTCOME_REFUSED_ICMP && r->peer.proto == TARGET_UDP) ||
		 r->outcome == OUTCOME_DENIED_LOCAL || r->peer.family == AF_UNIX)
		put_causes(&b, r);
	else if (may_be_loopback(r) && r->outcome != OUTCOME_NO_PORT)
		put_deaf(&b, r);
	return b.len ? xstrdup(buf_cstr(&b)) : NULL;
}
