#include "cmd/endpoint/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/leave.h"
#include "cmd/endpoint/tracer.h"
#include "cmd/why.h"
#include "kernel/proc/procfile.h"
#include "net/role/crew.h"
#include "net/role/datagram.h"
#include "net/role/server_open.h"
#include "net/socket/resolve.h"
#include "net/socket/unixfile.h"

int endpoint_main(const struct command *cmd, int argc, char **argv,
		  const struct endpoint_story *story)
{
	ENDPOINT_CONFIG_FREE struct endpoint_config c = ENDPOINT_CONFIG_INIT;
	_cleanup_target_ struct target t = { 0 };
	struct opt_operands words = { 0 };
	struct fault f = FAULT_INIT;
	int code = EXIT_USAGE, r;

	if (endpoint_list_options(cmd, argc, argv, &code) ||
	    !cmd_begin(cmd, argc, argv, &c, &c.common, &words, &code)) {
		strv_free(&words.words);
		return code;
	}
	if (c.lab || c.strict) {
		code = endpoint_lab(cmd, &c, &words, story->side);
		strv_free(&words.words);
		return code;
	}
	r = endpoint_target(&c, &words,
			    c.family == AF_INET6 ? story->otherwise6 : story->otherwise,
			    &t, &f);
	if (r == 0 && t.proto != TARGET_FD)
		r = endpoint_check(cmd, &c, t.proto, &f);
	if (r == 0 && story->check)
		r = story->check(&c, &t, &f);
	strv_free(&words.words);
	return r < 0 ? cmd_usage(cmd, &f) : story->go(cmd, &c, &t);
}

int endpoint_code_of_session(const struct session *s)
{
	switch (s->verdict) {
	case CONN_NONE: /* nobody came, or none whose end counts */
	case CONN_COMPLETE:
	case CONN_HELD:
	case CONN_CUT:
	case CONN_MET:
	case CONN_TOLD:
		return EXIT_YES;
	case CONN_UNMET:
	case CONN_RESET:
	case CONN_ERROR:
		return EXIT_NO;
	case CONN_IDLE:
		return EXIT_DEADLINE;
	case CONN_OUTPUT:
	case CONN_INPUT:
		return EXIT_CANNOT;
	}
	return EXIT_CANNOT;
}

int endpoint_open_port_file(struct out *o, const char *path, struct fault *f)
{
	out_init(o, -1);
	return path ? out_open(o, path, f) : 0;
}

/* As connect takes it: a path as it is, if a line can hold it. */
static int put_as_operand(struct buf *b, const struct endpoint *local, struct fault *f)
{
	_cleanup_buf_ struct buf raw = { 0 }, safe = { 0 };

	if (!endpoint_raw_path(&raw, local)) {
		endpoint_put(b, local);
		return 0;
	}
	buf_put_harmless(&safe, raw.data, raw.len);
	if (safe.len != raw.len) {
		fault_say(f, EINVAL, "--port-file: a line cannot hold the path '%s'",
			  buf_cstr(&safe));
		fault_hint(f, "choose a path without control characters");
		return -EINVAL;
	}
	buf_printf(b, "%s:", target_proto_name(local->proto));
	buf_put(b, raw.data, raw.len);
	return 0;
}

int endpoint_write_port_file(struct out *o, const struct endpoint *local, struct fault *f)
{
	if (o->fd < 0)
		return 0;
	if (put_as_operand(&o->b, local, f) < 0) {
		out_discard(o);
		return -EINVAL;
	}
	buf_putc(&o->b, '\n');
	return out_close_mine(o, f);
}

/* What a shell waits for when it reads our output: pipes. Files stay. */
static void let_go(int fd)
{
	struct stat st;
	int null;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	dup2(null, fd);
	close_fd(null);
}

static int exit_code_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_CANNOT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int endpoint_fork_background(int *parent, struct fault *f)
{
	char said;
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fault(f, errno, "make a pipe");
	pid = fork();
	if (pid < 0) {
		int err = errno;

		close_fd(ends[0]);
		close_fd(ends[1]);
		return fault(f, err, "go to the background");
	}
	if (pid == 0) {
		close_fd(ends[0]);
		leave_inherit();
		setsid();
		let_go(STDIN_FILENO);
		let_go(STDOUT_FILENO);
		*parent = ends[1];
		return 0;
	}
	close_fd(ends[1]);
	do
		n = read(ends[0], &said, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		/* A server that nobody knows of must not stay. */
		fault(f, errno, "wait for the server in the background");
		close_fd(ends[0]);
		kill(pid, SIGTERM);
		exit_code_of(pid);
		return -f->err;
	}
	_exit(n == 1 ? EXIT_YES : exit_code_of(pid));
}

/* The parent waits for our word or our end. Where it was killed, nobody does. */
static void tell_parent(int parent, const struct command *cmd)
{
	struct fault f = FAULT_INIT;

	while (write(parent, "", 1) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EPIPE)
			return;
		fault(&f, errno, "tell that the server is in the background");
		cmd_error(cmd, &f);
		leave_now();
		_exit(EXIT_CANNOT);
	}
}

void endpoint_let_go(int *parent, struct tell_out *out)
{
	tell_settle(out);
	/* While there is an stderr to say that it failed. */
	tell_parent(*parent, out->cmd);
	let_go(STDERR_FILENO);
	tell_reopen(out);
	close_fd(take_fd(parent));
}

struct serving {
	struct endpoint_config *c;
	struct teller teller;
	struct tell_out out;
	struct tracer tracer;
	struct server_how how;
	struct child_how child;
	struct session s;
	struct server v;
	struct crew crew;
	struct datagram_how datagram_how;
	struct datagram d;
	struct endpoint local;
	struct unix_file file;
	struct out port_file;
	struct peerfile_place output;
	char *shell_argv[4];
	char shell_words[2][8]; /* its first two; execv() takes no constants */
	char **exec_argv;
	int parent; /* --background: whom to tell that we serve; -1 = nobody */
};

static int open_listener(struct serving *g, const struct target *t, bool echo,
			 struct fault *f)
{
	_cleanup_endpoints_ struct endpoint_list list = { 0 };
	struct resolve_how how = {
		.deadline_us = g->c->timeout_us ? clock_us() + g->c->timeout_us : 0,
		.empty = echo ? RESOLVE_EMPTY_LOOPBACK4 : RESOLVE_EMPTY_ANY,
	};
	struct endpoint failed = { 0 };
	int fd;

	if (t->proto == TARGET_FD) {
		fd = server_inherit(t->number, &g->local, f);
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
		cmd_explain_bind(&g->teller, &failed, &g->c->options, f);
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
	g->how.child = &g->child;
	return 0;
}

static void describe(struct serving *g, const struct target *t)
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
	if (c->behave.chunk || g->s.how.source == CONN_FROM_PEER)
		sockopt_default(&c->options, "nodelay", 1);
	g->how.options = &c->options;
	g->how.backlog = c->backlog == BEHAVE_UNSET ? -1 : (int)c->backlog;
	g->how.keep = c->keep || c->max;
	g->how.max = c->max;
	g->how.timeout_us = c->timeout_us;
	g->how.behave = &c->behave;
	g->s.forgiving = g->how.keep;
	g->datagram_how = (struct datagram_how){
		.behave = &c->behave,
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
	unixfile_remove(&g->file);
	close_fd(fd);
}

/* All that could fail has not: whoever reads this is served. */
static int announce(struct serving *g, struct fault *f)
{
	int r = endpoint_write_port_file(&g->port_file, &g->local, f);

	if (r < 0)
		return r;
	tell_listening(&g->teller, &g->local);
	if (g->parent >= 0)
		endpoint_let_go(&g->parent, &g->out);
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
static int serve(struct serving *g, int fd, struct fault *f)
{
	struct net_ops ops = teller_ops(&g->teller);
	int r = g->c->background ? endpoint_fork_background(&g->parent, f) : 0;

	if (r == 0)
		r = session_begin(&g->s, &ops, g->s.how.source == CONN_FROM_STREAM,
				  g->s.how.source != CONN_FROM_PEER, f);
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

static int finish(struct serving *g, int r, const struct fault *f, int *signo)
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
	code = endpoint_code_of_session(&g->s);
	*signo = g->s.signo;
	/* What belongs to a server that a signal ends goes while it is still known. */
	if (*signo)
		leave_now();
	return lost && code == EXIT_YES ? EXIT_CANNOT : code;
}

/* What cannot be written is said before anybody is told that we listen. */
static int open_files(struct serving *g, struct fault *f)
{
	const struct endpoint_config *c = g->c;
	int r = endpoint_open_port_file(&g->port_file, c->port_file, f);

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
	tell_close(&g->out);
	out_discard(&g->port_file);
	if (g->output.path)
		close_fd(g->output.dir);
	child_free_argv(g->exec_argv);
	free(g->shell_argv[2]);
	conn_how_free(&g->s.how);
	if (g->teller.tracer)
		tracer_free(g->teller.tracer);
}

static int serve_target(const struct command *cmd, struct endpoint_config *c,
			const struct target *t, bool echo, int *signo)
{
	__attribute__((cleanup(serving_free))) struct serving g = { .c = c,
								    .parent = -1 };
	struct fault f = FAULT_INIT;
	int fd, r;

	tell_open(&g.out, cmd, c->json, c->common.verbose);
	g.teller = (struct teller){ .cmd = cmd,
				    .out = &g.out,
				    .json = c->json,
				    .quiet = c->common.quiet,
				    .report = c->report,
				    .info = c->info,
				    .many = c->keep || c->max,
				    .verbose = c->common.verbose };
	if (c->trace) {
		tracer_init(&g.tracer, c->json, &g.out);
		g.teller.tracer = &g.tracer;
	}
	g.s.ops = teller_ops(&g.teller);
	r = endpoint_fill_how(c, echo ? ENDPOINT_ECHO : ENDPOINT_LISTEN, t->proto,
			      &g.s.how, &f);
	if (r == 0)
		r = prepare_child(&g, &f);
	if (r < 0)
		return cmd_usage(cmd, &f);
	describe(&g, t);
	if (open_files(&g, &f) < 0) {
		tell_fault(&g.teller, &f);
		return EXIT_CANNOT;
	}
	g.child.fd_limit = endpoint_raise_fds();
	fd = open_listener(&g, t, echo, &f);
	if (fd < 0)
		return fd == -ETIMEDOUT ? EXIT_DEADLINE
		       : fd == -ENXIO	? EXIT_NAME
					: EXIT_CANNOT;
	if (t->proto == TARGET_FD && endpoint_check(cmd, c, g.local.proto, &f) < 0) {
		close_fd(fd);
		return cmd_usage(cmd, &f);
	}
	conn_how_protocol(&g.s.how, g.local.proto);
	tell_backlog(&g);
	r = serve(&g, fd, &f);
	return finish(&g, r, &f, signo);
}

/* A signal ends us when nothing is left open. */
int endpoint_serve(const struct command *cmd, struct endpoint_config *c,
		   const struct target *t, bool echo)
{
	int signo = 0, code = serve_target(cmd, c, t, echo, &signo);

	return cmd_leave(signo, code);
}
