#include "net/socket/nameserver.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "net/socket/dns.h"
#include "net/socket/endpoint.h"

struct server {
	struct addr addr;
	int fd;	   /* -1 = its fate is known */
	int err;   /* of connect(), send() or recv() */
	int rcode; /* -1 = it has not answered */
};

/* Without the file the resolver asks this host; what else keeps it from reading ends the
 * look-up (res_init). */
static bool is_absent(int err)
{
	return err == ENOENT || err == ENOTDIR || err == EISDIR || err == ELOOP ||
	       err == EACCES || err == EPERM;
}

/* resolv.conf(5): without a line the resolver asks this host. *err: why they are not
 * known, or 0. */
static size_t read_servers(struct server *v, int *err)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	char line[512];
	size_t n = 0;

	*err = file || is_absent(errno) ? 0 : errno;
	errno = 0;
	while (file && n < NAMESERVERS_MAX && fgets(line, sizeof(line), file)) {
		v[n] = (struct server){ .fd = -1, .rcode = -1 };
		if (dns_server(line, &v[n].addr))
			v[n++].addr.port = NAMESERVER_PORT;
	}
	if (file && ferror(file) && !is_absent(errno))
		*err = errno ? errno : EIO;
	if (file)
		fclose(file);
	if (*err)
		return 0;
	if (!n) {
		v[n] = (struct server){ .fd = -1, .rcode = -1 };
		addr_parse_ip("127.0.0.1", 9, false, &v[n].addr);
		v[n++].addr.port = NAMESERVER_PORT;
	}
	return n;
}

static void ask_nameserver(struct server *s, const uint8_t *query, size_t len)
{
	struct endpoint to;

	endpoint_from_addr(&to, TARGET_UDP, &s->addr);
	s->fd = endpoint_socket(&to, NULL);
	if (s->fd < 0)
		s->err = errno;
	else
		s->err = -endpoint_connect(s->fd, &to);
	if (!s->err && send(s->fd, query, len, MSG_NOSIGNAL) < 0)
		s->err = errno;
}

static void listen_to(struct server *s, const uint8_t *query, size_t query_len)
{
	uint8_t answer[DNS_QUERY_MAX];
	ssize_t n = recv(s->fd, answer, sizeof(answer), MSG_DONTWAIT);

	if (n < 0)
		s->err = errno;
	else
		s->rcode = dns_rcode(answer, (size_t)n, query, query_len);
}

static void put_server(struct buf *b, const struct server *s)
{
	static const char *const rcodes[] = { "without an error now",
					      "FORMERR",
					      "SERVFAIL",
					      "NXDOMAIN",
					      "NOTIMP",
					      "REFUSED" };

	addr_put_ip(b, &s->addr);
	if (s->rcode >= 0 && s->rcode < (int)ARRAY_SIZE(rcodes))
		buf_printf(b, " answers %s", rcodes[s->rcode]);
	else if (s->rcode >= 0)
		buf_printf(b, " answers with error %d", s->rcode);
	else if (s->err == ECONNREFUSED)
		buf_puts(b, ": nothing listens on its port 53");
	else if (s->err)
		buf_printf(b, ": %s", strerror(s->err));
	else
		buf_puts(b, " does not answer");
}

static void put_unknown(struct buf *b, int err)
{
	buf_printf(b, "the name servers are not known: %s", strerror(err));
}

void nameserver_tell(struct buf *b, const char *name, uint64_t wait_us)
{
	uint64_t until = clock_us() + wait_us, now;
	struct pollfd p[NAMESERVERS_MAX];
	struct server v[NAMESERVERS_MAX];
	int err;
	size_t n = read_servers(v, &err), i, left;
	uint8_t query[DNS_QUERY_MAX];
	size_t len = dns_query(query, name);

	if (err)
		put_unknown(b, err);
	if (!len || err)
		return;
	for (i = 0; i < n; i++)
		ask_nameserver(&v[i], query, len);
	do {
		now = clock_us();
		for (left = i = 0; i < n; i++) {
			bool open = !v[i].err && v[i].rcode < 0;

			p[i] = (struct pollfd){ .fd = open ? v[i].fd : -1,
						.events = POLLIN };
			left += open;
		}
		if (!left || now >= until ||
		    poll(p, n, (int)((until - now + 999) / 1000)) < 0)
			break;
		for (i = 0; i < n; i++)
			if (p[i].revents)
				listen_to(&v[i], query, len);
	} while (true);
	for (i = 0; i < n; i++) {
		buf_puts(b, i ? "; " : "");
		put_server(b, &v[i]);
		if (v[i].fd >= 0)
			close_fd(v[i].fd);
	}
}

void nameserver_list(struct buf *b)
{
	struct server v[NAMESERVERS_MAX];
	int err;
	size_t n = read_servers(v, &err), i;

	if (err)
		put_unknown(b, err);
	else
		buf_puts(b, "no answer from ");
	for (i = 0; i < n; i++) {
		buf_puts(b, i ? ", " : "");
		addr_put_ip(b, &v[i].addr);
	}
}
