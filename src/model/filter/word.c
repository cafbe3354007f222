/* ss's own words: src dst sport dport dev fwmark cgroup state exclude, and fields that
 * are one of them by another name. */
#include <errno.h>
#include <stdio.h>

#include "base/opt.h"
#include "model/filter/host_private.h"
#include "model/filter/literal_private.h"
#include "model/filter/word_private.h"
#include "model/names.h"

enum {
	EPHEMERAL_LO = 32768, /* ip_local_port_range unless set otherwise */
	EPHEMERAL_HI = 60999,
};

/* The comparison that follows a name; EQ where there is none. */
struct compare {
	enum filter_op op;
	bool written; /* false: implied, as in "sport :80" */
	size_t at;
};

/* One word of a list goes into the literals, the hosts or the states of the term. */
struct term {
	const char *name;
	const struct field *field;
	enum filter_side side;
	struct compare compare;
	struct literals literals;
	struct hosts hosts;
	uint32_t states;
	size_t n;
	int (*word)(struct parser *p, struct term *term, const struct token *t);
};

static struct compare take_compare(struct parser *p)
{
	struct compare c = { .op = FILTER_EQ, .at = p->next.at };
	struct lexer ahead = p->lex;

	if (p->next.kind == TOKEN_COMPARE) {
		c.op = p->next.op;
		c.written = true;
		filter_advance(p);
	} else if (p->next.kind == TOKEN_NOT) {
		struct token t = lex_next(&ahead);

		/* "x not in (...)" */
		if (t.kind == TOKEN_COMPARE && t.op == FILTER_IN) {
			c.op = FILTER_NE;
			c.written = true;
			p->lex = ahead;
			filter_advance(p);
		}
	}
	return c;
}

static bool is_order(enum filter_op op)
{
	return op == FILTER_LT || op == FILTER_LE || op == FILTER_GT || op == FILTER_GE;
}

/* VALUE {, VALUE}, with or without parentheses. */
static int parse_list(struct parser *p, struct term *term)
{
	bool open = p->next.kind == TOKEN_OPEN;
	char what[64];
	int r;

	snprintf(what, sizeof(what), "a value for %s", term->name);
	if (open)
		filter_advance(p);
	for (;;) {
		struct token t = p->next;

		if (t.kind != TOKEN_WORD)
			return filter_expected(p, what);
		r = term->word(p, term, &t);
		if (r < 0)
			return r;
		term->n++;
		filter_advance(p);
		if (p->next.kind != TOKEN_COMMA)
			break;
		if (is_order(term->compare.op))
			return filter_fail(p, p->next.at,
					   "only one value can be compared by size");
		filter_advance(p);
	}
	if (open && p->next.kind != TOKEN_CLOSE)
		return filter_expected(p, "',' or ')'");
	if (open)
		filter_advance(p);
	return 0;
}

static const struct filter_node *negate_if(struct parser *p, bool negate,
					   const struct filter_node *n)
{
	struct filter_node *inverse;

	if (!negate)
		return n;
	inverse = filter_new(p, FILTER_NOT);
	inverse->left = n;
	return inverse;
}

static const struct filter_node *device_node(struct parser *p, const char *name,
					     size_t at);

static const struct filter_node *host_node(struct parser *p, const struct term *term)
{
	struct filter_node *n = filter_new(p, FILTER_ADDR);
	const struct filter_node *device;

	n->side = term->side;
	n->field = term->field;
	n->hosts = term->hosts.v;
	n->n_hosts = term->hosts.n;
	if (!term->hosts.device)
		return negate_if(p, term->compare.op == FILTER_NE, n);
	device = device_node(p, term->hosts.device, term->hosts.device_at);
	return device ? negate_if(p, term->compare.op == FILTER_NE,
				  filter_and(p->arena, device, n))
		      : NULL;
}

static int host_word(struct parser *p, struct term *term, const struct token *t)
{
	if (term->compare.op != FILTER_GLOB)
		return host_parse(p, t, &term->hosts);
	/* It would match nothing, for patterns are of the names of unix sockets. */
	if (t->len && strchr("0123456789", t->text[0])) {
		filter_fail(p, term->compare.at,
			    "addresses are no text, '~' is for the "
			    "names of unix sockets");
		fault_hint(p->fault,
			   "a prefix is written %s 127.0.0.0/8, a range of "
			   "ports 127.0.0.1:8000-8010",
			   term->name);
		return -EINVAL;
	}
	host_add_path(p, t->text, &term->hosts);
	return 0;
}

static const struct filter_node *parse_host(struct parser *p, const struct word *w,
					    bool merge)
{
	struct term term = { .name = w->name,
			     .side = w->side,
			     .word = host_word,
			     .field = w->field ? field_find(w->field, strlen(w->field))
					       : NULL };

	(void)merge;
	term.compare = take_compare(p);
	if (is_order(term.compare.op)) {
		filter_fail(p, term.compare.at, "addresses have no order");
		fault_hint(p->fault, "for ports: sport >= 1024, dport < 1024");
		return NULL;
	}
	return parse_list(p, &term) < 0 ? NULL : host_node(p, &term);
}

int filter_ends(struct arena *a, enum filter_side side, const char *text,
		const struct filter_env *env, const struct filter_node **node,
		struct fault *f)
{
	struct parser p = {
		.lex = { .text = text, .arena = a }, .arena = a, .env = env, .fault = f
	};
	struct term term = { .name = "the address",
			     .side = side,
			     .word = host_word,
			     .compare.op = FILTER_EQ };

	filter_advance(&p);
	if (parse_list(&p, &term) < 0)
		return -EINVAL;
	if (p.next.kind != TOKEN_END)
		return filter_expected(&p, "',' or the end");
	*node = host_node(&p, &term);
	return 0;
}

static int port_word(struct parser *p, struct term *term, const struct token *t)
{
	int r = host_parse_port(p, t, &term->hosts);

	if (r == 0 && is_order(term->compare.op))
		r = host_compare_port(p, t, term->compare.op, term->hosts.v);
	return r;
}

static const struct filter_node *parse_port(struct parser *p, const struct word *w,
					    bool merge)
{
	struct term term = { .name = w->name, .side = w->side, .word = port_word };

	(void)merge;
	term.compare = take_compare(p);
	if (term.compare.op == FILTER_GLOB) {
		filter_fail(p, term.compare.at, "%s is no text, '~' does not apply",
			    w->name);
		return NULL;
	}
	return parse_list(p, &term) < 0 ? NULL : host_node(p, &term);
}

static int state_word(struct parser *p, struct term *term, const struct token *t)
{
	uint32_t states = state_parse(t->text, t->len);
	const char *const *words, *nearest;
	size_t n;
	int r;

	if (states) {
		term->states |= states;
		return 0;
	}
	r = filter_fail(p, t->at, "'%s' is not a state", filter_show(p, t));
	words = state_words(&n);
	nearest = opt_nearest(t->text, words, n);
	if (nearest)
		fault_hint(p->fault, "did you mean '%s'?", nearest);
	else
		fault_hint(p->fault, STATES_HINT);
	return r;
}

static const struct filter_node *state_node(struct parser *p, uint32_t states,
					    bool negate)
{
	return negate_if(p, negate, filter_states(p->arena, states));
}

static bool follows_state_word(struct parser *p)
{
	struct lexer ahead = p->lex;

	if (!token_is(&p->next, "exclude") && !token_is(&p->next, "state"))
		return false;
	return lex_next(&ahead).kind == TOKEN_WORD;
}

/* "state A state B exclude C": ss reads a run of these words as one set, from left to
 * right. */
static const struct filter_node *parse_state(struct parser *p, const struct word *w,
					     bool merge)
{
	bool inverted = streq(w->name, "exclude"), exclude = inverted;
	uint32_t set = 0;

	for (;;) {
		struct term term = { .name = exclude ? "exclude" : "state",
				     .word = state_word };

		term.compare = take_compare(p);
		if (is_order(term.compare.op) || term.compare.op == FILTER_GLOB) {
			filter_fail(p, term.compare.at, "states have no order");
			return NULL;
		}
		if (parse_list(p, &term) < 0)
			return NULL;
		if (term.compare.written)
			return state_node(p, term.states,
					  exclude != (term.compare.op == FILTER_NE));
		set = exclude == inverted ? set | term.states : set & ~term.states;
		if (!merge || !follows_state_word(p))
			return state_node(p, set, inverted);
		exclude = token_is(&p->next, "exclude");
		filter_advance(p);
	}
}

static int literal_word(struct parser *p, struct term *term, const struct token *t)
{
	return literal_parse(p, term->field, term->compare.op, t, &term->literals);
}

static const struct filter_node *literal_node(struct parser *p, const struct term *term)
{
	struct filter_node *n = filter_new(p, term->compare.op);

	if (n->op == FILTER_EQ && term->literals.n > 1)
		n->op = FILTER_IN;
	n->field = term->field;
	n->literals = term->literals.v;
	n->n_literals = term->literals.n;
	return n;
}

static bool is_number(const struct token *t)
{
	return t->len && strspn(t->text, "0123456789") == t->len;
}

/* Fields that take a name or a number: "user = 0" is the uid, "dev 2" the index. */
static const char *numeric_twin(const char *field)
{
	if (streq(field, "user"))
		return "uid";
	return streq(field, "device") ? "ifindex" : NULL;
}

static const struct filter_node *parse_literals(struct parser *p, struct term *term)
{
	const char *twin = numeric_twin(term->field->name);
	bool text = term->field->unit == UNIT_TEXT || term->field->unit == UNIT_PROCESS;

	if (is_order(term->compare.op) && (text || term->field->unit == UNIT_BOOL)) {
		filter_fail(p, term->compare.at, "%s has no order", term->field->name);
		return NULL;
	}
	if (twin && p->next.kind == TOKEN_WORD && is_number(&p->next) &&
	    term->compare.op != FILTER_GLOB)
		term->field = field_find(twin, strlen(twin));
	return parse_list(p, term) < 0 ? NULL : literal_node(p, term);
}

/* A name that nothing has would match nothing, and that would be taken for an answer. A
 * number is taken as it is: a socket stays bound to an interface that is gone. */
static int device_word(struct parser *p, struct term *term, const struct token *t)
{
	if (p->env && p->env->device && term->compare.op != FILTER_GLOB &&
	    streq(term->field->name, "device") &&
	    p->env->device(p->env->ctx, t->text, p->fault) < 0)
		return filter_fail_at(p, t->at);
	return literal_word(p, term, t);
}

/* "dev NAME", or its number. */
static const struct filter_node *device_node(struct parser *p, const char *name,
					     size_t at)
{
	struct token t = {
		.kind = TOKEN_WORD, .at = at, .text = name, .len = strlen(name)
	};
	const char *field = is_number(&t) ? "ifindex" : "device";
	struct term term = { .name = "dev",
			     .field = field_find(field, strlen(field)),
			     .compare.op = FILTER_EQ };

	return device_word(p, &term, &t) < 0 ? NULL : literal_node(p, &term);
}

static int cgroup_word(struct parser *p, struct term *term, const struct token *t)
{
	struct token number = *t;
	uint64_t id = 0;
	char text[24];

	if (!p->env || !p->env->cgroup_id || term->compare.op == FILTER_GLOB)
		return literal_word(p, term, t);
	if (p->env->cgroup_id(t->text, &id, p->fault) < 0)
		return filter_fail_at(p, t->at);
	number.len = (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	number.text = text;
	term->field = field_find("cgroup_id", strlen("cgroup_id"));
	return literal_word(p, term, &number);
}

/* "queue > 5" counts connections as accept_queue does, "queue > 80%" compares as fill. */
static int queue_word(struct parser *p, struct term *term, const struct token *t)
{
	bool percent = t->len > 1 && t->text[t->len - 1] == '%';
	const char *name = percent || streq(term->name, "fill") ? "fill" : "accept_queue";
	const struct field *field = field_find(name, strlen(name));
	struct token number = *t;

	if (term->n && term->field != field)
		return filter_fail(p, t->at, "connections and per cent cannot be mixed");
	term->field = field;
	if (percent)
		number.text = arena_strndup(p->arena, t->text, --number.len);
	return literal_word(p, term, &number);
}

/* dev, fwmark, cgroup: the operator may be left out, and != is "not". */
static const struct filter_node *parse_ss_field(struct parser *p, const struct word *w,
						bool merge)
{
	struct term term = { .name = w->name, .word = literal_word };
	const struct filter_node *n;
	bool negate;

	(void)merge;
	term.field = field_find(w->field, strlen(w->field));
	if (streq(w->field, "cgroup"))
		term.word = cgroup_word;
	else if (streq(w->field, "device"))
		term.word = device_word;
	term.compare = take_compare(p);
	negate = term.compare.op == FILTER_NE;
	if (negate)
		term.compare.op = FILTER_IN;
	n = parse_literals(p, &term);
	return n ? negate_if(p, negate, n) : NULL;
}

/* The port lies where the kernel takes ports from, or the name is one it makes up. */
static const struct filter_node *parse_autobound(struct parser *p, const struct word *w,
						 bool merge)
{
	struct filter_host *range = arena_zalloc(p->arena, sizeof(*range));
	struct filter_node *n = filter_new(p, FILTER_TRUE);
	bool known = p->env && p->env->ephemeral_hi;

	(void)merge;
	if (p->env && p->env->elsewhere) {
		filter_fail(p, p->next.at,
			    "a recorded dump does not say which ports the kernel drew "
			    "from: use sport >= LOWEST and sport <= HIGHEST");
		return NULL;
	}
	range->has_port = true;
	range->port_lo = known ? p->env->ephemeral_lo : EPHEMERAL_LO;
	range->port_hi = known ? p->env->ephemeral_hi : EPHEMERAL_HI;
	n->side = w->side;
	n->hosts = range;
	n->n_hosts = 1;
	return n;
}

static const struct word words[] = {
	{ "src", parse_host, SIDE_LOCAL, NULL },
	{ "dst", parse_host, SIDE_PEER, NULL },
	{ "local", parse_host, SIDE_LOCAL, NULL },
	{ "peer", parse_host, SIDE_PEER, NULL },
	{ "local_addr", parse_host, SIDE_LOCAL, NULL },
	{ "peer_addr", parse_host, SIDE_PEER, NULL },
	{ "listener", parse_host, SIDE_NONE, "listener" },
	{ "sport", parse_port, SIDE_LOCAL, NULL },
	{ "dport", parse_port, SIDE_PEER, NULL },
	{ "local_port", parse_port, SIDE_LOCAL, NULL },
	{ "peer_port", parse_port, SIDE_PEER, NULL },
	{ "port", parse_port, SIDE_EITHER, NULL },
	{ "dev", parse_ss_field, SIDE_NONE, "device" },
	{ "fwmark", parse_ss_field, SIDE_NONE, "mark" },
	{ "cgroup", parse_ss_field, SIDE_NONE, "cgroup" },
	{ "autobound", parse_autobound, SIDE_LOCAL, NULL },
	{ "state", parse_state, SIDE_NONE, NULL },
	{ "exclude", parse_state, SIDE_NONE, NULL },
};

const struct word *filter_words(size_t *n)
{
	*n = ARRAY_SIZE(words);
	return words;
}

const char *filter_word_name(size_t i)
{
	return i < ARRAY_SIZE(words) ? words[i].name : NULL;
}

const struct filter_node *filter_bare_port(struct parser *p)
{
	static const struct word either = { "a port", parse_port, SIDE_EITHER, NULL };

	return either.parse(p, &either, false);
}

const struct filter_node *filter_compare_field(struct parser *p,
					       const struct field *field)
{
	struct term term = { .name = field->name, .field = field, .word = literal_word };

	if (field->unit == UNIT_QUEUE || streq(field->name, "fill"))
		term.word = queue_word;
	else if (streq(field->name, "device"))
		term.word = device_word;
	term.compare = take_compare(p);
	return parse_literals(p, &term);
}

bool filter_at_compare(struct parser *p)
{
	struct lexer ahead = p->lex;

	if (p->next.kind == TOKEN_COMPARE)
		return true;
	return p->next.kind == TOKEN_NOT && lex_next(&ahead).op == FILTER_IN;
}
