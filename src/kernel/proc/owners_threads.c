/*
 * Descriptors of threads: /proc/PID/fd shows those of the leader, which has none any more
 * when it has ended before its threads, and which a thread may have left by
 * unshare(CLONE_FILES).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kernel/proc/owners_private.h"
#include "model/proctext.h"

enum { MOST_TABLES = 16 };

struct search {
	struct owner_search at;
	bool can_compare; /* /proc numbers processes as our own namespace does */
};

/* The tables of descriptors of one process that were read, each by a thread that has it.
 */
struct tables {
	int32_t tids[MOST_TABLES];
	size_t n;
};

static void search_thread(struct search *s, int32_t pid, int32_t tid)
{
	char path[64], link[64];
	struct dirent *d;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%d/task/%d/fd", pid, tid);
	fd = openat(s->at.proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		close_fd(fd);
		return;
	}
	while (!owner_search_late(&s->at) && (d = readdir(dir))) {
		ssize_t len = readlinkat(fd, d->d_name, link, sizeof(link));
		uint32_t inode = len < 0 ? 0 : proctext_socket(link, (size_t)len);

		if (owner_search_wants(&s->at, inode))
			owner_search_add(&s->at, pid, atoi(d->d_name), inode);
	}
	closedir(dir);
}

/* Whether its table was read already. Where that cannot be told it is read again. */
static bool is_known_table(const struct search *s, const struct tables *t, int32_t tid)
{
	size_t i;

	for (i = 0; i < t->n && s->can_compare; i++)
		if (syscall(SYS_kcmp, t->tids[i], tid, KCMP_FILES, 0, 0) == 0)
			return true;
	return false;
}

static void search_process(struct search *s, int32_t pid)
{
	enum { NO_THREADS = 3 }; /* links to a directory with one */
	struct tables t = { { pid }, 1 };
	struct dirent *d;
	struct stat st;
	char path[32];
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%d/task", pid);
	if (fstatat(s->at.proc_fd, path, &st, 0) != 0 || st.st_nlink <= NO_THREADS)
		return;
	fd = openat(s->at.proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		close_fd(fd);
		return;
	}
	/* Who may not read the leader's descriptors may not read these. */
	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(s->at.proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && !owner_search_late(&s->at) && (d = readdir(dir))) {
		int32_t tid = atoi(d->d_name);

		if (tid <= 0 || tid == pid || is_known_table(s, &t, tid))
			continue;
		search_thread(s, pid, tid);
		if (t.n < MOST_TABLES)
			t.tids[t.n++] = tid;
	}
	close_fd(fd);
	closedir(dir);
}

static bool numbers_are_ours(int proc_fd)
{
	char link[32];
	ssize_t n = readlinkat(proc_fd, "self", link, sizeof(link) - 1);

	if (n <= 0)
		return false;
	link[n] = '\0';
	return atoi(link) == getpid();
}

static void search_all(struct search *s, const int32_t *pids, size_t n_pids)
{
	struct dirent *d;
	size_t i;
	DIR *dir;

	for (i = 0; i < n_pids && !owner_search_late(&s->at); i++)
		search_process(s, pids[i]);
	dir = n_pids ? NULL : opendir("/proc");
	if (!dir)
		return;
	while (!owner_search_late(&s->at) && (d = readdir(dir)))
		if (*d->d_name >= '1' && *d->d_name <= '9')
			search_process(s, atoi(d->d_name));
	closedir(dir);
}

void owners_search_threads(struct owners *o, const struct hash_index *wanted,
			   const int32_t *pids, size_t n_pids)
{
	struct search s = { 0 };

	if (o->failed || o->has_threads || o->unseen == OWNER_NO_PROC ||
	    !owner_search_begin(&s.at, o, wanted))
		return;
	if (s.at.proc_fd >= 0) {
		s.can_compare = numbers_are_ours(s.at.proc_fd);
		search_all(&s, pids, n_pids);
	}
	owner_search_end(&s.at, "threads were not all searched");
}
