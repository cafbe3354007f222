#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bindmatrix.h"

extern char **environ;

static const char *program;
static unsigned asked, wrong, undecided, reserved;
static uint16_t next_port = 2000;

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("bindmatrix: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

int must(int r, const char *what)
{
	if (r < 0)
		die("%s: %s", what, strerror(errno));
	return r;
}

uint16_t fresh_port(void)
{
	return next_port++;
}

socklen_t make_address(union address *a, const char *text, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->sa.sa_family = AF_INET;
		a->in.sin_port = htons(port);
		return sizeof(a->in);
	}
	if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) != 1)
		die("'%s' is no address", text);
	a->sa.sa_family = AF_INET6;
	a->in6.sin6_port = htons(port);
	return sizeof(a->in6);
}

int make_socket(const struct binder *b)
{
	int family = strchr(b->place.text, ':') ? AF_INET6 : AF_INET, fd;
	int ra = !!(b->options & RA), rp = !!(b->options & RP), v6only = b->place.v6only;

	if (b->uid)
		must(seteuid(b->uid), "seteuid");
	fd = must(socket(family, b->type | SOCK_CLOEXEC, 0), "socket");
	if (b->uid)
		must(seteuid(0), "seteuid");
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &ra, sizeof(ra));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &rp, sizeof(rp));
	return fd;
}

int try_bound(const struct binder *b)
{
	union address a;
	socklen_t len = make_address(&a, b->place.text, b->port);
	int fd = make_socket(b);

	if (bind(fd, &a.sa, len) != 0) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* "true", "false" or "null", as the program says; "maybe" is a "false" with the
 * reservation that the kernel may remember SO_REUSEPORT. */
static const char *ask(const struct binder *b, bool try)
{
	static char output[65536];
	char address[96], uid[16];
	const char *argv[16] = { program, "inspect", "--json", "--bindable", address };
	int n = 5, ends[2], status;
	size_t len = 0;
	ssize_t got;
	pid_t pid;
	posix_spawn_file_actions_t actions;
	const char *at;

	snprintf(address, sizeof(address),
		 strchr(b->place.text, ':') ? "%s[%s]:%u" : "%s%s:%u",
		 b->type == SOCK_DGRAM ? "udp:" : "", b->place.text, b->port);
	if (b->options & RA)
		argv[n++] = "--reuseaddr";
	if (b->options & RP)
		argv[n++] = "--reuseport";
	if (b->place.v6only)
		argv[n++] = "--v6only";
	if (try)
		argv[n++] = "--try";
	if (b->uid) {
		snprintf(uid, sizeof(uid), "%u", b->uid);
		argv[n++] = "--as-user";
		argv[n++] = uid;
	}
	argv[n] = NULL;
	must(pipe2(ends, O_CLOEXEC), "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	if (posix_spawn(&pid, program, &actions, NULL, (char **)(uintptr_t)argv,
			environ) != 0)
		die("%s does not start", program);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (len < sizeof(output) - 1 &&
	       (got = read(ends[0], output + len, sizeof(output) - 1 - len)) > 0)
		len += (size_t)got;
	close(ends[0]);
	output[len] = '\0';
	waitpid(pid, &status, 0);
	at = strstr(output, "\"bindable\":");
	if (!at || !WIFEXITED(status))
		die("no answer about %s: %s", address, output);
	at += strlen("\"bindable\":");
	if (*at == 'f' && strstr(output, "the kernel remembers SO_REUSEPORT"))
		return "maybe";
	return *at == 't' ? "true" : *at == 'f' ? "false" : "null";
}

static void put_binder(const struct binder *b)
{
	printf("%s%s%s%s%s uid %u", b->type == SOCK_DGRAM ? "udp " : "", b->place.text,
	       b->place.v6only ? " v6only" : "", b->options & RA ? " RA" : "",
	       b->options & RP ? " RP" : "", b->uid);
}

static void disagree(const struct kind *k, const struct binder *theirs,
		     const struct binder *mine, const char *said, const char *is)
{
	printf("%s (", k->name);
	put_binder(theirs);
	printf("), binder ");
	put_binder(mine);
	printf(": said %s, bind() says %s\n", said, is);
	wrong++;
}

/*
 * Whether tables and descriptors cannot decide: the options of what nobody owns, and who
 * bound the port first, if connections of another user are all that is left of it.
 */
static bool may_hang(const struct kind *k, const struct binder *theirs,
		     const struct binder *mine)
{
	if (!mine->options)
		return false;
	return k->ownerless || (k->served && theirs->uid && (mine->options & RP) &&
				(theirs->options & RP));
}

/* One binder against a holder that stands. */
static void compare(const struct kind *k, const struct binder *theirs,
		    const struct binder *mine)
{
	const char *said = ask(mine, false), *is;
	int fd = try_bound(mine);

	if (fd < 0 && errno != EADDRINUSE)
		die("%s: bind: %s", mine->place.text, strerror(errno));
	is = fd < 0 ? "false" : "true";
	if (fd >= 0)
		close(fd);
	asked++;
	if (strcmp(said, "maybe") == 0) {
		/* It is a "no" all the same; only where the option was cleared, it may
		 * err. */
		reserved++;
		said = k->cleared ? ask(mine, true) : "false";
	}
	if (strcmp(said, "null") == 0) {
		undecided++;
		if (!may_hang(k, theirs, mine)) {
			disagree(k, theirs, mine, "null", is);
			return;
		}
		said = ask(mine, true);
	}
	if (strcmp(said, is) != 0)
		disagree(k, theirs, mine, said, is);
}

static void against(const struct kind *k, const struct binder *theirs,
		    const struct place *places, size_t n_places, const int *options,
		    size_t n_options, const unsigned *uids, size_t n_uids)
{
	struct holder h = { .n = 0 };
	size_t p, o, u, i;
	struct binder holder = *theirs;

	holder.port = fresh_port();
	k->make(&h, &holder);
	for (p = 0; p < n_places; p++)
		for (o = 0; o < n_options; o++)
			for (u = 0; u < n_uids; u++) {
				struct binder mine = { .type = theirs->type,
						       .place = places[p],
						       .options = options[o],
						       .uid = uids[u],
						       .port = h.port };

				compare(k, theirs, &mine);
			}
	/* Ownerless remnants stay behind; each holder has a port of its own. */
	for (i = 0; i < h.n; i++)
		if (h.fds[i] >= 0)
			close(h.fds[i]);
}

static const int all_options[] = { 0, RA, RP, RA | RP };
static const unsigned root[] = { 0 };
static const struct place loopback[] = { { "127.0.0.1", false } };
static const struct place holders[] = {
	{ "0.0.0.0", false },
	{ "127.0.0.1", false },
	{ "::", false },
	{ "::", true },
	{ "::1", false },
	{ "::ffff:127.0.0.1", false },
	{ "::ffff:0.0.0.0", false },
};
static const struct place binders[] = {
	{ "0.0.0.0", false },
	{ "127.0.0.1", false },
	{ "127.0.0.2", false },
	{ "::", false },
	{ "::", true },
	{ "::1", false },
	{ "::ffff:127.0.0.1", false },
	{ "::ffff:0.0.0.0", false },
};

static void report(const char *what)
{
	printf("%s: %u combinations, %u wrong, %u decided by --try only, %u with a "
	       "reservation\n",
	       what, asked, wrong, undecided, reserved);
	fflush(stdout);
}

/* Every kind of holder, its options and the binder's, at one address. */
static void run_states(const struct kind *kinds, size_t n, int type)
{
	size_t k, o;

	for (k = 0; k < n; k++)
		for (o = 0; o < COUNT(all_options); o++) {
			struct binder theirs = { .type = type,
						 .place = loopback[0],
						 .options = all_options[o] };

			against(&kinds[k], &theirs, loopback, 1, all_options,
				COUNT(all_options), root, 1);
		}
}

static const struct kind *kind_named(const char *name)
{
	size_t k = 0;

	while (k < n_tcp_kinds && strcmp(tcp_kinds[k].name, name) != 0)
		k++;
	if (k == n_tcp_kinds)
		die("there is no holder '%s'", name);
	return &tcp_kinds[k];
}

/*
 * What people ask about, 76 cases: the four holders of every day with each set of
 * options, and three more, against each set of the binder's.
 */
static void run_basic(void)
{
	static const char *const often[] = { "LISTEN", "bound", "ESTABLISHED",
					     "TIME_WAIT" };
	static const char *const once[] = { "nothing", "bound, second cleared",
					    "LISTEN, second cleared" };
	struct kind kinds[COUNT(often)];
	struct binder plain = { .type = SOCK_STREAM, .place = loopback[0] };
	size_t i;

	for (i = 0; i < COUNT(often); i++)
		kinds[i] = *kind_named(often[i]);
	run_states(kinds, COUNT(often), SOCK_STREAM);
	for (i = 0; i < COUNT(once); i++)
		against(kind_named(once[i]), &plain, loopback, 1, all_options,
			COUNT(all_options), root, 1);
}

/* Every pair of addresses, for those kinds that can be at any address. */
static void run_addresses(const struct kind *kinds, size_t n, int type,
			  const char *const *names)
{
	size_t k, p, o, i;

	for (k = 0; k < n; k++) {
		bool wanted = false;

		for (i = 0; names[i]; i++)
			wanted |= strcmp(names[i], kinds[k].name) == 0;
		for (p = 0; wanted && p < COUNT(holders); p++)
			for (o = 0; o < (kinds[k].served ? 2 : COUNT(all_options)); o++) {
				struct binder theirs = { .type = type,
							 .place = holders[p],
							 .options = all_options[o] };
				/* The binder does as the holder does, or nothing. */
				int options[] = { 0, all_options[o] };

				against(&kinds[k], &theirs, binders, COUNT(binders),
					options, o ? 2 : 1, root, 1);
			}
	}
}

static void run_users(const struct kind *kinds, size_t n, int type,
		      const char *const *names)
{
	static const unsigned uids[] = { 1000, 1001, 0 };
	size_t k, o, i;

	for (k = 0; k < n; k++)
		for (o = 0; o < COUNT(all_options); o++)
			for (i = 0; names[i]; i++) {
				struct binder theirs = { .type = type,
							 .place = loopback[0],
							 .options = all_options[o],
							 .uid = 1000 };

				if (strcmp(names[i], kinds[k].name) == 0)
					against(&kinds[k], &theirs, loopback, 1,
						all_options, COUNT(all_options), uids,
						COUNT(uids));
			}
}

int main(int argc, char **argv)
{
	static const char *const tcp_anywhere[] = { "LISTEN", "bound", "ESTABLISHED",
						    "outgoing", NULL };
	static const char *const tcp_users[] = { "LISTEN",	"bound",
						 "ESTABLISHED", "FIN_WAIT1 orphan",
						 "TIME_WAIT",	"FIN_WAIT2 orphan",
						 NULL };
	static const char *const udp_all[] = { "UDP", "UDP connected", "UDP drawn",
					       NULL };
	const char *what = argc > 2 ? argv[2] : "";

	if (argc != 3)
		die("usage: bindmatrix SOCKCTL basic|states|addresses|users|udp");
	program = argv[1];
	if (strcmp(what, "basic") == 0) {
		run_basic();
	} else if (strcmp(what, "states") == 0) {
		run_states(tcp_kinds, n_tcp_kinds, SOCK_STREAM);
	} else if (strcmp(what, "addresses") == 0) {
		run_addresses(tcp_kinds, n_tcp_kinds, SOCK_STREAM, tcp_anywhere);
	} else if (strcmp(what, "users") == 0) {
		run_users(tcp_kinds, n_tcp_kinds, SOCK_STREAM, tcp_users);
		run_users(udp_kinds, n_udp_kinds, SOCK_DGRAM, udp_all);
	} else if (strcmp(what, "udp") == 0) {
		run_states(udp_kinds, n_udp_kinds, SOCK_DGRAM);
		run_addresses(udp_kinds, n_udp_kinds, SOCK_DGRAM, udp_all);
	} else {
		die("there is no matrix '%s'", what);
	}
	report(what);
	return wrong != 0;
}
