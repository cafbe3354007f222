/* Words as literals: what a field's unit lets one write. */
#include <errno.h>
#include <strings.h>

#include "base/opt.h"
#include "model/filter/literal_private.h"
#include "model/names.h"

/* Fields whose values are our own words, so that a wrong one can be told. */
struct vocabulary {
	const char *field;
	const char *(*nth)(unsigned i); /* "unknown" ends the list */
	unsigned first;			/* i of the first word */
	bool open; /* newer kernels may have more: a number stands for those */
};

static const char *nth_family(unsigned i)
{
	static const unsigned families[] = { AF_INET, AF_INET6, AF_UNIX };

	return family_name(i < ARRAY_SIZE(families) ? families[i] : AF_UNSPEC);
}

static const struct vocabulary vocabularies[] = {
	{ "proto", proto_name, 0, false },
	{ "family", nth_family, 0, false },
	{ "timer", timer_name, 0, false },
	{ "ca_state", ca_state_name, 0, false },
	{ "shutdown", shutdown_name, 0, false },
	{ "tls_version", tls_version_name, TLS_VERSION_FIRST, true },
	{ "tls_cipher", tls_cipher_name, TLS_CIPHER_FIRST, true },
	{ "tls_tx", tls_worker_name, TLS_WORKER_FIRST, true },
	{ "tls_rx", tls_worker_name, TLS_WORKER_FIRST, true },
};

static void add_literal(struct parser *p, struct literals *out,
			struct filter_literal literal)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? out->cap * 2 : 1;
		struct filter_literal *v = arena_alloc(p->arena, cap * sizeof(*v));

		if (out->n)
			memcpy(v, out->v, out->n * sizeof(*v));
		out->v = v;
		out->cap = cap;
	}
	out->v[out->n++] = literal;
}

static void hint_words(struct parser *p, const struct strv *known)
{
	_cleanup_buf_ struct buf list = { 0 };
	size_t i;

	for (i = 0; i < known->n; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", known->v[i]);
	fault_hint(p->fault, "it is one of: %s", buf_cstr(&list));
}

static int parse_words(struct parser *p, const struct vocabulary *words,
		       const struct token *t, struct filter_literal *literal)
{
	_cleanup_strv_ struct strv known = { 0 };
	const char *word, *nearest;
	unsigned i;
	int r;

	if (words->open && t->len && strspn(t->text, "0123456789") == t->len)
		return 0;
	for (i = words->first; !streq(word = words->nth(i), "unknown"); i++) {
		if (strcasecmp(word, t->text) == 0) {
			literal->text = word;
			literal->len = strlen(word);
			return 0;
		}
		strv_add(&known, word);
	}
	r = filter_fail(p, t->at, "'%s' is not a %s", filter_show(p, t), words->field);
	nearest = opt_nearest(t->text, known.v, known.n);
	if (nearest)
		fault_hint(p->fault, "did you mean '%s'?", nearest);
	else
		hint_words(p, &known);
	return r;
}

static int parse_text(struct parser *p, const struct field *field, enum filter_op op,
		      const struct token *t, struct literals *out)
{
	enum { COMM_MAX = 15 }; /* /proc/PID/comm is cut there: TASK_COMM_LEN - 1 */
	struct filter_literal literal = { .kind = LITERAL_TEXT,
					  .text = t->text,
					  .len = t->len };
	size_t i;
	int r;

	if (op != FILTER_GLOB && field->unit == UNIT_PROCESS)
		literal.len = MIN(literal.len, (size_t)COMM_MAX);
	for (i = 0; i < ARRAY_SIZE(vocabularies) && op != FILTER_GLOB; i++)
		if (streq(vocabularies[i].field, field->name)) {
			r = parse_words(p, &vocabularies[i], t, &literal);
			if (r < 0)
				return r;
		}
	add_literal(p, out, literal);
	return 0;
}

static int parse_bool(struct parser *p, const struct token *t, struct literals *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "yes", true }, { "no", false },  { "true", true }, { "false", false },
		{ "on", true },	 { "off", false }, { "1", true },    { "0", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(words[i].word, t->text) == 0) {
			add_literal(p, out,
				    (struct filter_literal){ .kind = LITERAL_NUMBER,
							     .lo = words[i].value,
							     .hi = words[i].value,
							     .mask = UINT64_MAX });
			return 0;
		}
	return filter_fail(p, t->at, "'%s' is neither yes nor no", filter_show(p, t));
}

/* One number of the unit, terminated; suffixes that only the unit knows are cut off. */
static int parse_scalar(enum unit unit, char *text, uint64_t *value, struct fault *f)
{
	size_t len = strlen(text);
	int r;

	switch (unit) {
	case UNIT_US:
		return num_parse_duration(text, value, f);
	case UNIT_MS:
	case UNIT_TIME:
		r = num_parse_duration(text, value, f);
		if (r == 0 && *value % 1000) {
			r = fault_say(f, EINVAL,
				      "'%s' is not a whole number of milliseconds", text);
			fault_mark(f, text, 0);
		}
		*value /= 1000;
		return r;
	case UNIT_RATE:
		if (len > 2 && streq(text + len - 2, "/s"))
			text[len - 2] = '\0';
		return num_parse_size(text, value, f);
	case UNIT_BYTES:
		return num_parse_size(text, value, f);
	case UNIT_COUNT:
	case UNIT_QUEUE:
	case UNIT_BOOL:
	case UNIT_TEXT:
	case UNIT_STATE:
	case UNIT_PORT:
	case UNIT_IP:
	case UNIT_ENDPOINT:
	case UNIT_COOKIE:
	case UNIT_HEX:
	case UNIT_PROCESS:
	case UNIT_RATIO:
	case UNIT_DUMP:
	case UNIT_UNITS:
		break;
	}
	return num_parse_u64(text, UINT64_MAX, value, f);
}

static int parse_part(struct parser *p, enum unit unit, const struct token *t,
		      size_t from, size_t len, uint64_t *value)
{
	char *text = arena_strndup(p->arena, t->text + from, len);

	if (!len)
		return filter_fail(p, t->at, "'%s' lacks a number", filter_show(p, t));
	if (parse_scalar(unit, text, value, p->fault) < 0)
		return filter_fail_inside(p, t, from, len);
	return 0;
}

/* "-5" of a field that may be negative. */
static int parse_negative(struct parser *p, const struct field *field,
			  const struct token *t, struct literals *out)
{
	struct filter_literal literal = { .kind = LITERAL_NUMBER, .mask = UINT64_MAX };
	int r = parse_part(p, field->unit, t, 1, t->len - 1, &literal.lo);

	literal.lo = -literal.lo;
	literal.hi = literal.lo;
	if (r == 0)
		add_literal(p, out, literal);
	return r;
}

/* "5", "5-10", and of flags "0x1/0xff". */
static int parse_number(struct parser *p, const struct field *field,
			const struct token *t, struct literals *out)
{
	struct filter_literal literal = { .kind = LITERAL_NUMBER, .mask = UINT64_MAX };
	size_t dash = strcspn(t->text, "-");
	size_t slash = field->unit == UNIT_HEX ? strcspn(t->text, "/") : t->len;
	size_t first = MIN(dash, slash);
	int r;

	if ((field->flags & FIELD_SIGNED) && !first)
		return parse_negative(p, field, t, out);
	r = parse_part(p, field->unit, t, 0, first, &literal.lo);
	if (r < 0)
		return r;
	literal.hi = literal.lo;
	if (first < t->len) {
		uint64_t second = 0;

		r = parse_part(p, field->unit, t, first + 1, t->len - first - 1, &second);
		if (r < 0)
			return r;
		if (first == slash) {
			literal.mask = second;
		} else if (second < literal.lo) {
			return filter_fail(p, t->at,
					   "the range '%s' ends before it starts",
					   filter_show(p, t));
		} else {
			literal.kind = LITERAL_RANGE;
			literal.hi = second;
		}
	}
	add_literal(p, out, literal);
	return 0;
}

int literal_parse(struct parser *p, const struct field *field, enum filter_op op,
		  const struct token *t, struct literals *out)
{
	int r;

	if (field->unit == UNIT_TEXT || field->unit == UNIT_PROCESS)
		return parse_text(p, field, op, t, out);
	if (field->unit == UNIT_DUMP)
		return filter_fail(p, t->at,
				   "%s is shown, not compared; bpf_map is a number",
				   field->name);
	if (op == FILTER_GLOB)
		return filter_fail(p, t->at, "%s is no text, '~' does not apply",
				   field->name);
	if (field->unit == UNIT_BOOL)
		return parse_bool(p, t, out);
	r = parse_number(p, field, t, out);
	if (r == 0 && op != FILTER_EQ && op != FILTER_NE && op != FILTER_IN &&
	    (out->v->kind == LITERAL_RANGE || out->v->mask != UINT64_MAX))
		return filter_fail(p, t->at, "'%s' is not one number to compare with",
				   filter_show(p, t));
	return r;
}
