#include "base/util.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

void close_fd(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

void cleanup_close(int *fd)
{
	close_fd(*fd);
}

void cleanup_free(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

unsigned processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return (unsigned)MAX(CPU_COUNT(&set), 1);
}
