#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "unit/unit.h"

static char dir[] = "/tmp/sockctl-unit.XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const char *content(const char *path)
{
	static char text[4096];
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static int entries(void)
{
	char command[300], count[16] = "";
	FILE *p;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", dir);
	p = popen(command, "re");
	if (!p || !fgets(count, sizeof(count), p))
		return -1;
	pclose(p);
	return atoi(count);
}

static void whole_or_nothing(void)
{
	struct fault f = FAULT_INIT;
	struct stat st;
	struct out o;

	umask(027);
	CHECK_INT(out_open(&o, in_dir("a"), &f), 0);
	buf_puts(&o.b, "first ");
	CHECK_INT(out_flush(&o), 0);
	CHECK(content(in_dir("a")) == NULL);
	buf_puts(&o.b, "second");
	CHECK_INT(out_close(&o, &f), 0);
	CHECK_STR(content(in_dir("a")), "first second");
	CHECK_INT(stat(in_dir("a"), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0640);
	CHECK_INT(entries(), 1);

	CHECK_INT(out_open(&o, in_dir("a"), &f), 0);
	buf_puts(&o.b, "never seen");
	out_flush(&o);
	out_discard(&o);
	CHECK_STR(content(in_dir("a")), "first second");
	CHECK_INT(entries(), 1);
	out_discard(&o);

	CHECK_INT(out_open(&o, in_dir("a"), &f), 0);
	buf_puts(&o.b, "third");
	CHECK_INT(out_close(&o, &f), 0);
	CHECK_STR(content(in_dir("a")), "third");
	unlink(in_dir("a"));
}

static void no_such_directory(void)
{
	struct fault f = FAULT_INIT;
	struct out o;

	CHECK_INT(out_open(&o, in_dir("none/a"), &f), -ENOENT);
	CHECK(strstr(f.what, "none/a") && strstr(f.what, strerror(ENOENT)));
	out_discard(&o);
}

static void devices(void)
{
	struct fault f = FAULT_INIT;
	struct out o;

	CHECK_INT(out_open(&o, "/dev/null", &f), 0);
	CHECK(o.path == NULL);
	buf_puts(&o.b, "x");
	CHECK_INT(out_close(&o, &f), 0);
	CHECK_INT(out_open(&o, "/dev/full", &f), 0);
	buf_puts(&o.b, "x");
	CHECK_INT(out_close(&o, &f), -ENOSPC);
	CHECK(strstr(f.what, strerror(ENOSPC)));
}

static void first_error_is_kept(void)
{
	struct fault f = FAULT_INIT;
	struct out o;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	out_init(&o, fd);
	buf_puts(&o.b, "x");
	CHECK_INT(out_flush(&o), -ENOSPC);
	buf_puts(&o.b, "y");
	CHECK_INT(out_maybe_flush(&o), -ENOSPC);
	close_fd(fd);
	buf_puts(&o.b, "z");
	CHECK_INT(out_close(&o, &f), -ENOSPC);
	CHECK_INT(f.err, ENOSPC);
}

/* A reader that is slow, on a pipe that somebody made non-blocking: nothing is lost. */
static void slow_pipe(void)
{
	struct out o;
	int pipe_fd[2];
	char bytes[4096];
	size_t total = 0;
	ssize_t n;
	pid_t pid;
	int status = -1;

	CHECK_INT(pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		out_init(&o, pipe_fd[1]);
		buf_pad(&o.b, 'x', 300000);
		_exit(out_close(&o, NULL) == 0 ? 0 : 1);
	}
	close(pipe_fd[1]);
	fcntl(pipe_fd[0], F_SETFL, 0);
	while ((n = read(pipe_fd[0], bytes, sizeof(bytes))) > 0)
		total += (size_t)n;
	close(pipe_fd[0]);
	CHECK_INT(total, 300000);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	RUN(whole_or_nothing, "a file appears whole or not at all");
	RUN(no_such_directory, "a file that cannot be made is named with the reason");
	RUN(devices, "what is no regular file is written to, and its error is told");
	RUN(first_error_is_kept, "the first write error is kept");
	RUN(slow_pipe, "a full non-blocking pipe loses nothing");
	rmdir(dir);
	return unit_done();
}
