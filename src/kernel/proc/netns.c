#include "kernel/proc/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "kernel/proc/rights.h"
#include "model/netns_named.h"

static int open_first(const char *const *formats, size_t n, const char *which)
{
	char path[4096];
	size_t i;
	int fd = -1;

	for (i = 0; i < n && fd < 0; i++) {
		int len = snprintf(path, sizeof(path), "%s%s%s", formats[i], which,
				   streq(formats[i], "/proc/") ? "/ns/net" : "");

		if (len < 0 || (size_t)len >= sizeof(path)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		/* A FIFO has nobody who writes, and is no namespace either. */
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	return fd;
}

int netns_enter(const char *which, struct fault *f)
{
	static const char *const by_path[] = { "" };
	static const char *const by_pid[] = { "/proc/" };
	static const char *const by_name[] = { "/run/netns/", "/var/run/netns/" };
	enum netns_kind kind = netns_kind(which);
	_cleanup_close_ int fd = -1;
	char shown[128], remedy[REMEDY_MAX];

	escape_text(shown, sizeof(shown), which, strlen(which));
	switch (kind) {
	case NETNS_PATH:
		fd = open_first(by_path, 1, which);
		break;
	case NETNS_PID:
		fd = open_first(by_pid, 1, which);
		break;
	case NETNS_NAME:
		fd = open_first(by_name, 2, which);
		break;
	}
	if (fd < 0) {
		int r = fault(f, errno, "open the network namespace '%s'", shown);

		if (r == -ENOENT && kind == NETNS_PID)
			fault_hint(f, "there is no process %s", shown);
		else if (r == -ENOENT)
			fault_hint(
				f,
				"'ip netns list' shows the named ones; a pid or a path works too");
		else if (r == -EACCES)
			fault_hint(f,
				   "the namespace of another user's process may not be "
				   "seen: %s",
				   rights_to_trace(remedy));
		return r;
	}
	if (setns(fd, CLONE_NEWNET) != 0) {
		int r = fault(f, errno, "enter the network namespace '%s'", shown);

		if (r == -EPERM)
			fault_hint(f, "CAP_SYS_ADMIN is needed: %s",
				   rights_to_enter(remedy));
		else if (r == -EINVAL)
			fault_hint(
				f,
				"that is no network namespace: a name of 'ip netns list', "
				"a pid, or a path such as /proc/812/ns/net");
		return r;
	}
	return 0;
}

int netns_here(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

struct visit {
	int ns, err;
	void (*fn)(void *ctx);
	void *ctx;
};

static void *visit(void *arg)
{
	struct visit *v = arg;

	if (setns(v->ns, CLONE_NEWNET) == 0)
		v->fn(v->ctx);
	else
		v->err = -errno;
	return NULL;
}

int netns_call(int ns, void (*fn)(void *ctx), void *ctx)
{
	struct visit v = { .ns = ns, .fn = fn, .ctx = ctx };
	pthread_t thread;
	int err = pthread_create(&thread, NULL, visit, &v);

	if (err)
		return -err;
	pthread_join(thread, NULL);
	return v.err;
}
