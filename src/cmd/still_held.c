#include "cmd/still_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/proc/owners.h"
#include "kernel/proc/procfile.h"

enum {
	CANDIDATES = 64,      /* that are looked at one by one */
	NO_WRAP_US = 1000000, /* process numbers do not wrap around within it */
};

/* The number of the process, or thread, that was started last; 0 = not known. */
static pid_t last_pid(void)
{
	char *text = procfile_read("/proc/loadavg"), *last;
	long pid = 0;

	last = text ? strrchr(text, ' ') : NULL;
	if (last)
		pid = strtol(last, NULL, 10);
	free(text);
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static bool held_by_one_of(int fd, const int32_t *pids, size_t n)
{
	struct hash_index wanted = { 0 };
	struct owners owners = { 0 };
	const struct holder *h;
	struct stat st;
	bool held = false;

	if (fstat(fd, &st) != 0)
		return false;
	hash_set_add(&wanted, (uint32_t)st.st_ino);
	owners_scan(&owners, &wanted, pids, n, 1);
	for (h = owners_find(&owners, (uint32_t)st.st_ino); h && !held; h = h->next)
		held = h->pid != getpid();
	owners_free(&owners);
	hash_index_free(&wanted);
	return held;
}

bool still_held(int fd, pid_t pid, uint64_t began_us)
{
	int32_t pids[CANDIDATES];
	pid_t last = last_pid();
	size_t n = 0;

	if (!last || last < pid || last - pid > CANDIDATES ||
	    clock_us() - began_us > NO_WRAP_US)
		return held_by_one_of(fd, NULL, 0);
	while (pid < last)
		pids[n++] = ++pid;
	return n && held_by_one_of(fd, pids, n);
}
