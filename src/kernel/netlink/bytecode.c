/*
 * The kernel checks a program by walking along the "yes" offsets: each must lead to the
 * next operation and the last one to the end, and a "no" may jump only forward, to an
 * operation on that walk, to the end (pass) or four bytes beyond (drop). So code falls
 * through while the answer is yes and jumps when it is no; a jump on yes is a JMP, whose
 * "no" is always taken.
 *
 * A condition stands for its superset: what cannot be compiled counts as true. The
 * negation of a superset is none, so "not" is pushed down to the leaves, where a negated
 * leaf is compiled from tests that are never true of a row it does not match.
 */
#include "kernel/netlink/bytecode.h"

#include <linux/inet_diag.h>

enum {
	/* struct nlattr counts its length, header included, in 16 bits. */
	PROGRAM_MAX = UINT16_MAX - 3 - 4,
	DROP = 4, /* so far beyond the end */
};

/*
 * A place that is not reached yet. The jumps to it are chained through their `no`: offset
 * of the one before, plus 1; 0 ends the chain.
 */
struct label {
	uint16_t chain;
};

struct code {
	struct buf *b;
	size_t start;
	const struct bytecode_caps *caps;
	bool too_large;
};

static struct inet_diag_bc_op *op_at(const struct code *c, size_t at)
{
	return (struct inet_diag_bc_op *)(void *)(c->b->data + c->start + at);
}

static size_t here(const struct code *c)
{
	return c->b->len - c->start;
}

/* An operation and its arguments; jumps to `no` when the answer is no. */
static void emit(struct code *c, unsigned code, const void *args, size_t len,
		 struct label *no)
{
	struct inet_diag_bc_op op = { .code = (unsigned char)code,
				      .yes = (unsigned char)(sizeof(op) + len),
				      .no = no->chain };

	if (c->too_large || here(c) + sizeof(op) + len > PROGRAM_MAX) {
		c->too_large = true;
		return;
	}
	no->chain = (uint16_t)(here(c) + 1);
	buf_put(c->b, &op, sizeof(op));
	buf_put(c->b, args, len);
}

static void jump(struct code *c, struct label *to)
{
	emit(c, INET_DIAG_BC_JMP, NULL, 0, to);
}

static void land(struct code *c, struct label *label, size_t at)
{
	size_t from = label->chain;

	while (from && !c->too_large) {
		struct inet_diag_bc_op *op = op_at(c, from - 1);
		size_t before = op->no;

		op->no = (unsigned short)(at - (from - 1));
		from = before;
	}
	label->chain = 0;
}

/* What a leaf comes to. */
enum verdict {
	ANYTHING, /* cannot be compiled, or true of every row */
	NOTHING,  /* no row can match */
	TESTS,
};

static bool is_wildcard(const struct filter_host *h)
{
	return !h->path && !h->prefix.family &&
	       (!h->has_port || (!h->port_lo && h->port_hi == UINT16_MAX));
}

/*
 * The kernel does not compare scopes: its test of fe80::1%eth0 is also true of other
 * interfaces, so a negated leaf does not drop by it.
 */
static bool host_tells(const struct filter_host *h, bool negated)
{
	return !h->path && !(negated && h->prefix.scope);
}

static enum verdict judge_addr(const struct filter_node *n, bool negated)
{
	bool tells = false;
	size_t i;

	if (n->field)
		return ANYTHING;
	for (i = 0; i < n->n_hosts; i++) {
		if (is_wildcard(&n->hosts[i]))
			return negated ? NOTHING : ANYTHING;
		tells |= host_tells(&n->hosts[i], negated);
	}
	if (!tells)
		return negated ? ANYTHING : NOTHING;
	return TESTS;
}

/* The code of the operation that compares this field, or NOP. */
static unsigned field_code(const struct code *c, const struct field *f)
{
	if (streq(f->name, "ifindex"))
		return INET_DIAG_BC_DEV_COND;
	if (streq(f->name, "device") && c->caps && c->caps->ifindex)
		return INET_DIAG_BC_DEV_COND;
	if (streq(f->name, "mark") && c->caps && c->caps->net_admin)
		return INET_DIAG_BC_MARK_COND;
	if (streq(f->name, "cgroup_id"))
		return INET_DIAG_BC_CGROUP_COND;
	return INET_DIAG_BC_NOP;
}

/* The literal as the operation's argument; false if it has none. 0 means "no interface"
 * and "no cgroup" to the kernel, which to us is an absent value. */
static bool literal_arg(const struct code *c, const struct filter_literal *l,
			unsigned code, struct inet_diag_markcond *mark, uint64_t *id)
{
	if (l->kind == LITERAL_RANGE)
		return false;
	*id = l->lo;
	if (l->kind == LITERAL_TEXT)
		*id = c->caps->ifindex(l->text);
	else if (code == INET_DIAG_BC_MARK_COND) {
		*mark = (struct inet_diag_markcond){ .mark = (uint32_t)l->lo,
						     .mask = (uint32_t)l->mask };
		return l->lo <= UINT32_MAX;
	} else if (l->mask != UINT64_MAX) {
		return false;
	}
	return *id && (code == INET_DIAG_BC_CGROUP_COND || *id <= UINT32_MAX);
}

static enum verdict judge_field(const struct code *c, const struct filter_node *n,
				bool negated)
{
	struct inet_diag_markcond mark;
	unsigned code;
	uint64_t id;
	size_t i;

	/* "not x != 1" is also true of rows without x, which the kernel takes for 0. */
	if (n->op != FILTER_EQ && n->op != FILTER_IN && (n->op != FILTER_NE || negated))
		return ANYTHING;
	code = field_code(c, n->field);
	if (code == INET_DIAG_BC_NOP)
		return ANYTHING;
	for (i = 0; i < n->n_literals; i++)
		if (!literal_arg(c, &n->literals[i], code, &mark, &id))
			return ANYTHING;
	return TESTS;
}

static enum verdict judge_leaf(const struct code *c, const struct filter_node *n,
			       bool negated)
{
	switch (n->op) {
	case FILTER_ADDR:
		return judge_addr(n, negated);
	case FILTER_TRUE:
		return n->field ? ANYTHING : TESTS;
	case FILTER_EQ:
	case FILTER_NE:
	case FILTER_IN:
		return judge_field(c, n, negated);
	case FILTER_ALL:
		return negated ? NOTHING : ANYTHING;
	case FILTER_AND:
	case FILTER_OR:
	case FILTER_NOT:
	case FILTER_LT:
	case FILTER_LE:
	case FILTER_GT:
	case FILTER_GE:
	case FILTER_GLOB:
	case FILTER_STATE:
		break;
	}
	return ANYTHING;
}

static bool is_and(const struct filter_node *n, bool negated)
{
	return (n->op == FILTER_AND) != negated;
}

/* What a tree comes to, without emitting it. */
static enum verdict judge(const struct code *c, const struct filter_node *n, bool negated)
{
	enum verdict left, right, decides;

	if (n->op == FILTER_NOT)
		return judge(c, n->left, !negated);
	if (n->op != FILTER_AND && n->op != FILTER_OR)
		return judge_leaf(c, n, negated);
	decides = is_and(n, negated) ? NOTHING : ANYTHING;
	left = judge(c, n->left, negated);
	if (left == decides)
		return decides;
	right = judge(c, n->right, negated);
	if (right == decides)
		return decides;
	return left == TESTS ? left : right;
}

/* Ports are the second half of an operation: in the `no` of one that is never run. */
static void emit_port(struct code *c, unsigned code, uint16_t port, struct label *no)
{
	struct inet_diag_bc_op arg = { .no = port };

	emit(c, code, &arg, sizeof(arg), no);
}

static void emit_range(struct code *c, bool local, const struct filter_host *h,
		       struct label *no)
{
	if (h->port_lo)
		emit_port(c, local ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE, h->port_lo,
			  no);
	if (h->port_hi < UINT16_MAX)
		emit_port(c, local ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE, h->port_hi,
			  no);
}

/* One end against one address and port. */
static void emit_host(struct code *c, bool local, const struct filter_host *h,
		      struct label *no)
{
	const struct addr *a = &h->prefix;
	size_t len = a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
	bool one_port = h->has_port && h->port_lo == h->port_hi;
	struct inet_diag_hostcond cond = { .family = a->family,
					   .prefix_len = a->prefix,
					   .port = one_port ? h->port_lo : -1 };
	uint8_t arg[sizeof(cond) + sizeof(a->ip)];

	memcpy(arg, &cond, sizeof(cond));
	memcpy(arg + sizeof(cond), a->ip, sizeof(a->ip));
	if (len || one_port)
		emit(c, local ? INET_DIAG_BC_S_COND : INET_DIAG_BC_D_COND, arg,
		     sizeof(cond) + len, no);
	if (h->has_port && !one_port)
		emit_range(c, local, h, no);
}

/* A leaf that is an "or" of tests: each but the last jumps to the next when it fails. */
struct tests {
	struct code *c;
	struct label pass, next;
	bool any;
};

static struct label *begin_test(struct tests *t)
{
	if (t->any) {
		jump(t->c, &t->pass);
		land(t->c, &t->next, here(t->c));
	}
	t->any = true;
	return &t->next;
}

/* All jumps to `from` go to `to` instead. */
static void redirect(struct code *c, struct label *from, struct label *to)
{
	size_t at = from->chain;

	if (!at)
		return;
	while (op_at(c, at - 1)->no)
		at = op_at(c, at - 1)->no;
	op_at(c, at - 1)->no = to->chain;
	to->chain = from->chain;
	from->chain = 0;
}

/* After the last test: falls through if one of them was true (or, negated, none). */
static void end_tests(struct tests *t, bool negated, struct label *fail)
{
	if (!negated) {
		redirect(t->c, &t->next, fail);
		land(t->c, &t->pass, here(t->c));
		return;
	}
	land(t->c, &t->pass, here(t->c));
	jump(t->c, fail);
	land(t->c, &t->next, here(t->c));
}

static void emit_addr(struct tests *t, const struct filter_node *n, bool negated)
{
	size_t i;

	for (i = 0; i < n->n_hosts; i++) {
		if (!host_tells(&n->hosts[i], negated))
			continue;
		if (n->side & SIDE_LOCAL)
			emit_host(t->c, true, &n->hosts[i], begin_test(t));
		if (n->side & SIDE_PEER)
			emit_host(t->c, false, &n->hosts[i], begin_test(t));
	}
}

static void emit_field(struct tests *t, const struct filter_node *n)
{
	unsigned code = field_code(t->c, n->field);
	struct inet_diag_markcond mark;
	uint64_t id = 0;
	size_t i;

	for (i = 0; i < n->n_literals; i++) {
		uint32_t index;

		literal_arg(t->c, &n->literals[i], code, &mark, &id);
		index = (uint32_t)id;
		if (code == INET_DIAG_BC_MARK_COND)
			emit(t->c, code, &mark, sizeof(mark), begin_test(t));
		else if (code == INET_DIAG_BC_CGROUP_COND)
			emit(t->c, code, &id, sizeof(id), begin_test(t));
		else
			emit(t->c, code, &index, sizeof(index), begin_test(t));
	}
}

/* The range decides a row; that the kernel chose the port is asked only where it narrows.
 */
static void emit_autobound(struct tests *t, const struct filter_node *n, bool negated)
{
	struct label *no = begin_test(t);

	if (!negated)
		emit(t->c, INET_DIAG_BC_AUTO, NULL, 0, no);
	emit_range(t->c, true, n->hosts, no);
}

static void emit_leaf(struct code *c, const struct filter_node *n, bool negated,
		      struct label *fail)
{
	struct tests t = { .c = c };

	if (n->op == FILTER_ADDR)
		emit_addr(&t, n, negated);
	else if (n->op == FILTER_TRUE)
		emit_autobound(&t, n, negated);
	else
		emit_field(&t, n);
	if (!c->too_large)
		end_tests(&t, negated != (n->op == FILTER_NE), fail);
}

/* Falls through if the tree may be true of a row, jumps to `fail` if it cannot. */
static void emit_tree(struct code *c, const struct filter_node *n, bool negated,
		      struct label *fail)
{
	struct label otherwise = { 0 }, end = { 0 };

	while (n->op == FILTER_NOT) {
		n = n->left;
		negated = !negated;
	}
	switch (judge(c, n, negated)) {
	case ANYTHING:
		return;
	case NOTHING:
		jump(c, fail);
		return;
	case TESTS:
		break;
	}
	if (n->op != FILTER_AND && n->op != FILTER_OR) {
		emit_leaf(c, n, negated, fail);
	} else if (is_and(n, negated)) {
		emit_tree(c, n->left, negated, fail);
		emit_tree(c, n->right, negated, fail);
	} else {
		emit_tree(c, n->left, negated, &otherwise);
		jump(c, &end);
		land(c, &otherwise, here(c));
		emit_tree(c, n->right, negated, fail);
		land(c, &end, here(c));
	}
}

bool bytecode_compile(struct buf *program, const struct filter_node *n,
		      const struct bytecode_caps *caps)
{
	struct code c = { .b = program, .start = program->len, .caps = caps };
	struct label drop = { 0 };

	if (n && judge(&c, n, false) != ANYTHING) {
		emit_tree(&c, n, false, &drop);
		land(&c, &drop, here(&c) + DROP);
		if (!c.too_large && here(&c))
			return true;
	}
	program->len = c.start;
	return false;
}
