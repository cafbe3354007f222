#include "kernel/sockstat.h"

#include <fcntl.h>
#include <stdlib.h>

static const char *const paths[] = { "/proc/thread-self/net/sockstat",
				     "/proc/thread-self/net/sockstat6" };
static const char *const lines[] = { "TCP:", "TCP6:" };

static uint64_t number_after(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* Reads the counts of one family from the start of its file. */
static bool count(int fd, const char *line_start, uint64_t *n)
{
	char text[1024], *line, *end;
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return false;
	text[len] = '\0';
	line = strstr(text, line_start);
	if (!line)
		return false;
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	*n = number_after(line, " inuse ") + number_after(line, " tw ");
	return true;
}

bool sockstat_tcp(uint64_t *n)
{
	size_t i;

	*n = 0;
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		uint64_t some;

		if (fd < 0 || !count(fd, lines[i], &some))
			return false;
		*n += some;
	}
	return true;
}

bool sockstat_no_tcp(void)
{
	int fds[ARRAY_SIZE(paths)] = { -1, -1 };
	bool none = true;
	uint64_t n;
	size_t i;

	/*
	 * Twice, because the kernel adds up counters of all processors and of all states
	 * one after the other: a socket that goes from one to the other in between is in
	 * neither, but not two times.
	 */
	for (i = 0; i < 2 * ARRAY_SIZE(paths) && none; i++) {
		size_t which = i % ARRAY_SIZE(paths);

		if (fds[which] < 0)
			fds[which] = open(paths[which], O_RDONLY | O_CLOEXEC);
		none = fds[which] >= 0 && count(fds[which], lines[which], &n) && n == 0;
	}
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		close_fd(fds[i]);
	return none;
}
