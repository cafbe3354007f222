#include "model/filter/filter.h"

#include "base/glob.h"

static enum filter_result answer(bool yes)
{
	return yes ? FILTER_YES : FILTER_NO;
}

/*
 * What a field needs is of no use to rows that cannot have it: they are decided at once,
 * and nobody is asked for their sake.
 */
static bool may_have(const struct field *f, const struct sock *s)
{
	if ((f->needs & (NEED_WAITERS | NEED_UNIX_CLIENTS)) && !sock_is_listener(s))
		return false;
	if ((f->needs & NEED_LISTENER) && !sock_is_unaccepted(s))
		return false;
	if ((f->needs & NEED_WAIT_TIME) && s->state != STATE_CLOSE_WAIT &&
	    !sock_is_unaccepted(s))
		return false;
	return !(f->needs & NEED_OWNERS) || s->inode;
}

static enum filter_result opposite(enum filter_result r)
{
	if (r == FILTER_MAYBE)
		return r;
	return answer(r == FILTER_NO);
}

/* The bytes of a name as they are shown: '@' for the NUL of an abstract one. */
static bool same_text(const struct filter_literal *l, const struct value *v)
{
	size_t i;

	if (l->len != v->len)
		return false;
	for (i = 0; i < l->len; i++)
		if (l->text[i] != (v->text[i] ? v->text[i] : '@'))
			return false;
	return true;
}

static bool is_number(const struct value *v)
{
	return v->kind == VALUE_UINT || v->kind == VALUE_INT;
}

/* /proc/PID/comm is cut at 15 bytes, and so is the literal; a longer name may come from
 * elsewhere. */
static bool matches(const struct filter_node *n, const struct filter_literal *l,
		    const struct value *v)
{
	switch (l->kind) {
	case LITERAL_TEXT:
		if (v->kind != VALUE_TEXT)
			return false;
		if (n->op == FILTER_GLOB)
			return glob_match(l->text, l->len, v->text, v->len, false);
		return same_text(l, v);
	case LITERAL_NUMBER:
		return is_number(v) && (v->u & l->mask) == l->lo;
	case LITERAL_RANGE:
		return v->kind == VALUE_INT
			       ? v->i >= (int64_t)l->lo && v->i <= (int64_t)l->hi
			       : v->kind == VALUE_UINT && v->u >= l->lo && v->u <= l->hi;
	}
	return false;
}

static bool any_literal(const struct filter_node *n, const struct value *v)
{
	size_t i;

	for (i = 0; i < n->n_literals; i++)
		if (matches(n, &n->literals[i], v))
			return true;
	return false;
}

static bool in_order(const struct filter_node *n, const struct value *v)
{
	struct value than = { .kind = v->kind, .u = n->literals[0].lo };
	int d;

	if (!is_number(v))
		return false;
	d = value_compare(v, &than);
	switch (n->op) {
	case FILTER_LT:
		return d < 0;
	case FILTER_LE:
		return d <= 0;
	case FILTER_GT:
		return d > 0;
	case FILTER_GE:
		return d >= 0;
	case FILTER_AND:
	case FILTER_OR:
	case FILTER_NOT:
	case FILTER_EQ:
	case FILTER_NE:
	case FILTER_GLOB:
	case FILTER_IN:
	case FILTER_TRUE:
	case FILTER_ADDR:
	case FILTER_STATE:
	case FILTER_ALL:
		break;
	}
	return false;
}

/* One value against the leaf; NE asks for equality, its caller turns the answer round. */
static bool value_passes(const struct filter_node *n, const struct value *v)
{
	if (n->op == FILTER_TRUE)
		return v->kind == VALUE_UINT && v->u;
	if (n->op == FILTER_EQ || n->op == FILTER_NE || n->op == FILTER_IN ||
	    n->op == FILTER_GLOB)
		return any_literal(n, v);
	return in_order(n, v);
}

static bool field_passes(const struct filter_node *n, const struct sock *s)
{
	const struct field *f = n->field;
	struct value v = { 0 };
	bool present, hit = false;
	unsigned i;

	present = field_value(f, s, &v);
	if (!present)
		return false;
	if (f->unit == UNIT_BOOL)
		v.u = v.u != 0;
	hit = value_passes(n, &v);
	if (f->flags & FIELD_MULTI)
		for (i = 1; !hit && f->get(s, i, &v); i++)
			hit = value_passes(n, &v);
	return hit != (n->op == FILTER_NE);
}

enum {
	NEEDS_OF_OPTIONS = NEED_SOCKOPTS | NEED_SOCKOPTS_TOO,
	NEEDS_OF_OWNERS = NEED_OWNERS | NEED_PEER_OWNERS | NEEDS_OF_OPTIONS,
};

/* Whether what the field asks of the row's owners could not be read: the name of one of
 * them, or the options of a socket that has one. */
static bool lacks(const struct field *f, const struct sock *s)
{
	const struct holder *h = f->needs & NEED_PEER_OWNERS ? s->peer_holders
							     : s->holders;

	if (f->needs & NEEDS_OF_OPTIONS)
		return s->holders && !s->owner_options.len && !field_row_decides(f, s);
	for (; h && f->unit == UNIT_PROCESS; h = h->next)
		if (h->unnamed)
			return true;
	return false;
}

/* Absent, and not by nature: nothing about it is false. */
static bool is_unknown(const struct field *f, const struct sock *s)
{
	struct value v = { 0 };

	return !field_value(f, s, &v) && field_is_lacking(f, s);
}

static enum filter_result eval_field(const struct filter_node *n, const struct sock *s,
				     uint32_t known)
{
	bool passes;

	if (!may_have(n->field, s))
		return FILTER_NO;
	if ((n->field->needs & ~known) && !field_row_decides(n->field, s))
		return FILTER_MAYBE;
	passes = field_passes(n, s);
	if (UNLIKELY(!passes) && is_unknown(n->field, s))
		return FILTER_MAYBE;
	/* One value that is known to be equal decides, whatever the others are. */
	if (UNLIKELY(n->field->needs & NEEDS_OF_OWNERS) &&
	    passes == (n->op == FILTER_NE) && lacks(n->field, s))
		return FILTER_MAYBE;
	return answer(passes);
}

static bool host_has_addr(const struct filter_host *h, const struct addr *a)
{
	if (h->path || (h->prefix.family && !addr_in_prefix(a, &h->prefix)))
		return false;
	return !h->has_port || (a->port >= h->port_lo && a->port <= h->port_hi);
}

static bool any_host(const struct filter_node *n, const struct addr *a)
{
	size_t i;

	for (i = 0; i < n->n_hosts; i++)
		if (host_has_addr(&n->hosts[i], a))
			return true;
	return false;
}

/* A unix name against the patterns; "*" of an IP address means every row. */
static bool any_path(const struct filter_node *n, const struct blob *path)
{
	size_t i;

	for (i = 0; i < n->n_hosts; i++) {
		const struct filter_host *h = &n->hosts[i];

		if (!h->path && !h->prefix.family && !h->has_port)
			return true;
		if (h->path && path->data &&
		    glob_match(h->path, strlen(h->path), path->data, path->len, true))
			return true;
	}
	return false;
}

static enum file_is any_file(const struct filter_node *n, const struct sock *s, bool peer)
{
	enum file_is best = FILE_IS_OTHER, one;
	size_t i;

	for (i = 0; i < n->n_hosts && best != FILE_IS_SAME; i++) {
		if (!n->hosts[i].file)
			continue;
		one = peer ? filter_file_is(n->hosts[i].file, &s->peer_path,
					    s->has & SOCK_HAS_PEER_VFS ? SOCK_HAS_VFS : 0,
					    s->peer_vfs_inode, s->peer_vfs_dev)
			   : filter_file_is(n->hosts[i].file, &s->path, s->has,
					    s->vfs_inode, s->vfs_dev);
		best = one == FILE_IS_OTHER ? best : one;
	}
	return best;
}

static bool has_path(const struct filter_node *n)
{
	size_t i;

	for (i = 0; i < n->n_hosts; i++)
		if (n->hosts[i].path)
			return true;
	return false;
}

static enum filter_result eval_unix_end(const struct filter_node *n, const struct sock *s,
					uint32_t known)
{
	static const struct blob none;
	enum file_is local = FILE_IS_OTHER, peer;

	if (n->side & SIDE_LOCAL) {
		if (any_path(n, &s->path))
			return FILTER_YES;
		local = any_file(n, s, false);
		if (local == FILE_IS_SAME)
			return FILTER_YES;
	}
	if (!(n->side & SIDE_PEER))
		return local == FILE_IS_UNSURE ? FILTER_MAYBE : FILTER_NO;
	if (!(known & NEED_UNIX_PEER) && has_path(n) && !any_path(n, &none))
		return FILTER_MAYBE;
	if (any_path(n, &s->peer_path))
		return FILTER_YES;
	peer = any_file(n, s, true);
	if (peer == FILE_IS_SAME)
		return FILTER_YES;
	return peer == FILE_IS_UNSURE || local == FILE_IS_UNSURE ? FILTER_MAYBE
								 : FILTER_NO;
}

static enum filter_result eval_addr(const struct filter_node *n, const struct sock *s,
				    uint32_t known)
{
	struct value v = { 0 };

	if (n->field) {
		if (!may_have(n->field, s))
			return FILTER_NO;
		if (n->field->needs & ~known)
			return FILTER_MAYBE;
		return answer(n->field->get(s, 0, &v) && v.kind == VALUE_ADDR &&
			      any_host(n, v.addr));
	}
	if (sock_is_unix(s))
		return eval_unix_end(n, s, known);
	return answer(((n->side & SIDE_LOCAL) && any_host(n, &s->local)) ||
		      ((n->side & SIDE_PEER) && any_host(n, &s->peer)));
}

/* net/unix/af_unix.c, unix_autobind(): an abstract name of five hexadecimal digits. */
static bool is_autobound(const struct filter_node *n, const struct sock *s)
{
	enum { AUTOBIND_LEN = 6 };
	const char *name = s->path.data;
	size_t i;

	if (!sock_is_unix(s))
		return s->local.port >= n->hosts[0].port_lo &&
		       s->local.port <= n->hosts[0].port_hi;
	if (!name || s->path.len != AUTOBIND_LEN || name[0])
		return false;
	for (i = 1; i < AUTOBIND_LEN; i++)
		if (!name[i] || !strchr("0123456789abcdef", name[i]))
			return false;
	return true;
}

static enum filter_result eval_pair(const struct filter_node *n, const struct sock *s,
				    uint32_t known)
{
	enum filter_result decides = answer(n->op == FILTER_OR), left, right;

	left = filter_eval(n->left, s, known);
	if (left == decides)
		return left;
	right = filter_eval(n->right, s, known);
	if (right == decides)
		return right;
	return left == FILTER_MAYBE ? left : right;
}

enum filter_result filter_eval(const struct filter_node *n, const struct sock *s,
			       uint32_t known)
{
	if (!n)
		return FILTER_YES;
	switch (n->op) {
	case FILTER_AND:
	case FILTER_OR:
		return eval_pair(n, s, known);
	case FILTER_NOT:
		return opposite(filter_eval(n->left, s, known));
	case FILTER_ADDR:
		return eval_addr(n, s, known);
	case FILTER_STATE:
		return answer(n->states >> s->state & 1);
	case FILTER_ALL:
		return FILTER_YES;
	case FILTER_TRUE:
		if (!n->field)
			return answer(is_autobound(n, s));
		break;
	case FILTER_EQ:
	case FILTER_NE:
	case FILTER_LT:
	case FILTER_LE:
	case FILTER_GT:
	case FILTER_GE:
	case FILTER_GLOB:
	case FILTER_IN:
		break;
	}
	return eval_field(n, s, known);
}

const struct field *filter_unknown(const struct filter_node *n, const struct sock *s)
{
	const struct field *f;

	if (!n || filter_eval(n, s, ~0u) != FILTER_MAYBE)
		return NULL;
	if (n->op != FILTER_AND && n->op != FILTER_OR && n->op != FILTER_NOT)
		return n->field ? is_unknown(n->field, s) ? n->field : NULL
		       : n->op == FILTER_ADDR && sock_is_unix(s)
			       ? field_find("vfs_inode", strlen("vfs_inode"))
			       : NULL;
	f = filter_unknown(n->left, s);
	return f || n->op == FILTER_NOT ? f : filter_unknown(n->right, s);
}
