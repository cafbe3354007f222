#include "cmd/probe/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 or positive errno. */
static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	/* access() takes a directory that may be searched for one that can be run. */
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* As execvp(): the first that can be run; one that cannot is told only if no other can.
 */
static int search_path(const char *name)
{
	const char *p = getenv("PATH"), *end;
	int err = ENOENT, one;

	if (!p)
		p = "/bin:/usr/bin";
	for (;; p = end + 1) {
		_cleanup_buf_ struct buf path = { 0 };

		end = strchrnul(p, ':');
		buf_put(&path, p, (size_t)(end - p));
		if (path.len)
			buf_putc(&path, '/');
		buf_puts(&path, name);
		one = check_file(buf_cstr(&path));
		if (!one)
			return 0;
		if (one == EACCES)
			err = one;
		if (!*end)
			return err;
	}
}

static int code_of(int err)
{
	return err == ENOENT || err == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int probe_command_check(const char *name, struct fault *f)
{
	bool by_path = name[0] && !strchr(name, '/');
	int err = by_path ? search_path(name) : name[0] ? check_file(name) : ENOENT;

	if (!err)
		return 0;
	if (by_path && err == ENOENT)
		fault_say(f, err, "the command '%s' is in no directory of PATH", name);
	else
		fault(f, err, "cannot run '%s'", name);
	fault_hint(f, "no target was asked");
	return code_of(err);
}

int probe_command_run(const struct command *cmd, char *const *argv,
		      const struct rlimit *descriptors)
{
	struct fault f = FAULT_INIT;
	int code;

	setrlimit(RLIMIT_NOFILE, descriptors);
	execvp(argv[0], argv);
	fault(&f, errno, "cannot run '%s'", argv[0]);
	/* A file that is there names an interpreter that is not. */
	if (f.err == ENOENT && !probe_command_check(argv[0], NULL)) {
		fault_hint(&f, "is the interpreter in its first line installed?");
		code = EXIT_NOT_EXECUTABLE;
	} else {
		code = code_of(f.err);
	}
	cmd_error(cmd, &f);
	return code;
}
