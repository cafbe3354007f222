/* What bare.c and load.c share: sockets on loopback. */
#pragma once

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BLOCK = 256 * 1024 };

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)atoi(port)),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline int listener(const char *port, int type)
{
	struct sockaddr_in sin = loopback(port);
	int fd = socket(AF_INET, type, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    (type == SOCK_STREAM && listen(fd, -1) != 0))
		die("listen");
	return fd;
}

static inline int dial(const char *port, int type)
{
	struct sockaddr_in sin = loopback(port);
	int fd = socket(AF_INET, type, 0);

	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("connect");
	return fd;
}

struct mode {
	const char *name;
	int args;
	int (*run)(char **arg);
};

static inline int run_mode(const struct mode *modes, size_t n, int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < n; i++)
		if (strcmp(modes[i].name, argv[1]) == 0 && argc - 2 == modes[i].args)
			return modes[i].run(argv + 2);
	fprintf(stderr, "usage: %s MODE [PORT [COUNT...]]\n", argv[0]);
	for (i = 0; i < n; i++)
		fprintf(stderr, "  %s\n", modes[i].name);
	return 2;
}
