#include "kernel/proc/calls.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "kernel/proc/procfile.h"

/* What a task may sleep in for long; with a descriptor as its first argument or not. */
static const struct call {
	long number;
	const char *name;
	enum calls_kind kind;
	bool fd;
} calls[] = {
#define CALL(name, ...)                        \
	{                                      \
		SYS_##name, #name, __VA_ARGS__ \
	}
	CALL(accept, CALL_ACCEPT, true),
	CALL(accept4, CALL_ACCEPT, true),
#ifdef SYS_epoll_wait
	CALL(epoll_wait, CALL_EPOLL, false),
#endif
	CALL(epoll_pwait, CALL_EPOLL, false),
#ifdef SYS_epoll_pwait2
	CALL(epoll_pwait2, CALL_EPOLL, false),
#endif
#ifdef SYS_select
	CALL(select, CALL_SELECT, false),
#endif
	CALL(pselect6, CALL_SELECT, false),
#ifdef SYS_poll
	CALL(poll, CALL_POLL, false),
#endif
	CALL(ppoll, CALL_POLL, false),
#ifdef SYS_pause
	CALL(pause, CALL_SIGNAL, false),
#endif
	CALL(rt_sigsuspend, CALL_SIGNAL, false),
	CALL(rt_sigtimedwait, CALL_SIGNAL, false),
	CALL(wait4, CALL_SIGNAL, false),
	CALL(waitid, CALL_SIGNAL, false),
	CALL(read, CALL_OTHER, true),
	CALL(readv, CALL_OTHER, true),
	CALL(pread64, CALL_OTHER, true),
	CALL(write, CALL_OTHER, true),
	CALL(writev, CALL_OTHER, true),
	CALL(pwrite64, CALL_OTHER, true),
	CALL(recvfrom, CALL_OTHER, true),
	CALL(recvmsg, CALL_OTHER, true),
	CALL(sendto, CALL_OTHER, true),
	CALL(sendmsg, CALL_OTHER, true),
	CALL(sendfile, CALL_OTHER, false),
	CALL(connect, CALL_OTHER, true),
	CALL(fsync, CALL_OTHER, true),
	CALL(fdatasync, CALL_OTHER, true),
	CALL(flock, CALL_OTHER, true),
	CALL(fcntl, CALL_OTHER, true),
	CALL(ioctl, CALL_OTHER, true),
	CALL(openat, CALL_OTHER, false),
	CALL(futex, CALL_OTHER, false),
	CALL(nanosleep, CALL_OTHER, false),
	CALL(clock_nanosleep, CALL_OTHER, false),
	CALL(semtimedop, CALL_OTHER, false),
	CALL(msgrcv, CALL_OTHER, false),
	CALL(io_getevents, CALL_OTHER, false),
#ifdef SYS_io_uring_enter
	CALL(io_uring_enter, CALL_OTHER, false),
#endif
#ifdef SYS_futex_waitv
	CALL(futex_waitv, CALL_OTHER, false),
#endif
#undef CALL
};

bool calls_read(int32_t pid, int32_t tid, struct process_call *c)
{
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	text = procfile_read(path);
	return text && processtext_call(text, c);
}

static const struct call *find(const struct process_call *c)
{
	size_t i;

	for (i = 0; !c->narrow && i < ARRAY_SIZE(calls); i++)
		if ((uint64_t)calls[i].number == c->number)
			return &calls[i];
	return NULL;
}

const char *calls_name(const struct process_call *c)
{
	const struct call *call = find(c);

	return call ? call->name : NULL;
}

int32_t calls_fd(const struct process_call *c)
{
	const struct call *call = find(c);

	return call && call->fd ? (int32_t)c->args[0] : -1;
}

enum calls_kind calls_kind(const struct process_call *c)
{
	const struct call *call = find(c);

	return call ? call->kind : CALL_OTHER;
}

/* Bytes of another process's memory. */
static bool peek(int32_t pid, uint64_t at, void *to, size_t len)
{
	struct iovec here = { to, len }, there = { (void *)(uintptr_t)at, len };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

/* select(N, &readable, ...): bits, a long at a time. */
static enum calls_set in_select(int32_t pid, const struct process_call *c, int32_t fd)
{
	enum { BITS = 8 * sizeof(unsigned long) };
	uint64_t word = (uint32_t)fd / BITS * sizeof(unsigned long);
	unsigned long bits;

	if (fd >= (int32_t)c->args[0] || !c->args[1])
		return SET_LACKS;
	if (!peek(pid, c->args[1] + word, &bits, sizeof(bits)))
		return SET_UNKNOWN;
	return bits >> (uint32_t)fd % BITS & 1 ? SET_HAS : SET_LACKS;
}

static enum calls_set in_poll(int32_t pid, const struct process_call *c, int32_t fd)
{
	enum { MOST = 4096 };
	_cleanup_free_ struct pollfd *v = NULL;
	size_t n = (size_t)c->args[1], i;

	if (!n)
		return SET_LACKS;
	if (n > MOST)
		return SET_UNKNOWN;
	v = xcalloc(n, sizeof(*v));
	if (!peek(pid, c->args[0], v, n * sizeof(*v)))
		return SET_UNKNOWN;
	for (i = 0; i < n; i++)
		if (v[i].fd == fd && (v[i].events & (POLLIN | POLLRDNORM)))
			return SET_HAS;
	return SET_LACKS;
}

enum calls_set calls_waits_for(int32_t pid, const struct process_call *c, int32_t fd)
{
	enum calls_kind kind = calls_kind(c);

	if (kind == CALL_SELECT)
		return in_select(pid, c, fd);
	return kind == CALL_POLL ? in_poll(pid, c, fd) : SET_UNKNOWN;
}
