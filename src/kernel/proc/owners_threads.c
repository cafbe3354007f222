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
#include <time.h>

#include "kernel/proc/owners_private.h"
#include "model/proctext.h"

enum {
	MOST_US = 50000, /* of work, so that a busy machine finds as much */
	MOST_TABLES = 16,
};

struct search {
	struct owners *o;
	const struct hash_index *wanted; /* NULL = all */
	struct hash_index known;	 /* those that have a holder */
	int proc_fd;
	bool can_compare; /* /proc numbers processes as our own namespace does */
	uint64_t until_us;
	bool late;
};

/* The tables of descriptors of one process that were read, each by a thread that has it.
 */
struct tables {
	int32_t tids[MOST_TABLES];
	size_t n;
};

static uint64_t worked_us(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool is_late(struct search *s)
{
	return s->late = s->late || worked_us() >= s->until_us;
}

static bool is_wanted(const struct search *s, uint32_t inode)
{
	return inode && (!s->wanted || hash_set_has(s->wanted, inode)) &&
	       !(s->wanted && hash_set_has(&s->known, inode));
}

/* The last that was added, for its descriptors follow each other. */
static size_t process_of(struct owners *o, int proc_fd, int32_t pid)
{
	size_t i = o->n_processes, cap = i;

	if (i && o->processes[i - 1].pid == pid)
		return i - 1;
	o->processes = array_grow(o->processes, i, &cap, sizeof(*o->processes));
	o->processes[i] = (struct owner_process){ .pid = pid };
	owners_read_command(proc_fd, &o->processes[i]);
	o->n_processes++;
	return i;
}

static void add_entry(struct search *s, int32_t pid, int32_t fd, uint32_t inode)
{
	struct owners *o = s->o;
	size_t n = o->n_entries, cap = n;

	o->entries = array_grow(o->entries, n, &cap, sizeof(*o->entries));
	o->entries[n] = (struct owner_entry){ inode,
					      (uint32_t)process_of(o, s->proc_fd, pid),
					      fd };
	o->n_entries++;
	hash_index_add(&o->index, hash_u64(&o->index, inode), n);
}

static void search_thread(struct search *s, int32_t pid, int32_t tid)
{
	char path[64], link[64];
	struct dirent *d;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%d/task/%d/fd", pid, tid);
	fd = openat(s->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		close_fd(fd);
		return;
	}
	while (!is_late(s) && (d = readdir(dir))) {
		ssize_t len = readlinkat(fd, d->d_name, link, sizeof(link));
		uint32_t inode = len < 0 ? 0 : proctext_socket(link, (size_t)len);

		if (is_wanted(s, inode))
			add_entry(s, pid, atoi(d->d_name), inode);
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
	if (fstatat(s->proc_fd, path, &st, 0) != 0 || st.st_nlink <= NO_THREADS)
		return;
	fd = openat(s->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		close_fd(fd);
		return;
	}
	/* Who may not read the leader's descriptors may not read these. */
	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(s->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && !is_late(s) && (d = readdir(dir))) {
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

/* False if none is left without a holder. */
static bool note_known(struct search *s)
{
	size_t i;

	for (i = 0; s->wanted && i < s->o->n_entries; i++)
		hash_set_add(&s->known, s->o->entries[i].inode);
	return !s->wanted || s->known.n < s->wanted->n;
}

static void search_all(struct search *s, const int32_t *pids, size_t n_pids)
{
	struct dirent *d;
	size_t i;
	DIR *dir;

	for (i = 0; i < n_pids && !is_late(s); i++)
		search_process(s, pids[i]);
	dir = n_pids ? NULL : opendir("/proc");
	if (!dir)
		return;
	while (!is_late(s) && (d = readdir(dir)))
		if (*d->d_name >= '1' && *d->d_name <= '9')
			search_process(s, atoi(d->d_name));
	closedir(dir);
}

void owners_search_threads(struct owners *o, const struct hash_index *wanted,
			   const int32_t *pids, size_t n_pids)
{
	_cleanup_close_ int proc = -1;
	struct search s = { .o = o, .wanted = wanted, .until_us = worked_us() + MOST_US };

	if (o->failed || o->has_threads || o->unseen == OWNER_NO_PROC ||
	    !note_known(&s)) {
		hash_index_free(&s.known);
		return;
	}
	proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s.proc_fd = proc;
	if (proc >= 0) {
		s.can_compare = numbers_are_ours(proc);
		search_all(&s, pids, n_pids);
	}
	if ((proc < 0 || s.late) && o->unseen == OWNER_INVISIBLE) {
		o->unseen = OWNER_THREADS;
		snprintf(o->unseen_why, sizeof(o->unseen_why),
			 "threads were not all searched");
	}
	hash_index_free(&s.known);
}
