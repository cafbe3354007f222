/* --help, --version, and the way to a command; each command's story is in cmd/. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>

#include "cmd/cmd.h"
#include "kernel/bpf/owners_bpf.h"

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; commands[i]; i++)
		if (streq(commands[i]->name, name))
			return commands[i];
	return streq(name, cmd_porcelain.name) ? &cmd_porcelain : NULL;
}

static int print_help(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	size_t i;

	buf_puts(&b, "usage: sockctl COMMAND [OPTION]... [OPERAND]...\n\n"
		     "Shows, drives and tests sockets on Linux.\n\nCommands:\n");
	for (i = 0; commands[i]; i++)
		buf_printf(&b, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
	buf_puts(&b,
		 "\nOptions:\n"
		 "  -h, --help     this text; 'sockctl help COMMAND' for a command's\n"
		 "  -V, --version  the version and the optional parts that are built in\n"
		 "\n'sockctl inspect' shows every TCP socket of this machine.\n");
	return cmd_print(NULL, &b);
}

static int print_version(void)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_puts(&b, "sockctl " SOCKCTL_VERSION "\n");
	buf_printf(&b, "optional parts: %s\n",
		   owners_bpf_built_in ? "bpf (owners of sockets)" : "none");
	return cmd_print(NULL, &b);
}

static int unknown_command(const char *name)
{
	_cleanup_strv_ struct strv names = { 0 };
	struct fault f = FAULT_INIT;
	const char *nearest;
	char shown[80];
	size_t i;

	for (i = 0; commands[i]; i++)
		strv_add(&names, commands[i]->name);
	nearest = opt_nearest(name, names.v, names.n);
	fault_say(&f, EINVAL, "%s '%s'",
		  name[0] == '-' ? "unknown option" : "unknown command",
		  escape_text(shown, sizeof(shown), name, strlen(name)));
	if (nearest)
		fault_hint(&f, "did you mean '%s'?", nearest);
	return cmd_usage(NULL, &f);
}

static int help_command(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2)
		return print_help();
	cmd = find_command(argv[1]);
	return cmd ? cmd_help(cmd, true) : unknown_command(argv[1]);
}

/*
 * Where a standard descriptor is closed, the next file that is opened would take its
 * place and be written to. Each gets a stand-in of the wrong direction, so that using it
 * is an error (EBADF) as it was before.
 */
static void occupy_standard_descriptors(void)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO },
				{ .fd = STDOUT_FILENO },
				{ .fd = STDERR_FILENO } };
	int fd;

	if (poll(fds, ARRAY_SIZE(fds), 0) <= 0)
		return;
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if ((fds[fd].revents & POLLNVAL) &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			(void)!open("/", O_PATH); /* there may be no /dev here */
}

static void nothing(int signo)
{
	(void)signo;
}

/*
 * A reader that goes away, or a file that may not grow, is an error of write(), told with
 * its exit code, not a sudden end. A handler and not SIG_IGN: exec gives the commands
 * that we run the default back, and what was ignored before us stays ignored for them.
 */
static void hear_of_it_from_write(int signo)
{
	struct sigaction act = { .sa_handler = nothing, .sa_flags = SA_RESTART }, was;

	if (sigaction(signo, &act, &was) == 0 && was.sa_handler != SIG_DFL)
		sigaction(signo, &was, NULL);
}

/* With the rights of another user it would write his files, and show what only he may
 * see, for whoever starts it. exec() left both ids beside the arguments, getauxval(3): no
 * system call. */
static int refuse_borrowed_rights(void)
{
	struct fault f = FAULT_INIT;
	unsigned long uid = getauxval(AT_UID), euid = getauxval(AT_EUID);
	unsigned long gid = getauxval(AT_GID), egid = getauxval(AT_EGID);
	bool user = uid != euid;

	if (!user && gid == egid)
		return EXIT_YES;
	fault_say(&f, EPERM, "it is installed set-%s-ID, and runs as %s %lu for %lu",
		  user ? "user" : "group", user ? "user" : "group", user ? euid : egid,
		  user ? uid : gid);
	fault_hint(&f, "take that right from the file (chmod %s) and start it with sudo",
		   user ? "u-s" : "g-s");
	cmd_error(NULL, &f);
	return EXIT_CANNOT;
}

int main(int argc, char **argv)
{
	const struct command *cmd;

	/* Some supervisors ignore it, and exec() keeps that: our children would vanish
	 * without a status, and waiting for them would fail with ECHILD. */
	signal(SIGCHLD, SIG_DFL);
	occupy_standard_descriptors();
	if (refuse_borrowed_rights() != EXIT_YES)
		return EXIT_CANNOT;
	hear_of_it_from_write(SIGPIPE);
	hear_of_it_from_write(SIGXFSZ);
	if (argc < 2) {
		struct fault f = FAULT_INIT;

		fault_say(&f, EINVAL, "which command?");
		fault_hint(
			&f,
			"'sockctl inspect' shows the sockets; 'sockctl --help' lists the commands");
		return cmd_usage(NULL, &f);
	}
	if (streq(argv[1], "--help") || streq(argv[1], "-h"))
		return print_help();
	if (streq(argv[1], "--version") || streq(argv[1], "-V"))
		return print_version();
	if (streq(argv[1], "help"))
		return help_command(argc - 1, argv + 1);
	cmd = find_command(argv[1]);
	return cmd ? cmd->run(cmd, argc - 1, argv + 1) : unknown_command(argv[1]);
}
