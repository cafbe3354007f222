#include "cmd/endpoint/connect.h"

#include <errno.h>

#include "cmd/endpoint/tell_why.h"
#include "cmd/endpoint/tracer.h"
#include "cmd/overhearing.h"
#include "cmd/why.h"
#include "kernel/explain/multipath_now.h"
#include "kernel/netlink/known_rtt_ask.h"
#include "kernel/netlink/neighbour.h"
#include "kernel/proc/counters_read.h"
#include "model/advice.h"
#include "model/answer/elsewhere.h"
#include "net/relay/conn_end.h"
#include "net/role/client.h"
#include "net/role/datagram.h"
#include "net/role/pinger.h"
#include "net/socket/tcp.h"

enum {
	/* Answers to the last datagram come within a second, or not at all: -I says
	 * otherwise. */
	DATAGRAM_QUIET_US = 1000000,
	ECHO_LOST_US = 5000000, /* of a stream */
	ECHO_SIZE = 64,
	ECHO_COUNT = 1000,
};

struct connecting {
	struct endpoint_config *c;
	struct teller teller;
	struct tell_out out;
	struct tracer tracer;
	struct session s;
	struct client client;
	struct client_how how;
	struct datagram_how datagram_how;
	struct datagram d;
	struct pinger_how pinger_how;
	struct pinger pinger;
	struct endpoint_list list, sources;
	struct arena arena;
	/* The last failure, or the first of several that are alike. */
	struct endpoint failed;
	struct icmp_error icmp;
	int failed_err;
	uint64_t waited_us;   /* by the last that was silent */
	struct causes causes; /* of the first that failed */
	bool explained;	      /* they were looked for */
	struct unheard_watch watch;
	struct unheard unheard; /* of the last that was silent */
	bool multipath;		/* MPTCP was asked for, and these are from before: */
	struct counters before;
};

/* echo --client: the connections are not relayed. */
static bool measures(const struct connecting *g)
{
	return g->s.how.source == CONN_FROM_PEER;
}

/* --source ADDR[:PORT]: an address of ours, or a name of one. */
static int find_source_address(struct connecting *g, const struct target *t,
			       uint64_t deadline_us, struct fault *f)
{
	struct target_how how = { .proto = t->proto,
				  .family = t->family,
				  .flags = TARGET_PORT_OPTIONAL };
	struct resolve_how local = { .deadline_us = deadline_us,
				     .empty = RESOLVE_EMPTY_ANY };
	_cleanup_target_ struct target source = { 0 };
	int r;

	if (!g->c->source)
		return 0;
	if (how.family != AF_INET && how.family != AF_INET6)
		how.family = 0;
	if (target_parse(g->c->source, &how, &source, f) < 0)
		return -EINVAL;
	r = resolve(&source, source.port, &local, &g->sources, f);
	g->how.dial.sources = g->sources.v;
	g->how.dial.n_sources = g->sources.n;
	return r;
}

/* A datagram socket has its peer: from here on it is no business of the dialler. */
static int take_datagrams(void *ctx, int fd, const struct endpoint *peer, struct fault *f)
{
	struct connecting *g = ctx;
	struct endpoint local = *peer;

	endpoint_local(fd, peer, &local);
	if (g->s.ops.wants_peers)
		session_tell(&g->s, &(struct net_event){ .kind = NET_CONNECTED,
							 .id = 1,
							 .local = &local,
							 .peer = peer });
	return datagram_start(&g->d, &g->s, fd, &local, peer, NULL, &g->datagram_how, f);
}

static void describe_echo(struct connecting *g, const struct target *t)
{
	struct endpoint_config *c = g->c;

	g->how.take = pinger_take;
	g->how.lost = pinger_missing;
	g->how.take_ctx = &g->pinger;
	g->pinger_how = (struct pinger_how){
		.size = c->size ? c->size : ECHO_SIZE,
		.count = c->count ? c->count : ECHO_COUNT,
		.connections = c->connections,
		.lost_us = c->idle_us			   ? c->idle_us
			   : target_is_connected(t->proto) ? ECHO_LOST_US
							   : DATAGRAM_QUIET_US,
	};
}

/* Before the socket is closed: who said it. */
static void note_failure(struct connecting *g, int fd, const struct endpoint *ep, int err,
			 bool at_once)
{
	if (g->explained || g->failed_err == err)
		return;
	g->failed = *ep;
	g->failed_err = err;
	tell_why_icmp(fd, ep, at_once, &g->icmp);
}

/* --- what this host does with the answers to one connection that is silent --- */

static void overhear(void *ctx)
{
	struct connecting *g = ctx;

	if (!g->watch.begun)
		unheard_begin(&g->watch, &g->list, 0, false);
}

/* A connection may last for days. */
static void stop_overhearing(void *ctx)
{
	struct connecting *g = ctx;

	unheard_stop(&g->watch);
}

/* Just before connect(): where no SYN is sent again in time. */
static void dial_opened(void *ctx, int fd, const struct endpoint *ep)
{
	struct connecting *g = ctx;

	(void)fd;
	if (unheard_is_short(g->c->timeout_us) && ep->type == SOCK_STREAM &&
	    !g->watch.begun)
		unheard_begin(&g->watch, &g->list, 0, true);
}

static void dial_failed(void *ctx, int fd, const struct endpoint *ep, int err,
			uint64_t took_us, bool at_once)
{
	struct connecting *g = ctx;
	struct endpoint ours = { 0 };
	struct tcpinfo t;
	struct unheard_question q = {
		.peer = ep, .ours = &ours, .tcp = &t, .options = &g->c->options
	};

	if (err == ETIMEDOUT && !at_once)
		g->waited_us = took_us;
	note_failure(g, fd, ep, err, at_once);
	if (err != ETIMEDOUT || at_once || !g->watch.begun || !tcp_read(fd, &t))
		return;
	endpoint_local(fd, ep, &ours);
	unheard_end(&g->watch, &q, &g->unheard);
}

static void explain(struct connecting *g, int err)
{
	bool noted = err == g->failed_err;

	g->causes.arena = &g->arena;
	if (!g->explained && err == ETIMEDOUT)
		cause_of_unheard(&g->unheard, geteuid(), &g->causes);
	if (g->causes.n && g->list.n)
		why_name_rules(&g->list.v[0], &g->causes);
	/* Options may choose another way than one more SYN takes. */
	if (!g->explained && err == ECONNREFUSED && g->list.n == 1 && !g->c->options.n)
		why_nearby(&g->list.v[0], g->sources.n ? &g->sources.v[0] : NULL,
			   &g->causes);
	if (g->causes.n)
		g->explained = true;
	if (!g->explained && g->list.n)
		why_connect(noted ? &g->failed : &g->list.v[0],
			    g->sources.n ? &g->sources.v[0] : NULL, err,
			    noted ? &g->icmp : NULL, &g->causes);
	g->explained = true;
}

/* Numbers of this host beside the guess. */
static void hint_at_counters(const struct connecting *g, struct fault *f)
{
	_cleanup_buf_ struct buf b = { 0 }, rules = { 0 };
	const struct unheard *u = &g->unheard;
	struct addr to = { 0 };
	bool told = unheard_is_told(u);

	if (u->kept) {
		endpoint_addr(&g->list.v[0], &to);
		why_put_rules(&rules, addr_unmapped(&to).family, NULL);
		unheard_put_kept(&b, u->kept, buf_cstr(&rules));
	} else if (told) {
		unheard_put_counts(&b, u);
	} else {
		unheard_put_others(&b, u, "connect");
	}
	if (b.len)
		fault_hint(f, "a firewall drops it, %sthe host is down; %s",
			   told ? "this host drops the answers, or " : "or ",
			   buf_cstr(&b));
}

/* The next hop is asked about as for a socket without options: not where they choose the
 * way. False: it answers, or that is not known. */
static bool hint_at_hop(const struct connecting *g, struct fault *f)
{
	const struct sockopt_list *options = &g->c->options;
	_cleanup_buf_ struct buf b = { 0 };
	struct silent_hop hop;
	struct addr to;

	if ((f->err != EHOSTUNREACH && f->err != ETIMEDOUT) || g->list.n != 1 ||
	    !endpoint_addr(&g->list.v[0], &to) || sockopt_given(options, "interface") ||
	    sockopt_given(options, "mark") ||
	    (neighbour_of(&to, 0, 0, &hop) != NEIGHBOUR_FAILED && !hop.no_carrier))
		return false;
	silent_hop_put(&b, &hop, &to, 0);
	fault_hint(f, "%s", buf_cstr(&b));
	return true;
}

/* What others know of the path. False: nothing, or it is too quick for this silence. */
static bool hint_at_slow(const struct connecting *g, struct fault *f)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct known_rtt k;
	struct addr to;

	if (f->err != ETIMEDOUT || g->list.n != 1 || !g->waited_us ||
	    unheard_is_told(&g->unheard) || !endpoint_addr(&g->list.v[0], &to))
		return false;
	known_rtt_ask(&to, &k);
	if (!known_rtt_explains(&k, g->waited_us))
		return false;
	known_rtt_put_slow(&b, &k);
	fault_hint(f, "%s", buf_cstr(&b));
	return true;
}

/* A cause that was found says it better than a hint that guesses. */
static void drop_guess(void *ctx, struct fault *f)
{
	struct connecting *g = ctx;

	explain(g, f->err);
	if (g->causes.n)
		f->hint[0] = '\0';
	else if (!hint_at_hop(g, f) && !hint_at_slow(g, f) && f->err == ETIMEDOUT)
		hint_at_counters(g, f);
}

/* --- what became of MPTCP --- */

static void expect_multipath(struct connecting *g, const struct target *t)
{
	if (t->proto != TARGET_MPTCP || g->c->connections > 1 || g->teller.quiet)
		return;
	counters_read(&g->before);
	g->multipath = true;
}

static void tell_multipath(void *ctx, int fd, const struct endpoint *peer)
{
	struct connecting *g = ctx;
	struct multipath_seen seen = { .open = true, .fell_back = true };
	_cleanup_buf_ struct buf b = { 0 };
	struct multipath m;
	struct tcpinfo t;

	(void)peer;
	if (!g->multipath || tcp_is_multipath(fd))
		return;
	if (tcp_read(fd, &t))
		seen.repeats = t.total_retrans;
	explain_multipath(&m, &g->before);
	multipath_judge(&m, &seen);
	buf_puts(&b, "the connection fell back to TCP");
	if (m.kind != MULTIPATH_NOTHING) {
		buf_puts(&b, ": ");
		multipath_put(&b, &m);
	} else if (m.counted) {
		buf_puts(&b, ": the peer's answer has no MPTCP option");
	}
	session_note(&g->s, buf_cstr(&b));
}

static void describe_client(struct connecting *g, const struct target *t)
{
	struct endpoint_config *c = g->c;

	if (c->behave.chunk)
		sockopt_default(&c->options, "nodelay", 1);
	g->how.dial.options = &c->options;
	g->how.dial.patient = true;
	g->how.dial.drop_answers = c->half_open;
	g->how.dial.note = session_note;
	g->how.dial.note_ctx = &g->s;
	if (c->trace)
		g->how.dial.call = session_dial_call;
	g->how.dial.failed = dial_failed;
	g->how.dial.evidence_ctx = g;
	if (c->connections == 1 && !c->half_open) {
		g->how.dial.opened = dial_opened;
		g->how.dial.silent = overhear;
		g->how.dial.answered = stop_overhearing;
	}
	g->how.list = &g->list;
	g->how.connections = c->connections;
	g->how.rate = c->rate;
	g->how.timeout_us = c->timeout_us;
	g->how.retries = c->retries;
	g->how.backoff_us = c->backoff_us;
	g->how.failed = drop_guess;
	g->how.opened = tell_multipath;
	g->how.told_ctx = g;
	g->d.w.fd = -1;
	g->d.s = &g->s;
	g->pinger.s = &g->s;
	if (measures(g)) {
		describe_echo(g, t);
		return;
	}
	if (target_is_connected(t->proto))
		return;
	g->how.take = take_datagrams;
	g->how.take_ctx = g;
	g->datagram_how = (struct datagram_how){
		.behave = &c->behave,
		.quiet_us = c->behave.hold_us != BEHAVE_UNSET ? c->behave.hold_us
							      : DATAGRAM_QUIET_US,
	};
}

static int run_client(struct connecting *g, struct fault *f)
{
	struct net_ops ops;
	int r;

	if (g->c->trace) {
		tracer_init(&g->tracer, g->c->json, &g->out);
		g->teller.tracer = &g->tracer;
	}
	ops = teller_ops(&g->teller);
	r = session_begin(&g->s, &ops, g->s.how.source == CONN_FROM_STREAM, !measures(g),
			  f);
	if (r < 0)
		return r;
	r = tell_begin(&g->out, &g->s.loop, false);
	if (r < 0)
		fault(f, -r, "watch standard error");
	if (measures(g))
		pinger_init(&g->pinger, &g->s, &g->pinger_how);
	client_start(&g->client, &g->s, &g->how);
	if (r == 0)
		r = session_run(&g->s, f);
	tell_end(&g->out);
	client_stop(&g->client);
	datagram_stop(&g->d);
	pinger_free(&g->pinger);
	session_end(&g->s);
	return r;
}

/* Why connect() failed; datagrams are refused later, when one comes back as ICMP. */
static int refusal(const struct connecting *g)
{
	bool datagrams = g->list.n && g->list.v[0].type == SOCK_DGRAM;

	return g->client.err || !datagrams || g->s.err != ECONNREFUSED ? g->client.err
								       : g->s.err;
}

/* A message says more than its errno; one of a rule of this host nothing of the other. */
static int failure_code(const struct connecting *g)
{
	int family = g->list.n ? g->list.v[0].family : AF_UNSPEC;
	enum outcome o = outcome_of_connect(family, g->client.err);

	/* A blackhole route, fe80:: without its interface, 127.x to elsewhere: as probe
	 * has it. Of other calls it is an option or an address that is refused. */
	if (g->client.err == EINVAL && g->failed_err == EINVAL && family != AF_UNIX)
		o = OUTCOME_UNREACHABLE;
	if (g->icmp.family && g->client.err == g->failed_err)
		o = g->icmp.own && !g->icmp.no_neighbour ? OUTCOME_DENIED_LOCAL
							 : icmp_outcome(&g->icmp);
	return cmd_code_of(outcome_verdict(o));
}

/* A connection that --idle ended, and not for a peer that is silent. */
static void tell_stall(struct connecting *g)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	cause_of_stall(&g->s.stall, &g->s.stalled_at, &causes);
	tell_why_connect(&g->teller, &causes);
	causes_free(&causes);
}

/* Datagrams that were not answered: by whom they were, or which message came for them. */
static void explain_datagrams(struct connecting *g)
{
	const struct datagram *d = &g->d;
	struct addr asked;

	if (!g->s.datagrams || g->s.totals.datagrams_in || g->causes.n ||
	    !endpoint_addr(&d->peer, &asked))
		return;
	g->causes.arena = &g->arena;
	if (d->answered_from.family)
		cause_of_elsewhere(&asked, &d->answered_from, &g->causes);
	else if (d->passing.family)
		why_connect(&d->peer, NULL, EHOSTUNREACH, &d->passing, &g->causes);
}

static int end_client(struct connecting *g, int r, const struct fault *f)
{
	if (r < 0)
		tell_fault(&g->teller, f);
	session_release_signals(&g->s);
	if (r < 0)
		return EXIT_CANNOT;
	if (g->client.failed && g->c->connections > 1) {
		struct fault told = FAULT_INIT;

		fault_say(&told, g->client.err, "%llu of %llu connections failed",
			  (unsigned long long)g->client.failed,
			  (unsigned long long)g->c->connections);
		tell_fault(&g->teller, &told);
	}
	r = EXIT_YES;
	if (measures(g))
		r = tell_pings(&g->teller, &g->pinger);
	else
		tell_summary(&g->teller, &g->s);
	if (r == EXIT_YES)
		r = g->client.err ? failure_code(g)
				  : cmd_code_of(conn_end_verdict(g->s.worst));
	if (refusal(g))
		explain(g, refusal(g));
	else
		explain_datagrams(g);
	tell_why_connect(&g->teller, &g->causes);
	tell_stall(g);
	if (tell_close(&g->out) && r == EXIT_YES)
		r = EXIT_CANNOT;
	return cmd_leave(g->s.signo, r);
}

static void connecting_free(struct connecting *g)
{
	tell_close(&g->out);
	traffic_free(&g->teller.traffic);
	unheard_stop(&g->watch);
	if (g->multipath)
		counters_free(&g->before);
	endpoint_list_free(&g->list);
	endpoint_list_free(&g->sources);
	causes_free(&g->causes);
	arena_free(&g->arena);
	if (g->teller.tracer)
		tracer_free(g->teller.tracer);
}

/* How long the look-up of the target took, where that is long. */
static void tell_slow_name(struct connecting *g, const struct target *t, uint64_t took_us)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (took_us < RESOLVE_SLOW_US)
		return;
	buf_puts(&b, "the look-up of '");
	buf_put_escaped(&b, t->name, strlen(t->name));
	buf_puts(&b, "' took ");
	buf_put_time(&b, took_us);
	tell_remark(&g->teller, buf_cstr(&b));
}

int endpoint_connect_to(const struct endpoint_role *role, const struct command *cmd,
			struct endpoint_config *c, const struct target *t)
{
	__attribute__((cleanup(connecting_free))) struct connecting g = { .c = c };
	uint64_t took_us = 0;
	struct resolve_how how = {
		.deadline_us = c->timeout_us ? clock_us() + c->timeout_us : 0,
		.empty = RESOLVE_EMPTY_LOCALHOST,
		.took_us = &took_us,
	};
	struct fault f = FAULT_INIT;
	int r;

	endpoint_tell(&g.teller, &g.out, cmd, c);
	r = endpoint_fill_how(role, c, t->proto, &g.s.how, &f);
	if (r < 0)
		return cmd_usage(cmd, &f);
	if (endpoint_open_dump(&g.teller, c, &f) < 0) {
		tell_fault(&g.teller, &f);
		return EXIT_CANNOT;
	}
	r = find_source_address(&g, t, how.deadline_us, &f);
	if (r == 0)
		r = resolve(t, t->port, &how, &g.list, &f);
	if (r < 0) {
		tell_fault(&g.teller, &f);
		return r == -EINVAL ? EXIT_USAGE : endpoint_code_of_lookup(r);
	}
	tell_slow_name(&g, t, took_us);
	g.how.first_until_us = how.deadline_us;
	expect_multipath(&g, t);
	describe_client(&g, t);
	if (c->connections > 1)
		endpoint_raise_fds();
	return end_client(&g, run_client(&g, &f), &f);
}
