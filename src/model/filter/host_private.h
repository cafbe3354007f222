/* Words as addresses and ports. */
#pragma once

#include "model/filter/parser_private.h"

/* An array in the arena that doubles. */
struct hosts {
	struct filter_host *v;
	size_t n, cap;
	size_t last;	    /* where the hosts of the last word begin */
	int family;	    /* the word said inet: or inet6:, 0 otherwise */
	const char *device; /* "10.0.0.1%eth0:80": the interface of all; NULL = any */
	size_t device_at;   /* where that stands in the expression */
};

/* One word as address, prefix, port or unix path, appended. 0 or -EINVAL.
 */
int host_parse(struct parser *p, const struct token *word, struct hosts *out);
/* The word is a pattern for the names of unix sockets. */
void host_add_path(struct parser *p, const char *path, struct hosts *out);
/* A port, "lo-hi", ":port", "inet:port", "*". */
int host_parse_port(struct parser *p, const struct token *t, struct hosts *out);
/* Turns "port < 1024" into a range of ports. */
int host_compare_port(struct parser *p, const struct token *t, enum filter_op op,
		      struct filter_host *h);
