/*
 * The filter language: a superset of ss's, with real precedence (not, and, or). The
 * expression is a tree over the field table; one evaluator decides every row, whatever
 * the kernel has filtered before.
 */
#pragma once

#include "base/mem.h"
#include "base/num.h"
#include "model/field/field.h"
#include "model/filter/files.h"

enum filter_op {
	FILTER_AND, /* left, right */
	FILTER_OR,
	FILTER_NOT, /* left */
	FILTER_EQ,  /* leaves: field against one literal */
	FILTER_NE,
	FILTER_LT,
	FILTER_LE,
	FILTER_GT,
	FILTER_GE,
	FILTER_GLOB,  /* ~ : text against a shell pattern */
	FILTER_IN,    /* field in (a,b,c-d): any of the literals */
	FILTER_TRUE,  /* a yes/no field alone; without field "autobound": hosts[0] is the
			 range of ports that the kernel gives away */
	FILTER_ADDR,  /* local, peer or either end, or a field that is an address, against
			 addresses, prefixes, ports and names of unix sockets */
	FILTER_STATE, /* state in a mask */
	FILTER_ALL,   /* matches every row: an empty expression */
};

enum filter_side { SIDE_NONE, SIDE_LOCAL = 1, SIDE_PEER = 2, SIDE_EITHER = 3 };

/* One address-or-port literal: any of the parts may be missing. */
struct filter_host {
	struct addr prefix; /* family 0 = any address; prefix.prefix = leading bits */
	uint16_t port_lo, port_hi; /* 0..65535 = any port */
	bool has_port;
	const char *path; /* unix: glob pattern, '@' for abstract; NULL = not a unix
			     literal */
	const struct filter_file *file; /* and what is at the path; NULL = no one path,
					   or it is not looked up */
};

struct filter_literal {
	enum { LITERAL_NUMBER, LITERAL_RANGE, LITERAL_TEXT } kind;
	uint64_t lo, hi; /* in the field's own unit */
	uint64_t mask;	 /* fwmark 0x1/0xff; ~0 otherwise */
	const char *text;
	size_t len;
};

struct filter_node {
	enum filter_op op;
	const struct filter_node *left, *right;
	const struct field *field; /* leaves but FILTER_STATE; FILTER_ADDR: if side is
				      SIDE_NONE */
	const struct filter_literal *literals;
	size_t n_literals;
	enum filter_side side; /* FILTER_ADDR */
	const struct filter_host
		*hosts; /* any of them; a name with several addresses has several */
	size_t n_hosts;
	uint32_t states; /* FILTER_STATE: mask of 1 << state */
};

/* What parsing needs from the floors above. May be NULL, then names are refused. */
struct filter_env {
	/* Appends every address of a host name to *addrs (arena memory). Returns 0 or
	 * -errno. */
	int (*resolve)(void *ctx, const char *name, struct arena *a, struct addr **addrs,
		       size_t *n, struct fault *f);
	/* "cgroup /path": the cgroup's id. Returns 0 or -errno. */
	int (*cgroup_id)(const char *path, uint64_t *id, struct fault *f);
	/* Whether an interface of this name is there: 0 or -ENODEV with a fault. NULL =
	 * any name will do, for one may yet come, or it is another host's. */
	int (*device)(void *ctx, const char *name, struct fault *f);
	/* Where paths are looked up; NULL = they are texts only. */
	struct filter_files *files;
	void *ctx;
	bool elsewhere; /* rows are of another host or time: what is looked up here is not
			   theirs */
	uint16_t ephemeral_lo, ephemeral_hi; /* ip_local_port_range, for "autobound" */
};

enum filter_result { FILTER_NO, FILTER_YES, FILTER_MAYBE };

/*
 * Parses text into a tree in the arena. 0, or -EINVAL with a fault that marks the word.
 *
 * Of ss's words (src dst sport dport dev fwmark cgroup, and port local peer ... that are
 * the same) "x != y" is "not x = y", as in ss. Of every other field a comparison with an
 * absent value is NO, "x != y" included. A row without a port (a listener's peer) has
 * port 0 and is in no range but one that names 0. A field with several values (pid,
 * process) passes if any of them does; its != if none is equal.
 */
int filter_parse(struct arena *a, const char *text, const struct filter_env *env,
		 const struct filter_node **node, struct fault *f);

/* Whether it asks for the field of this name. */
bool filter_asks_for(const struct filter_node *node, const char *field);

/* Whether what the filter asks of a socket stays as it is as long as the socket lives:
 * its ends, its kind. NULL does. */
bool filter_is_fixed(const struct filter_node *node);

/* both, or the one that is not NULL; NULL matches everything. */
const struct filter_node *filter_and(struct arena *a, const struct filter_node *left,
				     const struct filter_node *right);
/*
 * One address, prefix, name or path (or several with commas) of an end, as in "src TEXT";
 * for --src and --dst, whose argument is no expression. 0, or -EINVAL with a fault.
 */
int filter_ends(struct arena *a, enum filter_side side, const char *text,
		const struct filter_env *env, const struct filter_node **node,
		struct fault *f);
/* Building blocks for the options that are filters (--port, --src, --state ...). */
const struct filter_node *filter_ports(struct arena *a, enum filter_side side,
				       const struct port_set *ports);
const struct filter_node *filter_states(struct arena *a, uint32_t states);

/*
 * Three-valued: MAYBE where the answer depends on a field whose needs are not all in
 * `known`. With known = ~0 the answer is YES or NO, and a comparison with an absent value
 * is NO.
 */
enum filter_result filter_eval(const struct filter_node *node, const struct sock *s,
			       uint32_t known);

/*
 * Where all that can be known of s does not decide: the first field that its source did
 * not give. NULL if there is none, or if it is the owners that are not known.
 */
const struct field *filter_unknown(const struct filter_node *n, const struct sock *s);

/* Union of the needs of all its fields. */
uint32_t filter_needs(const struct filter_node *node);

/* A superset of the states of the rows that can match. */
uint32_t filter_state_mask(const struct filter_node *node);

/*
 * The states that the expression asks for by name (not those that it excludes):
 * BOUND_INACTIVE, which costs a walk of its own, is asked for only if it is among them.
 */
uint32_t filter_named_states(const struct filter_node *node);

/*
 * Whether only one IP connection can match: local and peer each one full address and one
 * port, joined by and. Fills both ends.
 */
bool filter_exact(const struct filter_node *node, struct addr *local, struct addr *peer);

/* The one port at either end that every IP row that can match has; 0 = any. */
void filter_only_ports(const struct filter_node *node, uint16_t *local, uint16_t *peer);

/* The words that are ss's own, for completions; NULL behind the last. */
const char *filter_word_name(size_t i);
