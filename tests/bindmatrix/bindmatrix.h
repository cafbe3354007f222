/*
 * bindmatrix is the referee of inspect --bindable: it makes a holder of a port, asks the
 * program whether another socket could be bound, binds one, and compares. It shares no
 * code with the program under test.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { RA = 1, RP = 2 }; /* SO_REUSEADDR, SO_REUSEPORT */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct place {
	const char *text; /* as inet_pton() takes it */
	bool v6only;
};

/* A socket as somebody would bind it. */
struct binder {
	int type; /* SOCK_STREAM, SOCK_DGRAM */
	struct place place;
	int options; /* RA | RP */
	unsigned uid;
	uint16_t port;
};

enum { MAX_FDS = 8 };

/* What stands in the way, and what must be closed afterwards. */
struct holder {
	int fds[MAX_FDS];
	size_t n;
	uint16_t port; /* that it holds */
};

/* Makes a holder with a binder's address, options and user. */
typedef void maker(struct holder *h, const struct binder *b);

struct kind {
	const char *name;
	maker *make;
	bool ownerless; /* its options cannot be read: "cannot tell" is right */
	bool served;	/* a connection whose listener is gone */
	bool cleared;	/* SO_REUSEPORT that was on at bind(): "no" has a reservation */
};

extern const struct kind tcp_kinds[], udp_kinds[];
extern const size_t n_tcp_kinds, n_udp_kinds;

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
int must(int r, const char *what);
socklen_t make_address(union address *a, const char *text, uint16_t port);
/* socket and options, as the user of b; not bound. */
int make_socket(const struct binder *b);
/* The same and bind(); -1 with errno. */
int try_bound(const struct binder *b);
uint16_t fresh_port(void);
