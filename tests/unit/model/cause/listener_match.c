/*
 * Which listener takes a connection, as a table. The kernel referees it: in a network
 * namespace of its own each row's listeners are made, connections are, and accept() says
 * which took them.
 */
#include "model/cause/listener_match.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/unit.h"

enum { LISTENERS = 3, PORT = 8080 };

/* The interfaces of the namespace: lo, and one with addresses of its own. */
enum { LO = 1, ETH = 77 };
#define ETH_V4 "10.9.0.1"
#define ETH_V6 "fd00:9::1"

/*
 * Listeners a, b and c: "%lo" and "%eth" bind to an interface, "!" is v6only. Who takes
 * the connection: "a+b" share what comes, of "a|b" one takes all, by the order in which
 * they began; "" is a refusal.
 */
static const struct row {
	const char *what, *listeners, *to, *takers;
} rows[] = {
	{ "the wildcard", "0.0.0.0", "127.0.0.1", "a" },
	{ "the wildcard, at 127.0.0.2", "0.0.0.0", "127.0.0.2", "a" },
	{ "the wildcard, at an interface's address", "0.0.0.0", ETH_V4, "a" },
	{ "the address itself", "127.0.0.1", "127.0.0.1", "a" },
	{ "another address", "127.0.0.2", "127.0.0.1", "" },
	{ "every address means the loopback", "127.0.0.1", "0.0.0.0", "a" },
	{ "every address, all of the loopback", "127.0.0.2", "0.0.0.0", "" },
	{ "every address of IPv6", "::1 127.0.0.1", "::", "a" },
	{ "the specific beats the wildcard", "0.0.0.0 127.0.0.1", "127.0.0.1", "b" },
	{ "the specific of IPv6", "::1 ::", "::1", "a" },
	{ "IPv6 does not come to IPv4", "0.0.0.0", "::1", "" },
	{ "nor to the mapped", "::ffff:127.0.0.1", "::1", "" },
	{ "dual stack", "::", "127.0.0.1", "a" },
	{ "dual stack, an interface's address", "::", ETH_V4, "a" },
	{ "v6only", "::!", "127.0.0.1", "" },
	{ "v6only, of IPv6", "::!", "::1", "a" },
	{ "v6only beside dual stack", ":: ::!", "127.0.0.1", "a" },
	{ "v6only beside dual stack, of IPv6", ":: ::!", "::1", "a|b" },
	{ "the family's wildcard beats dual stack", ":: 0.0.0.0", "127.0.0.1", "b" },
	{ "dual stack keeps IPv6", "0.0.0.0 ::", "::1", "b" },
	{ "the specific beats dual stack", ":: 127.0.0.1", "127.0.0.1", "b" },
	{ "mapped beats the wildcards", "0.0.0.0 ::ffff:127.0.0.1 ::", "127.0.0.1", "b" },
	{ "plain beats mapped", "127.0.0.1 ::ffff:127.0.0.1", "127.0.0.1", "a" },
	{ "the mapped wildcard is of IPv4", "::ffff:0.0.0.0", "127.0.0.1", "a" },
	{ "and after the plain one", "::ffff:0.0.0.0 0.0.0.0", "127.0.0.1", "b" },
	{ "one IPv6 address is none of IPv4", ETH_V6, ETH_V4, "" },
	{ "an interface, its address", "0.0.0.0%eth", ETH_V4, "a" },
	{ "an interface, another's address", "0.0.0.0%lo", ETH_V4, "" },
	{ "an interface, an address of lo", "0.0.0.0%eth", "127.0.0.1", "" },
	{ "an interface, dual stack", "::%eth", ETH_V4, "a" },
	{ "an interface, of IPv6", "::%eth", ETH_V6, "a" },
	{ "an interface, another's of IPv6", "::%lo", ETH_V6, "" },
	{ "two interfaces", "0.0.0.0%lo 0.0.0.0%eth", ETH_V4, "b" },
	{ "the specific beats the interface", "0.0.0.0%lo 127.0.0.1", "127.0.0.1", "b" },
	{ "the family beats the interface", "::%lo 0.0.0.0", "127.0.0.1", "b" },
	{ "the interface is no rank", "0.0.0.0 0.0.0.0%lo", "127.0.0.1", "a|b" },
	{ "the interface is no rank of IPv6", ":: ::%eth", ETH_V6, "a|b" },
	{ "a group", "0.0.0.0 0.0.0.0 0.0.0.0", "127.0.0.1", "a+b+c" },
	{ "a group of dual stack", ":: ::", "127.0.0.1", "a+b" },
	{ "a group and a specific", "::1 :: ::", "::1", "a" },
	{ "a specific group and the wildcard", "127.0.0.1 127.0.0.1 0.0.0.0", "127.0.0.1",
	  "a+b" },
};

static struct addr at(const char *ip)
{
	struct addr a = { 0 };

	addr_parse_ip(ip, strcspn(ip, "%! "), false, &a);
	a.port = PORT;
	return a;
}

/* The row of the listener that the text begins with. */
static struct sock listening(const char *text)
{
	struct sock s = { .proto = PROTO_TCP, .state = STATE_LISTEN, .local = at(text) };
	const char *more = text + strcspn(text, "%! ");

	s.family = s.local.family;
	s.ifindex = *more != '%' ? 0 : more[1] == 'l' ? LO : ETH;
	if (s.family == AF_INET6) {
		s.has |= SOCK_HAS_V6ONLY;
		/* As bind() makes it. */
		s.v6only = *more == '!' ||
			   (!addr_is_any(&s.local) && !addr_is_v4_mapped(&s.local));
	}
	return s;
}

static size_t listeners_of(const struct row *r, struct sock v[LISTENERS])
{
	const char *text = r->listeners;
	size_t n = 0;

	for (; n < LISTENERS && *text; text += strspn(text, " ")) {
		v[n++] = listening(text);
		text += strcspn(text, " ");
	}
	return n;
}

static unsigned takers_of(const struct row *r)
{
	unsigned takers = 0, i;

	for (i = 0; i < LISTENERS; i++)
		if (strchr(r->takers, 'a' + (int)i))
			takers |= 1u << i;
	return takers;
}

static unsigned best_of(const struct row *r)
{
	struct addr to = at(r->to);
	uint32_t device = streq(r->to, ETH_V4) || streq(r->to, ETH_V6) ? ETH : LO;
	struct sock v[LISTENERS];
	size_t n = listeners_of(r, v), i;
	unsigned takers = 0;
	int best = 1, one;

	for (i = 0; i < n; i++) {
		one = listener_score(&v[i], &to, device);
		if (one > best)
			takers = 0, best = one;
		if (one == best)
			takers |= 1u << i;
	}
	return takers;
}

static void test_table(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (best_of(&rows[i]) != takers_of(&rows[i])) {
			printf("# %s: %x, not %s\n", rows[i].what, best_of(&rows[i]),
			       rows[i].takers);
			unit_failures++;
		}
}

static void test_unknown(void)
{
	struct sock eth = listening("0.0.0.0%eth");
	struct sock six = listening("::");
	struct addr to = at(ETH_V4), other = to;

	CHECK(listener_score(&eth, &to, 0) > 0);
	CHECK_INT(listener_score(&eth, &to, LO), 0);
	six.has = 0;
	six.v6only = 1;
	CHECK(listener_score(&six, &to, 0) > 0);
	other.port++;
	CHECK_INT(listener_score(&six, &other, 0), 0);
}

/* A connection has come from a listener of its family, bound to the interface that it is
 * bound to. */
static void test_came(void)
{
	struct sock six = listening("::");
	struct sock four = listening("0.0.0.0");
	struct sock eth = listening("0.0.0.0%eth");
	struct sock mapped = { .family = AF_INET6, .local = at("::ffff:" ETH_V4) };
	struct sock plain = { .family = AF_INET, .local = at(ETH_V4) };

	CHECK(listener_took(&six, &mapped) > 0);
	CHECK_INT(listener_took(&four, &mapped), 0);
	CHECK(listener_took(&four, &plain) > 0);
	CHECK_INT(listener_took(&six, &plain), 0);
	CHECK_INT(listener_took(&eth, &plain), 0);
	plain.ifindex = ETH;
	CHECK(listener_took(&eth, &plain) > 0);
	plain.peer = at("127.0.0.9");
	CHECK(sock_peer_is_here(&plain));
	plain.peer = at(ETH_V4);
	CHECK(sock_peer_is_here(&plain));
	plain.peer = at("10.9.0.2");
	CHECK(!sock_peer_is_here(&plain));
}

/* --- the referee --- */

/* A namespace where interfaces are ours to make. */
static bool enter(void)
{
	uid_t uid = geteuid();
	FILE *map;

	if (unshare((uid ? CLONE_NEWUSER : 0) | CLONE_NEWNET) != 0)
		return false;
	map = uid ? fopen("/proc/self/uid_map", "we") : NULL;
	return !uid || (map && fprintf(map, "0 %u 1", uid) > 0 && fclose(map) == 0);
}

static void make_interfaces(void)
{
	CHECK_INT(system("ip link set lo up && "
			 "ip link add eth index 77 type veth peer name peer && "
			 "ip addr add " ETH_V4 "/24 dev eth && "
			 "ip addr add " ETH_V6 "/64 dev eth nodad && "
			 "ip link set peer up && ip link set eth up"),
		  0);
}

static int listen_at(const struct sock *s)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&s->local, &ss);
	int fd = socket(s->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, v6only = s->v6only && addr_is_any(&s->local),
	    device = (int)s->ifindex;
	struct fault f = FAULT_INIT;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if ((device && setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device,
				  sizeof(device)) != 0) ||
	    bind(fd, (const struct sockaddr *)&ss, len) != 0 || listen(fd, 64) != 0) {
		fault(&f, errno, "listen");
		printf("# %s\n", f.what);
		unit_failures++;
	}
	return fd;
}

/* Connects once: the listener that has a connection, as a bit; 0 = it was refused. */
static unsigned connect_once(const struct row *r, const struct pollfd *p, size_t n)
{
	struct linger reset = { 1, 0 };
	struct addr a = at(r->to);
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&a, &ss);
	int fd = socket(a.family, SOCK_STREAM | SOCK_CLOEXEC, 0), one;
	bool there = connect(fd, (const struct sockaddr *)&ss, len) == 0;
	struct pollfd polled[LISTENERS];
	unsigned taken = 0;
	size_t i;

	CHECK(there || errno == ECONNREFUSED);
	memcpy(polled, p, n * sizeof(*p));
	if (there)
		poll(polled, n, 10000);
	for (i = 0; there && i < n; i++)
		if ((one = accept(p[i].fd, NULL, NULL)) >= 0) {
			taken |= 1u << i;
			close(one);
		}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	return taken;
}

/* All that have taken one of several connections. */
static unsigned connect_often(const struct row *r, bool backwards)
{
	/* Enough to meet each of three: by the hash of the client's port. */
	enum { TRIES = 8, GROUP_TRIES = 400 };
	bool group = strchr(r->takers, '+');
	unsigned taken = 0, i, tries = group ? GROUP_TRIES : TRIES;
	struct sock v[LISTENERS];
	size_t n = listeners_of(r, v), k;
	struct pollfd p[LISTENERS];

	for (i = 0; i < n; i++) {
		k = backwards ? n - 1 - i : i;
		p[k] = (struct pollfd){ listen_at(&v[k]), POLLIN, 0 };
	}
	while (tries-- && !(group && taken == takers_of(r)))
		taken |= connect_once(r, p, n);
	for (i = 0; i < n; i++)
		close(p[i].fd);
	return taken;
}

/* In the order of the table, and backwards: what is a matter of order is no rule. */
static void test_kernel(void)
{
	size_t i;

	make_interfaces();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		unsigned there = connect_often(r, false), back = connect_often(r, true);
		bool order = strchr(r->takers, '|');

		if ((there | back) == takers_of(r) && order == (there != back))
			continue;
		printf("# %s: %x and, backwards, %x took it, not %s\n", r->what, there,
		       back, r->takers);
		unit_failures++;
	}
}

int main(void)
{
	RUN(test_table, "the rule's answer to every row");
	RUN(test_unknown, "an interface or v6only that is not known excludes nothing");
	RUN(test_came, "what has come is of its listener's family and interface");
	if (!enter()) {
		printf("ok %d the kernel's answer # skip no right to make a network namespace\n",
		       ++unit_tests);
		return unit_done();
	}
	RUN(test_kernel, "the kernel's answer to every row, in both orders");
	return unit_done();
}
