#include "cmd/local_listeners.h"

#include <linux/unix_diag.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "kernel/netlink/diag_unix.h"
#include "kernel/read/reader.h"

static bool would_take(const struct sock *listener, const struct addr *to)
{
	if (listener->local.port != to->port)
		return false;
	if (addr_same_ip(&listener->local, to))
		return true;
	if (!addr_is_any(&listener->local))
		return false;
	if (listener->local.family == to->family)
		return true;
	return listener->local.family == AF_INET6 &&
	       !((listener->has & SOCK_HAS_V6ONLY) && listener->v6only);
}

/* The kernel prefers the listener that was told the address, then its family's. */
int local_listener_rank(const struct sock *listener, const struct addr *to)
{
	if (!would_take(listener, to))
		return 0;
	if (!addr_is_any(&listener->local))
		return 3;
	return listener->local.family == to->family ? 2 : 1;
}

static struct local_listeners inet_listeners(const struct addr *to)
{
	_cleanup_reader_ struct reader reader = { 0 };
	struct local_listeners l = { 0 };
	int best = 1, one, err;
	size_t i;

	err = reader_open(&reader, NULL);
	if (err == 0)
		err = reader_listeners(&reader, 0);
	if (err < 0) {
		l.err = -err;
		return l;
	}
	for (i = 0; i < reader.listeners.n; i++) {
		const struct sock *s = reader.listeners.v[i];

		one = local_listener_rank(s, to);
		if (one > best)
			l = (struct local_listeners){ 0 }, best = one;
		if (one < best)
			continue;
		l.n++;
		l.queue += s->recv_queue;
		l.limit += s->send_queue;
	}
	return l;
}

struct unix_search {
	const struct sockaddr_un *sun;
	size_t name_len; /* of an abstract name; 0: a file */
	struct stat file;
	struct local_listeners found;
};

static int take_unix(const struct nlmsghdr *h, void *ctx)
{
	struct unix_search *x = ctx;
	struct sock s;

	if (!unix_parse(h, &s) || s.state != STATE_LISTEN)
		return 0;
	if (x->name_len ? s.path.len == x->name_len &&
				  memcmp(s.path.data, x->sun->sun_path, x->name_len) == 0
			: unix_is_file(&s, &x->file)) {
		x->found.n++;
		x->found.queue += s.recv_queue;
		x->found.limit += s.send_queue;
	}
	return 0;
}

static struct local_listeners unix_listeners(const struct endpoint *to)
{
	struct unix_search x = { .sun = (const void *)&to->ss };
	struct nl nl;
	int err;

	if (endpoint_is_abstract(to))
		x.name_len = to->len - offsetof(struct sockaddr_un, sun_path);
	else if (stat(x.sun->sun_path, &x.file) != 0)
		return x.found;
	err = nl_open(&nl, NULL);
	if (err == 0)
		err = unix_dump(&nl, 1u << STATE_LISTEN,
				UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN,
				take_unix, &x);
	nl_close(&nl);
	if (err < 0)
		x.found.err = -err;
	return x.found;
}

struct local_listeners local_listeners(const struct endpoint *to)
{
	struct addr a;

	if (to->family == AF_UNIX)
		return unix_listeners(to);
	if (endpoint_is_local(to) && endpoint_addr(to, &a))
		return inet_listeners(&a);
	return (struct local_listeners){ 0 };
}
