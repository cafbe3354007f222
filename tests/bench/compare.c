/*
 * Runs commands in turn (A B C A B C ...), so that whatever else the machine does hits
 * all of them alike, and prints what each run took: whole process, start to exit, by
 * posix_spawn and wait4. The arithmetic is the caller's.
 */
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "program.h"

extern char **environ;

struct config {
	bool help, pipe;
	uint64_t runs, warm_up;
	const char *netns;
};

#define AT(field) offsetof(struct config, field)

static const struct opt opts[] = {
	{ .name = "runs",
	  .kind = OPT_UINT,
	  .at = AT(runs),
	  .value = 1000000,
	  .metavar = "N",
	  .help = "measured runs of each command (7)" },
	{ .name = "warm-up",
	  .kind = OPT_UINT,
	  .at = AT(warm_up),
	  .value = 1000,
	  .metavar = "N",
	  .help = "runs before, not printed (1)" },
	{ .name = "netns",
	  .kind = OPT_TEXT,
	  .at = AT(netns),
	  .metavar = "PATH",
	  .help = "enter this network namespace first" },
	{ .name = "pipe",
	  .kind = OPT_FLAG,
	  .at = AT(pipe),
	  .help = "read the output from a pipe and time its first byte" },
	HELP_ROW(struct config),
};

struct run {
	double wall_ms, user_ms, system_ms;
	double first_ms; /* until the first byte on the pipe; 0 = none came */
	long rss_kib;
	int status; /* exit code, or 128 + signal */
	uint64_t bytes;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double timeval_ms(const struct timeval *t)
{
	return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

static void read_all(int fd, double start, struct run *r)
{
	static char data[1 << 16];
	ssize_t len;

	while ((len = read(fd, data, sizeof(data))) > 0) {
		if (!r->bytes)
			r->first_ms = now_ms() - start;
		r->bytes += (uint64_t)len;
	}
}

static struct run run_once(char **argv, bool through_pipe)
{
	posix_spawn_file_actions_t actions;
	_cleanup_close_ int out = -1;
	struct run r = { 0 };
	struct rusage usage;
	int fd[2], err, status;
	double start;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY,
					 0);
	if (through_pipe) {
		if (pipe2(fd, O_CLOEXEC))
			die("pipe");
		out = fd[0];
		posix_spawn_file_actions_adddup2(&actions, fd[1], STDOUT_FILENO);
	} else {
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
						 O_WRONLY, 0);
	}
	start = now_ms();
	err = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (err)
		die_of(argv[0], err);
	if (through_pipe) {
		close_fd(fd[1]);
		read_all(out, start, &r);
	}
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			die("wait4");
	r.wall_ms = now_ms() - start;
	r.user_ms = timeval_ms(&usage.ru_utime);
	r.system_ms = timeval_ms(&usage.ru_stime);
	r.rss_kib = usage.ru_maxrss;
	r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

struct command {
	char **argv; /* points into the argv of main(), ends with NULL */
};

/* Cuts the words at each ":::"; returns how many commands there are. */
static size_t split(char **words, struct command **commands)
{
	struct command *v = NULL;
	size_t n = 0, cap = 0;

	while (*words) {
		v = array_grow(v, n, &cap, sizeof(*v));
		v[n++].argv = words;
		while (*words && !streq(*words, ":::"))
			words++;
		if (*words)
			*words++ = NULL;
	}
	*commands = v;
	return n;
}

static void print_run(uint64_t round, size_t command, const struct run *r)
{
	printf("%llu\t%zu\t%.4f\t%.4f\t%.4f\t%.4f\t%ld\t%llu\t%d\n",
	       (unsigned long long)round, command, r->wall_ms, r->user_ms, r->system_ms,
	       r->first_ms, r->rss_kib, (unsigned long long)r->bytes, r->status);
}

static void enter_netns(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
}

int main(int argc, char **argv)
{
	const struct program program = { "compare [OPTION]... -- COMMAND ::: COMMAND ...",
					 opts, ARRAY_SIZE(opts) };
	struct config c = { .runs = 7, .warm_up = 1 };
	_cleanup_free_ struct command *commands = NULL;
	size_t n, i;
	uint64_t round;
	int own = 1;

	while (own < argc && !streq(argv[own], "--"))
		own++;
	program_begin(&program, own, argv, &c, &c.help);
	n = own < argc ? split(argv + own + 1, &commands) : 0;
	if (!n)
		program_wrong("which commands? they stand after '--'");
	if (c.netns)
		enter_netns(c.netns);
	printf("round\tcommand\twall_ms\tuser_ms\tsystem_ms\tfirst_ms\trss_kib\tbytes\t"
	       "status\n");
	for (round = 0; round < c.warm_up + c.runs; round++)
		for (i = 0; i < n; i++) {
			struct run r = run_once(commands[i].argv, c.pipe);

			if (round >= c.warm_up)
				print_run(round - c.warm_up, i, &r);
		}
	return 0;
}
