#include "kernel/proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "kernel/proc/procfile.h"
#include "model/proctext.h"

uint64_t process_age_ms(int32_t pid)
{
	char path[32], text[1024];
	struct timespec now;
	uint64_t ticks, up_ms;
	long hertz = sysconf(_SC_CLK_TCK);
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	close_fd(fd);
	if (n <= 0 || hertz <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return 0;
	text[n] = '\0';
	if (!proctext_start(text, &ticks))
		return 0;
	up_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	ticks = ticks * 1000 / (uint64_t)hertz;
	return up_ms > ticks ? up_ms - ticks : 1;
}

bool process_has_capability(unsigned cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[cap / 32].effective & BIT(cap % 32));
}

/* An owner that may not be seen is above us: what we are allowed here does not count. */
bool process_netns_is_above(void)
{
	_cleanup_close_ int net = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int owner = net < 0 ? -1 : ioctl(net, NS_GET_USERNS);

	return net >= 0 && owner < 0 && errno == EPERM;
}

bool process_in_first_userns(void)
{
	const ino_t first = 0xEFFFFFFD; /* include/linux/proc_ns.h, PROC_USER_INIT_INO */
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino == first;
}

bool process_may_trace(void)
{
	return process_has_capability(CAP_SYS_PTRACE) && process_in_first_userns();
}

bool process_may_bind_low(void)
{
	return process_has_capability(CAP_NET_BIND_SERVICE) && !process_netns_is_above();
}

static bool read_number(const char *path, uint64_t *value)
{
	_cleanup_free_ char *text = procfile_read(path);

	return text && proctext_number(text, value);
}

/* Lines of first, outside and count, as in user_namespaces(7). */
static bool has_id(const char *path, uint32_t id)
{
	_cleanup_free_ char *text = procfile_read(path);
	char *line = text, *save = NULL;
	uint64_t range[3];

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (proctext_triple(line, range) && id >= range[0] &&
		    id - range[0] < range[2])
			return true;
	return !text;
}

bool process_maps_away(enum process_map map, uint32_t id)
{
	static const struct {
		const char *overflow, *map;
	} files[] = {
		[MAP_USERS] = { "/proc/sys/kernel/overflowuid", "/proc/self/uid_map" },
		[MAP_GROUPS] = { "/proc/sys/kernel/overflowgid", "/proc/self/gid_map" },
	};
	uint64_t overflow;

	return read_number(files[map].overflow, &overflow) && id == overflow &&
	       !has_id(files[map].map, id);
}
