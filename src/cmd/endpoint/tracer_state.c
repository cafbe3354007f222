#include "cmd/endpoint/tracer_state.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "kernel/netlink/diag_inet.h"

void tracer_init(struct tracer *t, bool json, struct tell_out *out)
{
	*t = (struct tracer){ .listener = -1, .json = json, .out = out };
	t->blind = nl_open(&t->nl, NULL) < 0;
}

void tracer_free(struct tracer *t)
{
	if (!t->blind)
		nl_close(&t->nl);
	free(take_ptr(&t->waiting));
	free(take_ptr(&t->ends));
}

bool tracer_names(int fd, struct addr *local, struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0 ||
	    !addr_from_sockaddr(local, (struct sockaddr *)&ss, len))
		return false;
	len = sizeof(ss);
	if (getpeername(fd, (struct sockaddr *)&ss, &len) != 0 ||
	    !addr_from_sockaddr(peer, (struct sockaddr *)&ss, len))
		*peer = (struct addr){ .family = local->family };
	return true;
}

bool tracer_row(struct tracer *t, int fd, struct sock *s)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct addr local, peer;

	if (t->blind || !tracer_names(fd, &local, &peer) ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) != 0)
		return false;
	return inet_exact(&t->nl, &local, &peer, local.scope, cookie, 0, s) == 0;
}

void tracer_put_queue(struct buf *b, uint32_t waiting, uint32_t limit)
{
	uint32_t i, cells = MIN(limit + 1, 10u);
	uint32_t full = limit ? (uint32_t)((uint64_t)waiting * cells / (limit + 1))
			      : waiting;

	if (waiting && !full)
		full = 1;
	for (i = 0; i < cells; i++)
		buf_puts(b, i < full ? "#" : ".");
	buf_printf(b, " %u/%u (holds %u)", waiting, limit, limit + 1);
}
