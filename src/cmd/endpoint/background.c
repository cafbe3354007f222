#include "cmd/endpoint/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/leave.h"

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

int background_fork(int *parent, struct fault *f)
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

void background_ready(int *parent, struct tell_out *out)
{
	tell_settle(out);
	/* While there is an stderr to say that it failed. */
	tell_parent(*parent, out->cmd);
	let_go(STDERR_FILENO);
	tell_reopen(out);
	close_fd(take_fd(parent));
}
