#include "kernel/proc/visible.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/proc/process.h"
#include "model/proctext.h"

/* include/uapi/linux/magic.h, include/linux/proc_ns.h (PROC_PID_INIT_INO) */
static const unsigned proc_magic = 0x9fa0;
static const ino_t first_pid_namespace = 0xEFFFFFFC;

enum { MOST_GROUPS = 65536 };

/* Whether we are of the group that a mount with gid= excepts. */
static bool in_group(uint64_t gid)
{
	_cleanup_free_ gid_t *groups = NULL;
	int n = getgroups(0, NULL), i;

	if (getegid() == gid)
		return true;
	if (n <= 0 || n > MOST_GROUPS)
		return false;
	groups = xcalloc((size_t)n, sizeof(*groups));
	n = getgroups(n, groups);
	for (i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/* What the last mount on /proc says, for it lies above the others. False if that cannot
 * be read. */
static bool read_hidepid(struct proctext_hidepid *h)
{
	_cleanup_free_ char *line = NULL;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	struct proctext_hidepid one;
	size_t cap = 0;
	bool found = false;

	if (!f)
		return false;
	while (getline(&line, &cap, f) > 0)
		if (proctext_hidepid(line, "/proc", &one)) {
			*h = one;
			found = true;
		}
	fclose(f);
	return found;
}

/* The processes of others: 1 and 2 except a group, 4 only who may trace. */
static bool hides_others(int proc_fd, char *why)
{
	struct proctext_hidepid h;

	if (!read_hidepid(&h)) {
		/* Each pid namespace has a process 1. */
		snprintf(why, VISIBLE_WHY, "/proc lacks process 1");
		return faccessat(proc_fd, "1", F_OK, 0) != 0 && errno == ENOENT;
	}
	snprintf(why, VISIBLE_WHY, "hidepid=%u on /proc", h.level);
	return h.level >= 2 && (h.level > 2 || !in_group(h.gid));
}

/* Whether the namespace that /proc shows is the first: our own, or, where /proc is of one
 * above, that of its process 1. 1, 0, or -errno. */
static int is_first(int proc_fd)
{
	struct stat st;

	if (fstatat(proc_fd, "self/ns/pid", &st, 0) == 0) {
		if (st.st_ino == first_pid_namespace)
			return 1;
	} else if (errno != ENOENT) {
		return -errno;
	} else if (faccessat(proc_fd, "self", F_OK, 0) == 0) {
		/* A kernel without pid namespaces has none but the first; without "self",
		 * /proc is of one that we are not in. */
		return 1;
	}
	return fstatat(proc_fd, "1/ns/pid", &st, 0) == 0 &&
	       st.st_ino == first_pid_namespace;
}

int visible_processes(int proc_fd, bool may_trace, char *why)
{
	struct statfs fs;
	int first;

	why[0] = '\0';
	if (proc_fd == -ENOENT || proc_fd == -ENOTDIR) {
		snprintf(why, VISIBLE_WHY, "no /proc here");
		return OWNER_NO_PROC;
	}
	if (proc_fd < 0)
		return proc_fd;
	if (fstatfs(proc_fd, &fs) != 0)
		return -errno;
	if ((unsigned)fs.f_type != proc_magic) {
		snprintf(why, VISIBLE_WHY, "no /proc here");
		return OWNER_NO_PROC;
	}
	if (!may_trace && hides_others(proc_fd, why))
		return OWNER_HIDEPID;
	why[0] = '\0';
	first = is_first(proc_fd);
	if (first == 0)
		snprintf(why, VISIBLE_WHY, "this pid namespace is not the host's");
	return first < 0 ? first : first ? OWNER_INVISIBLE : OWNER_PID_NAMESPACE;
}

bool visible_hides(void)
{
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char why[VISIBLE_WHY];
	int status = visible_processes(proc < 0 ? -errno : proc, process_may_trace(),
				       why);

	return status > 0 && owner_is_unseen((uint8_t)status);
}
