/* What the C library's resolver goes by: resolv.conf(5), and whether nsswitch.conf(5) has
 * it ask name servers at all. */
#pragma once

#include "base/buf.h"
#include "model/addr.h"

enum { RESOLV_SERVERS_MAX = 3 }; /* as many as the resolver asks (MAXNS) */

struct resolv_conf {
	struct addr servers[RESOLV_SERVERS_MAX]; /* with port 53 */
	size_t n;
	char search[256];      /* the first domain of the list; "" = none */
	unsigned ndots;	       /* a name with fewer dots is searched there first */
	unsigned timeout_s;    /* one try of one server */
	bool edns, tcp, no_v6; /* options edns0, use-vc, no-aaaa */
};

/* A line of resolv.conf; a line that says nothing changes nothing. */
void resolv_conf_line(struct resolv_conf *c, const char *line);
/* 0, or -errno: they are not known. Without a file, or a server in it, the resolver asks
 * this host. */
int resolv_conf_read(struct resolv_conf *c);
/* The name that the resolver asks for first. */
void resolv_conf_put_asked(struct buf *b, const struct resolv_conf *c, const char *name);

/* A line of nsswitch.conf: whether it is that of the hosts, and then whether it has the
 * DNS among their sources. */
bool nsswitch_line_is_hosts(const char *line, bool *dns);
/* Whether names of hosts are looked up in the DNS: 1, 0, or -errno. */
int nsswitch_has_dns(void);
