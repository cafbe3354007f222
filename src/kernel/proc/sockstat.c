#include "kernel/proc/sockstat.h"

#include <errno.h>
#include <fcntl.h>

#include "model/proctext.h"

static const char *const paths[] = { "/proc/thread-self/net/sockstat",
				     "/proc/thread-self/net/sockstat6" };
static const char *const lines[] = { "TCP", "TCP6" };

/* What a file says about one family. */
struct counts {
	uint64_t hashed;   /* listening or with a peer */
	uint64_t remnants; /* in TIME_WAIT */
	uint64_t
		everywhere; /* of both families in all namespaces, whatever their state */
};

/* Reads the counts of one family from the start of its file. Those of remnants and of all
 * namespaces stand in that of IPv4, for both. */
static bool count(int fd, const char *line, struct counts *c)
{
	char text[1024];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return false;
	text[len] = '\0';
	*c = (struct counts){ 0 };
	return proctext_keyed(text, line, "inuse", &c->hashed) &&
	       (line != lines[0] ||
		(proctext_keyed(text, line, "tw", &c->remnants) &&
		 proctext_keyed(text, line, "alloc", &c->everywhere)));
}

bool sockstat_tcp(uint64_t *n)
{
	size_t i;

	*n = 0;
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		struct counts c;

		if (fd < 0 || !count(fd, lines[i], &c))
			return false;
		*n += c.hashed + c.remnants;
	}
	return true;
}

/* The kernel keeps a counter for each processor and adds them up one after the other: a
 * socket that goes from one to the other in between is in neither. Not two times, though:
 * what shall be proved by counts is read so often. */
enum { READINGS = 2 };

bool sockstat_no_tcp(void)
{
	int fds[ARRAY_SIZE(paths)] = { -1, -1 };
	bool none = true;
	struct counts c;
	size_t i;

	for (i = 0; i < READINGS * ARRAY_SIZE(paths) && none; i++) {
		size_t which = i % ARRAY_SIZE(paths);

		if (fds[which] < 0)
			fds[which] = open(paths[which], O_RDONLY | O_CLOEXEC);
		none = fds[which] >= 0 && count(fds[which], lines[which], &c) &&
		       c.hashed + c.remnants == 0;
	}
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		close_fd(fds[i]);
	return none;
}

bool sockstat_all_tcp_is_here(void)
{
	_cleanup_close_ int v4 = open(paths[0], O_RDONLY | O_CLOEXEC);
	/* A kernel without IPv6 has no such file, and no such sockets. */
	_cleanup_close_ int v6 = open(paths[1], O_RDONLY | O_CLOEXEC);
	bool all = v4 >= 0 && (v6 >= 0 || errno == ENOENT);
	int turn;

	for (turn = 0; turn < READINGS && all; turn++) {
		struct counts a, b = { 0 };

		all = count(v4, lines[0], &a) && (v6 < 0 || count(v6, lines[1], &b)) &&
		      a.everywhere == a.hashed + b.hashed;
	}
	return all;
}
