#include "kernel/bpf/owners_bpf.h"

#include <errno.h>

#ifndef HAVE_OWNERS_BPF

const bool owners_bpf_built_in = false;

int owners_bpf_read(void (*fn)(const struct owner_record *r, void *ctx), void *ctx)
{
	(void)fn;
	(void)ctx;
	return -ENOSYS;
}

#else

#include <fcntl.h>
#include <owners.lskel.h>

#include "base/mem.h"
#include "model/proctext.h"

/* What the kernel collects before it lets a read return. */
enum { READ_SIZE = 32 * 1024 };

const bool owners_bpf_built_in = true;

/*
 * Whether /proc numbers processes as our own pid namespace does: it is of a namespace
 * above where one was entered without a mount of its own. Its NSpid has one number for
 * each namespace from that of the mount to the process's own (proc(5)).
 */
static bool pids_are_those_of_proc(void)
{
	_cleanup_close_ int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len <= 0)
		return false;
	text[len] = '\0';
	return proctext_one_pid(text);
}

/* The iterator's descriptor, or -errno. */
static int open_iterator(struct owners_bpf *program)
{
	union bpf_attr attr = { 0 };
	int r = owners_bpf__load(program), fd;

	if (r == 0)
		r = owners_bpf__owners__attach(program);
	if (r < 0)
		return errno ? -errno : -EINVAL;
	attr.iter_create.link_fd = (uint32_t)program->links.owners_fd;
	fd = skel_sys_bpf(BPF_ITER_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

static int read_all(int iterator, void (*fn)(const struct owner_record *r, void *ctx),
		    void *ctx)
{
	_cleanup_free_ char *buf = xmalloc(READ_SIZE);
	struct owner_record record;
	size_t have = 0, at;
	ssize_t n;

	for (;;) {
		n = read(iterator, buf + have, READ_SIZE - have);
		/* EAGAIN: a million descriptors and not one a socket. */
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : have ? -EPROTO : 0;
		have += (size_t)n;
		for (at = 0; at + sizeof(record) <= have; at += sizeof(record)) {
			memcpy(&record, buf + at, sizeof(record));
			fn(&record, ctx);
		}
		have -= at;
		memmove(buf, buf + at, have);
	}
}

int owners_bpf_read(void (*fn)(const struct owner_record *r, void *ctx), void *ctx)
{
	struct owners_bpf *program;
	int r;

	if (!pids_are_those_of_proc())
		return -EXDEV;
	program = owners_bpf__open();
	if (!program)
		return -ENOMEM;
	errno = 0;
	r = open_iterator(program);
	if (r >= 0) {
		_cleanup_close_ int iterator = r;

		r = read_all(iterator, fn, ctx);
	}
	owners_bpf__destroy(program);
	return r;
}

#endif
