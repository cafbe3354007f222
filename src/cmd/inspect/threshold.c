/* --fail-...: what a script does not accept. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/inspect/inspect.h"
#include "view/format.h"

static const struct {
	const char *text;
	enum filter_op op;
} comparisons[] = {
	/* the longer ones first */
	{ ">=", FILTER_GE }, { "<=", FILTER_LE }, { "==", FILTER_EQ },
	{ "!=", FILTER_NE }, { ">", FILTER_GT },  { "<", FILTER_LT },
	{ "=", FILTER_EQ },
};

/* The bracket that closes the one at text[0], quotes skipped; 0 if there is none. */
static size_t closing(const char *text)
{
	size_t depth = 0, i;
	char quote = '\0';

	for (i = 0; text[i]; i++) {
		if (quote) {
			quote = text[i] == quote ? '\0' : quote;
		} else if (text[i] == '"' || text[i] == '\'') {
			quote = text[i];
		} else if (text[i] == '(') {
			depth++;
		} else if (text[i] == ')' && --depth == 0) {
			return i;
		}
	}
	return 0;
}

/* An expression that no row may match. */
static int parse_row_rule(struct inspect_config *c, const struct filter_env *env,
			  const char *text, struct fail_rule *rule, struct fault *f)
{
	const char *p = text + strspn(text, " ");
	int r = filter_parse(&c->arena, text, env, &rule->filter, f);

	if (r < 0 && has_prefix(p, "count") && strchr(" <>=!", p[5]))
		fault_hint(f, "rows are counted by count(EXPRESSION) > N");
	return r;
}

/* "count(EXPRESSION) > N", or an expression that no row may match. */
static int parse_fail_rule(struct inspect_config *c, const struct filter_env *env,
			   const char *text, struct fail_rule *rule, struct fault *f)
{
	const char *p = text + strspn(text, " "), *inside, *rest;
	size_t end, i;
	int r;

	*rule = (struct fail_rule){ .text = text, .op = FILTER_GT };
	if (!*p)
		return fault_say(f, EINVAL, "--fail-if: the expression is empty");
	if (!has_prefix(p, "count") || p[5 + strspn(p + 5, " ")] != '(')
		return parse_row_rule(c, env, text, rule, f);
	p += 5 + strspn(p + 5, " ");
	end = closing(p);
	if (!end) {
		r = fault_say(f, EINVAL,
			      "--fail-if: the bracket of count() is not closed");
		fault_mark(f, text, (size_t)(p - text));
		return r;
	}
	inside = arena_strndup(&c->arena, p + 1, end - 1);
	rest = p + end + 1;
	rest += strspn(rest, " ");
	for (i = 0; i < ARRAY_SIZE(comparisons); i++)
		if (has_prefix(rest, comparisons[i].text))
			break;
	if (i == ARRAY_SIZE(comparisons)) {
		r = fault_say(
			f, EINVAL,
			"--fail-if: count(...) wants a comparison behind it, as '> 100'");
		fault_mark(f, text, (size_t)(rest - text));
		return r;
	}
	rule->op = comparisons[i].op;
	rest += strlen(comparisons[i].text);
	rest += strspn(rest, " ");
	r = num_parse_u64(rest, UINT64_MAX, &rule->limit, NULL);
	if (r < 0) {
		fault_say(f, EINVAL,
			  "--fail-if: count(...) is compared with a number, and nothing "
			  "else");
		fault_mark(f, text, (size_t)(rest - text) + strspn(rest, "0123456789"));
		fault_hint(f, "--fail-if may be repeated: one cause each");
	}
	if (r == 0)
		r = filter_parse(&c->arena, inside, env, &rule->filter, f);
	return r;
}

int threshold_prepare(struct inspect_config *c, const struct filter_env *env,
		      struct fault *f)
{
	size_t i;
	int r = 0;

	c->n_fail_rules = c->fail_if.n;
	c->fail_rules = arena_zalloc(&c->arena,
				     (c->fail_if.n + 1) * sizeof(*c->fail_rules));
	for (i = 0; i < c->fail_if.n && r == 0; i++)
		r = parse_fail_rule(c, env, c->fail_if.v[i], &c->fail_rules[i], f);
	return r;
}

static void put_place(struct buf *b, const struct sock *s)
{
	if (!sock_is_unix(s)) {
		addr_put(b, &s->local);
	} else if (s->path.len) {
		format_path(b, &s->path);
	} else {
		buf_puts(b, "a unix socket without name");
	}
}

static bool field_number_of(const char *name, const struct sock *s, uint64_t *value)
{
	struct value v;

	if (!field_value(field_find(name, strlen(name)), s, &v))
		return false;
	*value = v.u;
	return true;
}

static void count_row(struct fail_rule *rule, struct reader *r, const struct sock *s)
{
	struct holder h;

	if (filter_eval(rule->filter, s, ~0u) == FILTER_YES)
		rule->count++;
	else if (collect_may_match(r, rule->filter, s, &rule->guesses, &h))
		rule->unsure++;
}

void threshold_row(struct inspect_config *c, const struct command *cmd,
		   struct reader *reader, const struct sock *s, bool *failed)
{
	_cleanup_buf_ struct buf place = { 0 };
	uint64_t value;
	size_t i;

	if (c->fail_fill != UINT64_MAX && field_number_of("fill", s, &value) &&
	    value >= c->fail_fill) {
		put_place(&place, s);
		cmd_say(cmd, "the accept queue of %s is %llu %% full (%u/%u)",
			buf_cstr(&place), (unsigned long long)value, s->recv_queue,
			s->send_queue);
		*failed = true;
	}
	if (c->fail_drops && field_number_of("drops", s, &value) && value) {
		buf_reset(&place);
		put_place(&place, s);
		cmd_say(cmd, "%s has dropped %llu packet%s", buf_cstr(&place),
			(unsigned long long)value, value == 1 ? "" : "s");
		*failed = true;
	}
	for (i = 0; i < c->n_fail_rules; i++)
		count_row(&c->fail_rules[i], reader, s);
}

static bool holds(const struct fail_rule *r, uint64_t count)
{
	switch (r->op) {
	case FILTER_EQ:
		return count == r->limit;
	case FILTER_NE:
		return count != r->limit;
	case FILTER_LT:
		return count < r->limit;
	case FILTER_LE:
		return count <= r->limit;
	case FILTER_GE:
		return count >= r->limit;
	case FILTER_GT:
	case FILTER_AND:
	case FILTER_OR:
	case FILTER_NOT:
	case FILTER_GLOB:
	case FILTER_IN:
	case FILTER_TRUE:
	case FILTER_ADDR:
	case FILTER_STATE:
	case FILTER_ALL:
		break;
	}
	return count > r->limit;
}

/* Whether what may not be read could turn the answer round. */
static bool is_unsure(const struct fail_rule *r)
{
	uint64_t most = r->count + r->unsure;

	if (r->op == FILTER_EQ || r->op == FILTER_NE)
		return r->unsure && r->limit >= r->count && r->limit <= most;
	return holds(r, r->count) != holds(r, most);
}

const struct fail_rule *threshold_unsure(const struct inspect_config *c)
{
	size_t i;

	for (i = 0; i < c->n_fail_rules; i++)
		if (is_unsure(&c->fail_rules[i]))
			return &c->fail_rules[i];
	return NULL;
}

bool threshold_failed(const struct inspect_config *c, const struct command *cmd,
		      bool failed)
{
	size_t i;

	for (i = 0; i < c->n_fail_rules; i++) {
		const struct fail_rule *r = &c->fail_rules[i];
		char shown[160];

		if (is_unsure(r) || !holds(r, r->count))
			continue;
		cmd_say(cmd, "--fail-if %s: %llu socket%s",
			escape_text(shown, sizeof(shown), r->text, strlen(r->text)),
			(unsigned long long)r->count, r->count == 1 ? "" : "s");
		failed = true;
	}
	return failed;
}
