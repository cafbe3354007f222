#include "net/relay/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/chain.h"

enum { AGAIN_US = 10 * 1000 };

static enum stream_kind kind_of_stream(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return STREAM_OTHER;
	if (S_ISFIFO(st.st_mode))
		return STREAM_PIPE;
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return STREAM_FILE;
	if (S_ISSOCK(st.st_mode))
		return STREAM_SOCKET;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
		return STREAM_NULL;
	return STREAM_OTHER;
}

static void reopen(struct stream *s, bool writing)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
	fd = open(path,
		  (writing ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	s->shared = fd < 0;
	if (fd < 0)
		return;
	if (s->owned)
		close_fd(s->fd);
	s->fd = fd;
	s->owned = true;
}

static void wake(struct loop *l, struct stream *s)
{
	struct stream_waiter *list = s->first;

	s->first = NULL;
	if (list)
		list->at = &list;
	/* Each may wait again, or end others that are still in the list. */
	while (list) {
		struct stream_waiter *one = list;

		stream_unwait(one);
		one->wake(l, one);
	}
}

static void stream_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct stream *s = LOOP_OWNER(w, struct stream, w);

	(void)events;
	wake(l, s);
	if (!s->first)
		watch_remove(l, &s->w);
}

/* The stream may be gone afterwards: the file of a connection goes with it. epoll never
 * watched that. */
static void stream_again(struct loop *l, struct timer *t)
{
	wake(l, LOOP_OWNER(t, struct stream, again));
}

static bool opened_for(int fd, bool writing)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || (flags & O_ACCMODE) != (writing ? O_RDONLY : O_WRONLY);
}

void stream_init(struct stream *s, int fd, bool writing)
{
	*s = (struct stream){ .fd = fd, .kind = kind_of_stream(fd) };
	s->wants = writing ? EPOLLOUT : EPOLLIN;
	s->w = (struct watch){ .fd = -1, .fn = stream_ready };
	s->again.fn = stream_again;
	s->terminal = isatty(fd);
	/* Open the wrong way round, as the stand-in of a closed one is: reading or
	 * writing shall fail, not open it anew. */
	if (!opened_for(fd, writing)) {
		s->kind = STREAM_OTHER;
		s->w.fd = fd;
		return;
	}
	if (s->kind == STREAM_PIPE || s->kind == STREAM_OTHER)
		reopen(s, writing);
	/* A bigger pipe is fewer turns; the limit is fs.pipe-max-size, and less is fine.
	 */
	if (s->kind == STREAM_PIPE)
		fcntl(s->fd, F_SETPIPE_SZ, 1 << 20);
	s->w.fd = s->fd;
}

void stream_init_none(struct stream *s)
{
	*s = (struct stream){ .fd = -1, .kind = STREAM_NONE, .w = { .fd = -1 } };
}

void stream_init_file(struct stream *s, int fd)
{
	*s = (struct stream){ .fd = fd, .kind = STREAM_FILE, .owned = true };
	s->w = (struct watch){ .fd = fd, .fn = stream_ready };
	s->again.fn = stream_again;
}

int stream_close(struct loop *l, struct stream *s)
{
	int null, r = 0;

	if (s->fd < 0)
		return 0;
	watch_remove(l, &s->w);
	timer_stop(l, &s->again);
	if (s->owned && close(s->fd) != 0)
		r = -errno;
	s->fd = -1;
	if (s->wants) {
		int standard = s->wants == EPOLLOUT ? STDOUT_FILENO : STDIN_FILENO;

		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null >= 0) {
			dup2(null, standard);
			close_fd(null);
		}
	}
	s->kind = STREAM_NONE;
	return r;
}

static bool ready_now(const struct stream *s)
{
	struct pollfd p = { .fd = s->fd,
			    .events = s->wants == EPOLLOUT ? POLLOUT : POLLIN };

	return poll(&p, 1, 0) > 0;
}

ssize_t stream_read(struct stream *s, void *to, size_t len)
{
	ssize_t n;

	if (s->kind == STREAM_NONE || s->kind == STREAM_NULL)
		return 0;
	if (s->shared && !ready_now(s))
		return -EAGAIN;
	do {
		n = s->kind == STREAM_SOCKET ? recv(s->fd, to, len, MSG_DONTWAIT)
					     : read(s->fd, to, len);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	/* A terminal that is gone, or that we read in the background, has no more. */
	return errno == EIO && s->terminal ? 0 : -errno;
}

ssize_t stream_write(struct stream *s, const void *from, size_t len)
{
	ssize_t n;

	if (s->kind == STREAM_NONE || s->kind == STREAM_NULL)
		return (ssize_t)len;
	if (s->shared) {
		/* What poll() calls writable takes PIPE_BUF without blocking. */
		if (!ready_now(s))
			return -EAGAIN;
		len = MIN(len, (size_t)PIPE_BUF);
	}
	do {
		n = s->kind == STREAM_SOCKET
			    ? send(s->fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			    : write(s->fd, from, len);
	} while (n < 0 && errno == EINTR);
	return n >= 0 ? n : -errno;
}

void stream_wait(struct loop *l, struct stream *s, struct stream_waiter *w)
{
	if (!w->at) {
		CHAIN_ADD(&s->first, w);
	}
	if (watch_set(l, &s->w, s->wants) < 0)
		timer_set(l, &s->again, loop_now(l) + AGAIN_US);
}

void stream_unwait(struct stream_waiter *w)
{
	if (!w->at)
		return;
	CHAIN_TAKE(w);
	w->at = NULL;
	w->next = NULL;
}
