#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "kernel/proc/owners_private.h"

enum { COMM_MAX = 64 };

bool owners_is_refusal(int err)
{
	return err == EACCES || err == EPERM;
}

/* It has ended, or closed this descriptor, since it was listed. */
static bool is_gone(int err)
{
	return err == ENOENT || err == ESRCH;
}

/* What hinders most is kept: a refusal is of the process, all else of the reading. */
void owners_keep_error(int *kept, int err)
{
	if (!is_gone(err) && (!*kept || owners_is_refusal(*kept)))
		*kept = err;
}

void owners_read_command(int proc_fd, struct owner_process *p)
{
	char path[32], text[COMM_MAX];
	ssize_t n;
	int fd;

	if (p->command[0])
		return;
	snprintf(path, sizeof(path), "%s%d/comm", proc_fd < 0 ? "/proc/" : "", p->pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	if (n < 0)
		owners_keep_error(&p->name_err, errno);
	close_fd(fd);
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0) {
		p->command[0] = '?';
		return;
	}
	memcpy(p->command, text, MIN((size_t)n, sizeof(p->command) - 1));
}
