#include "kernel/proc/owners_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/digits.h"
#include "base/mem.h"
#include "kernel/bpf/owners_bpf.h"
#include "kernel/proc/process.h"
#include "model/proctext.h"

enum {
	DIRENT_BUFFER = 32 * 1024,
	MOST_THREADS = 4,
	/* Fewer are scanned in the time that the program of owners_bpf.h takes to load.
	 */
	WORTH_PROCESSES = 128,
	WORTH_FILES = 1000,
};

/* What one thread has found. */
struct worker {
	struct scan *scan;
	struct owner_entry *entries;
	size_t n, cap;
	pthread_t thread;
};

struct scan {
	const struct hash_index *wanted;
	const int32_t *pids; /* only these; n_pids = 0: all */
	size_t n_pids;
	int32_t last_pid; /* whose record came last, and whether it is one of these */
	bool last_asked_for;
	struct owner_process *processes;
	size_t n_processes, cap_processes;
	atomic_size_t next;
	bool offsets_known; /* see offsets_are_numbers() */
	bool sizes_known; /* st_size of /proc/PID/fd counts the descriptors (Linux 6.2) */
	int proc_fd;
	int list_err; /* of listing the processes: some are not known at all */
	bool may_trace;
};

struct linux_dirent64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static bool parse_number(const char *s, int32_t *out)
{
	int64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || v > INT32_MAX / 10)
			return false;
		v = v * 10 + (*s - '0');
	}
	*out = (int32_t)v;
	return true;
}

static void add_entry(struct worker *w, uint32_t inode, size_t process, int32_t fd)
{
	w->entries = array_grow(w->entries, w->n, &w->cap, sizeof(*w->entries));
	w->entries[w->n++] = (struct owner_entry){ inode, (uint32_t)process, fd };
}

/* CAP_DAC_READ_SEARCH opens the directory of descriptors, following its links is another
 * right. Who has that and is refused all the same (by a sandbox) is told as of what is
 * not visible, or no socket of the kernel's could be called that. */
static void note_link_error(struct scan *scan, size_t process, int err)
{
	if (!owners_is_refusal(err) || !scan->may_trace)
		owners_keep_error(&scan->processes[process].err, err);
	else
		scan->processes[process].refused = true;
}

/* Listings of /proc/PID/fd begin with "." and "..", and then are at the place of each
 * number, whether it is in use or not. */
static bool list_from(int dir, int32_t fd)
{
	return lseek(dir, (off_t)fd + 2, SEEK_SET) >= 0;
}

/* Whether they are: tried on our own, of which one descriptor is known. */
static bool offsets_are_numbers(int proc_fd)
{
	_cleanup_close_ int dir = openat(proc_fd, "self/fd",
					 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char buf[256] __attribute__((aligned(8)));
	const struct linux_dirent64 *first = (const void *)buf;
	int32_t fd;

	if (dir < 0 || proc_fd == 0)
		return false;
	return list_from(dir, proc_fd) &&
	       syscall(SYS_getdents64, dir, buf, sizeof(buf)) > 0 &&
	       parse_number(first->name, &fd) && fd == proc_fd;
}

/* One descriptor; false if there is none of this name. */
static bool scan_link(struct worker *w, int dir, size_t process, const char *name,
		      int32_t fd)
{
	struct scan *scan = w->scan;
	uint32_t inode;
	char link[64];
	ssize_t len = readlinkat(dir, name, link, sizeof(link));

	if (len < 0) {
		int err = errno;

		note_link_error(scan, process, err);
		return err != ENOENT;
	}
	scan->processes[process].followed = true;
	inode = proctext_socket(link, (size_t)len);
	if (inode && (!scan->wanted || hash_set_has(scan->wanted, inode))) {
		owners_read_command(scan->proc_fd, &scan->processes[process]);
		add_entry(w, inode, process, fd);
	}
	return true;
}

/*
 * A listing of the directory costs as much as its links. But the kernel gives out the
 * lowest free number, so that of n descriptors most are 0 to n - 1, and are asked for
 * without a listing; until so many numbers are free, or so few descriptors are left, that
 * a listing of the rest is cheaper than to ask in vain. Returns where it begins.
 */
static int32_t scan_lowest(struct worker *w, int dir, size_t process, int64_t n)
{
	enum { SHARE = 8, FEW = 4 };
	int32_t fd, found = 0;

	for (fd = 0; found < n; fd++) {
		char text[16] = "", *end = text + sizeof(text) - 1;

		if (scan_link(w, dir, process, digits_before(end, (uint64_t)fd), fd))
			found++;
		else if (n - found <= FEW || fd - found > found / SHARE)
			return fd + 1;
	}
	return fd;
}

/* n_files: how many descriptors there are, as far as that is known; else 0. */
static void scan_links(struct worker *w, int dir, size_t process, int64_t n_files,
		       char *buf)
{
	struct owner_process *p = &w->scan->processes[process];
	long n;

	if (n_files && w->scan->offsets_known &&
	    !list_from(dir, scan_lowest(w, dir, process, n_files))) {
		owners_keep_error(&p->err, errno);
		return;
	}
	while ((n = syscall(SYS_getdents64, dir, buf, DIRENT_BUFFER)) > 0) {
		long at = 0;

		while (at < n) {
			struct linux_dirent64 *d = (void *)(buf + at);
			int32_t fd;

			at += d->reclen;
			if (parse_number(d->name, &fd))
				scan_link(w, dir, process, d->name, fd);
		}
	}
	if (n < 0)
		owners_keep_error(&p->err, errno);
}

static void scan_process(struct worker *w, size_t process, char *buf)
{
	struct scan *scan = w->scan;
	_cleanup_close_ int dir = -1;
	struct stat st = { 0 };
	char path[32];

	snprintf(path, sizeof(path), "%d/fd", scan->processes[process].pid);
	if (scan->sizes_known) {
		/* Kernel threads and others without descriptors: a stat is cheaper than a
		 * look. */
		if (fstatat(scan->proc_fd, path, &st, 0) == 0 && st.st_size == 0)
			return;
	}
	dir = openat(scan->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		owners_keep_error(&scan->processes[process].err, errno);
	else
		scan_links(w, dir, process, st.st_size, buf);
}

static void *scan_share(void *arg)
{
	struct worker *w = arg;
	_cleanup_free_ char *buf = xmalloc(DIRENT_BUFFER);
	size_t i;

	while ((i = atomic_fetch_add(&w->scan->next, 1)) < w->scan->n_processes)
		scan_process(w, i, buf);
	return NULL;
}

static struct owner_process *add_process(struct scan *scan, int32_t pid)
{
	struct owner_process *p;

	scan->processes = array_grow(scan->processes, scan->n_processes,
				     &scan->cap_processes, sizeof(*scan->processes));
	p = &scan->processes[scan->n_processes++];
	*p = (struct owner_process){ .pid = pid };
	return p;
}

static void list_processes(struct scan *scan, const int32_t *pids, size_t n_pids)
{
	struct dirent *d;
	size_t i;
	DIR *dir;

	for (i = 0; i < n_pids; i++)
		add_process(scan, pids[i]);
	if (n_pids)
		return;
	dir = opendir("/proc");
	if (!dir) {
		scan->list_err = errno;
		return;
	}
	while ((errno = 0, d = readdir(dir))) {
		int32_t pid;

		if (parse_number(d->d_name, &pid))
			add_process(scan, pid);
	}
	scan->list_err = errno;
	closedir(dir);
}

static void merge(struct owners *o, struct worker *workers, unsigned n_workers)
{
	const struct hash_key *key = hash_index_key(&o->index);
	size_t total = 0, n = 0, i;
	unsigned w;

	for (w = 0; w < n_workers; w++)
		total += workers[w].n;
	o->entries = take_ptr(&workers[0].entries);
	if (total > workers[0].cap)
		o->entries = xrealloc(o->entries, total * sizeof(*o->entries));
	for (w = 1, n = workers[0].n; w < n_workers; n += workers[w++].n) {
		if (workers[w].n)
			memcpy(o->entries + n, workers[w].entries,
			       workers[w].n * sizeof(*o->entries));
		free(take_ptr(&workers[w].entries));
	}
	o->n_entries = total;
	hash_index_reserve(&o->index, total);
	for (i = 0; i < total; i++)
		hash_index_add(&o->index, hash_u64_by(key, o->entries[i].inode), i);
}

/* The records of a process follow each other: looked up once for all of them. */
static bool is_asked_for(struct scan *scan, int32_t pid)
{
	size_t i;

	if (!scan->n_pids || pid == scan->last_pid)
		return !scan->n_pids || scan->last_asked_for;
	scan->last_pid = pid;
	scan->last_asked_for = false;
	for (i = 0; i < scan->n_pids && !scan->last_asked_for; i++)
		scan->last_asked_for = scan->pids[i] == pid;
	return scan->last_asked_for;
}

static void take_record(const struct owner_record *r, void *ctx)
{
	struct worker *w = ctx;
	struct scan *scan = w->scan;
	struct owner_process *p;

	if ((scan->wanted && !hash_set_has(scan->wanted, r->inode)) ||
	    !is_asked_for(scan, r->pid))
		return;
	if (!scan->n_processes || scan->processes[scan->n_processes - 1].pid != r->pid) {
		p = add_process(scan, r->pid);
		memcpy(p->command, r->command, sizeof(p->command) - 1);
	}
	add_entry(w, r->inode, scan->n_processes - 1, r->fd);
}

/* A program takes time to be loaded, in which a few processes are scanned. */
static bool worth_a_program(const struct scan *scan)
{
	struct stat st;
	char path[32];
	uint64_t files = 0;
	size_t i;

	if (!owners_bpf_built_in || scan->n_processes >= WORTH_PROCESSES)
		return owners_bpf_built_in;
	for (i = 0; i < scan->n_processes && scan->sizes_known; i++) {
		snprintf(path, sizeof(path), "%d/fd", scan->processes[i].pid);
		if (fstatat(scan->proc_fd, path, &st, 0) == 0)
			files += (uint64_t)st.st_size;
	}
	return files >= WORTH_FILES;
}

/* False if nothing came of it. */
static bool scan_by_bpf(struct owners *o, const struct hash_index *wanted,
			const int32_t *pids, size_t n_pids)
{
	struct scan scan = { .wanted = wanted, .pids = pids, .n_pids = n_pids };
	struct worker worker = { .scan = &scan };

	if (owners_bpf_read(take_record, &worker) < 0) {
		free(worker.entries);
		free(scan.processes);
		return false;
	}
	merge(o, &worker, 1);
	o->processes = scan.processes;
	o->n_processes = scan.n_processes;
	return true;
}

/* Of processes that could not be read, or named; list_err: or listed. */
static void count_errors(struct owners *o, int list_err)
{
	size_t i;

	o->failed = list_err;
	for (i = 0; i < o->n_processes; i++) {
		const struct owner_process *p = &o->processes[i];
		int err = p->err && !owners_is_refusal(p->err) ? p->err : p->name_err;

		o->unreadable += owners_is_refusal(p->err);
		o->unnamed += owners_is_refusal(p->name_err);
		if (err && !owners_is_refusal(err)) {
			o->failed = o->failed ? o->failed : err;
			o->n_failed++;
		}
	}
}

static void scan_links_of_all(struct owners *o, struct scan *scan, unsigned threads)
{
	struct worker workers[MOST_THREADS] = { 0 };
	unsigned n = MIN(threads ? threads : processors(), (unsigned)MOST_THREADS), i,
		 started = 0;

	if (scan->n_processes < 16)
		n = 1;
	for (i = 0; i < n; i++)
		workers[i].scan = scan;
	for (i = 1; i < n; i++, started++)
		if (pthread_create(&workers[i].thread, NULL, scan_share, &workers[i]) !=
		    0)
			break;
	scan_share(&workers[0]);
	for (i = 1; i <= started; i++)
		pthread_join(workers[i].thread, NULL);
	merge(o, workers, n);
	o->processes = scan->processes;
	o->n_processes = scan->n_processes;
	count_errors(o, scan->list_err);
}

/* In a sandbox (Landlock) rights do not help: of others than oneself not a link is read.
 */
static bool is_shut_in(const struct owners *o)
{
	bool refused = false;
	size_t i;

	for (i = 0; i < o->n_processes; i++) {
		const struct owner_process *p = &o->processes[i];

		if (p->followed && p->pid != getpid())
			return false;
		refused |= p->refused;
	}
	return refused;
}

/* By the program, to which a sandbox is nothing; in place of what was found by links. */
static bool look_past_sandbox(struct owners *o, const struct hash_index *wanted,
			      const int32_t *pids, size_t n_pids)
{
	struct owners past = { .scanned = true, .unseen = o->unseen };

	if (!scan_by_bpf(&past, wanted, pids, n_pids))
		return false;
	memcpy(past.unseen_why, o->unseen_why, sizeof(past.unseen_why));
	owners_free(o);
	*o = past;
	return true;
}

static void note_visible(struct owners *o, int status)
{
	o->unseen = (uint8_t)MAX(status, (int)OWNER_NOT_ASKED);
	o->failed = -MIN(status, 0);
}

void owners_scan(struct owners *o, const struct hash_index *wanted, const int32_t *pids,
		 size_t n_pids, unsigned threads)
{
	struct scan scan = { .wanted = wanted, .may_trace = process_may_trace() };
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int opened = proc < 0 ? -errno : proc;
	struct stat st;
	bool by_bpf;

	owners_free(o);
	o->scanned = true;
	note_visible(o, visible_processes(opened, scan.may_trace, o->unseen_why));
	if (o->failed || o->unseen == OWNER_NO_PROC)
		return;
	scan.proc_fd = proc;
	scan.sizes_known = fstatat(proc, "self/fd", &st, 0) == 0 && st.st_size > 0;
	scan.offsets_known = scan.sizes_known && offsets_are_numbers(proc);
	list_processes(&scan, pids, n_pids);
	/* The program sees what hidepid hides, and threads; and past a sandbox. */
	by_bpf = (o->unseen == OWNER_HIDEPID || worth_a_program(&scan)) &&
		 scan_by_bpf(o, wanted, pids, n_pids);
	if (by_bpf) {
		free(scan.processes);
		if (o->unseen == OWNER_HIDEPID)
			note_visible(o, visible_processes(proc, true, o->unseen_why));
	} else {
		scan_links_of_all(o, &scan, threads);
		by_bpf = is_shut_in(o) && look_past_sandbox(o, wanted, pids, n_pids);
	}
	o->has_threads = by_bpf;
	if (wanted)
		owners_search_threads(o, wanted, pids, n_pids);
	/* Who asks for some processes does not ask for the holder. */
	if (wanted && !n_pids)
		owners_search_files(o, wanted);
}

void owners_free(struct owners *o)
{
	hash_index_free(&o->index);
	free(o->entries);
	free(o->processes);
	free(o->scratch);
	*o = (struct owners){ 0 };
}

static int by_pid_and_fd(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

/* Without those that several threads have alike. */
static size_t sort_holders(struct holder *v, size_t n)
{
	size_t kept = 1, i;

	qsort(v, n, sizeof(*v), by_pid_and_fd);
	for (i = 1; i < n; i++)
		if (by_pid_and_fd(&v[kept - 1], &v[i]) != 0)
			v[kept++] = v[i];
	return kept;
}

const struct holder *owners_find(struct owners *o, uint32_t inode)
{
	uint32_t hash = hash_u64_by(&o->index.key, inode), step = 0;
	size_t at, n = 0, i;

	while ((at = hash_index_next(&o->index, hash, &step)) != SIZE_MAX) {
		const struct owner_entry *e = &o->entries[at];

		if (e->inode != inode)
			continue;
		o->scratch = array_grow(o->scratch, n, &o->scratch_cap,
					sizeof(*o->scratch));
		o->scratch[n++] = (struct holder){
			.pid = o->processes[e->process].pid,
			.fd = e->fd,
			.command = o->processes[e->process].command,
			.unnamed = o->processes[e->process].name_err != 0,
		};
	}
	if (!n)
		return NULL;
	if (n > 1)
		n = sort_holders(o->scratch, n);
	for (i = 0; i + 1 < n; i++)
		o->scratch[i].next = &o->scratch[i + 1];
	return o->scratch;
}

uint8_t owners_why_nobody(const struct owners *o)
{
	if (o->failed)
		return OWNER_NOT_READ;
	if (owner_is_unknown(o->unseen))
		return o->unseen;
	return o->unreadable ? OWNER_PERMISSION : OWNER_INVISIBLE;
}

bool owners_unreadable(struct owners *o, size_t *i, struct holder *h)
{
	for (; *i < o->n_processes; ++*i) {
		struct owner_process *p = &o->processes[*i];

		if (!p->err)
			continue;
		owners_read_command(-1, p);
		*h = (struct holder){ .pid = p->pid,
				      .command = p->command,
				      .unnamed = p->name_err != 0,
				      .fd = -1 };
		++*i;
		return true;
	}
	return false;
}
