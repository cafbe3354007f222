/*
 * mksock makes sockets in known states and tells the facts about them, so that a test can
 * compare what a tool says with what is so. It shares no code with the program under
 *test.
 *
 * A scenario is NAME[:KEY=VALUE,...]. Each socket it makes is one line of facts:
 *	LABEL.ROLE state=S local=A peer=A inode=N cookie=0xN pid=N fd=N
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { MAX_PARAMS = 16 };

struct param {
	const char *key;
	char *value; /* C escapes are decoded */
	size_t len;
	bool used;
};

struct scenario {
	const char *name;
	const char *label; /* of the fact lines: label=, else the name */
	struct param params[MAX_PARAMS];
	size_t n;
};

struct maker {
	const char *name;
	void (*make)(struct scenario *s);
	const char *help;
};

extern const struct maker tcp_makers[], udp_makers[], unix_makers[], held_makers[];

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Dies with errno's text when r is negative; returns r. */
int must(int r, const char *what);

struct param *find_param(struct scenario *s, const char *key);
bool has(struct scenario *s, const char *key);
long number(struct scenario *s, const char *key, long fallback);
const char *text(struct scenario *s, const char *key, const char *fallback);

/* Prints the facts of fd (not with quiet, for thousands) and keeps it open, so that
 * "close:of=LABEL.ROLE" finds it. */
void tell(struct scenario *s, const char *state, int fd, const char *role);
/* The same for one of many: ROLE0, ROLE1, ... */
void tell_nth(struct scenario *s, const char *state, int fd, const char *role, long nth);
/* Facts of a socket that was closed; they must be taken before. */
struct facts {
	char local[64], peer[64];
	unsigned long long inode, cookie;
};
struct facts facts_of(int fd);
void tell_closed(struct scenario *s, const char *state, const struct facts *f,
		 const char *role);
/* A line that is no socket: counts, pids. */
void tell_more(struct scenario *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void nonblocking(int fd, bool on);
