#include "net/socket/bind.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "model/advice.h"

static void hint_bind(const struct endpoint *ep, int err, struct fault *f)
{
	char text[ENDPOINT_TEXT_MAX];
	_cleanup_buf_ struct buf command = { 0 };
	struct addr a = { 0 };

	endpoint_addr(ep, &a);
	if (err == EACCES && a.port && a.port < 1024)
		fault_hint(f, "ports below net.ipv4.ip_unprivileged_port_start need "
			      "CAP_NET_BIND_SERVICE: take a port above 1023, or be root");
	else if (err == EADDRINUSE && a.family)
		fault_hint(
			f,
			"this says who holds it: %s; port 0 lets the kernel choose a free "
			"one",
			advise_within(&command, ADVICE_BINDABLE, (struct advised){ 0 },
				      endpoint_text(text, sizeof(text), ep)));
	else if (err == EADDRINUSE && ep->family == AF_UNIX)
		fault_hint(f, "that abstract name is taken; choose another");
	else if (err == EADDRNOTAVAIL && ep->family == AF_VSOCK)
		fault_hint(f,
			   "no transport of this host has that CID; vsock::PORT is any");
	else if (err == EADDRNOTAVAIL && a.family == AF_INET6 && !addr_is_v4_mapped(&a))
		fault_hint(f, "no interface has this address, or it is tentative or a "
			      "duplicate: see 'ip -6 address'");
	else if (err == EADDRNOTAVAIL)
		fault_hint(f, "no interface has this address: see 'ip address', or use "
			      "--option freebind");
	else if (err == EINVAL && addr_is_link_local(&a) && !a.scope)
		fault_hint(
			f,
			"a link-local address needs its interface: [fe80::1%%eth0]:80");
}

int endpoint_bind(int fd, const struct endpoint *ep, struct unix_file *made,
		  struct fault *f)
{
	char text[ENDPOINT_TEXT_MAX];
	int err;

	if (ep->family == AF_UNIX && ep->len > offsetof(struct sockaddr_un, sun_path) &&
	    ((const struct sockaddr_un *)&ep->ss)->sun_path[0])
		return unixfile_bind(fd, ep, made, f);
	if (bind(fd, (const struct sockaddr *)&ep->ss, ep->len) == 0)
		return 0;
	err = errno;
	fault(f, err, "bind %s", endpoint_text(text, sizeof(text), ep));
	hint_bind(ep, err, f);
	return -err;
}
