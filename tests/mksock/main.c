#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mksock.h"

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("mksock: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

int must(int r, const char *what)
{
	if (r < 0)
		die("%s: %s", what, strerror(errno));
	return r;
}

void nonblocking(int fd, bool on)
{
	int flags = must(fcntl(fd, F_GETFL), "F_GETFL");

	must(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK),
	     "F_SETFL");
}

struct param *find_param(struct scenario *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->params[i].key, key) == 0) {
			s->params[i].used = true;
			return &s->params[i];
		}
	return NULL;
}

bool has(struct scenario *s, const char *key)
{
	return find_param(s, key) != NULL;
}

const char *text(struct scenario *s, const char *key, const char *fallback)
{
	struct param *p = find_param(s, key);

	return p ? p->value : fallback;
}

long number(struct scenario *s, const char *key, long fallback)
{
	const char *t = text(s, key, NULL);
	char *end;
	long v;

	if (!t)
		return fallback;
	v = strtol(t, &end, 0);
	if (!*t || *end)
		die("%s: %s='%s' is not a number", s->name, key, t);
	return v;
}

/* What was made, so that later lines can close or accept it. */
static struct held {
	char name[96];
	int fd;
} held[20000];
static size_t n_held;

static void print_address(char *dst, size_t size, const struct sockaddr_storage *ss)
{
	char ip[INET6_ADDRSTRLEN];

	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *sin = (const void *)ss;

		inet_ntop(AF_INET, &sin->sin_addr, ip, sizeof(ip));
		snprintf(dst, size, "%s:%u", ip, ntohs(sin->sin_port));
	} else if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 = (const void *)ss;

		inet_ntop(AF_INET6, &sin6->sin6_addr, ip, sizeof(ip));
		snprintf(dst, size, "[%s]:%u", ip, ntohs(sin6->sin6_port));
	} else {
		snprintf(dst, size, "-");
	}
}

struct facts facts_of(int fd)
{
	struct sockaddr_storage ss = { 0 };
	struct facts f = { .local = "-", .peer = "-" };
	socklen_t len = sizeof(ss);
	uint64_t cookie = 0;
	struct stat st;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		print_address(f.local, sizeof(f.local), &ss);
	len = sizeof(ss);
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
		print_address(f.peer, sizeof(f.peer), &ss);
	must(fstat(fd, &st), "fstat");
	f.inode = st.st_ino;
	len = sizeof(cookie);
	must(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len), "SO_COOKIE");
	f.cookie = cookie;
	return f;
}

void tell(struct scenario *s, const char *state, int fd, const char *role)
{
	struct facts f = facts_of(fd);

	if (!has(s, "quiet"))
		printf("%s.%s state=%s local=%s peer=%s inode=%llu cookie=0x%llx pid=%d fd=%d\n",
		       s->label, role, state, f.local, f.peer, f.inode, f.cookie,
		       (int)getpid(), fd);
	if (n_held == COUNT(held))
		die("too many sockets");
	snprintf(held[n_held].name, sizeof(held[n_held].name), "%.30s.%.30s", s->label,
		 role);
	held[n_held++].fd = fd;
}

void tell_nth(struct scenario *s, const char *state, int fd, const char *role, long nth)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%ld", role, nth);
	tell(s, state, fd, name);
}

void tell_closed(struct scenario *s, const char *state, const struct facts *f,
		 const char *role)
{
	printf("%s.%s state=%s local=%s peer=%s inode=0 was_inode=%llu cookie=0x%llx\n",
	       s->label, role, state, f->local, f->peer, f->inode, f->cookie);
}

void tell_more(struct scenario *s, const char *fmt, ...)
{
	va_list ap;

	printf("%s.more ", s->label);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static struct held *find_held(struct scenario *s)
{
	const char *name = text(s, "of", "");
	size_t i;

	for (i = 0; i < n_held; i++)
		if (held[i].fd >= 0 && strcmp(held[i].name, name) == 0)
			return &held[i];
	die("%s: there is no socket '%s'", s->name, name);
}

static void make_close(struct scenario *s)
{
	struct held *h = find_held(s);

	close(h->fd);
	h->fd = -1;
}

static void make_accept(struct scenario *s)
{
	struct held *h = find_held(s);
	long n = number(s, "n", 1), i;

	for (i = 0; i < n; i++)
		tell_nth(s, "ESTABLISHED", must(accept(h->fd, NULL, NULL), "accept"),
			 "accepted", i);
}

static void make_send(struct scenario *s)
{
	static const char bytes[65536];
	long n = number(s, "n", 1);

	if (n > (long)sizeof(bytes))
		die("send: at most %zu bytes", sizeof(bytes));
	must((int)write(find_held(s)->fd, bytes, (size_t)n), "write");
}

static void make_comm(struct scenario *s)
{
	must(prctl(PR_SET_NAME, text(s, "name", "mksock")), "PR_SET_NAME");
}

/* Children that inherit every socket made so far and live as long as this process. */
static void make_holders(struct scenario *s)
{
	long n = number(s, "n", 1), i;
	const char *name = text(s, "name", NULL);

	for (i = 0; i < n; i++) {
		int ready[2];
		char byte;
		pid_t pid;

		must(pipe2(ready, O_CLOEXEC), "pipe2");
		fflush(stdout);
		pid = must(fork(), "fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (name)
				prctl(PR_SET_NAME, name);
			if (write(ready[1], "r", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(ready[1]);
		if (read(ready[0], &byte, 1) != 1)
			die("a holder did not start");
		close(ready[0]);
		printf("%s.holder%ld pid=%d\n", s->label, i, (int)pid);
	}
}

/* At most limit= descriptors from now on; spare= fills all but so many of them. */
static void make_files(struct scenario *s)
{
	long limit = number(s, "limit", 64), spare = number(s, "spare", -1);
	struct rlimit files = { (rlim_t)limit, (rlim_t)limit };
	int last = -1, fd, reserve[256];
	long i;

	must(setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE");
	if (spare < 0)
		return;
	if (spare > (long)COUNT(reserve))
		die("files: too many spare");
	for (i = 0; i < spare; i++)
		reserve[i] = must(open("/dev/null", O_RDONLY | O_CLOEXEC), "spare");
	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		last = fd;
	if (errno != EMFILE)
		die("files: %s", strerror(errno));
	for (i = 0; i < spare; i++)
		close(reserve[i]);
	tell_more(s, "last=%d", last);
}

static const struct maker other_makers[] = {
	{ "close", make_close, "of=LABEL.ROLE: close a socket that was made before" },
	{ "accept", make_accept, "of=LABEL.ROLE n=: accept from a listener" },
	{ "send", make_send, "of=LABEL.ROLE n=: write into a connection" },
	{ "files", make_files, "limit= spare=: RLIMIT_NOFILE, all but spare= in use" },
	{ "comm", make_comm, "name=: the name of this process" },
	{ "holders", make_holders,
	  "n= name=: children that hold all sockets made so far" },
	{ NULL, NULL, NULL },
};

static const struct maker *const makers[] = { tcp_makers, udp_makers, unix_makers,
					      held_makers, other_makers };

static const struct maker *find_maker(const char *name)
{
	size_t t, i;

	for (t = 0; t < COUNT(makers); t++)
		for (i = 0; makers[t][i].name; i++)
			if (strcmp(makers[t][i].name, name) == 0)
				return &makers[t][i];
	die("there is no scenario '%s'; mksock --help lists them", name);
}

/* Decodes \n \t \r \e \\ \xNN in place; returns the length. A comma is \x2c. */
static size_t unescape(char *t)
{
	static const char from[] = "ntre0", to[] = "\n\t\r\033\0";
	char *out = t, *start = t;

	for (; *t; t++) {
		const char *hit;

		if (*t != '\\' || !t[1]) {
			*out++ = *t;
			continue;
		}
		t++;
		if (*t == 'x' && isxdigit((unsigned char)t[1]) &&
		    isxdigit((unsigned char)t[2])) {
			char digits[3] = { t[1], t[2], '\0' };

			*out++ = (char)strtol(digits, NULL, 16);
			t += 2;
		} else if ((hit = strchr(from, *t)) != NULL) {
			*out++ = to[hit - from];
		} else {
			*out++ = *t;
		}
	}
	*out = '\0';
	return (size_t)(out - start);
}

static void run_scenario(const char *spec)
{
	char *copy = strdup(spec), *colon, *word, *rest;
	struct scenario s = { 0 };
	size_t i;

	if (!copy)
		die("out of memory");
	s.name = copy;
	colon = strchr(copy, ':');
	rest = colon ? colon + 1 : NULL;
	if (colon)
		*colon = '\0';
	while (rest && (word = strsep(&rest, ",")) != NULL) {
		char *eq = strchr(word, '=');
		struct param *p = &s.params[s.n];

		if (!*word)
			continue;
		if (s.n++ == MAX_PARAMS)
			die("%s: too many parameters", s.name);
		if (eq)
			*eq = '\0';
		p->key = word;
		p->value = eq ? eq + 1 : word + strlen(word);
		p->len = unescape(p->value);
	}
	s.label = text(&s, "label", s.name);
	find_maker(s.name)->make(&s);
	for (i = 0; i < s.n; i++)
		if (!s.params[i].used)
			die("%s: unknown parameter '%s'", s.name, s.params[i].key);
	free(copy);
}

static void help(void)
{
	size_t t, i;

	puts("usage: mksock SCENARIO...\n\n"
	     "Makes sockets, prints their facts and 'ready', holds them until stdin closes.\n"
	     "Each line of stdin is one more scenario, answered the same way.\n");
	for (t = 0; t < COUNT(makers); t++)
		for (i = 0; makers[t][i].name; i++)
			printf("  %-12s %s\n", makers[t][i].name, makers[t][i].help);
}

int main(int argc, char **argv)
{
	struct rlimit files;
	char line[4096];
	int i;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		help();
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (i = 1; i < argc; i++)
		run_scenario(argv[i]);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!*line)
			continue;
		run_scenario(line);
		puts("ready");
		fflush(stdout);
	}
	return 0;
}
