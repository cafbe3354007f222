/* The messages of a file, of which nothing is taken for granted. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "kernel/read/replay.h"

/* Messages are at most this long; netlink lengths of attributes have 16 bits, dumps
 * packets of 32 KiB. */
enum { LONGEST_MESSAGE = 1 << 20, READ_CHUNK = 64 * 1024 };

struct walk {
	nl_message_fn *fn;
	void *ctx;
	uint64_t offset; /* of the data in the file */
	struct fault *f;
};

/* Hands over the whole messages in data; returns bytes used, 0 when more are needed, or a
 * negative result. */
static int64_t walk_chunk(const struct walk *w, const char *data, size_t len)
{
	size_t at = 0;

	while (len - at >= sizeof(struct nlmsghdr)) {
		_Alignas(8) struct nlmsghdr h;
		size_t step;
		int r;

		memcpy(&h, data + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > LONGEST_MESSAGE)
			return fault_say(w->f, EBADMSG,
					 "byte %llu: no netlink message starts here",
					 (unsigned long long)(w->offset + at));
		step = NLMSG_ALIGN(h.nlmsg_len);
		if (step > len - at)
			break;
		r = w->fn((const void *)(data + at), w->ctx);
		if (r < 0)
			return r;
		at += step;
	}
	return (int64_t)at;
}

static int keep_copy(int tee, const char *data, size_t len, struct fault *f)
{
	while (len) {
		ssize_t n = write(tee, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault(f, errno, "keep a copy of the recorded dump");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int replay_each(const struct replay_file *file, nl_message_fn *fn, void *ctx, bool *cut,
		struct fault *f)
{
	/* malloc'ed, so that messages stay aligned to 4 as in the file. */
	size_t cap = READ_CHUNK, len = 0;
	_cleanup_free_ char *data = xmalloc(cap);
	struct walk w = { .fn = fn, .ctx = ctx, .f = f };

	*cut = false;
	for (;;) {
		ssize_t n;
		int64_t used;

		if (cap - len < READ_CHUNK) {
			cap *= 2;
			data = xrealloc(data, cap);
		}
		n = read(file->fd, data + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault(f, errno, "read %s", file->shown);
		if (file->copy >= 0 &&
		    (used = keep_copy(file->copy, data + len, (size_t)n, f)) < 0)
			return (int)used;
		len += (size_t)n;
		used = walk_chunk(&w, data, len);
		if (used < 0)
			return (int)used;
		w.offset += (uint64_t)used;
		len -= (size_t)used;
		memmove(data, data + used, len);
		if (n == 0)
			break;
	}
	/* The last message may lack its padding; what is shorter was cut off. */
	if (len >= sizeof(struct nlmsghdr) &&
	    ((struct nlmsghdr *)(void *)data)->nlmsg_len == len)
		return fn((const void *)data, ctx);
	*cut = len > 0;
	return 0;
}

int replay_open(struct replay_file *file, const char *path, struct fault *f)
{
	struct stat st;

	*file = (struct replay_file){ .fd = -1, .copy = -1 };
	escape_text(file->shown, sizeof(file->shown), path, strlen(path));
	if (streq(path, "-"))
		file->fd = dup(STDIN_FILENO);
	else
		file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return fault(f, errno, "open %s", file->shown);
	file->from = lseek(file->fd, 0, SEEK_CUR);
	if (file->from >= 0 && fstat(file->fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	file->from = 0;
	file->copy = memfd_create("record", MFD_CLOEXEC);
	return file->copy < 0 ? fault(f, errno, "keep a copy of %s", file->shown) : 0;
}

int replay_rewind(struct replay_file *file, struct fault *f)
{
	if (file->copy >= 0) {
		close_fd(file->fd);
		file->fd = file->copy;
		file->copy = -1;
	}
	if (lseek(file->fd, file->from, SEEK_SET) < 0)
		return fault(f, errno, "read %s once more", file->shown);
	return 0;
}

void replay_close(struct replay_file *file)
{
	close_fd(file->fd);
	close_fd(file->copy);
}
