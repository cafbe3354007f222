#include "cmd/inspect/can_bind.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/term.h"
#include "cmd/inspect/user.h"
#include "kernel/explain/explain.h"
#include "kernel/explain/policies.h"
#include "kernel/explain/trial.h"
#include "kernel/proc/place.h"
#include "view/view.h"
#include "view/view_bindable.h"

/* Longer than two tries at one name server, as resolv.conf(5) has them by default. */
enum { NAME_LIMIT_US = 12 * 1000 * 1000 };

struct asking {
	const struct command *cmd;
	const struct inspect_args *args;
	const struct inspect_home *home;
	struct bind_question q;
	struct out *out;
	gid_t gid;
	enum bind_verdict worst; /* so far */
	uint64_t verdicts;
	bool unsure; /* of one of them */
};

/* As the user that was named, for the kernel asks who makes the socket. */
static int become(const struct asking *x)
{
	if (!x->q.user)
		return 0;
	if (initgroups(x->q.user, x->gid) != 0 || setegid(x->gid) != 0 ||
	    seteuid(x->q.candidate.uid) != 0)
		return -errno;
	return 0;
}

/* In a process of its own, so that this one stays who it is. The errno of bind(), 0, or
 * negative if there was no trial. */
static int try_in_child(const struct asking *x, const struct bind_facts *facts)
{
	int answer = -ECHILD, ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		int r = become(x);

		answer = r < 0 ? r : -trial_bind(&facts->candidate, facts->freebind);
		_exit(write(ends[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	close_fd(ends[1]);
	if (pid < 0 || read(ends[0], &answer, sizeof(answer)) != sizeof(answer))
		answer = -ECHILD;
	close_fd(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return answer;
}

static void tell_no_trial(const struct asking *x, int err)
{
	char user[80] = "a server";

	if (x->q.user)
		escape_text(user, sizeof(user), x->q.user, strlen(x->q.user));
	cmd_say(x->cmd, "--try could not act as %s: %s", user, strerror(-err));
}

static void try_bind(const struct asking *x, struct bind_facts *facts)
{
	int r;

	if (!x->args->try_bind || facts->candidate.proto != PROTO_TCP || x->q.name)
		return;
	r = x->q.user ? try_in_child(x, facts)
		      : -trial_bind(&facts->candidate, facts->freebind);
	facts->tried = r >= 0;
	facts->trial_error = r;
	if (r == EACCES || r == EPERM)
		explain_policy(POLICY_PORT, r, &facts->policy);
	facts->cannot_try = r < 0;
	if (r < 0)
		tell_no_trial(x, r);
}

static void judge_candidate(struct asking *x)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };
	struct view_bindable v = { .address = x->q.address, .causes = &causes };
	struct bind_facts facts;

	explain_bind(&x->q, &arena, &facts);
	try_bind(x, &facts);
	v.verdict = cause_of_bind(&facts, &causes);
	causes_act_in(&causes, x->args->netns, facts.asker);
	v.tried = facts.tried || facts.cannot_try || facts.candidate.proto != PROTO_TCP;
	if (x->args->common.quiet)
		buf_reset(&x->out->b);
	else if (x->args->format == VIEW_JSON)
		view_bindable_json(&x->out->b, &v);
	else
		view_bindable_text(&x->out->b, &v,
				   term_use_colour((enum term_when)x->args->common.color,
						   x->out->fd),
				   term_width(x->out->fd));
	x->worst = MAX(x->worst, v.verdict);
	x->unsure |= v.verdict == BIND_CANNOT_TELL || v.verdict == BIND_NOT_JUDGED;
	x->verdicts++;
	causes_free(&causes);
}

static bool ipv6_only_by_default(void)
{
	FILE *file = fopen("/proc/sys/net/ipv6/bindv6only", "re");
	int c = file ? fgetc(file) : '0';

	if (file)
		fclose(file);
	return c == '1';
}

static void ask_inet(struct asking *x, const struct endpoint *ep)
{
	_cleanup_buf_ struct buf asked = { 0 };
	struct bind_candidate *c = &x->q.candidate;

	endpoint_addr(ep, &c->addr);
	c->proto = ep->type == SOCK_DGRAM ? PROTO_UDP : PROTO_TCP;
	c->ifindex = ep->ifindex ? ep->ifindex : c->addr.scope;
	c->v6only = x->args->v6only || ipv6_only_by_default();
	endpoint_put(&asked, ep);
	x->q.address = x->q.asked = buf_cstr(&asked);
	judge_candidate(x);
}

static void ask_unix(struct asking *x, const struct target *t)
{
	static const uint8_t protos[] = { [TARGET_UNIX] = PROTO_UNIX_STREAM,
					  [TARGET_UNIX_DGRAM] = PROTO_UNIX_DGRAM,
					  [TARGET_UNIX_SEQPACKET] =
						  PROTO_UNIX_SEQPACKET };
	_cleanup_buf_ struct buf shown = { 0 }, asked = { 0 };

	x->q.candidate.proto = protos[t->proto];
	x->q.name = t->name;
	x->q.name_len = strlen(t->name);
	x->q.abstract = t->host == TARGET_HOST_ABSTRACT;
	if (x->q.abstract)
		buf_putc(&shown, '@');
	buf_put_escaped(&shown, t->name, x->q.name_len);
	target_put(&asked, t);
	x->q.address = buf_cstr(&shown);
	x->q.asked = buf_cstr(&asked);
	judge_candidate(x);
}

static void set_port(struct endpoint *ep, uint16_t port)
{
	enum target_proto proto = ep->proto;
	uint32_t ifindex = ep->ifindex;
	struct addr a;

	endpoint_addr(ep, &a);
	a.port = port;
	endpoint_from_addr(ep, proto, &a);
	ep->ifindex = ifindex;
}

static int ask_target(struct asking *x, const struct target *t, struct fault *f)
{
	_cleanup_endpoints_ struct endpoint_list list = { 0 };
	uint16_t port = 0;
	size_t index = 0, i;
	int r;

	if (t->family == AF_UNIX) {
		ask_unix(x, t);
		return 0;
	}
	/* Once for all ports. */
	r = inspect_home_resolve(x->home, t, clock_us() + NAME_LIMIT_US, &list, f);
	while (r == 0 && target_next_port(t, &index, &port)) {
		/* Of "every address" a server takes the first that it can: dual stack. */
		for (i = 0; i < list.n; i++) {
			if (list.v[i].family == AF_INET6 && i + 1 < list.n &&
			    !place_has_ipv6())
				continue;
			set_port(&list.v[i], port);
			ask_inet(x, &list.v[i]);
			if (t->host == TARGET_HOST_NONE || t->host == TARGET_HOST_ANY)
				break;
		}
	}
	return r;
}

static int find_user(struct asking *x, const char *name, struct fault *f)
{
	struct inspect_user user = { 0 };
	int r = inspect_find_user("--as-user", name, &user, f);

	x->q.user = name;
	x->q.candidate.uid = user.uid;
	x->gid = user.gid;
	return r;
}

static int parse_question(struct asking *x, struct target *t, struct fault *f)
{
	const struct inspect_args *c = x->args;
	struct target_how how = { .flags = TARGET_PORT_LIST };
	int r;

	how.proto = target_chosen(c->what & WHAT_UDP ? TARGET_UDP : TARGET_TCP,
				  c->what & WHAT_UNIX);
	if (c->what & (WHAT_V4 | WHAT_V6))
		how.family = c->what & WHAT_V4 ? AF_INET : AF_INET6;
	r = target_parse(c->bindable, &how, t, f);
	if (r < 0)
		return r;
	if (t->proto != TARGET_TCP && t->proto != TARGET_UDP && t->family != AF_UNIX)
		return fault_say(f, EINVAL,
				 "--bindable knows tcp, udp and unix addresses");
	x->q.candidate.uid = geteuid();
	if (c->as_user)
		r = find_user(x, c->as_user, f);
	if (r == 0 && c->try_bind && t->proto != TARGET_TCP)
		return fault_say(f, EINVAL,
				 "--try is for TCP only: a trial would disturb others");
	return r;
}

static void tell_end(const struct asking *x)
{
	const struct view_end end = { .rows = x->verdicts, .complete = !x->unsure };

	if (x->args->format == VIEW_JSON && !x->args->common.quiet)
		view_end_json(&x->out->b, &end);
}

int inspect_bindable(const struct command *cmd, const struct inspect_args *c,
		     const struct inspect_home *home)
{
	struct asking x = { .cmd = cmd, .args = c, .home = home };
	_cleanup_target_ struct target t = { 0 };
	_cleanup_out_ struct out out = { 0 };
	struct fault f = FAULT_INIT;
	static const int codes[] = { [BIND_NOT_JUDGED] = EXIT_CANNOT,
				     [BIND_OK] = EXIT_YES,
				     [BIND_CANNOT_TELL] = EXIT_CANNOT,
				     [BIND_CONFLICT] = EXIT_NO };
	int r;

	x.q.candidate.reuseaddr = c->reuseaddr;
	x.q.candidate.reuseport = c->reuseport;
	r = parse_question(&x, &t, &f);
	if (r == -EINVAL || r == -ERANGE)
		return cmd_usage(cmd, &f);
	if (r < 0) {
		cmd_error(cmd, &f);
		return EXIT_CANNOT;
	}
	x.out = &out;
	out_init(&out, STDOUT_FILENO);
	if (c->output && out_open(&out, c->output, &f) < 0) {
		cmd_error(cmd, &f);
		return EXIT_CANNOT;
	}
	out.b.ascii = c->ascii;
	r = ask_target(&x, &t, &f);
	if (r < 0) {
		cmd_error(cmd, &f);
		return cmd_code_of_lookup(r);
	}
	tell_end(&x);
	return cmd_close_output(cmd, &out, c->output) < 0 ? EXIT_CANNOT : codes[x.worst];
}
