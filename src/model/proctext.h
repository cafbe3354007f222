/*
 * Texts of /proc as parsers see them: nothing is read here. A text may end anywhere, come
 * from a kernel that knows more or less, or, in a sandbox, from somebody else: what is
 * not there is false, never 0. Numbers are decimal digits; one above 64 bits is none.
 */
#pragma once

#include "model/sock.h"

/* The first number of a text that begins with one, such as a sysctl. */
bool proctext_number(const char *text, uint64_t *value);

/* net/netstat, net/snmp: a line of names, then one of values, each behind "TABLE:". */
bool proctext_pair(const char *text, const char *table, const char *name,
		   uint64_t *value);

/* net/snmp6, status and fdinfo of a process: a name and its value on a line. */
bool proctext_line(const char *text, const char *name, uint64_t *value);

/* net/sockstat: "TCP: inuse 5 orphan 0 tw 3 alloc 7 mem 1". */
bool proctext_keyed(const char *text, const char *line, const char *key, uint64_t *value);

/* net/protocols: pages of memory that the sockets of a protocol have, and whether the
 * kernel economizes on them. False where the protocol has no such account. */
bool proctext_memory(const char *text, const char *protocol, uint64_t *pages,
		     bool *pressed);

/* net/stat/nf_conntrack: a line of names, then one of hexadecimal numbers a processor;
 * the sum of those below a name. */
bool proctext_stat(const char *text, const char *name, uint64_t *sum);

/* tcp_mem, file-nr: three numbers. */
bool proctext_triple(const char *text, uint64_t triple[3]);

/* net/protocols: the sockets of all lines that are of unix sockets. */
bool proctext_unix_sockets(const char *text, uint64_t *n);

/* ip_local_port_range: "32768 60999". */
bool proctext_range(const char *text, uint16_t *lo, uint16_t *hi);

/* ip_local_reserved_ports: "8080,9000-9010". Sets what is listed in held, which has an
 * entry for each of the 65536 ports. */
void proctext_ports(const char *text, bool *held);

/* PID/limits: the soft limit of descriptors; UINT64_MAX = unlimited. */
bool proctext_descriptor_limit(const char *text, uint64_t *soft, uint64_t *hard);

/* PID/stat: when it started, in clock ticks since the machine did. */
bool proctext_start(const char *text, uint64_t *ticks);

/* PID/status: whether the process has one number only, as NSpid says; false if it is not
 * known. */
bool proctext_one_pid(const char *text);

/* A line of PID/mountinfo. Its texts are parts of the line, which is changed: escapes
 * such as \040 are the bytes that they stand for. */
struct proctext_mount {
	const char *root, *path, *type;
	uint64_t id;
	unsigned major, minor; /* of the superblock */
};
bool proctext_mount(char *line, struct proctext_mount *m);

/* How proc is mounted on a path, by a line of PID/mountinfo, which is changed. */
struct proctext_hidepid {
	unsigned level; /* 0, 1, 2, 4, whatever the kernel calls it */
	uint64_t gid;	/* members of this group are excepted up to level 2 */
};
bool proctext_hidepid(char *line, const char *path, struct proctext_hidepid *h);

/* A link of PID/fd, "socket:[123]": the inode; 0 if it is something else. */
uint32_t proctext_socket(const char *link, size_t len);

/* PID/fdinfo of a ring of io_uring, line by line: the files that are registered with it.
 * Zeroed before the first. */
struct proctext_ring {
	uint64_t size;	/* of its table, in which places may be free */
	bool listed;	/* the table was told */
	bool in_table;	/* the line before was of it */
	bool has_entry; /* a place of it was told */
	bool settled; /* what stands behind the table, and only where it could be read */
	bool unnamed; /* a file without its inode, as older kernels print all */
};
/* The inode of a socket that this line says is registered; 0 = none. */
uint32_t proctext_ring_line(struct proctext_ring *r, const char *line);
/* After the last line: whether it may have sockets that no line has named. */
bool proctext_ring_may_hold(const struct proctext_ring *r);

/* PID/fdinfo of a unix socket: how many files wait in its queue. */
bool proctext_in_flight(const char *text, uint64_t *n);

/* A line of net/tcp, tcp6, udp, udp6 (proto), and one of net/unix. A name points into the
 * line; '@', which stands for the NUL of an abstract one, is left as it is. */
bool proctext_inet_row(const char *line, uint8_t proto, struct sock *s);
bool proctext_unix_row(const char *line, struct sock *s);
