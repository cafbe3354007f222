#include "net/socket/dial_open.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/socket/bind.h"
#include "net/socket/sockfilter.h"

static int bind_source(int fd, const struct endpoint *ep, const struct dial_how *how,
		       struct fault *f)
{
	struct addr a = { 0 };
	size_t i;
	int r;

	for (i = 0; i < how->n_sources; i++)
		if (how->sources[i].family == ep->family)
			break;
	if (i == how->n_sources) {
		if (how->n_sources && (ep->family == AF_INET || ep->family == AF_INET6))
			return fault_say(f, EAFNOSUPPORT,
					 "the source address is of the other family");
		return 0;
	}
	endpoint_addr(&how->sources[i], &a);
	if (!a.port) {
		int one = 1;

		/* The port is chosen by connect(), for the whole 4-tuple: many more fit.
		 */
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	}
	r = endpoint_bind(fd, &how->sources[i], NULL, f);
	return r;
}

int dial_open(const struct endpoint *ep, const struct dial_how *how, struct fault *f)
{
	uint64_t began = clock_us();
	_cleanup_close_ int fd = endpoint_socket(ep, f);
	int r = 0;

	if (fd < 0)
		return take_fd(&fd);
	if (how->call)
		how->call(how->note_ctx, NET_CALL_SOCKET, fd, fd, began,
			  endpoint_socket_text(ep));
	if (how->options)
		r = sockopt_apply(fd, how->options, SOCKOPT_EARLY, how->note,
				  how->note_ctx, f);
	if (r == 0 && how->drop_answers)
		r = sockfilter_drop_all(fd, f);
	if (r == 0)
		r = bind_source(fd, ep, how, f);
	/* A datagram client without a name gets no answers. */
	if (r == 0 && ep->proto == TARGET_UNIX_DGRAM && !how->n_sources) {
		sa_family_t family = AF_UNIX;

		if (bind(fd, (const struct sockaddr *)(const void *)&family,
			 sizeof(family)) != 0)
			r = fault(f, errno, "name the datagram socket");
	}
	return r < 0 ? r : take_fd(&fd);
}

int dial_choose_port(int fd, const struct endpoint *like, const struct addr *from,
		     struct addr *a)
{
	struct endpoint ep;
	int no = 0, r = endpoint_local(fd, like, &ep);

	if (r == 0 && endpoint_addr(&ep, a) && a->port)
		return 0;
	/* bind_source() left it to connect(), which will not come. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &no, sizeof(no));
	if (r < 0 || !endpoint_addr(&ep, a) || addr_is_any(a))
		*a = *from;
	a->port = 0;
	endpoint_from_addr(&ep, like->proto, a);
	r = endpoint_bind(fd, &ep, NULL, NULL);
	if (r == 0)
		r = endpoint_local(fd, like, &ep);
	return r == 0 && endpoint_addr(&ep, a) ? 0 : r;
}
