/* What the parts of the filter's parser share; nobody else includes it. */
#pragma once

#include "model/filter_lex.h"

enum {
	FILTER_DEPTH_MAX = 200, /* parentheses inside one another */
	FILTER_TERMS_MAX =
		4096,	      /* bounds the recursion of everything that walks a tree */
	EPHEMERAL_LO = 32768, /* ip_local_port_range unless set otherwise */
	EPHEMERAL_HI = 60999,
};

struct parser {
	struct lexer lex;
	struct token next; /* not taken yet */
	struct arena *arena;
	const struct filter_env *env; /* may be NULL */
	struct fault *fault;
	unsigned depth, terms;
};

/* The comparison that follows a name; EQ where there is none. */
struct compare {
	enum filter_op op;
	bool written; /* false: implied, as in "sport :80" */
	size_t at;
};

/* An array in the arena that doubles. */
struct literals {
	struct filter_literal *v;
	size_t n, cap;
};

struct hosts {
	struct filter_host *v;
	size_t n, cap;
	size_t last; /* where the hosts of the last word begin */
	int family;  /* the word said inet: or inet6:, 0 otherwise */
};

/* Says what is wrong and marks the place in the expression. Returns -EINVAL. */
int filter_fail(struct parser *p, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* After a failure of a callee that filled the fault: marks our place instead of its. */
int filter_fail_at(struct parser *p, size_t at);
/* The same after a callee that marked a place in its argument, t->text[from .. +len]. */
int filter_fail_inside(struct parser *p, const struct token *t, size_t from, size_t len);
/* A token's text for a message: escaped and not too long. */
const char *filter_show(struct parser *p, const struct token *t);

/* filter_literal.c: one word as a literal of the field's unit. 0 or -EINVAL. */
int literal_parse(struct parser *p, const struct field *field, enum filter_op op,
		  const struct token *t, struct literals *out);

/* filter_host.c: one word as address, prefix, port or unix path, appended. 0 or -EINVAL.
 */
int host_parse(struct parser *p, const struct token *t, struct hosts *out);
/* The word is a pattern for the names of unix sockets. */
void host_add_path(struct parser *p, const char *path, struct hosts *out);
/* A port, "lo-hi", ":port", "inet:port", "*". */
int host_parse_port(struct parser *p, const struct token *t, struct hosts *out);
/* Turns "port < 1024" into a range of ports. */
int host_compare_port(struct parser *p, const struct token *t, enum filter_op op,
		      struct filter_host *h);
