#include "cmd/inspect/threshold.h"

#include <errno.h>
#include <stdlib.h>

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
static size_t closing_bracket(const char *text)
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
static int parse_expression(struct threshold *t, struct arena *a,
			    const struct filter_env *env, struct fault *f)
{
	const char *p = t->text + strspn(t->text, " ");
	int r = filter_parse(a, t->text, env, &t->filter, f);

	if (r < 0 && has_prefix(p, "count") && strchr(" <>=!", p[5]))
		fault_hint(f, "rows are counted by count(EXPRESSION) > N");
	return r;
}

/* "count(EXPRESSION) > N", or an expression that no row may match. */
static int parse_threshold(struct threshold *t, struct arena *a,
			   const struct filter_env *env, struct fault *f)
{
	const char *text = t->text, *p = text + strspn(text, " "), *inside, *rest;
	size_t end, i;
	int r;

	if (!*p)
		return fault_say(f, EINVAL, "--fail-if: the expression is empty");
	if (!has_prefix(p, "count") || p[5 + strspn(p + 5, " ")] != '(')
		return parse_expression(t, a, env, f);
	p += 5 + strspn(p + 5, " ");
	end = closing_bracket(p);
	if (!end) {
		r = fault_say(f, EINVAL,
			      "--fail-if: the bracket of count() is not closed");
		fault_mark(f, text, (size_t)(p - text));
		return r;
	}
	inside = arena_strndup(a, p + 1, end - 1);
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
	t->op = comparisons[i].op;
	rest += strlen(comparisons[i].text);
	rest += strspn(rest, " ");
	r = num_parse_u64(rest, UINT64_MAX, &t->limit, NULL);
	if (r < 0) {
		fault_say(f, EINVAL,
			  "--fail-if: count(...) is compared with a number, and nothing "
			  "else");
		fault_mark(f, text, (size_t)(rest - text) + strspn(rest, "0123456789"));
		fault_hint(f, "--fail-if may be repeated: one cause each");
	}
	if (r == 0)
		r = filter_parse(a, inside, env, &t->filter, f);
	return r;
}

int thresholds_parse(struct thresholds *t, struct arena *a, const struct strv *texts,
		     const struct filter_env *env, struct fault *f)
{
	int r = 0;

	t->v = arena_zalloc(a, (texts->n + 1) * sizeof(*t->v));
	for (t->n = 0; t->n < texts->n && r == 0; t->n++) {
		t->v[t->n] = (struct threshold){ .text = texts->v[t->n],
						 .op = FILTER_GT };
		r = parse_threshold(&t->v[t->n], a, env, f);
	}
	return r;
}

bool thresholds_any(const struct thresholds *t)
{
	return t->n || t->drops || t->fill != UINT64_MAX;
}

uint32_t thresholds_needs(const struct thresholds *t)
{
	uint32_t needs = 0;
	size_t i;

	for (i = 0; i < t->n; i++)
		needs |= filter_needs(t->v[i].filter);
	return needs;
}

uint32_t thresholds_named_states(const struct thresholds *t)
{
	uint32_t states = 0;
	size_t i;

	for (i = 0; i < t->n; i++)
		states |= filter_named_states(t->v[i].filter);
	return states;
}

void threshold_begin(struct threshold_counts *counts, const struct thresholds *of)
{
	*counts = (struct threshold_counts){ .of = of };
	if (of->n)
		counts->v = xcalloc(of->n, sizeof(*counts->v));
}

void threshold_end(struct threshold_counts *counts)
{
	free(take_ptr(&counts->v));
}

static void put_place(struct buf *b, const struct sock *s)
{
	if (!sock_is_unix(s)) {
		addr_put(b, &s->local);
	} else if (s->path.len) {
		sock_put_path(b, &s->path);
	} else {
		buf_puts(b, "a unix socket without name");
	}
}

static bool field_number_of(struct threshold_counts *counts, const char *name,
			    const struct sock *s, uint64_t *value)
{
	const struct field *f = field_find(name, strlen(name));
	struct value v;

	if (!field_value(f, s, &v)) {
		if (!counts->missing && field_is_lacking(f, s))
			counts->missing = f;
		return false;
	}
	*value = v.u;
	return true;
}

static void count_match(struct threshold_count *c, const struct threshold *t,
			struct reader *reader, const struct sock *s)
{
	const struct field *missing;
	struct holder h;

	if (filter_eval(t->filter, s, ~0u) == FILTER_YES) {
		c->rows++;
		return;
	}
	missing = filter_unknown(t->filter, s);
	if (missing && !c->missing)
		c->missing = missing;
	c->unsure += missing || collect_may_match(reader, t->filter, s, &c->guesses, &h);
}

void threshold_row(struct threshold_counts *counts, const struct command *cmd,
		   struct reader *reader, const struct sock *s)
{
	const struct thresholds *t = counts->of;
	_cleanup_buf_ struct buf place = { 0 };
	uint64_t value;
	size_t i;

	if (t->fill != UINT64_MAX && field_number_of(counts, "fill", s, &value) &&
	    value >= t->fill) {
		put_place(&place, s);
		cmd_say(cmd, "the accept queue of %s is %llu %% full (%u/%u)",
			buf_cstr(&place), (unsigned long long)value, s->recv_queue,
			s->send_queue);
		counts->hit = true;
	}
	if (t->drops && field_number_of(counts, "drops", s, &value) && value) {
		buf_reset(&place);
		put_place(&place, s);
		cmd_say(cmd, "%s has dropped %llu packet%s", buf_cstr(&place),
			(unsigned long long)value, value == 1 ? "" : "s");
		counts->hit = true;
	}
	for (i = 0; i < t->n; i++)
		count_match(&counts->v[i], &t->v[i], reader, s);
}

static bool threshold_holds(const struct threshold *t, uint64_t count)
{
	switch (t->op) {
	case FILTER_EQ:
		return count == t->limit;
	case FILTER_NE:
		return count != t->limit;
	case FILTER_LT:
		return count < t->limit;
	case FILTER_LE:
		return count <= t->limit;
	case FILTER_GE:
		return count >= t->limit;
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
	return count > t->limit;
}

/* Whether what may not be read could turn the answer round. */
static bool is_unsure(const struct threshold_counts *counts, size_t i)
{
	const struct threshold *t = &counts->of->v[i];
	const struct threshold_count *c = &counts->v[i];
	uint64_t most = c->rows + c->unsure;

	if (t->op == FILTER_EQ || t->op == FILTER_NE)
		return c->unsure && t->limit >= c->rows && t->limit <= most;
	return threshold_holds(t, c->rows) != threshold_holds(t, most);
}

static void say_unsure(const struct threshold *t, const struct threshold_count *c,
		       struct fault *f)
{
	char shown[160];

	escape_text(shown, sizeof(shown), t->text, strlen(t->text));
	if (c->missing)
		fault_say(f, ENODATA,
			  "--fail-if %s: %llu socket%s, and %llu whose %s is not known",
			  shown, (unsigned long long)c->rows, c->rows == 1 ? "" : "s",
			  (unsigned long long)c->unsure, c->missing->name);
	else
		fault_say(f, EACCES,
			  "--fail-if %s: %llu socket%s, and %llu that processes may hold "
			  "which may not be read",
			  shown, (unsigned long long)c->rows, c->rows == 1 ? "" : "s",
			  (unsigned long long)c->unsure);
}

bool threshold_unsure(const struct threshold_counts *counts, struct fault *f)
{
	size_t i = 0;

	while (i < counts->of->n && !is_unsure(counts, i))
		i++;
	if (i < counts->of->n) {
		say_unsure(&counts->of->v[i], &counts->v[i], f);
		return true;
	}
	if (!counts->missing)
		return false;
	fault_say(f, ENODATA,
		  "%s of some listeners is not known, so --fail-%s cannot tell",
		  counts->missing->name, counts->missing->name);
	return true;
}

bool threshold_failed(const struct threshold_counts *counts, const struct command *cmd)
{
	bool failed = counts->hit;
	size_t i;

	for (i = 0; i < counts->of->n; i++) {
		const struct threshold *t = &counts->of->v[i];
		uint64_t rows = counts->v[i].rows;
		char shown[160];

		if (is_unsure(counts, i) || !threshold_holds(t, rows))
			continue;
		cmd_say(cmd, "--fail-if %s: %llu socket%s",
			escape_text(shown, sizeof(shown), t->text, strlen(t->text)),
			(unsigned long long)rows, rows == 1 ? "" : "s");
		failed = true;
	}
	return failed;
}
