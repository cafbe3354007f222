#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"

void out_init(struct out *o, int fd)
{
	*o = (struct out){ .fd = fd };
}

int out_open(struct out *o, const char *path, struct fault *f)
{
	struct buf name = { 0 };
	struct stat st;
	mode_t mask;

	out_init(o, -1);
	/* What is there and is no regular file (a pipe, /dev/stdout) cannot be replaced:
	 * write to it. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		o->fd = open(path, O_WRONLY | O_CLOEXEC);
		o->owned = o->fd >= 0;
		return o->fd < 0 ? fault(f, errno, "open %s", path) : 0;
	}
	buf_printf(&name, "%s.XXXXXX", path);
	buf_cstr(&name);
	o->tmp = name.data;
	o->fd = mkostemp(o->tmp, O_CLOEXEC);
	if (o->fd < 0) {
		int err = errno;

		free(take_ptr(&o->tmp));
		return fault(f, err, "create %s", path);
	}
	mask = umask(0);
	umask(mask);
	(void)fchmod(o->fd, 0666 & ~mask);
	o->path = xstrdup(path);
	o->owned = true;
	return 0;
}

int out_flush(struct out *o)
{
	size_t done = 0;

	while (done < o->b.len && !o->err) {
		ssize_t n = write(o->fd, o->b.data + done, o->b.len - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			/* A pipe that somebody made non-blocking. */
			struct pollfd p = { .fd = o->fd, .events = POLLOUT };

			poll(&p, 1, -1);
		} else if (errno != EINTR) {
			o->err = errno;
		}
	}
	o->b.len = 0;
	return -o->err;
}

int out_close(struct out *o, struct fault *f)
{
	const char *name = o->path ? o->path : "the output";

	out_flush(o);
	if (o->path) {
		if (!o->err && fsync(o->fd) != 0)
			o->err = errno;
		o->owned = false;
		if (close(o->fd) != 0 && !o->err)
			o->err = errno;
		if (!o->err && rename(o->tmp, o->path) != 0)
			o->err = errno;
		if (!o->err)
			free(take_ptr(&o->tmp));
	}
	if (o->err) {
		int err = o->err;

		fault(f, err, "write %s", name);
		out_discard(o);
		return -err;
	}
	out_discard(o);
	return 0;
}

void out_discard(struct out *o)
{
	if (o->tmp)
		unlink(o->tmp);
	if (o->owned)
		close_fd(o->fd);
	o->owned = false;
	free(take_ptr(&o->tmp));
	free(take_ptr(&o->path));
	buf_free(&o->b);
	o->fd = -1;
}
