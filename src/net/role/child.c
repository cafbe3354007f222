#include "net/role/child.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/mem.h"

void child_free_argv(char **argv)
{
	size_t i;

	for (i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

int child_split(const char *command, char ***argv, struct fault *f)
{
	char **words = NULL, quote = 0;
	size_t n = 0, cap = 0;
	const char *p = command;

	for (;;) {
		_cleanup_buf_ struct buf word = { 0 };

		p += strspn(p, " \t\n");
		words = array_grow(words, n, &cap, sizeof(*words));
		words[n] = NULL;
		if (!*p)
			break;
		for (; *p && (quote || !strchr(" \t\n", *p)); p++) {
			if (quote ? *p == quote : *p == '\'' || *p == '"')
				quote = quote ? 0 : *p;
			else
				buf_putc(&word, *p);
		}
		words[n++] = xstrdup(buf_cstr(&word));
	}
	if (quote || !n) {
		child_free_argv(words);
		fault_say(f, EINVAL,
			  quote ? "a quote is not closed in '%s'" : "no command in '%s'",
			  command);
		fault_hint(f, "--sh takes a whole shell line");
		return -EINVAL;
	}
	*argv = words;
	return 0;
}

static char *variable(const char *name, const struct endpoint *ep)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s=", name);
	if (ep)
		endpoint_put(&b, ep);
	buf_cstr(&b);
	return b.data;
}

static char **environment(int sock, const struct endpoint *like)
{
	struct endpoint ep;
	size_t n = 0, i, out = 0;
	char **env;

	while (environ[n])
		n++;
	env = xcalloc(n + 3, sizeof(*env));
	for (i = 0; i < n; i++)
		if (!has_prefix(environ[i], "SOCKCTL_PEER=") &&
		    !has_prefix(environ[i], "SOCKCTL_LOCAL="))
			env[out++] = xstrdup(environ[i]);
	env[out++] = variable("SOCKCTL_PEER",
			      endpoint_peer(sock, like, &ep) == 0 ? &ep : NULL);
	env[out++] = variable("SOCKCTL_LOCAL",
			      endpoint_local(sock, like, &ep) == 0 ? &ep : NULL);
	return env;
}

static void child_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct child *c = LOOP_OWNER(w, struct child, w);
	siginfo_t info = { 0 };

	(void)events;
	if (waitid(P_PIDFD, (id_t)w->fd, &info, WEXITED | WNOHANG) != 0) {
		if (errno != ECHILD)
			return;
		/* It has ended, and somebody else has taken its status. */
		leave_forget(&c->leaving);
		watch_close(l, w);
		c->ended(c, CHILD_STATUS_UNKNOWN);
		return;
	}
	if (!info.si_pid)
		return;
	leave_forget(&c->leaving);
	watch_close(l, w);
	c->ended(c, info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
}

/* The child shall not see what was changed for us: mask, descriptors. */
static int spawn(pid_t *pid, const struct session *s, int sock,
		 const struct child_how *how, char **env)
{
	posix_spawn_file_actions_t actions;
	struct rlimit ours, theirs;
	posix_spawnattr_t attr;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, sock, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, sock, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &s->old_mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	getrlimit(RLIMIT_NOFILE, &ours);
	theirs = ours;
	if (how->fd_limit) {
		theirs.rlim_cur = how->fd_limit;
		setrlimit(RLIMIT_NOFILE, &theirs);
	}
	err = posix_spawnp(pid, how->argv[0], &actions, &attr, how->argv, env);
	if (how->fd_limit)
		setrlimit(RLIMIT_NOFILE, &ours);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

int child_start(struct child *c, struct session *s, int sock, const struct child_how *how,
		struct fault *f)
{
	char **env = environment(sock, &s->like);
	int r;

	c->how = how;
	c->began_us = clock_us();
	c->sock = -1;
	r = spawn(&c->pid, s, sock, how, env);
	child_free_argv(env);
	if (r < 0) {
		c->pid = 0;
		fault(f, -r, "run %s", how->argv[0]);
		if (r == -ENOENT)
			fault_hint(f,
				   "there is no such command; a shell line wants --sh");
		return r;
	}
	c->w = (struct watch){ .fd = pidfd_open(c->pid, 0), .fn = child_ready };
	r = c->w.fd < 0 ? -errno : watch_set(&s->loop, &c->w, EPOLLIN);
	if (r < 0) {
		/* It cannot be watched: it must not run unseen. */
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
		close_fd(take_fd(&c->w.fd));
		return fault(f, -r, "watch %s", how->argv[0]);
	}
	leave_process(&c->leaving, c->pid);
	c->sock = sock;
	c->running = true;
	return 0;
}

void child_end_connection(struct child *c, struct session *s,
			  void (*over)(struct drain *d, struct fault *f))
{
	if (c->how->still_held && c->how->still_held(c->sock, c->pid, c->began_us)) {
		close_fd(take_fd(&c->sock));
		over(&c->drain, NULL);
	} else {
		drain_start(&c->drain, &s->loop, take_fd(&c->sock), over);
	}
}

void child_kill(struct child *c, struct session *s)
{
	leave_forget(&c->leaving);
	kill(c->pid, SIGTERM);
	watch_close(&s->loop, &c->w);
	close_fd(take_fd(&c->sock));
}
