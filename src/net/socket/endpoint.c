#include "net/socket/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/mem.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct endpoint *endpoint_list_add(struct endpoint_list *list)
{
	list->v = array_grow(list->v, list->n, &list->cap, sizeof(*list->v));
	return &list->v[list->n++];
}

void endpoint_list_free(struct endpoint_list *list)
{
	free(list->v);
	*list = (struct endpoint_list){ 0 };
}

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

void endpoint_init(struct endpoint *ep, enum target_proto proto, int family)
{
	static const struct {
		int type, protocol;
	} kinds[] = {
		[TARGET_TCP] = { SOCK_STREAM, IPPROTO_TCP },
		[TARGET_MPTCP] = { SOCK_STREAM, IPPROTO_MPTCP },
		[TARGET_UDP] = { SOCK_DGRAM, IPPROTO_UDP },
		[TARGET_UNIX] = { SOCK_STREAM, 0 },
		[TARGET_UNIX_DGRAM] = { SOCK_DGRAM, 0 },
		[TARGET_UNIX_SEQPACKET] = { SOCK_SEQPACKET, 0 },
		[TARGET_VSOCK] = { SOCK_STREAM, 0 },
		[TARGET_RAW] = { SOCK_RAW, 0 },
		[TARGET_FD] = { SOCK_STREAM, 0 },
	};

	memset(ep, 0, sizeof(*ep));
	ep->family = family;
	ep->type = kinds[proto].type;
	ep->protocol = kinds[proto].protocol;
	ep->proto = proto;
	ep->ss.ss_family = (sa_family_t)family;
}

void endpoint_from_addr(struct endpoint *ep, enum target_proto proto,
			const struct addr *a)
{
	endpoint_init(ep, proto, a->family);
	ep->len = addr_to_sockaddr(a, &ep->ss);
}

void endpoint_from_unix(struct endpoint *ep, enum target_proto proto, const char *name,
			bool abstract)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&ep->ss;
	size_t len = MIN(strlen(name), sizeof(sun->sun_path) - 1);

	endpoint_init(ep, proto, AF_UNIX);
	memcpy(sun->sun_path + abstract, name, len);
	/* An abstract name is as long as the address says; a path ends with its NUL. */
	ep->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	/* No name at all asks the kernel to choose one. */
	if (abstract && !len)
		ep->len = (socklen_t)offsetof(struct sockaddr_un, sun_path);
}

bool endpoint_addr(const struct endpoint *ep, struct addr *a)
{
	return addr_from_sockaddr(a, (const struct sockaddr *)&ep->ss, ep->len);
}

bool endpoint_raw_path(struct buf *b, const struct endpoint *ep)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&ep->ss;
	size_t head = offsetof(struct sockaddr_un, sun_path), len;

	if (ep->family != AF_UNIX || ep->len <= head)
		return false;
	len = ep->len - head;
	if (sun->sun_path[0] == '\0') {
		buf_putc(b, '@');
		buf_put(b, sun->sun_path + 1, len - 1);
	} else {
		buf_put(b, sun->sun_path, strnlen(sun->sun_path, len));
	}
	return true;
}

bool endpoint_put_path(struct buf *b, const struct endpoint *ep)
{
	_cleanup_buf_ struct buf raw = { 0 };

	if (!endpoint_raw_path(&raw, ep))
		return false;
	buf_put_escaped(b, raw.data, raw.len);
	return true;
}

void endpoint_put(struct buf *b, const struct endpoint *ep)
{
	const struct sockaddr_vm *vm = (const struct sockaddr_vm *)&ep->ss;
	struct addr a;

	if (ep->proto != TARGET_TCP && ep->proto != TARGET_FD)
		buf_printf(b, "%s:", target_proto_name(ep->proto));
	if (ep->family == AF_VSOCK && ep->len >= sizeof(*vm)) {
		if (vm->svm_cid == VMADDR_CID_ANY)
			buf_printf(b, "any:%u", vm->svm_port);
		else
			buf_printf(b, "%u:%u", vm->svm_cid, vm->svm_port);
	} else if (ep->family == AF_UNIX) {
		endpoint_put_path(b, ep);
	} else if (endpoint_addr(ep, &a)) {
		if (ep->proto == TARGET_RAW) {
			buf_printf(b, "%d:", ep->protocol);
			addr_put_ip(b, &a);
		} else if (a.port) {
			addr_put(b, &a);
		} else {
			/* addr_put() says "*" for no port, which is not what was bound.
			 */
			buf_putc(b, a.family == AF_INET6 ? '[' : ' ');
			b->len -= a.family != AF_INET6;
			addr_put_ip(b, &a);
			buf_puts(b, a.family == AF_INET6 ? "]:0" : ":0");
		}
	}
}

char *endpoint_text(char *dst, size_t size, const struct endpoint *ep)
{
	_cleanup_buf_ struct buf b = { 0 };

	endpoint_put(&b, ep);
	snprintf(dst, size, "%s", buf_cstr(&b));
	return dst;
}

static int named(int fd, const struct endpoint *like, struct endpoint *ep,
		 int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct endpoint got = *like;

	memset(&got.ss, 0, sizeof(got.ss));
	got.len = sizeof(got.ss);
	if (get(fd, (struct sockaddr *)&got.ss, &got.len) != 0)
		return -errno;
	got.family = got.ss.ss_family;
	*ep = got;
	return 0;
}

static int get_local(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getsockname(fd, sa, len);
}

static int get_peer(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getpeername(fd, sa, len);
}

int endpoint_local(int fd, const struct endpoint *like, struct endpoint *ep)
{
	return named(fd, like, ep, get_local);
}

uint32_t endpoint_device(int fd)
{
	int index = 0;
	socklen_t len = sizeof(index);

	return getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &len) == 0 &&
			       index > 0
		       ? (uint32_t)index
		       : 0;
}

int endpoint_peer(int fd, const struct endpoint *like, struct endpoint *ep)
{
	return named(fd, like, ep, get_peer);
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	struct addr x, y;

	if (endpoint_addr(a, &x) && endpoint_addr(b, &y))
		return addr_compare(&x, &y) == 0 && x.scope == y.scope;
	return a->len == b->len && memcmp(&a->ss, &b->ss, a->len) == 0;
}

const char *endpoint_socket_text(const struct endpoint *ep)
{
	static const char *const texts[] = {
		[TARGET_TCP] = "socket(AF_INET, SOCK_STREAM)",
		[TARGET_MPTCP] = "socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)",
		[TARGET_UDP] = "socket(AF_INET, SOCK_DGRAM)",
		[TARGET_UNIX] = "socket(AF_UNIX, SOCK_STREAM)",
		[TARGET_UNIX_DGRAM] = "socket(AF_UNIX, SOCK_DGRAM)",
		[TARGET_UNIX_SEQPACKET] = "socket(AF_UNIX, SOCK_SEQPACKET)",
		[TARGET_VSOCK] = "socket(AF_VSOCK, SOCK_STREAM)",
		[TARGET_RAW] = "socket(AF_INET, SOCK_RAW)",
		[TARGET_FD] = "socket()",
	};

	if (ep->family == AF_INET6 && ep->proto == TARGET_TCP)
		return "socket(AF_INET6, SOCK_STREAM)";
	if (ep->family == AF_INET6 && ep->proto == TARGET_UDP)
		return "socket(AF_INET6, SOCK_DGRAM)";
	return texts[ep->proto];
}

static void hint_socket(const struct endpoint *ep, int err, struct fault *f)
{
	if (err == EMFILE)
		fault_hint(f, "this process is out of descriptors: raise 'ulimit -n'");
	else if (err == EPERM || err == EACCES)
		fault_hint(f, ep->type == SOCK_RAW
				      ? "raw sockets need CAP_NET_RAW: run it as root"
				      : "a sandbox or security module forbids it");
	else if (ep->proto == TARGET_MPTCP)
		fault_hint(f, "see 'sysctl net.mptcp.enabled'");
	else if (err == EAFNOSUPPORT)
		fault_hint(f, "this kernel has no such address family");
}

static int bind_to_device(int fd, const struct endpoint *ep, struct fault *f)
{
	char name[IF_NAMESIZE] = "";
	int err;

	if (!if_indextoname(ep->ifindex, name))
		return fault(f, errno, "bind to interface %u", ep->ifindex);
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) ==
	    0)
		return 0;
	err = errno;
	fault(f, err, "bind to interface %s", name);
	if (err == EPERM)
		fault_hint(f, "this kernel lets root do that: try sudo");
	return -err;
}

int endpoint_socket(const struct endpoint *ep, struct fault *f)
{
	int r, fd = socket(ep->family, ep->type | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   ep->protocol);
	int err = errno;

	if (fd >= 0 && ep->ifindex) {
		r = bind_to_device(fd, ep, f);
		if (r < 0)
			close_fd(fd);
		return r < 0 ? r : fd;
	}
	if (fd >= 0)
		return fd;
	fault(f, err, "socket for %s", target_proto_name(ep->proto));
	hint_socket(ep, err, f);
	return -err;
}

/* The kernel goes to an address of its own from that very address. */
bool endpoint_is_local(const struct endpoint *ep)
{
	struct endpoint datagram, local;
	_cleanup_close_ int fd = -1;
	struct addr a, b;

	if (ep->family == AF_UNIX)
		return true;
	if (!endpoint_addr(ep, &a))
		return false;
	if (addr_is_loopback(&a))
		return true;
	a.port = 9; /* connect() wants one */
	endpoint_from_addr(&datagram, TARGET_UDP, &a);
	fd = endpoint_socket(&datagram, NULL);
	return fd >= 0 && endpoint_connect(fd, &datagram) == 0 &&
	       endpoint_local(fd, &datagram, &local) == 0 && endpoint_addr(&local, &b) &&
	       addr_same_ip(&a, &b);
}

bool endpoint_is_abstract(const struct endpoint *ep)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&ep->ss;

	return ep->family == AF_UNIX &&
	       ep->len > offsetof(struct sockaddr_un, sun_path) && !sun->sun_path[0];
}

int endpoint_connect(int fd, const struct endpoint *ep)
{
	if (connect(fd, (const struct sockaddr *)&ep->ss, ep->len) == 0)
		return 0;
	/* An interrupted connect() goes on by itself, as if it had been non-blocking. */
	return errno == EINTR ? -EINPROGRESS : -errno;
}

void endpoint_reset_on_close(int fd)
{
	struct linger reset = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

bool endpoint_is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

unsigned long endpoint_raise_fds(void)
{
	struct rlimit rl;
	unsigned long before;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return 0;
	before = rl.rlim_cur;
	rl.rlim_cur = rl.rlim_max;
	if (before < rl.rlim_max)
		setrlimit(RLIMIT_NOFILE, &rl);
	return before;
}
