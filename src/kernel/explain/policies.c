#include "kernel/explain/policies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "kernel/proc/procfile.h"
#include "model/proctext.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

/* Which version can refuse it, and what it says: Documentation/userspace-api/landlock.
 * For the connection to a path there was none before version 9. */
static enum known landlock_of(enum policy_call call, int err)
{
	enum { ASK_VERSION = 1 };
	static const struct {
		int version, err;
	} rows[] = {
		[POLICY_PORT] = { 4, EACCES },
		[POLICY_CONNECT_PATH] = { 9, EACCES },
		[POLICY_BIND_PATH] = { 1, EACCES },
		[POLICY_ABSTRACT] = { 6, EPERM },
	};
	long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, ASK_VERSION);

	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? KNOWN_OFF : KNOWN_NOT;
	return version < rows[call].version || err != rows[call].err ? KNOWN_OFF
								     : KNOWN_NOT;
}

static enum known has_filter(void)
{
	_cleanup_free_ char *text = procfile_read("/proc/thread-self/status");
	uint64_t mode;

	if (!text || !proctext_line(text, "Seccomp:", &mode))
		return KNOWN_NOT;
	return known_bool(mode != 0);
}

/* Only modules that label processes answer here; without one it is EINVAL. */
static enum known has_module(void)
{
	int fd = open("/proc/thread-self/attr/current", O_RDONLY | O_CLOEXEC);
	char label[256];
	ssize_t n = fd < 0 ? -1 : read(fd, label, sizeof(label));
	int err = errno;

	close_fd(fd);
	if (fd >= 0 && n < 0 && err == EINVAL)
		return KNOWN_OFF;
	return n > 0 ? KNOWN_ON : KNOWN_NOT;
}

void explain_policy(enum policy_call call, int err, struct policy_facts *f)
{
	*f = (struct policy_facts){ .err = err,
				    .landlock = landlock_of(call, err),
				    .seccomp = has_filter(),
				    .module = has_module() };
}
