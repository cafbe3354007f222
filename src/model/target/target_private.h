/* What the files of the address grammar share: the text, how far it is read, and the ways
 * to refuse it. The parsers return 0, or a negative errno with the fault filled. */
#pragma once

#include "model/target/target.h"

struct target_protocol {
	const char *name;
	enum target_proto proto;
	uint8_t family;
};

/* The row of a name before the colon, or NULL. */
const struct target_protocol *target_find_proto(const char *name, size_t len);

struct target_parser {
	const char *text; /* all of it, for the marks */
	const char *at;	  /* what is to be read next */
	unsigned flags;	  /* enum target_flags */
	struct target *t;
	struct fault *f; /* never NULL */
};

/* "'TEXT' is not an address: WHAT", marked at `at`. Returns -EINVAL. */
int target_refuse(const struct target_parser *p, const char *at, const char *what);
/* A sub-parser marked its own text: moves the mark to where that stands in the whole. r
 * is what it returned, and is returned. */
int target_remark(const struct target_parser *p, const char *at, int r);

/* HOST:PORT, [IPv6]:PORT, :PORT. */
int target_parse_inet(struct target_parser *p);
/* A numeric address at[0..len); negative without a fault where it is none. */
int target_take_ip(struct target_parser *p, const char *at, size_t len);
/* A numeric address, a name, '*' or nothing, in the next len bytes. */
int target_take_host(struct target_parser *p, size_t len);
