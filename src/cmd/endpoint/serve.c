#include "cmd/endpoint/serve.h"

#include <errno.h>
#include <stdlib.h>

#include "cmd/endpoint/background.h"
#include "cmd/endpoint/check.h"
#include "cmd/endpoint/http.h"
#include "cmd/endpoint/port_file.h"
#include "cmd/endpoint/relaying.h"
#include "cmd/endpoint/tell_why.h"
#include "cmd/endpoint/tracer_queue.h"
#include "cmd/still_held.h"
#include "kernel/proc/procfile.h"
#include "net/relay/conn_end.h"
#include "net/role/crew.h"
#include "net/role/datagram.h"
#include "net/role/server.h"
#include "net/role/server_open.h"
#include "net/socket/unixfile.h"

struct serving {
	struct endpoint_config *c;
	struct teller teller;
	struct tell_out out;
	struct tracer tracer;
	struct server_how how;
	struct http_how http;
	struct child_how child;
	struct relaying relaying;
	struct session s;
	struct server v;
	struct crew crew;
	struct datagram_how datagram_how;
	struct datagram d;
	struct endpoint local;
	struct listener *also; /* fd: has several */
	size_t n_also;
	struct unix_file file;
	struct out port_file;
	struct peerfile_place output;
	const char *unread_stdin; /* what is said of it; NULL = nothing */
	char *shell_argv[4];
	char shell_words[2][8]; /* its first two; execv() takes no constants */
	char **exec_argv;
	int parent; /* --background: whom to tell that we serve; -1 = nobody */
};

static int open_listener(struct serving *g, const struct target *t,
			 enum resolve_empty empty, struct fault *f)
{
	_cleanup_endpoints_ struct endpoint_list list = { 0 };
	struct resolve_how how = {
		.deadline_us = g->c->timeout_us ? clock_us() + g->c->timeout_us : 0,
		.empty = empty,
	};
	struct endpoint failed = { 0 };
	int fd;

	if (t->proto == TARGET_FD) {
		fd = server_inherit(t->number, &g->local, &g->also, &g->n_also, f);
		if (fd < 0)
			tell_fault(&g->teller, f);
		return fd;
	}
	fd = resolve(t, t->port, &how, &list, f);
	if (fd < 0) {
		tell_fault(&g->teller, f);
		return fd == -ETIMEDOUT || !resolve_says_no_name(fd) ? fd : -ENXIO;
	}
	session_hold_signals(&g->s);
	fd = server_open(&list, &g->how, &g->local, &g->file, &g->s, &failed, f);
	if (fd < 0)
		tell_why_bind(&g->teller, &failed, &g->c->options, f);
	return fd;
}

static int prepare_child(struct serving *g, struct fault *f)
{
	struct endpoint_config *c = g->c;
	int r;

	if (!c->exec && !c->shell)
		return 0;
	if (c->exec) {
		r = child_split(c->exec, &g->exec_argv, f);
		if (r < 0)
			return r;
		g->child.argv = g->exec_argv;
	} else {
		memcpy(g->shell_words[0], "/bin/sh", sizeof("/bin/sh"));
		memcpy(g->shell_words[1], "-c", sizeof("-c"));
		g->shell_argv[0] = g->shell_words[0];
		g->shell_argv[1] = g->shell_words[1];
		g->shell_argv[2] = xstrdup(c->shell);
		g->child.argv = g->shell_argv;
	}
	g->child.still_held = still_held;
	g->how.child = &g->child;
	return 0;
}

static void describe_server(struct serving *g, const struct target *t)
{
	struct endpoint_config *c = g->c;
	bool mapped = t->host == TARGET_HOST_IP && addr_is_v4_mapped(&t->ip);

	/* Bound with it and not listened on, a port is anybody's who sets it, too. */
	if (!c->no_reuseaddr && !c->behave.bind_only)
		sockopt_default(&c->options, "reuseaddr", 1);
	/* Else [::] takes IPv4, too. */
	if (c->family == AF_INET6 && !mapped)
		sockopt_default(&c->options, "v6only", 1);
	/* Tiny segments stay tiny only where nobody gathers them, and an echo shall not
	 * wait for the delayed ACK of the one before. */
	if (c->behave.chunk || g->s.how.source == CONN_FROM_PEER || c->to)
		sockopt_default(&c->options, "nodelay", 1);
	g->how.options = &c->options;
	g->how.backlog = c->backlog == BEHAVE_UNSET ? -1 : (int)c->backlog;
	g->how.keep = c->keep || c->max;
	g->how.max = c->max;
	g->how.timeout_us = c->timeout_us;
	g->how.rules = peer_rules_given(&c->rules) ? &c->rules : NULL;
	g->how.behave = &c->behave;
	g->how.to = c->to ? &g->relaying.how : NULL;
	g->s.forgiving = g->how.keep;
	g->datagram_how = (struct datagram_how){
		.behave = &c->behave,
		.rules = g->how.rules,
		.server = true,
		.echo = g->s.how.source == CONN_FROM_PEER,
		.max = c->once ? 1 : c->max,
		.timeout_us = c->timeout_us,
	};
}

/* The kernel cuts a backlog to net.core.somaxconn and says nothing. */
static void tell_backlog(struct serving *g)
{
	_cleanup_buf_ struct buf b = { 0 };
	uint64_t most;

	if (g->c->backlog == BEHAVE_UNSET || g->c->behave.bind_only ||
	    !procfile_sysctl("core/somaxconn", &most) || g->c->backlog <= most)
		return;
	buf_printf(&b,
		   "backlog: asked for %llu, the kernel took %llu (net.core.somaxconn)",
		   (unsigned long long)g->c->backlog, (unsigned long long)most);
	session_note(&g->s, buf_cstr(&b));
}

static void abandon(struct serving *g, int fd)
{
	size_t i;

	unixfile_remove(&g->file);
	close_fd(fd);
	for (i = 0; i < g->n_also; i++)
		close_fd(g->also[i].w.fd);
}

/* All that could fail has not: whoever reads this is served. */
static int announce(struct serving *g, struct fault *f)
{
	size_t i;
	int r = port_file_add(&g->port_file, &g->local, f);

	for (i = 0; r == 0 && i < g->n_also; i++)
		r = port_file_add(&g->port_file, &g->also[i].local, f);
	if (r == 0)
		r = port_file_write(&g->port_file, f);
	if (r < 0)
		return r;
	tell_listening(&g->teller, &g->local);
	for (i = 0; i < g->n_also; i++)
		tell_listening(&g->teller, &g->also[i].local);
	if (g->unread_stdin)
		session_note(&g->s, g->unread_stdin);
	if (g->parent >= 0)
		background_ready(&g->parent, &g->out);
	return 0;
}

static int serve_connections(struct serving *g, int fd, struct fault *f)
{
	bool alone = g->c->threads <= 1;
	int r = 0;

	if (g->teller.tracer)
		tracer_watch(g->teller.tracer, &g->s.loop);
	if (!alone)
		r = crew_start(&g->crew, &g->s, fd, &g->local, &g->how, g->c->threads, f);
	if (r < 0) {
		crew_end(&g->crew);
		abandon(g, fd);
		return r;
	}
	r = server_start(&g->v, &g->s, fd, &g->local, &g->file, &g->how, f);
	if (r == 0 && g->n_also)
		r = server_add(&g->v, g->also, g->n_also, f);
	if (r == 0)
		r = announce(g, f);
	if (r == 0)
		r = server_limit_fds(&g->how, f);
	if (!alone)
		crew_speak(&g->crew);
	if (r == 0)
		r = session_run(&g->s, f);
	tell_end(&g->out);
	if (!alone)
		crew_end(&g->crew);
	server_stop(&g->v);
	return r;
}

static int serve_datagrams(struct serving *g, int fd, struct fault *f)
{
	int r;

	/* Of an inherited socket nobody knew it before. */
	if (g->c->threads > 1) {
		abandon(g, fd);
		return fault_say(f, EINVAL,
				 "--threads: one socket serves every peer of datagrams");
	}
	r = datagram_start(&g->d, &g->s, fd, &g->local, NULL, &g->file, &g->datagram_how,
			   f);
	if (r == 0)
		r = announce(g, f);
	if (r == 0)
		r = session_run(&g->s, f);
	tell_end(&g->out);
	datagram_stop(&g->d);
	return r;
}

/* From the open listener to the end of the session. */
static int run_server(struct serving *g, int fd, struct fault *f)
{
	struct net_ops ops = teller_ops(&g->teller);
	int r = g->c->background ? background_fork(&g->parent, f) : 0;

	if (r == 0)
		r = session_begin(&g->s, &ops, g->s.how.source == CONN_FROM_STREAM,
				  g->s.how.source != CONN_FROM_PEER && !g->c->to, f);
	if (r < 0) {
		abandon(g, fd);
		return r;
	}
	r = tell_begin(&g->out, &g->s.loop, g->c->threads > 1);
	if (r < 0) {
		fault(f, -r, "watch standard error");
		abandon(g, fd);
	} else {
		r = target_is_connected(g->local.proto) ? serve_connections(g, fd, f)
							: serve_datagrams(g, fd, f);
	}
	tell_end(&g->out);
	session_end(&g->s);
	return r;
}

static int end_server(struct serving *g, int r, const struct fault *f, int *signo)
{
	uint64_t lost;
	int code;

	if (r < 0)
		tell_fault(&g->teller, f);
	session_release_signals(&g->s);
	if (r < 0)
		return EXIT_CANNOT;
	tell_summary(&g->teller, &g->s);
	lost = tell_close(&g->out);
	if (g->v.timed_out)
		return EXIT_DEADLINE;
	*signo = g->s.signo;
	/* What belongs to a server that a signal ends goes while it is still known. */
	if (*signo)
		leave_now();
	code = cmd_code_of(conn_end_verdict(g->s.worst));
	return lost && code == EXIT_YES ? EXIT_CANNOT : code;
}

/* What cannot be written is said before anybody is told that we listen. */
static int open_files(struct serving *g, struct fault *f)
{
	const struct endpoint_config *c = g->c;
	int r = endpoint_open_dump(&g->teller, c, f);

	if (r == 0)
		r = port_file_open(&g->port_file, c->port_file, f);

	if (r < 0 || !c->output_dir)
		return r;
	g->output.dir = peerfile_dir(c->output_dir, f);
	if (g->output.dir < 0)
		return g->output.dir;
	g->output.path = c->output_dir;
	g->how.output = g->output;
	g->datagram_how.output = g->output;
	return 0;
}

static void serving_free(struct serving *g)
{
	free(g->also);
	tell_close(&g->out);
	traffic_free(&g->teller.traffic);
	out_discard(&g->port_file);
	if (g->output.path)
		close_fd(g->output.dir);
	child_free_argv(g->exec_argv);
	free(g->shell_argv[2]);
	conn_how_free(&g->s.how);
	relaying_free(&g->relaying);
	if (g->teller.tracer)
		tracer_free(g->teller.tracer);
}

/* What an inherited socket is, nobody knew before. */
static int check_one(struct serving *g, const struct endpoint_role *role,
		     const struct target *t, const struct endpoint *local,
		     struct fault *f)
{
	int r = 0;

	if (t->proto == TARGET_FD)
		r = endpoint_check(role, g->c, local->proto, f);
	return r == 0 && g->c->to ? relaying_check(&g->relaying, local, f) : r;
}

static int check_listeners(struct serving *g, const struct endpoint_role *role,
			   const struct target *t, struct fault *f)
{
	enum target_proto proto = g->local.proto;
	int r = check_one(g, role, t, &g->local, f);
	size_t i;

	for (i = 0; r == 0 && i < g->n_also; i++) {
		r = check_one(g, role, t, &g->also[i].local, f);
		/* What only TCP can is left where not all are. */
		if (g->also[i].local.proto != TARGET_TCP)
			proto = g->also[i].local.proto;
	}
	if (r == 0 && g->n_also && g->c->threads > 1)
		r = fault_say(f, EINVAL,
			      "--threads: %zu sockets were handed over, one thread "
			      "serves them",
			      g->n_also + 1);
	conn_how_protocol(&g->s.how, proto);
	return r;
}

static int serve_target(const struct endpoint_role *role, const struct command *cmd,
			struct endpoint_config *c, const struct target *t, int *signo)
{
	__attribute__((cleanup(serving_free))) struct serving g = { .c = c,
								    .parent = -1 };
	struct fault f = FAULT_INIT;
	int fd, r;

	endpoint_tell(&g.teller, &g.out, cmd, c);
	if (c->trace) {
		tracer_init(&g.tracer, c->json, &g.out);
		g.teller.tracer = &g.tracer;
	}
	g.s.ops = teller_ops(&g.teller);
	r = endpoint_fill_how(role, c, t->proto, &g.s.how, &f);
	if (r == 0 && g.s.how.source == CONN_FROM_HTTP)
		r = endpoint_fill_http(c, &g.s.how, &g.http, &f);
	if (r == 0)
		r = prepare_child(&g, &f);
	if (r == 0 && c->to)
		r = relaying_parse(&g.relaying, &g.teller, &g.s, c, &f);
	if (r < 0)
		return cmd_usage(cmd, &f);
	if (c->to && relaying_resolve(&g.relaying, &r, &f) < 0) {
		tell_fault(&g.teller, &f);
		return r;
	}
	describe_server(&g, t);
	g.unread_stdin = endpoint_unread_stdin(role, c);
	if (open_files(&g, &f) < 0) {
		tell_fault(&g.teller, &f);
		return EXIT_CANNOT;
	}
	g.child.fd_limit = endpoint_raise_fds();
	fd = open_listener(&g, t, role->empty, &f);
	if (fd < 0)
		return fd == -ETIMEDOUT ? EXIT_DEADLINE
		       : fd == -ENXIO	? EXIT_NAME
					: EXIT_CANNOT;
	if (check_listeners(&g, role, t, &f) < 0) {
		abandon(&g, fd);
		return cmd_usage(cmd, &f);
	}
	tell_backlog(&g);
	r = run_server(&g, fd, &f);
	return end_server(&g, r, &f, signo);
}

/* A signal ends us when nothing is left open. */
int endpoint_serve(const struct endpoint_role *role, const struct command *cmd,
		   struct endpoint_config *c, const struct target *t)
{
	int signo = 0, code = serve_target(role, cmd, c, t, &signo);

	return cmd_leave(signo, code);
}
