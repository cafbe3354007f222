#include "cmd/endpoint/laboratory.h"

#include <errno.h>

#include "cmd/endpoint/background.h"
#include "cmd/endpoint/port_file.h"
#include "cmd/endpoint/tell_why.h"
#include "kernel/netlink/diag_inet.h"
#include "model/names.h"
#include "net/lab/lab.h"
#include "view/view_member.h"

struct laboratory {
	struct endpoint_config *c;
	struct teller teller;
	struct tell_out out;
	struct session s;
	struct nl nl;
	bool blind; /* no sock_diag here */
	struct lab_how how;
	struct lab lab;
	struct out port_file;
	int parent; /* --background: where to say that it is ready; -1 = nobody waits */
};

enum { CALL_COLUMN = 46, STATE_COLUMN = 12 };

static const char *const doers[] = {
	[LAB_BY_US] = "we", [LAB_BY_PEER] = "peer", [LAB_BY_OTHERS] = "others"
};

static const char *state_text(enum sock_state state)
{
	return state ? state_name(state) : "-";
}

/* --- what is told --- */

static void put_lab_state(struct json *j, const char *key, enum sock_state state)
{
	if (state)
		json_member_str(j, key, state_name(state));
	else
		json_member_null(j, key);
}

static void step_json(const struct laboratory *g, const struct lab *lab,
		      const struct lab_step *step)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);

	json_begin_object(&j, "lab_step");
	json_member_str(&j, "by", doers[lab_doer(lab, step)]);
	json_member_text(&j, "call", lab->call);
	put_lab_state(&j, "state", lab->us);
	put_lab_state(&j, "peer_state", lab->peer);
	json_member_str(&j, "text", step->why);
	json_end_object(&j);
	tell_write(g->teller.out, TELL_DATA, &b);
}

static void step_told(void *ctx, const struct lab *lab, const struct lab_step *step)
{
	const struct laboratory *g = ctx;
	_cleanup_buf_ struct buf b = { 0 };

	if (g->teller.json) {
		step_json(g, lab, step);
		return;
	}
	if (g->teller.quiet)
		return;
	if (step == lab->way->steps)
		buf_printf(&b, "%-*s %-*s the peer\n", CALL_COLUMN, "", STATE_COLUMN,
			   "we");
	buf_printf(&b, "%-6s %-*s %-*s %-*s %s\n", doers[lab_doer(lab, step)],
		   CALL_COLUMN - 7, lab->call, STATE_COLUMN, state_text(lab->us),
		   STATE_COLUMN, state_text(lab->peer), step->why);
	tell_write(g->teller.out, TELL_DATA, &b);
}

static void ready_json(const struct laboratory *g, const struct lab *lab)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);
	struct addr us, peer;
	bool pair = lab_tuple(lab, &us, &peer);

	json_begin_object(&j, "lab");
	json_member_str(&j, "lab", g->how.recipe->name);
	json_member_str(&j, "side", lab_sides_text(g->how.side));
	put_lab_state(&j, "state", lab->us);
	view_member_end(&j, "local_addr", "local_port", &us);
	if (pair)
		view_member_end(&j, "peer_addr", "peer_port", &peer);
	put_lab_state(&j, "peer_state", lab->peer);
	json_member_bool(&j, "strict", lab->way == &g->how.recipe->strict);
	json_member_bool(&j, "verified", !lab->blind);
	json_member_str(&j, "kept", lab_kept(lab));
	json_member_u64(&j, "renewed", lab->renewed);
	json_end_object(&j);
	tell_write(g->teller.out, TELL_READY, &b);
}

static void put_tuple(struct buf *b, const char *who, const struct addr *local,
		      const struct addr *peer, enum sock_state state)
{
	size_t start = b->len;

	buf_printf(b, "%-6s ", who);
	addr_put(b, local);
	buf_puts(b, " -> ");
	if (peer)
		addr_put(b, peer);
	else
		buf_putc(b, '*');
	buf_pad(b, ' ',
		CALL_COLUMN > b->len - start ? CALL_COLUMN - (b->len - start) : 1);
	buf_printf(b, " %s\n", state_text(state));
}

static void ready_text(const struct laboratory *g, const struct lab *lab)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct addr us, peer;
	bool pair = lab_tuple(lab, &us, &peer);

	put_tuple(&b, "we", &us, pair ? &peer : NULL, lab->us);
	if (pair)
		put_tuple(&b, "peer", &peer, &us, lab->peer);
	if (lab->blind)
		buf_puts(&b, "not verified: the kernel's tables cannot be read here "
			     "(sock_diag)\n");
	buf_printf(&b, "kept %s\n", lab_kept(lab));
	tell_write(g->teller.out, TELL_DATA, &b);
}

/* The last line, which a script waits for. */
static void ready_line(const struct laboratory *g, const struct lab *lab)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct addr us, peer;
	bool pair = lab_tuple(lab, &us, &peer);

	buf_printf(&b, "ready: %s ", g->how.recipe->name);
	addr_put(&b, &us);
	buf_putc(&b, ' ');
	if (pair)
		addr_put(&b, &peer);
	else
		buf_putc(&b, '*');
	buf_putc(&b, '\n');
	tell_write(g->teller.out, TELL_READY, &b);
}

static void fail_ready(struct laboratory *g, const struct fault *f)
{
	g->lab.fault = *f;
	loop_stop(&g->s.loop);
}

static void state_ready(void *ctx, const struct lab *lab)
{
	struct laboratory *g = ctx;
	struct fault f = FAULT_INIT;

	if (!lab->renewed && (port_file_add(&g->port_file, &lab->at, &f) < 0 ||
			      port_file_write(&g->port_file, &f) < 0)) {
		fail_ready(g, &f);
		return;
	}
	if (!g->teller.json && !g->teller.quiet)
		ready_text(g, lab);
	if (!lab->renewed && g->how.side == LAB_SIDE_LISTEN && lab->us != STATE_CLOSE)
		tell_listening(&g->teller, &lab->at);
	if (g->teller.json)
		ready_json(g, lab);
	else if (!g->teller.quiet)
		ready_line(g, lab);
	if (g->parent >= 0)
		background_ready(&g->parent, &g->out);
}

static void state_gone(void *ctx, const struct lab *lab)
{
	struct laboratory *g = ctx;
	_cleanup_buf_ struct buf b = { 0 };
	const struct net_ops ops = teller_ops(&g->teller);

	buf_printf(&b,
		   "the kernel has ended %s after %.1f s (we are %s, the peer %s): it "
		   "is made anew",
		   g->how.recipe->name, (double)lab->held_us / 1e6, state_text(lab->us),
		   state_text(lab->peer));
	ops.event(ops.ctx, &(struct net_event){ .kind = NET_NOTE, .text = buf_cstr(&b) });
}

/* --- the kernel's tables --- */

static int look_up_state(void *ctx, const struct addr *local, const struct addr *peer)
{
	struct laboratory *g = ctx;
	struct sock s = { 0 };
	int r;

	if (g->blind)
		return -EOPNOTSUPP;
	r = inet_exact(&g->nl, local, peer, local->scope, 0, 0, &s);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return s.state == STATE_NEW_SYN_RECV ? STATE_SYN_RECV : s.state;
}

/* --- the command --- */

static void put_table(struct buf *b, enum lab_side side)
{
	const struct lab_recipe *recipes;
	size_t n, i;

	recipes = lab_recipes(&n);
	buf_printf(b,
		   "States for 'sockctl %s --lab STATE [ADDR]': both ends are made here, "
		   "and held\nuntil told to end.\n\n",
		   lab_sides_text(side));
	for (i = 0; i < n; i++) {
		const struct lab_recipe *r = &recipes[i];

		if (!(r->sides & side))
			continue;
		buf_printf(b, "  %-24s%s\n", r->name, r->means);
		buf_printf(b, "%-26s%s; kept %s\n", "", r->plain.how, r->plain.kept);
		if (r->strict.steps)
			buf_printf(b, "%-26s--strict: %s; kept %s\n", "", r->strict.how,
				   r->strict.kept);
	}
}

void endpoint_lab_tsv(struct buf *b)
{
	const struct lab_recipe *recipes;
	size_t n, i;

	recipes = lab_recipes(&n);
	for (i = 0; i < n; i++) {
		const struct lab_recipe *r = &recipes[i];
		bool strict = r->strict.steps;

		buf_printf(b, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r->name,
			   lab_sides_text(r->sides), r->means, r->plain.how,
			   r->plain.kept, strict ? r->strict.how : "",
			   strict ? r->strict.kept : "");
	}
}

/* The laboratory composes both ends itself: what else shapes a connection has no place in
 * it. The name of such an option, or NULL. */
static const char *misfit(const struct command *cmd, const struct endpoint_config *c)
{
	static const char *const fits[] = { "option", "ipv4", "ipv6", "tcp", "port-file",
					    "background", "backlog", "no-reuseaddr",
					    "lab", "strict", "trace", "json",
					    /* An --option by another name. */
					    "interface" };
	ENDPOINT_CONFIG_FREE struct endpoint_config unset = ENDPOINT_CONFIG_INIT;
	size_t g, i, k;

	for (g = 0; g < cmd->n_groups; g++)
		/* What all commands have fits everywhere. */
		for (i = 0; cmd->groups[g].opts != common_opts && i < cmd->groups[g].n;
		     i++) {
			const struct opt *o = &cmd->groups[g].opts[i];
			size_t size = o->kind == OPT_FLAG ? sizeof(bool)
				      : o->kind == OPT_SET || o->kind == OPT_CHOICE
					      ? sizeof(int)
					      : sizeof(uint64_t);

			if (!o->name || o->kind == OPT_WRONG || o->kind == OPT_IGNORED)
				continue;
			for (k = 0; k < ARRAY_SIZE(fits) && !streq(fits[k], o->name); k++)
				;
			if (k == ARRAY_SIZE(fits) &&
			    memcmp((const char *)c + o->at, (const char *)&unset + o->at,
				   size) != 0)
				return o->name;
		}
	return NULL;
}

static int check_laboratory(const struct command *cmd, const struct laboratory *g,
			    const struct target *t, struct fault *f)
{
	const char *name;

	if (t->proto != TARGET_TCP)
		return fault_say(f, EINVAL,
				 "--lab: the states are those of TCP, not of %s",
				 target_proto_name(t->proto));
	name = misfit(cmd, g->c);
	if (!name)
		return 0;
	fault_say(f, EINVAL, "--%s has no place in --lab, which makes both ends itself",
		  name);
	fault_hint(f, "--option, --backlog, --strict, --json, --port-file, --background, "
		      "-4 and -6 go with it");
	return -EINVAL;
}

static int fail_laboratory(struct laboratory *g)
{
	const struct lab_recipe *recipe = g->how.recipe;
	struct fault *f = &g->lab.fault;

	if (f->err == EPERM && g->how.strict)
		fault_hint(
			f,
			"on TCP it needs CAP_NET_ADMIN: run it as root, or in 'unshare "
			"-rn'; without --strict: %s",
			recipe->plain.how);
	if (g->lab.failed_at.len && g->lab.listener < 0)
		tell_why_bind(&g->teller, &g->lab.failed_at, &g->c->options, f);
	else
		tell_fault(&g->teller, f);
	return EXIT_CANNOT;
}

static int run_laboratory(struct laboratory *g)
{
	struct net_ops ops = teller_ops(&g->teller);
	struct fault f = FAULT_INIT;
	int r, code = EXIT_YES;

	g->blind = nl_open(&g->nl, NULL) < 0;
	r = session_begin(&g->s, &ops, false, false, &f);
	if (r == 0)
		r = tell_begin(&g->out, &g->s.loop, false);
	if (r == 0)
		r = lab_start(&g->lab, &g->s, &g->how, &f);
	if (r == 0)
		r = session_run(&g->s, &f);
	tell_end(&g->out);
	if (r < 0) {
		tell_fault(&g->teller, &f);
		code = EXIT_CANNOT;
	} else if (g->lab.fault.err) {
		code = fail_laboratory(g);
	}
	lab_stop(&g->lab);
	session_end(&g->s);
	if (tell_close(&g->out) && code == EXIT_YES)
		code = EXIT_CANNOT;
	session_release_signals(&g->s);
	if (!g->blind)
		nl_close(&g->nl);
	return cmd_leave(g->s.signo, code);
}

/* In the namespace of the ends; --background leaves when they are ready. */
static int start_laboratory(struct laboratory *g)
{
	struct fault f = FAULT_INIT;
	int code;

	if (g->c->background) {
		code = background_fork(&g->parent, &f);
		if (code < 0) {
			tell_fault(&g->teller, &f);
			tell_close(&g->out);
			return EXIT_CANNOT;
		}
	}
	return run_laboratory(g);
}

static int prepare_laboratory(const struct command *cmd, struct laboratory *g,
			      const struct opt_operands *words, struct target *t,
			      struct fault *f)
{
	struct endpoint_config *c = g->c;
	int r;

	if (!c->lab)
		return fault_say(f, EINVAL, "--strict belongs to --lab STATE");
	g->how.recipe = lab_find(c->lab, g->how.side, f);
	if (!g->how.recipe)
		return -EINVAL;
	r = endpoint_target(c, words, c->family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0",
			    t, f);
	return r < 0 ? r : check_laboratory(cmd, g, t, f);
}

static void say_not_stricter(struct laboratory *g)
{
	const struct net_ops ops = teller_ops(&g->teller);
	_cleanup_buf_ struct buf b = { 0 };

	buf_printf(&b, "%s needs no filter: --strict changes nothing",
		   g->how.recipe->name);
	ops.event(ops.ctx, &(struct net_event){ .kind = NET_NOTE, .text = buf_cstr(&b) });
}

int endpoint_lab(const struct endpoint_role *role, const struct command *cmd,
		 struct endpoint_config *c, const struct opt_operands *words)
{
	struct laboratory g = { .c = c, .parent = -1 };
	struct resolve_how loopback = { .empty = RESOLVE_EMPTY_LOOPBACK4 };
	_cleanup_endpoints_ struct endpoint_list list = { 0 };
	_cleanup_target_ struct target t = { 0 };
	_cleanup_buf_ struct buf b = { 0 };
	struct fault f = FAULT_INIT;
	int r;

	if (c->lab && streq(c->lab, "help")) {
		put_table(&b, role->side);
		return cmd_print(cmd, &b);
	}
	g.how = (struct lab_how){
		.side = role->side,
		.strict = c->strict,
		.no_reuseaddr = c->no_reuseaddr,
		.backlog = c->backlog == BEHAVE_UNSET ? -1 : (int)c->backlog,
		.options = &c->options,
		.list = &list,
		.ops = { .step = step_told,
			 .ready = state_ready,
			 .gone = state_gone,
			 .look = look_up_state,
			 .ctx = &g },
	};
	if (prepare_laboratory(cmd, &g, words, &t, &f) < 0)
		return cmd_usage(cmd, &f);
	endpoint_tell(&g.teller, &g.out, cmd, c);
	r = resolve(&t, t.port, &loopback, &list, &f);
	if (r < 0) {
		tell_fault(&g.teller, &f);
		tell_close(&g.out);
		return cmd_code_of_lookup(r);
	}
	if (c->strict && !g.how.recipe->strict.steps)
		say_not_stricter(&g);
	if (port_file_open(&g.port_file, c->port_file, &f) < 0) {
		tell_fault(&g.teller, &f);
		return EXIT_CANNOT;
	}
	endpoint_raise_fds();
	r = start_laboratory(&g);
	out_discard(&g.port_file);
	return r;
}
