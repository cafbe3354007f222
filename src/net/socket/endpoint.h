/*
 * A place to bind or connect to, whatever its family: what socket() and bind()/connect()
 * need, and how it is written.
 */
#pragma once

#include "model/addr.h"
#include "model/target/target.h"

struct endpoint {
	int family, type, protocol; /* as for socket(2) */
	enum target_proto proto;
	uint32_t ifindex; /* the socket is bound to this interface; 0 = to none */
	socklen_t len;	  /* 0 = no address (an unnamed unix socket) */
	struct sockaddr_storage ss;
};

struct endpoint_list {
	struct endpoint *v;
	size_t n, cap;
};

#define _cleanup_endpoints_ __attribute__((cleanup(endpoint_list_free)))

struct endpoint *endpoint_list_add(struct endpoint_list *list);
void endpoint_list_free(struct endpoint_list *list);

/* family, type and protocol for socket(2); the address stays empty. */
void endpoint_init(struct endpoint *ep, enum target_proto proto, int family);
void endpoint_from_addr(struct endpoint *ep, enum target_proto proto,
			const struct addr *a);
void endpoint_from_unix(struct endpoint *ep, enum target_proto proto, const char *name,
			bool abstract);

/* An address of this host (and namespace). Sends nothing. */
bool endpoint_is_local(const struct endpoint *ep);
/* A unix socket's name that is in no file system. */
bool endpoint_is_abstract(const struct endpoint *ep);
/* The IP address and port; false for other families. */
bool endpoint_addr(const struct endpoint *ep, struct addr *a);
/* The path (or '@' and the abstract name, with escapes) of a unix socket into b; false
 * for other families and unnamed sockets. */
bool endpoint_put_path(struct buf *b, const struct endpoint *ep);

/* The same with its bytes as they are, for JSON and files. */
bool endpoint_raw_path(struct buf *b, const struct endpoint *ep);

/*
 * As people and connect read it: "127.0.0.1:80", "[::1]:80", "udp:127.0.0.1:53",
 * "unix:/run/x", "vsock:2:80"; an unnamed unix socket is "unix:", raw leaves the port
 * out.
 */
void endpoint_put(struct buf *b, const struct endpoint *ep);
/* The same into a fixed buffer; returns dst. */
char *endpoint_text(char *dst, size_t size, const struct endpoint *ep);
enum { ENDPOINT_TEXT_MAX = 512 };

/* getsockname() and getpeername(); the protocol is taken from like. 0 or -errno. */
int endpoint_local(int fd, const struct endpoint *like, struct endpoint *ep);
int endpoint_peer(int fd, const struct endpoint *like, struct endpoint *ep);

/* The interface that a socket is bound to; 0 = none. */
uint32_t endpoint_device(int fd);

/* Same address and port. */
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

/* "socket(AF_INET, SOCK_STREAM)": as a program would write it. */
const char *endpoint_socket_text(const struct endpoint *ep);

/* socket(2), CLOEXEC and non-blocking. The descriptor, or -errno with a fault. */
int endpoint_socket(const struct endpoint *ep, struct fault *f);

/* connect(2) with EINTR understood: 0 = connected, -EINPROGRESS (or -EAGAIN for a unix
 * socket whose queue is full), or -errno. No fault. */
int endpoint_connect(int fd, const struct endpoint *ep);

/* close() ends the connection with RST (SO_LINGER 0): no TIME_WAIT, no orphan. */
void endpoint_reset_on_close(int fd);

/* An errno of what this host lacks for now: descriptors or memory. */
bool endpoint_is_shortage(int err);

/* Raises the soft limit of descriptors to the hard one; returns the limit before, for
 * children. */
unsigned long endpoint_raise_fds(void);
