#include "kernel/explain/source.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "kernel/proc/procfile.h"

enum { DEVICES_MOST = 4096 }; /* of a host of containers: more add nothing */

static const char conf[] = "/proc/sys/net/ipv6/conf";

/* Positive errno. A datagram socket fails for want of a source, a route or a rule; for
 * want of a port with another errno. */
static int try_source(const struct addr *to, uint32_t ifindex, uint32_t mark,
		      bool *no_socket)
{
	_cleanup_close_ int fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);

	*no_socket = fd < 0 && errno == EAFNOSUPPORT;
	if (fd < 0)
		return *no_socket ? errno : 0;
	if (ifindex &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, sizeof(ifindex)) != 0)
		return 0;
	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0)
		return 0;
	return connect(fd, (const struct sockaddr *)&ss, len) == 0 ? 0 : errno;
}

static bool is_off(const char *device)
{
	char path[64 + IF_NAMESIZE];
	uint64_t off;

	snprintf(path, sizeof(path), "ipv6/conf/%.15s/disable_ipv6", device);
	return procfile_sysctl(path, &off) && off;
}

static void look_at_all(const char *loopback, struct source_facts *f)
{
	DIR *dir = opendir(conf);
	struct dirent *d;
	size_t n = 0;

	while (dir && (d = readdir(dir)) && n++ < DEVICES_MOST) {
		if (d->d_name[0] == '.' || streq(d->d_name, "all") ||
		    streq(d->d_name, "default") || streq(d->d_name, loopback))
			continue;
		if (!is_off(d->d_name)) {
			f->n_on++;
			continue;
		}
		if (!f->n_off++)
			snprintf(f->off, sizeof(f->off), "%.15s", d->d_name);
	}
	if (dir)
		closedir(dir);
	f->all_off = is_off("all");
}

void explain_source(const struct addr *to, uint32_t ifindex, uint32_t mark,
		    struct source_facts *f)
{
	char loopback[IF_NAMESIZE] = "";

	*f = (struct source_facts){ .to = *to };
	if (addr_unmapped(to).family != AF_INET6)
		return;
	f->err = try_source(to, ifindex, mark, &f->no_socket);
	if (!f->err)
		return;
	f->kernel_has = access("/proc/net/if_inet6", F_OK) == 0;
	f->kernel_off = f->no_socket && !f->kernel_has &&
			access("/proc/net/tcp", F_OK) == 0;
	/* The first interface of each namespace, whatever its name. */
	if (!if_indextoname(1, loopback))
		loopback[0] = '\0';
	if (addr_is_loopback(to))
		memcpy(f->device, loopback, sizeof(f->device));
	else if ((ifindex || to->scope) &&
		 !if_indextoname(ifindex ? ifindex : to->scope, f->device))
		f->device[0] = '\0';
	f->device_off = f->device[0] && is_off(f->device);
	if (!f->device[0])
		look_at_all(loopback, f);
}
