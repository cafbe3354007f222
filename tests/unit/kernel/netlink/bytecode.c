/*
 * Programs against the kernel that runs them: in a namespace of its own with sockets of
 * every family and many states, whatever random expressions drop must be rows that the
 * evaluator refuses, and where the kernel can decide everything they must agree. By hand:
 * unit_bytecode EXPRESSIONS SEED.
 */
#include "kernel/netlink/bytecode.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/ipv6.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "unit/unit.h"

enum { MAX_ROWS = 256 };

/* linux/inet_diag.h of older headers lacks it: the attribute is 21 since Linux 5.8. */
enum { ATTR_MARK = 15, ATTR_CGROUP_ID = 21 };

struct table {
	struct sock rows[MAX_ROWS];
	size_t n;
};

static struct arena arena;
static struct table everything;
static uint32_t next_random = 20241;
static unsigned n_random = 150;

static unsigned pick(unsigned n)
{
	next_random = next_random * 1103515245 + 12345;
	return (next_random >> 16) % n;
}

static void load_addr(struct addr *a, const struct inet_diag_msg *m, const __be32 *ip,
		      __be16 port)
{
	*a = (struct addr){ .family = m->idiag_family, .port = ntohs(port) };
	memcpy(a->ip, ip, a->family == AF_INET ? 4 : 16);
}

static int load_row(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct table *t = data;
	const struct nlattr *attr;
	struct sock *s = &t->rows[t->n];

	if (t->n == MAX_ROWS)
		return MNL_CB_ERROR;
	t->n++;
	*s = (struct sock){ .family = m->idiag_family,
			    .state = m->idiag_state,
			    .ifindex = m->id.idiag_if,
			    .inode = m->idiag_inode,
			    .has = SOCK_HAS_COOKIE };
	if (m->id.idiag_if == 1)
		s->device = "lo";
	s->cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
	load_addr(&s->local, m, m->id.idiag_src, m->id.idiag_sport);
	load_addr(&s->peer, m, m->id.idiag_dst, m->id.idiag_dport);
	mnl_attr_for_each(attr, nlh, sizeof(*m))
	{
		if (mnl_attr_get_type(attr) == ATTR_MARK) {
			s->mark = mnl_attr_get_u32(attr);
			s->has |= SOCK_HAS_MARK;
		} else if (mnl_attr_get_type(attr) == ATTR_CGROUP_ID) {
			s->cgroup_id = mnl_attr_get_u64(attr);
			s->has |= SOCK_HAS_CGROUP;
		}
	}
	return MNL_CB_OK;
}

static int dump_one(struct table *t, unsigned family, unsigned protocol,
		    const struct buf *program)
{
	static char reply[65536];
	_cleanup_free_ char *request = calloc(1, 128 * 1024);
	struct mnl_socket *nl = mnl_socket_open(NETLINK_SOCK_DIAG);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct inet_diag_req_v2 *req;
	int r = 1;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = (uint8_t)family;
	req->sdiag_protocol = (uint8_t)protocol;
	req->idiag_states = ~0u;
	if (program)
		mnl_attr_put(nlh, INET_DIAG_REQ_BYTECODE, program->len, program->data);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		r = -errno;
	while (r > 0) {
		ssize_t len = mnl_socket_recvfrom(nl, reply, sizeof(reply));

		r = len < 0 ? -errno
			    : mnl_cb_run(reply, (size_t)len, 1, mnl_socket_get_portid(nl),
					 load_row, t);
		if (r < 0)
			r = -errno;
	}
	if (nl)
		mnl_socket_close(nl);
	return r;
}

static int dump(struct table *t, const struct buf *program)
{
	static const unsigned families[] = { AF_INET, AF_INET6 };
	static const unsigned protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	size_t f, p;
	int r = 0;

	t->n = 0;
	for (p = 0; p < 2; p++)
		for (f = 0; f < 2 && r == 0; f++) {
			size_t from = t->n;

			r = dump_one(t, families[f], protocols[p], program);
			for (; from < t->n; from++)
				t->rows[from].proto = p ? PROTO_UDP : PROTO_TCP;
		}
	return r;
}

static bool has_row(const struct table *t, const struct sock *s)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->rows[i].cookie == s->cookie && t->rows[i].family == s->family)
			return true;
	return false;
}

static bool is_ip6(const char *ip)
{
	return strchr(ip, ':') != NULL;
}

static socklen_t address(const char *ip, unsigned port, struct sockaddr_storage *ss)
{
	struct addr a;

	if (addr_parse_ip(ip, strlen(ip), false, &a) < 0)
		abort();
	a.port = (uint16_t)port;
	return addr_to_sockaddr(&a, ss);
}

static int make(const char *ip, unsigned port, int type, unsigned mark, bool device)
{
	struct sockaddr_storage ss;
	socklen_t len = address(ip, port, &ss);
	int fd = socket(is_ip6(ip) ? AF_INET6 : AF_INET, type, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (mark)
		setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	if (device)
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0)
		printf("# bind %s:%u: %s\n", ip, port, strerror(errno));
	return fd;
}

static int dial(const char *from, unsigned port, const char *to, unsigned to_port,
		unsigned mark)
{
	struct sockaddr_storage ss;
	socklen_t len = address(to, to_port, &ss);
	int fd = make(from, port, SOCK_STREAM, mark, false);

	if (connect(fd, (struct sockaddr *)&ss, len) < 0)
		printf("# connect %s:%u: %s\n", to, to_port, strerror(errno));
	return fd;
}

static void add_ip6(const char *ip)
{
	struct in6_ifreq ifr = { .ifr6_prefixlen = 128, .ifr6_ifindex = 1 };
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_storage ss;
	struct addr a;
	socklen_t len;

	addr_parse_ip(ip, strlen(ip), false, &a);
	memcpy(&ifr.ifr6_addr, a.ip, 16);
	if (ioctl(fd, SIOCSIFADDR, &ifr) < 0) {
		printf("# %s: %s\n", ip, strerror(errno));
		return;
	}
	/* It is tentative until a worker of the kernel has looked at it. */
	len = addr_to_sockaddr(&a, &ss);
	while (bind(fd, (struct sockaddr *)&ss, len) < 0 && errno == EADDRNOTAVAIL)
		;
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		printf("# lo: %s\n", strerror(errno));
	add_ip6("fec0:42::1");
	add_ip6("fec0:43::1");
}

/* Listeners, connections both ways, half-accepted ones, remnants, bound ones, UDP. */
static void populate(void)
{
	unsigned i;
	int any = make("::", 8080, SOCK_STREAM, 0, false);
	int v4 = make("127.0.0.1", 80, SOCK_STREAM, 0x11, true);
	int deferred = make("::", 8443, SOCK_STREAM, 0x5, false), seconds = 60;
	int clients[6];

	/* Its connections stay SYN_RECV until data comes. */
	setsockopt(deferred, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	listen(deferred, 64);
	listen(any, 64);
	listen(v4, 64);
	listen(make("fec0:42::1", 443, SOCK_STREAM, 0x1, false), 64);
	for (i = 0; i < 6; i++) {
		char from[16];

		snprintf(from, sizeof(from), "127.0.%u.%u", i / 3, i + 2);
		clients[i] = dial(from, 20000 + i, "127.0.0.1", 80, i);
		dial(from, 0, "127.0.0.1", 8080, 0x21);
		dial(i & 1 ? "::1" : "fec0:43::1", i & 2 ? 30000 + i : 0, "::1", 8080, 0);
		dial("fec0:43::1", 0, "fec0:42::1", 443, i << 4);
	}
	for (i = 0; i < 3; i++)
		close(accept(v4, NULL, NULL));
	for (i = 0; i < 3; i++)
		close(accept(any, NULL, NULL));
	dial("127.0.0.3", 0, "127.0.0.1", 8443, 0x31);
	dial("fec0:43::1", 0, "::1", 8443, 0);
	close(clients[0]); /* one of those that were accepted and closed: TIME_WAIT */
	close(clients[5]);
	make("127.0.0.9", 22, SOCK_STREAM, 0, false);
	make("::1", 20123, SOCK_STREAM, 0, true);
	make("0.0.0.0", 53, SOCK_DGRAM, 0x11, false);
	make("fec0:42::1", 53, SOCK_DGRAM, 0, true);
	make("127.0.0.1", 0, SOCK_DGRAM, 0, false);
}

/*
 * A FIN that is still on its way, or a connection that another processor turns into its
 * TIME_WAIT remnant at this moment: it is closed, has a peer, and has lost its port.
 */
static bool is_changing(const struct sock *s)
{
	enum {
		CHANGING = 1 << STATE_FIN_WAIT1 | 1 << STATE_CLOSING | 1 << STATE_LAST_ACK
	};

	return (CHANGING >> s->state & 1) ||
	       (s->proto == PROTO_TCP && s->state == STATE_CLOSE && s->peer.port != 0);
}

/* The rows that are compared must not change any more. */
static int dump_settled(struct table *t)
{
	bool changing;
	size_t i;
	int r;

	do {
		r = dump(t, NULL);
		for (i = changing = 0; i < t->n; i++)
			changing |= is_changing(&t->rows[i]);
	} while (r == 0 && changing);
	return r;
}

static uint32_t only_lo(const char *name)
{
	return streq(name, "lo") ? 1 : 0;
}

static const struct bytecode_caps caps = { .net_admin = true, .ifindex = only_lo };

static const char *const decidable[] = {
	"sport = 80",
	"sport = 8443",
	"dst fec0:43::1 and sport = 8443",
	"sport != 8080",
	"sport < 1024",
	"sport >= 8080",
	"sport in (22,53,20000-20003)",
	"sport = :*",
	"dport = 80",
	"dport > 30000",
	"dport != 443",
	"dport = 0",
	"dport le 443",
	":8080",
	"port in (80,443)",
	"src 127.0.0.1",
	"src 127.0.0.0/24",
	"src 127.0.0.1:80",
	"src 127.0.0.0/30:8080,80",
	"src != 127.0.1.0/24",
	"src 0.0.0.0/0",
	"src ::/0",
	"src fec0::/16",
	"src [fec0:40::]/26:443",
	"src in (127.0.0.9, ::1, fec0:42::1)",
	"src ::ffff:127.0.0.1",
	"src *",
	"src /run/x",
	"src in (/run/x, ::1)",
	"dst 127.0.0.0/8",
	"dst 127.0.1.5",
	"dst fec0:43::1",
	"dst inet6:*:8080",
	"dst ::1",
	"dst in (::1,127.0.0.0/29)",
	"ifindex = 1",
	"dev 1",
	"dev != 1",
	"fwmark = 0x11",
	"fwmark = 0x1/0x1",
	"fwmark != 0x21",
	"fwmark in (1,2,0x11)",
	"mark != 0x11",
	"cgroup_id = 1",
};

static const char *const others[] = {
	"listen",	    "established",	 "state != close-wait", "time-wait",
	"uid = 0",	    "inode = 0",	 "not unaccepted",	"sport ge 8000",
	"src fe80::1%lo",   "dst != fe80::1%lo", "src != ::1%lo",	"dev lo",
	"rtt > 1ms",	    "ifindex != 1",	 "cgroup_id != 1",	"listener = :80",
	"family = inet6",   "fwmark > 3",	 "ifindex in (1,7)",	"exclude all",
	"src != fec0::/16", "dst fec0:42::1",
};

/* A random tree of terms, as text. */
static void put_expression(struct buf *b, unsigned depth, bool all)
{
	unsigned kind = depth ? pick(5) : 4;

	if (kind == 4) {
		unsigned n = ARRAY_SIZE(decidable);
		unsigned i = pick(all ? n + (unsigned)ARRAY_SIZE(others) : n);

		buf_puts(b, i < n ? decidable[i] : others[i - n]);
		return;
	}
	buf_puts(b, kind == 3 ? "not (" : "(");
	put_expression(b, depth - 1, all);
	if (kind < 3) {
		buf_puts(b, kind == 0 ? " or " : kind == 1 ? " and " : ") or not (");
		put_expression(b, depth - 1, all);
	}
	buf_puts(b, ")");
}

/* Rows that the kernel passed and the evaluator refuses; -1 if it dropped a match. */
static int compare(const char *text)
{
	static struct table passed;
	_cleanup_buf_ struct buf program = { 0 };
	const struct filter_node *n = NULL;
	struct fault f = FAULT_INIT;
	int extra = 0, r;
	size_t i;

	if (filter_parse(&arena, text, NULL, &n, &f) < 0) {
		printf("# %s: %s\n", text, f.what);
		return -1;
	}
	r = dump(&passed, bytecode_compile(&program, n, &caps) ? &program : NULL);
	if (r < 0) {
		printf("# %s: %s\n", text, strerror(-r));
		return -1;
	}
	for (i = 0; i < everything.n; i++) {
		const struct sock *s = &everything.rows[i];
		bool wanted = filter_eval(n, s, ~0u) == FILTER_YES;
		enum filter_result early = filter_eval(n, s, 0);

		CHECK(early == FILTER_MAYBE || (early == FILTER_YES) == wanted);
		CHECK(!wanted || (filter_state_mask(n) >> s->state & 1));
		if (has_row(&passed, s))
			extra += !wanted;
		else if (wanted) {
			_cleanup_buf_ struct buf b = { 0 };

			addr_put(&b, &s->local);
			buf_putc(&b, ' ');
			addr_put(&b, &s->peer);
			printf("# %s: dropped %s, state %u\n", text, buf_cstr(&b),
			       s->state);
			return -1;
		}
	}
	return extra;
}

static void single_terms(void)
{
	uint32_t states = 0;
	size_t i;

	CHECK(everything.n > 50);
	for (i = 0; i < everything.n; i++)
		states |= 1u << everything.rows[i].state;
	CHECK(states & 1 << STATE_LISTEN);
	CHECK(states & 1 << STATE_SYN_RECV);
	CHECK(states & 1 << STATE_TIME_WAIT);
	CHECK(states & 1 << STATE_CLOSE_WAIT);
	for (i = 0; i < ARRAY_SIZE(decidable); i++) {
		int extra = compare(decidable[i]);

		if (extra) {
			printf("# %s: %d rows too many\n", decidable[i], extra);
			unit_failures++;
		}
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		CHECK(compare(others[i]) >= 0);
}

static void random_expressions(void)
{
	unsigned i, exact = 0;

	for (i = 0; i < n_random; i++) {
		_cleanup_buf_ struct buf b = { 0 };
		int extra;

		put_expression(&b, 1 + i % 5, i & 1);
		extra = compare(buf_cstr(&b));
		exact += extra == 0;
		if (extra < 0 || (!(i & 1) && extra && !strstr(b.data, "mark != "))) {
			printf("# %s: %d rows too many\n", buf_cstr(&b), extra);
			unit_failures++;
		}
	}
	CHECK(exact > n_random / 2);
}

static bool compiles(const char *text)
{
	_cleanup_buf_ struct buf program = { 0 };
	const struct filter_node *n = NULL;

	CHECK_INT(filter_parse(&arena, text, NULL, &n, NULL), 0);
	return bytecode_compile(&program, n, &caps);
}

static void not_compiled(void)
{
	_cleanup_buf_ struct buf program = { 0 };

	CHECK(!compiles(""));
	CHECK(!compiles("listen"));
	CHECK(!compiles("listen or sport = 22"));
	CHECK(!compiles("not (listen and sport = 22)"));
	CHECK(!compiles("dev eth7"));
	CHECK(compiles("listen and sport = 22"));
	CHECK(compiles("not (listen or sport = 22)"));
	CHECK(!bytecode_compile(&program, NULL, &caps));
	CHECK_INT(program.len, 0);
}

/* A list of n ports and what the kernel says to it. */
static int long_list(unsigned n, bool *compiled)
{
	_cleanup_buf_ struct buf b = { 0 }, program = { 0 };
	const struct filter_node *node = NULL;
	static struct table t;
	unsigned i;

	buf_puts(&b, "sport in (8080");
	for (i = 1; i < n; i++)
		buf_printf(&b, ",%u", 1 + i);
	buf_puts(&b, ")");
	CHECK_INT(filter_parse(&arena, buf_cstr(&b), NULL, &node, NULL), 0);
	*compiled = bytecode_compile(&program, node, &caps);
	t.n = 0;
	CHECK(*compiled || program.len == 0);
	return *compiled ? dump_one(&t, AF_INET6, IPPROTO_TCP, &program) : 0;
}

static void sizes(void)
{
	bool compiled = false;
	unsigned n;

	CHECK_INT(long_list(3000, &compiled), 0);
	CHECK(compiled);
	for (n = 3200; n < 5000 && compiled; n += 16)
		if (long_list(n, &compiled) != 0)
			break;
	CHECK(!compiled);
	long_list(60000, &compiled);
	CHECK(!compiled);
}

static void autobound(void)
{
	_cleanup_buf_ struct buf program = { 0 };
	static struct table t;
	const struct filter_node *n = NULL;
	size_t i, by_hand = 0, by_kernel = 0;

	CHECK_INT(filter_parse(&arena, "autobound", NULL, &n, NULL), 0);
	CHECK(bytecode_compile(&program, n, &caps));
	CHECK_INT(dump(&t, &program), 0);
	for (i = 0; i < t.n; i++) {
		by_hand += t.rows[i].local.port == 20123;
		by_kernel += filter_eval(n, &t.rows[i], 0) == FILTER_YES;
	}
	CHECK_INT(by_hand, 0);
	CHECK(by_kernel > 10);
	CHECK_INT(by_kernel, t.n);
	CHECK(compare("not autobound") >= 0);
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		n_random = (unsigned)strtoul(argv[1], NULL, 10);
		next_random = (uint32_t)strtoul(argv[2], NULL, 10);
	}
	RUN(not_compiled, "what the kernel cannot decide is left to user space");
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		printf("ok 2 # SKIP no network namespace: %s\n1..2\n", strerror(errno));
		return unit_failed_tests != 0;
	}
	loopback_up();
	populate();
	CHECK_INT(dump_settled(&everything), 0);
	RUN(single_terms, "each condition passes the rows that match, and no others");
	RUN(random_expressions, "no random expression drops a row that matches");
	RUN(sizes, "a program that is too large is not made");
	RUN(autobound, "of autobound the kernel knows what was bound by hand");
	arena_free(&arena);
	return unit_done();
}
