#include "base/opt.h"

#include <errno.h>

static bool takes_argument(const struct opt *o)
{
	switch (o->kind) {
	case OPT_FLAG:
	case OPT_SET:
	case OPT_BITS:
	case OPT_COUNT:
		return false;
	case OPT_IGNORED:
	case OPT_WRONG:
		return o->metavar != NULL;
	case OPT_TEXT:
	case OPT_LIST:
	case OPT_UINT:
	case OPT_DURATION:
	case OPT_SIZE:
	case OPT_PORTS:
	case OPT_CHOICE:
	case OPT_PARSE:
		return true;
	}
	return false;
}

struct match {
	const struct opt *opt;
	char *base;
};

static bool find_long(const struct opt_group *groups, size_t n, const char *name,
		      size_t len, char *config, struct match *m)
{
	size_t g, i;

	for (g = 0; g < n; g++)
		for (i = 0; i < groups[g].n; i++) {
			const struct opt *o = &groups[g].opts[i];

			if (o->name && strlen(o->name) == len &&
			    memcmp(o->name, name, len) == 0) {
				*m = (struct match){ o, config + groups[g].base };
				return true;
			}
		}
	return false;
}

static bool find_letter(const struct opt_group *groups, size_t n, char letter,
			char *config, struct match *m)
{
	size_t g, i;

	for (g = 0; g < n; g++)
		for (i = 0; i < groups[g].n; i++)
			if (groups[g].opts[i].letter == letter) {
				*m = (struct match){ &groups[g].opts[i],
						     config + groups[g].base };
				return true;
			}
	return false;
}

static size_t edit_distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b), i, j;

	if (n >= ARRAY_SIZE(row) || strlen(a) >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= n; j++) {
			size_t best = MIN(row[j], row[j - 1]) + 1;

			best = MIN(best, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

const char *opt_nearest(const char *word, const char *const *names, size_t n)
{
	size_t best = SIZE_MAX, i, len = strlen(word);
	const char *found = NULL;

	for (i = 0; i < n; i++) {
		size_t d = edit_distance(word, names[i]);

		/* What was cut short is as near as one wrong letter. */
		if (len >= 2 && strncmp(names[i], word, len) == 0)
			d = 1;
		if (d < best) {
			best = d;
			found = names[i];
		}
	}
	return best <= MAX(len / 3, (size_t)1) + 1 && best < len ? found : NULL;
}

static int unknown_option(const struct opt_group *groups, size_t n, const char *name,
			  struct fault *f)
{
	_cleanup_strv_ struct strv names = { 0 };
	const char *nearest;
	char shown[80];
	size_t g, i;

	for (g = 0; g < n; g++)
		for (i = 0; i < groups[g].n; i++)
			if (groups[g].opts[i].name &&
			    groups[g].opts[i].kind != OPT_WRONG &&
			    !(groups[g].opts[i].flags & OPT_HIDDEN))
				strv_add(&names, groups[g].opts[i].name);
	nearest = opt_nearest(name, names.v, names.n);
	fault_say(f, EINVAL, "unknown option '--%s'",
		  escape_text(shown, sizeof(shown), name, strlen(name)));
	if (nearest)
		fault_hint(f, "did you mean '--%s'?", nearest);
	else
		fault_hint(f, "--help lists the options");
	return -EINVAL;
}

static int parse_choice(const struct opt *o, const char *arg, int *destination,
			struct fault *f)
{
	struct buf list = { 0 };
	char shown[80];
	int i;

	for (i = 0; o->choices[i]; i++)
		if (streq(o->choices[i], arg)) {
			*destination = i;
			return 0;
		}
	for (i = 0; o->choices[i]; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", o->choices[i]);
	fault_say(f, EINVAL, "'%s' is not one of: %s",
		  escape_text(shown, sizeof(shown), arg, strlen(arg)), buf_cstr(&list));
	buf_free(&list);
	return -EINVAL;
}

static int parse_duration(const struct opt *o, const char *arg, uint64_t *us,
			  struct fault *f)
{
	uint64_t v = 0;
	int r = num_parse_duration(arg, &v, f);

	if (r == 0 && v < o->least) {
		r = fault_say(f, ERANGE, "'%s' is too short a time", arg);
		fault_hint(f, "left out, it sets no limit");
		fault_mark(f, arg, 0);
	}
	if (r == 0)
		*us = v;
	return r;
}

static int parse_size(const struct opt *o, const char *arg, uint64_t *bytes,
		      struct fault *f)
{
	uint64_t v = 0;
	int r = num_parse_size(arg, &v, f);

	if (r == 0 && v < o->least) {
		r = fault_say(f, ERANGE, "'%s' is too small, the least is %llu", arg,
			      (unsigned long long)o->least);
		fault_mark(f, arg, 0);
	}
	if (r == 0)
		*bytes = v;
	return r;
}

static int apply(const struct match *m, const char *arg, struct fault *f)
{
	const struct opt *o = m->opt;
	void *at = m->base + o->at;

	if (!arg && (o->flags & OPT_OPTIONAL)) {
		if (o->kind == OPT_TEXT)
			*(const char **)at = "";
		else
			*(int *)at = (int)o->value;
		return 0;
	}
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)at = !o->value;
		return 0;
	case OPT_SET:
		*(int *)at = (int)o->value;
		return 0;
	case OPT_BITS:
		*(uint32_t *)at |= (uint32_t)o->value;
		return 0;
	case OPT_COUNT:
		++*(unsigned *)at;
		return 0;
	case OPT_TEXT:
		/* As what a variable that is not set leaves of a name. */
		if (!*arg && o->complete && streq(o->complete, "file"))
			return fault_say(f, EINVAL, "the name is empty");
		*(const char **)at = arg;
		return 0;
	case OPT_LIST:
		strv_add(at, arg);
		return 0;
	case OPT_UINT:
		return num_parse_range(arg, o->least,
				       o->value ? (uint64_t)o->value : NUM_MOST, at, f);
	case OPT_DURATION:
		return parse_duration(o, arg, at, f);
	case OPT_SIZE:
		return parse_size(o, arg, at, f);
	case OPT_PORTS:
		return num_parse_ports(arg, at, f);
	case OPT_CHOICE:
		return parse_choice(o, arg, at, f);
	case OPT_PARSE:
		return o->parse(arg, at, f);
	case OPT_IGNORED:
		return 0;
	case OPT_WRONG:
		fault_say(f, EINVAL, "there is no such option here");
		fault_hint(f, "%s", o->help);
		return -EINVAL;
	}
	return 0;
}

/* Puts "--port: " before the sentence of a failed argument. */
static int name_option(struct fault *f, const char *spelled, size_t len)
{
	fault_about(f, spelled, len);
	return f && f->err ? -f->err : -EINVAL;
}

struct cursor {
	int argc;
	char *const *argv;
	int i;
};

static int parse_long(const struct opt_group *groups, size_t n, char *config,
		      struct cursor *c, struct fault *f)
{
	const char *word = c->argv[c->i], *name = word + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const char *arg = eq ? eq + 1 : NULL;
	struct match m;

	if (!find_long(groups, n, name, len, config, &m)) {
		_cleanup_free_ char *copy = xstrndup(name, len);

		return unknown_option(groups, n, copy, f);
	}
	if (!takes_argument(m.opt) && arg && m.opt->kind != OPT_WRONG)
		return fault_say(f, EINVAL, "--%s takes no argument", m.opt->name);
	if (takes_argument(m.opt) && !arg && !(m.opt->flags & OPT_OPTIONAL)) {
		if (c->i + 1 >= c->argc) {
			fault_say(f, EINVAL, "--%s wants an argument", m.opt->name);
			fault_hint(f, "--%s %s", m.opt->name, m.opt->metavar);
			return -EINVAL;
		}
		arg = c->argv[++c->i];
	}
	return apply(&m, arg, f) < 0 ? name_option(f, word, len + 2) : 0;
}

static int parse_letters(const struct opt_group *groups, size_t n, char *config,
			 struct cursor *c, struct fault *f)
{
	const char *p = c->argv[c->i] + 1;

	for (; *p; p++) {
		char spelled[3] = { '-', *p, '\0' }, shown[16];
		const char *arg = NULL;
		struct match m;

		if (!find_letter(groups, n, *p, config, &m)) {
			fault_say(f, EINVAL, "unknown option '-%s'",
				  escape_text(shown, sizeof(shown), p, 1));
			fault_hint(f, "--help lists the options");
			return -EINVAL;
		}
		if (takes_argument(m.opt) && !(m.opt->flags & OPT_OPTIONAL)) {
			if (p[1])
				arg = p + 1 + (p[1] == '=');
			else if (c->i + 1 < c->argc)
				arg = c->argv[++c->i];
			else
				return fault_say(f, EINVAL, "%s wants an argument: %s",
						 spelled, m.opt->metavar);
			return apply(&m, arg, f) < 0 ? name_option(f, spelled, 2) : 0;
		}
		if (apply(&m, NULL, f) < 0)
			return name_option(f, spelled, 2);
	}
	return 0;
}

int opt_parse(const struct opt_group *groups, size_t n_groups, int argc,
	      char *const *argv, void *config, struct opt_operands *operands,
	      struct fault *f)
{
	struct cursor c = { argc, argv, 1 };
	bool dashes = false;
	int r = 0;

	for (; c.i < argc && r == 0; c.i++) {
		const char *word = argv[c.i];

		if (dashes || word[0] != '-' || !word[1]) {
			strv_add(&operands->words, word);
			if (!dashes)
				operands->n_before_dashes = operands->words.n;
		} else if (streq(word, "--")) {
			dashes = true;
		} else if (word[1] == '-') {
			r = parse_long(groups, n_groups, config, &c, f);
		} else {
			r = parse_letters(groups, n_groups, config, &c, f);
		}
	}
	return r;
}

enum { HELP_COLUMN = 28, HELP_WIDTH = 80 };

/* The text in its column, broken at blanks. */
static void help_text(struct buf *b, const char *text)
{
	enum { ROOM = HELP_WIDTH - HELP_COLUMN };

	while (strlen(text) > ROOM) {
		size_t len = ROOM;

		while (len && text[len] != ' ')
			len--;
		if (!len)
			break;
		buf_put(b, text, len);
		buf_putc(b, '\n');
		buf_pad(b, ' ', HELP_COLUMN);
		text += len + 1;
	}
	buf_puts(b, text);
	buf_putc(b, '\n');
}

static void help_row(struct buf *b, const struct opt *o)
{
	size_t start = b->len, width;

	buf_puts(b, "  ");
	if (o->letter)
		buf_printf(b, "-%c%s", o->letter, o->name ? ", " : "");
	else
		buf_puts(b, "    ");
	if (o->name)
		buf_printf(b, "--%s", o->name);
	if (o->metavar)
		buf_printf(b, o->flags & OPT_OPTIONAL ? "[=%s]" : " %s", o->metavar);
	width = b->len - start;
	if (width + 2 > HELP_COLUMN) {
		buf_putc(b, '\n');
		width = 0;
	}
	buf_pad(b, ' ', HELP_COLUMN - width);
	help_text(b, o->help);
}

void opt_help(struct buf *b, const struct opt_group *groups, size_t n_groups, bool full)
{
	size_t g, i;

	for (g = 0; g < n_groups; g++) {
		bool titled = false;

		for (i = 0; i < groups[g].n; i++) {
			const struct opt *o = &groups[g].opts[i];

			if (o->kind == OPT_WRONG || (o->flags & OPT_HIDDEN) ||
			    (!full && !(o->flags & OPT_COMMON)))
				continue;
			if (!titled)
				buf_printf(b, "\n%s:\n", groups[g].title);
			titled = true;
			help_row(b, o);
		}
	}
}

static const char *kind_name(enum opt_kind kind)
{
	static const char *const names[] = {
		[OPT_FLAG] = "flag",	   [OPT_SET] = "flag",
		[OPT_BITS] = "flag",	   [OPT_COUNT] = "flag",
		[OPT_TEXT] = "text",	   [OPT_LIST] = "list",
		[OPT_UINT] = "number",	   [OPT_DURATION] = "duration",
		[OPT_SIZE] = "size",	   [OPT_PORTS] = "ports",
		[OPT_CHOICE] = "choice",   [OPT_PARSE] = "text",
		[OPT_IGNORED] = "ignored", [OPT_WRONG] = "wrong",
	};

	return names[kind];
}

void opt_tsv(struct buf *b, const char *command, const struct opt_group *groups,
	     size_t n_groups)
{
	size_t g, i, c;

	for (g = 0; g < n_groups; g++)
		for (i = 0; i < groups[g].n; i++) {
			const struct opt *o = &groups[g].opts[i];

			if (o->kind == OPT_WRONG || (o->flags & OPT_HIDDEN))
				continue;
			buf_printf(b, "%s\t%s\t", command, groups[g].title);
			if (o->letter)
				buf_printf(b, "-%c", o->letter);
			buf_putc(b, '\t');
			if (o->name)
				buf_printf(b, "--%s", o->name);
			buf_printf(b, "\t%s%s\t%s\t", o->flags & OPT_OPTIONAL ? "=" : "",
				   o->metavar ? o->metavar : "", kind_name(o->kind));
			for (c = 0; o->choices && o->choices[c]; c++)
				buf_printf(b, "%s%s", c ? "," : "", o->choices[c]);
			buf_printf(b, "\t%s\t%s\n", o->complete ? o->complete : "",
				   o->help);
		}
}
