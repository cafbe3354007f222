#include "base/whole.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(struct buf *b, int fd, const char *path, struct fault *f)
{
	size_t from = b->len;
	struct stat st;
	char name[200];
	bool regular;
	ssize_t n;

	escape_text(name, sizeof(name), path, strlen(path));
	if (fstat(fd, &st) != 0)
		return fault(f, errno, "read %s", name);
	regular = S_ISREG(st.st_mode);
	do {
		buf_reserve(b, 65536);
		n = read(fd, b->data + b->len, 65536);
		if (n > 0)
			b->len += (size_t)n;
		if (!regular && b->len - from > WHOLE_STREAM_MOST) {
			fault_say(f, EFBIG, "%s has more than 64 MiB, or no end", name);
			fault_hint(f, "only a regular file may be larger");
			return -EFBIG;
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? fault(f, errno, "read %s", name) : 0;
}

int whole_read(struct buf *b, int fd, const char *path, struct fault *f)
{
	int r = read_all(b, fd, path, f);

	if (r < 0)
		buf_free(b);
	return r;
}

int lines_each(const char *path, int (*fn)(char *line, void *ctx), void *ctx)
{
	_cleanup_free_ char *line = NULL;
	FILE *file = fopen(path, "re");
	size_t cap = 0;
	int r = 0;

	if (!file)
		return -errno;
	while (!r && (errno = 0, getline(&line, &cap, file)) > 0)
		r = fn(line, ctx);
	if (!r && ferror(file))
		r = errno ? -errno : -EIO;
	fclose(file);
	return r;
}
