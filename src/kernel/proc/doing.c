#include "kernel/proc/doing.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kernel/proc/calls.h"
#include "kernel/proc/freezer.h"
#include "kernel/proc/procfile.h"
#include "model/processtext.h"
#include "model/proctext.h"

enum {
	MOST_THREADS = 64, /* are looked at; with more it is not known what all do */
	MOST_EPOLLS = 16,
	MOST_DESCRIPTORS = 4096,
	WCHAN_MAX = 64,
};

static char *read_file(int32_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return procfile_read(path);
}

/* "sigsuspend.isra.0": what the compiler added to the name says nothing. */
static const char *wchan_of(int32_t pid, struct arena *a)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	_cleanup_free_ char *text = read_file(pid, "wchan");
	size_t len = text ? strspn(text, letters) : 0;

	return len && len < WCHAN_MAX && text[0] > '9' ? arena_strndup(a, text, len)
						       : NULL;
}

static uint64_t program_of(int32_t pid)
{
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int32_t tracer_of(int32_t pid)
{
	_cleanup_free_ char *status = read_file(pid, "status");
	uint64_t tracer;

	return status && proctext_line(status, "TracerPid:", &tracer) &&
			       tracer <= INT32_MAX
		       ? (int32_t)tracer
		       : 0;
}

static const char *command_of(int32_t pid, struct arena *a)
{
	_cleanup_free_ char *text = read_file(pid, "comm");

	return text ? arena_strndup(a, text, strcspn(text, "\n")) : NULL;
}

/* The functions that freeze a process; the compiler may have put them into others, which
 * say nothing by themselves. */
static bool is_freezer(const char *wchan)
{
	return streq(wchan, "do_freezer_trap") || streq(wchan, "__refrigerator");
}

static bool may_be_freezer(const char *wchan)
{
	static const char *const callers[] = {
		"get_signal",
		"arch_do_signal_or_restart",
		"exit_to_user_mode_loop",
		"syscall_exit_to_user_mode",
		"do_syscall_64",
		"el0_svc",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(callers); i++)
		if (streq(wchan, callers[i]))
			return true;
	return is_freezer(wchan);
}

/* A frozen process looks asleep, of the first version of cgroups unwakeable. Where it
 * sleeps may be a secret; the settings of its control group are none. */
static bool is_frozen(int32_t pid, struct arena *a, char state, const char *wchan,
		      struct halt *halt)
{
	if ((state != 'S' && state != 'D') ||
	    (wchan && state == 'S' && !may_be_freezer(wchan)))
		return false;
	halt->freezer = freezer_of(a, pid);
	return halt->freezer || (wchan && is_freezer(wchan));
}

static struct halt halt_of(int32_t pid, struct arena *a, char state, const char *wchan)
{
	struct halt halt = { 0 };

	if (is_frozen(pid, a, state, wchan, &halt)) {
		halt.by = HALT_FROZEN;
		return halt;
	}
	if (state == 'D')
		halt.by = HALT_BLOCKED;
	if (state == 'T')
		halt.by = HALT_STOPPED;
	if (state == 't') {
		halt.by = HALT_TRACED;
		halt.tracer = tracer_of(pid);
		halt.debugger = halt.tracer ? command_of(halt.tracer, a) : NULL;
	}
	return halt;
}

struct halt doing_halt(int32_t pid, struct arena *a)
{
	_cleanup_free_ char *stat = read_file(pid, "stat");
	uint64_t threads;
	int32_t parent;
	char state;

	return stat && processtext_task(stat, &state, &parent, &threads)
		       ? halt_of(pid, a, state, wchan_of(pid, a))
		       : (struct halt){ 0 };
}

void doing_read(int32_t pid, struct arena *a, struct doing *d)
{
	_cleanup_free_ char *stat = read_file(pid, "stat");
	struct process_call c;

	*d = (struct doing){ .fd = -1 };
	if (!stat || !processtext_task(stat, &d->state, &d->parent, &d->threads))
		return;
	d->program = program_of(pid);
	d->wchan = wchan_of(pid, a);
	d->halt = halt_of(pid, a, d->state, d->wchan);
	if (d->threads == 1 && calls_read(pid, pid, &c)) {
		d->call = calls_name(&c);
		d->fd = calls_fd(&c);
	}
}

uint64_t doing_sockfs(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return 0;
	return (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev);
}

/* Whether this epoll instance watches the listener; false in *whole if that is not known.
 */
static bool epoll_has(int32_t pid, const char *fd, const struct doing_listener *l,
		      bool *whole)
{
	enum { LARGEST = 1 << 20 };
	_cleanup_free_ char *text = NULL;
	const char *line;
	char name[32];

	snprintf(name, sizeof(name), "fdinfo/%.10s", fd);
	text = read_file(pid, name);
	*whole &= text && l->sockfs && strlen(text) < LARGEST - 2;
	for (line = text; line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		uint64_t inode, device;

		if (processtext_watched(line, &inode, &device) && inode == l->inode &&
		    device == l->sockfs)
			return true;
	}
	return false;
}

static bool is_epoll(int dir, const char *fd)
{
	static const char kind[] = "anon_inode:[eventpoll]";
	char link[sizeof(kind)];
	ssize_t n = readlinkat(dir, fd, link, sizeof(link));

	return n == (ssize_t)strlen(kind) && memcmp(link, kind, (size_t)n) == 0;
}

/* Whether one of the process's epoll instances watches the listener. */
static bool any_epoll_has(int32_t pid, const struct doing_listener *l, bool *whole)
{
	unsigned seen = 0, epolls = 0;
	struct dirent *d;
	char path[32];
	bool has = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	*whole = dir != NULL;
	while (dir && !has && (d = readdir(dir))) {
		if (++seen > MOST_DESCRIPTORS || epolls > MOST_EPOLLS) {
			*whole = false;
			break;
		}
		if (!is_epoll(dirfd(dir), d->d_name))
			continue;
		epolls++;
		has = epoll_has(pid, d->d_name, l, whole);
	}
	if (dir)
		closedir(dir);
	return has;
}

static bool has_fd(const struct doing_listener *l, int64_t fd)
{
	size_t i;

	for (i = 0; i < l->n_fds; i++)
		if (l->fds[i] == fd)
			return true;
	return false;
}

/* What a thread waits for: in a set of its memory, the argument of the call. */
static enum waits thread_waits(int32_t pid, const struct process_call *c,
			       const struct doing_listener *l)
{
	enum waits waits = WAITS_UNKNOWN;
	size_t i;

	switch (calls_kind(c)) {
	case CALL_ACCEPT:
		return has_fd(l, (int32_t)c->args[0]) ? WAITS_HERE : WAITS_UNKNOWN;
	case CALL_EPOLL:
		return WAITS_LOOP;
	case CALL_SIGNAL:
		return WAITS_SIGNAL;
	case CALL_POLL:
	case CALL_SELECT:
		waits = WAITS_POLL;
		break;
	case CALL_OTHER:
		return WAITS_UNKNOWN;
	}
	for (i = 0; i < l->n_fds; i++) {
		enum calls_set set = calls_waits_for(pid, c, l->fds[i]);

		if (set == SET_HAS)
			return WAITS_HERE;
		if (set == SET_UNKNOWN)
			waits = WAITS_UNKNOWN;
	}
	return waits;
}

/* Of two threads: the listener, if one waits for it; of which nothing is known, that. */
static enum waits join(enum waits a, enum waits b)
{
	if (a == WAITS_HERE || b == WAITS_HERE)
		return WAITS_HERE;
	return MIN(a, b);
}

static enum waits all_threads(int32_t pid, const struct doing_listener *l)
{
	enum waits all = WAITS_SIGNAL;
	unsigned seen = 0;
	struct dirent *d;
	char path[32];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && all != WAITS_HERE && (d = readdir(dir))) {
		struct process_call c;
		enum waits one = WAITS_UNKNOWN;

		if (d->d_name[0] == '.')
			continue;
		if (seen++ < MOST_THREADS && calls_read(pid, atoi(d->d_name), &c))
			one = thread_waits(pid, &c, l);
		all = join(all, one);
	}
	if (dir)
		closedir(dir);
	return seen ? all : WAITS_UNKNOWN;
}

enum waits doing_waits(int32_t pid, const struct doing_listener *l)
{
	bool whole;
	enum waits waits;

	if (any_epoll_has(pid, l, &whole))
		return WAITS_HERE;
	waits = all_threads(pid, l);
	return waits == WAITS_LOOP && !whole ? WAITS_UNKNOWN : waits;
}

bool doing_container(int32_t pid, struct addr *to, uint16_t *published)
{
	enum { ARGUMENTS = 4096 };
	char path[32], args[ARGUMENTS];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, args, sizeof(args));
	return n > 0 && processtext_proxy(args, (size_t)n, to, published);
}

static bool waits_for_peer(int32_t pid, int32_t tid)
{
	_cleanup_free_ char *text = NULL;
	char name[40];

	snprintf(name, sizeof(name), "task/%d/wchan", tid);
	text = read_file(pid, name);
	return text && streq(text, "unix_wait_for_peer");
}

static bool switches_of(int32_t pid, int32_t tid, uint64_t *switches)
{
	_cleanup_free_ char *text = NULL;
	char name[40];

	snprintf(name, sizeof(name), "task/%d/status", tid);
	text = read_file(pid, name);
	return text && proctext_line(text, "voluntary_ctxt_switches:", switches);
}

/* A process may send to several receivers. */
static bool is_about(int32_t pid, int32_t tid, const struct doing_listener *sockets)
{
	struct process_call c;

	return !calls_read(pid, tid, &c) || calls_fd(&c) < 0 ||
	       has_fd(sockets, calls_fd(&c));
}

int32_t doing_sender(int32_t pid, const int32_t *fds, size_t n_fds, uint64_t *switches)
{
	const struct doing_listener sockets = { .fds = fds, .n_fds = n_fds };
	int32_t found = 0, tid;
	unsigned seen = 0;
	struct dirent *d;
	char path[32];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && !found && seen++ < MOST_THREADS && (d = readdir(dir))) {
		tid = atoi(d->d_name);
		if (tid > 0 && waits_for_peer(pid, tid) && is_about(pid, tid, &sockets) &&
		    switches_of(pid, tid, switches))
			found = tid;
	}
	if (dir)
		closedir(dir);
	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	return found || access(path, R_OK) == 0 ? found : -1;
}

bool doing_still_sends(int32_t pid, int32_t tid, uint64_t switches)
{
	uint64_t now;

	return waits_for_peer(pid, tid) && switches_of(pid, tid, &now) && now == switches;
}
