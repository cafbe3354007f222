#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

void sink_init(struct sink *s, int fd)
{
	struct stat st;

	*s = (struct sink){ .fd = fd };
	if (fstat(fd, &st) != 0)
		return;
	s->socket = S_ISSOCK(st.st_mode);
	s->file = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
	s->stream = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode);
}

void sink_own(struct sink *s)
{
	int fd = s->fd, own;
	char path[32];

	/* What has a position must not be opened at its beginning, a stand-in of the
	 * wrong direction not in the right one. */
	if (!s->stream || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (own < 0)
		return;
	s->fd = own;
	s->owned = true;
}

void sink_free(struct sink *s)
{
	if (s->owned)
		close_fd(s->fd);
	buf_free(&s->queue);
	*s = (struct sink){ .fd = -1 };
}

size_t sink_waiting(const struct sink *s)
{
	return s->queue.len - s->at;
}

/* Bytes that went; 0 = none goes now. */
static size_t write_some(struct sink *s, const char *data, size_t len)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };
	ssize_t n;

	if (!s->owned && !s->socket && !s->file) {
		if (poll(&p, 1, 0) <= 0)
			return 0;
		len = MIN(len, (size_t)PIPE_BUF);
	}
	do {
		n = s->socket ? send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			      : write(s->fd, data, len);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return (size_t)n;
	s->broken = errno != EAGAIN && errno != ENOBUFS;
	s->err = s->broken ? errno : 0;
	return 0;
}

static size_t write_all(struct sink *s, const char *data, size_t len)
{
	size_t done = 0, n = 1;

	while (done < len && n) {
		n = write_some(s, data + done, len - done);
		done += n;
	}
	return done;
}

bool sink_flush(struct sink *s)
{
	if (!sink_waiting(s))
		return true;
	s->at += write_all(s, s->queue.data + s->at, sink_waiting(s));
	if (s->broken || !sink_waiting(s)) {
		buf_free(&s->queue);
		s->at = 0;
		return true;
	}
	/* What has gone is not kept for ever. */
	if (s->at > s->queue.len / 2) {
		memmove(s->queue.data, s->queue.data + s->at, sink_waiting(s));
		s->queue.len -= s->at;
		s->at = 0;
	}
	return false;
}

bool sink_put(struct sink *s, const char *data, size_t len, bool may_wait)
{
	size_t done = 0;

	if (sink_flush(s))
		done = write_all(s, data, len);
	if (s->broken || done == len)
		return true;
	if (!done && !may_wait)
		return false;
	buf_put(&s->queue, data + done, len - done);
	return true;
}

bool sink_drain(struct sink *s, uint64_t idle_us, uint64_t most_us)
{
	uint64_t now = clock_us(), end = now + most_us, until = now + idle_us;
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };
	size_t before = sink_waiting(s);

	while (!sink_flush(s)) {
		now = clock_us();
		if (sink_waiting(s) != before)
			until = now + idle_us;
		before = sink_waiting(s);
		if (now >= MIN(until, end))
			return false;
		poll(&p, 1, (int)((MIN(until, end) - now + 999) / 1000));
	}
	return true;
}
