/*
 * Expressions: errors have a place, answers agree whatever is known, and a compiled
 * program passes the kernel's check and drops no row that matches. check() and run() do
 * what inet_diag_bc_audit() and inet_diag_bc_run() of net/ipv4/inet_diag.c do.
 */
#include "kernel/netlink/bytecode.h"

#include <linux/inet_diag.h>

#include "fuzz.h"

static size_t min_length(const struct inet_diag_bc_op *op)
{
	struct inet_diag_hostcond cond;

	switch (op->code) {
	case INET_DIAG_BC_S_COND:
	case INET_DIAG_BC_D_COND:
		memcpy(&cond, op + 1, sizeof(cond));
		return sizeof(*op) + sizeof(cond) +
		       (cond.family == AF_INET6	 ? 16u
			: cond.family == AF_INET ? 4u
						 : 0u);
	case INET_DIAG_BC_S_GE:
	case INET_DIAG_BC_S_LE:
	case INET_DIAG_BC_D_GE:
	case INET_DIAG_BC_D_LE:
	case INET_DIAG_BC_DEV_COND:
		return sizeof(*op) + 4;
	case INET_DIAG_BC_MARK_COND:
	case INET_DIAG_BC_CGROUP_COND:
		return sizeof(*op) + 8;
	default:
		return sizeof(*op);
	}
}

/* Whether the walk over "yes" comes to the place that is `left` bytes before the end. */
static bool reaches(const char *bc, size_t len, size_t left)
{
	while (len > left) {
		struct inet_diag_bc_op op;

		memcpy(&op, bc, sizeof(op));
		if (op.yes < 4 || op.yes & 3 || op.yes > len)
			return false;
		len -= op.yes;
		bc += op.yes;
	}
	return len == left;
}

static void check(const char *program, size_t total)
{
	const char *bc = program;
	size_t len = total;

	while (len > 0) {
		struct inet_diag_bc_op op[10] = { 0 };
		size_t least;

		HOLDS(len >= sizeof(op[0]));
		memcpy(op, bc, len < sizeof(op) ? len : sizeof(op));
		least = min_length(op);
		HOLDS(least <= len);
		HOLDS(op[0].no >= least && op[0].no <= len + 4 && !(op[0].no & 3));
		HOLDS(op[0].no >= len || reaches(program, total, len - op[0].no));
		HOLDS(op[0].yes >= least && op[0].yes <= len + 4 && !(op[0].yes & 3));
		bc += op[0].yes;
		len -= op[0].yes;
	}
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	return !memcmp(a, b, bits / 8) &&
	       (!(bits % 8) ||
		!((a[bits / 8] ^ b[bits / 8]) & (0xff << (8 - bits % 8)) & 0xff));
}

static bool host_passes(const char *arg, const struct addr *a)
{
	struct inet_diag_hostcond cond;
	struct addr u = *a;
	uint8_t ip[16] = { 0 };

	memcpy(&cond, arg, sizeof(cond));
	if (cond.port != -1 && cond.port != a->port)
		return false;
	if (cond.family == AF_UNSPEC)
		return true;
	memcpy(ip, arg + sizeof(cond), cond.family == AF_INET6 ? 16 : 4);
	if (cond.family == AF_INET)
		u = addr_unmapped(a);
	return u.family == cond.family && same_bits(u.ip, ip, cond.prefix_len);
}

static bool op_passes(const struct inet_diag_bc_op *op, const char *arg,
		      const struct sock *s)
{
	struct inet_diag_markcond mark;
	struct inet_diag_bc_op port;
	uint32_t index;
	uint64_t id;

	memcpy(&port, arg, sizeof(port));
	memcpy(&index, arg, sizeof(index));
	switch (op->code) {
	case INET_DIAG_BC_S_GE:
		return s->local.port >= port.no;
	case INET_DIAG_BC_S_LE:
		return s->local.port <= port.no;
	case INET_DIAG_BC_D_GE:
		return s->peer.port >= port.no;
	case INET_DIAG_BC_D_LE:
		return s->peer.port <= port.no;
	case INET_DIAG_BC_AUTO:
		return true;
	case INET_DIAG_BC_S_COND:
		return host_passes(arg, &s->local);
	case INET_DIAG_BC_D_COND:
		return host_passes(arg, &s->peer);
	case INET_DIAG_BC_DEV_COND:
		return s->ifindex == index;
	case INET_DIAG_BC_MARK_COND:
		memcpy(&mark, arg, sizeof(mark));
		return (s->mark & mark.mask) == mark.mark;
	case INET_DIAG_BC_CGROUP_COND:
		memcpy(&id, arg, sizeof(id));
		return s->cgroup_id == id;
	default:
		return false; /* JMP */
	}
}

static bool run(const struct buf *program, const struct sock *s)
{
	long left = (long)program->len;
	const char *bc = program->data;

	while (left > 0) {
		char arg[64] = { 0 };
		struct inet_diag_bc_op op;
		size_t rest = (size_t)left - sizeof(op), step;

		memcpy(&op, bc, sizeof(op));
		memcpy(arg, bc + sizeof(op), rest < sizeof(arg) ? rest : sizeof(arg));
		step = op_passes(&op, arg, s) ? op.yes : op.no;
		left -= (long)step;
		bc += step;
	}
	return left == 0;
}

static const struct sock *rows(size_t *n)
{
	static struct sock s[4];
	static const char *const ips[][2] = { { "127.0.0.1", "10.0.0.2" },
					      { "::", "::" },
					      { "fe80::1", "fec0::2" },
					      { "::ffff:10.0.0.1", "::ffff:10.0.0.2" } };
	static const uint16_t ports[][2] = {
		{ 80, 40000 }, { 8080, 0 }, { 443, 50000 }, { 22, 53 }
	};
	static const uint8_t states[] = { STATE_ESTABLISHED, STATE_LISTEN,
					  STATE_TIME_WAIT, STATE_CLOSE_WAIT };
	size_t i;

	for (i = 0; i < 4; i++) {
		addr_parse_ip(ips[i][0], strlen(ips[i][0]), false, &s[i].local);
		addr_parse_ip(ips[i][1], strlen(ips[i][1]), false, &s[i].peer);
		s[i].local.port = ports[i][0];
		s[i].peer.port = ports[i][1];
		s[i].family = s[i].local.family;
		s[i].state = states[i];
		s[i].ifindex = (uint32_t)i;
		s[i].mark = (uint32_t)i;
		s[i].cgroup_id = i;
		s[i].inode = (uint32_t)i;
		s[i].device = i == 1 ? "lo" : NULL;
		s[i].has = SOCK_HAS_MARK | SOCK_HAS_QUEUES | (i ? SOCK_HAS_CGROUP : 0);
	}
	s[2].local.scope = 1;
	*n = 4;
	return s;
}

static uint32_t index_of(const char *name)
{
	return streq(name, "lo");
}

static void compare(const struct filter_node *node)
{
	const struct bytecode_caps caps = { .net_admin = true, .ifindex = index_of };
	_cleanup_buf_ struct buf program = { 0 };
	bool compiled = bytecode_compile(&program, node, &caps);
	struct addr local, peer;
	const struct sock *s;
	size_t n, i;

	if (compiled)
		check(program.data, program.len);
	HOLDS(compiled == (program.len > 0));
	s = rows(&n);
	for (i = 0; i < n; i++) {
		enum filter_result full = filter_eval(node, &s[i], ~0u);
		enum filter_result early = filter_eval(node, &s[i], 0);

		/* What decides is then not in the row. */
		HOLDS(full != FILTER_MAYBE || filter_unknown(node, &s[i]));
		HOLDS(early == FILTER_MAYBE || early == full);
		if (full == FILTER_NO)
			continue;
		HOLDS(filter_state_mask(node) >> s[i].state & 1);
		HOLDS(!compiled || run(&program, &s[i]));
		if (filter_exact(node, &local, &peer))
			HOLDS(s[i].local.port == local.port &&
			      s[i].peer.port == peer.port);
	}
	filter_needs(node);
	filter_named_states(node);
}

static int resolve(void *ctx, const char *name, struct arena *a, struct addr **addrs,
		   size_t *n, struct fault *f)
{
	(void)ctx;
	if (strlen(name) != 1)
		return fault_say(f, 2, "no such host");
	*n = (size_t)(name[0] & 3);
	*addrs = arena_zalloc(a, 3 * sizeof(**addrs));
	addr_parse_ip("127.0.0.1", 9, false, &(*addrs)[0]);
	addr_parse_ip("fec0::2", 7, false, &(*addrs)[1]);
	addr_parse_ip("::ffff:10.0.0.2", 15, false, &(*addrs)[2]);
	return 0;
}

static int cgroup_id(const char *path, uint64_t *id, struct fault *f)
{
	*id = strlen(path) & 3;
	return *id ? 0 : fault_say(f, 2, "no such group");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct filter_env env = { .resolve = resolve,
					       .cgroup_id = cgroup_id };
	_cleanup_arena_ struct arena arena = { 0 };
	const struct filter_node *node = NULL;
	struct fault f = FAULT_INIT;
	char *text;

	if (size < 1)
		return 0;
	text = arena_strndup(&arena, (const char *)data + 1, size - 1);
	if (filter_parse(&arena, text, data[0] & 1 ? &env : NULL, &node, &f) < 0) {
		HOLDS(f.what[0] && f.mark >= 0 && (size_t)f.mark <= strlen(f.text));
		return 0;
	}
	compare(node);
	return 0;
}
