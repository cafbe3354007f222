/* The tables as TSV, for completions, documentation checks and scripts. Not shown in
 * help. */
#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/endpoint/laboratory.h"
#include "cmd/meanings.h"
#include "cmd/porcelain/schema.h"
#include "cmd/probe/job.h"
#include "model/advice.h"
#include "model/counter/counter_row.h"
#include "model/field/field.h"
#include "model/filter/filter.h"
#include "model/names.h"
#include "model/rule/rules.h"

struct porcelain_config {
	struct common common;
};

static void print_commands(struct buf *b)
{
	size_t i;

	for (i = 0; commands[i]; i++)
		buf_printf(b, "%s\t%s\t%s\n", commands[i]->name, commands[i]->summary,
			   commands[i]->operands);
}

static void print_options(struct buf *b)
{
	size_t i;

	for (i = 0; commands[i]; i++)
		opt_tsv(b, commands[i]->name, commands[i]->groups, commands[i]->n_groups);
}

static void print_fields(struct buf *b)
{
	const struct field *table;
	size_t n, i;

	table = field_table(&n);
	for (i = 0; i < n; i++) {
		const struct field *f = &table[i];
		const char *key = f->json ? f->json : f->name;
		const char *suffix = f->json ? "" : unit_suffix(f->unit);

		/* What is composed of other fields has no key of its own. */
		if (f->flags & FIELD_NO_JSON)
			key = suffix = "";
		buf_printf(b, "%s\t%s\t%s\t%s%s\t%s\n", f->name, f->heading,
			   field_group_title(f->group), key, suffix, f->help);
	}
}

static void print_states(struct buf *b)
{
	const char *const *words;
	size_t n, i;

	words = state_words(&n);
	for (i = 0; i < n; i++)
		buf_printf(b, "%s\n", words[i]);
}

static void print_findings(struct buf *b)
{
	const struct rule *const *rules;
	size_t n, i;

	rules = rules_list(&n);
	for (i = 0; i < n; i++) {
		const struct rule *r = rules[i];

		buf_printf(b, "%s\t%s\t", r->id, severity_name(r->severity));
		rule_put_threshold(b, r);
		buf_printf(b, "\t%s\t%s\n", r->meaning, r->advice);
	}
}

/* Of probe, with the exit code that follows. */
static void print_outcomes(struct buf *b)
{
	size_t i;

	for (i = 0; i < OUTCOME_COUNT; i++) {
		enum outcome o = (enum outcome)i;

		buf_printf(b, "%s\t%d\t%s\n", outcome_name(o),
			   cmd_code_of(outcome_verdict(o)), outcome_meaning(o)->meaning);
	}
}

/* The command lines that are advised, with the marks of their arguments. */
static void print_advice(struct buf *b)
{
	unsigned line;

	for (line = 0; line < ADVICE_LINES; line++) {
		const char *const *word = advice_words((enum advice_line)line);

		for (; *word; word++)
			buf_printf(b, "%s%s", *word, word[1] ? " " : "\n");
	}
}

static void print_harmless(struct buf *b, const struct counter_harmless *h)
{
	const char *word = h->names;

	while (*word) {
		size_t len = strcspn(word, " ");

		buf_printf(b, "%s%.*s\tharmless\t\t\t\t\n",
			   streq(h->table, "snmp6") ? "" : h->table, (int)len, word);
		word += len + strspn(word + len, " ");
	}
}

/* Of the kernel: the id, whether it is judged, the healthy rate, what it means, where to
 * look, what to do. */
static void print_counters(struct buf *b)
{
	const struct counter_harmless *h;
	const struct counter_row *row;
	size_t i;

	for (i = 0; (row = counter_row_at(i)); i++) {
		buf_printf(b, "%s\tjudged\t", row->id);
		counter_put_healthy(b, row);
		buf_putc(b, '\t');
		counter_put_meaning(b, row);
		buf_printf(b, "\t%s\t%s\n", row->look, row->advice);
	}
	for (i = 0; (h = counter_harmless_at(i)); i++)
		print_harmless(b, h);
}

/* What an expression may begin with: the words of its grammar, then those of ss. */
static void print_words(struct buf *b)
{
	static const char *const grammar[] = { "and", "or", "not", "in" };
	const char *word;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(grammar); i++)
		buf_printf(b, "%s\n", grammar[i]);
	for (i = 0; (word = filter_word_name(i)); i++)
		buf_printf(b, "%s\n", word);
}

static void print_schema(struct buf *b)
{
	/* cppcheck-suppress [comparePointers,subtractPointers] ; the ends of one blob */
	buf_put(b, schema_json_start, (size_t)(schema_json_end - schema_json_start));
}

static const struct {
	const char *name;
	void (*print)(struct buf *b);
} tables[] = {
	{ "commands", print_commands }, { "options", print_options },
	{ "fields", print_fields },	{ "states", print_states },
	{ "words", print_words },	{ "findings", print_findings },
	{ "outcomes", print_outcomes }, { "meanings", explain_tsv },
	{ "lab", endpoint_lab_tsv },	{ "advice", print_advice },
	{ "counters", print_counters }, { "schema", print_schema },
};

static int porcelain_run(const struct command *cmd, int argc, char **argv)
{
	struct porcelain_config config = { 0 };
	struct opt_operands operands = { 0 };
	_cleanup_buf_ struct buf b = { 0 };
	struct fault f = FAULT_INIT;
	const char *what;
	size_t i;
	int code;

	if (!cmd_begin(cmd, argc, argv, &config, &config.common, &operands, &code))
		goto out;
	what = operands.words.n == 1 ? operands.words.v[0] : "";
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		if (streq(tables[i].name, what)) {
			tables[i].print(&b);
			code = cmd_print(cmd, &b);
			goto out;
		}
	fault_say(&f, EINVAL,
		  "which table? commands, options, fields, states, words, findings, "
		  "outcomes, meanings, lab, advice, counters or schema");
	code = cmd_usage(cmd, &f);
out:
	strv_free(&operands.words);
	return code;
}

static const struct opt_group groups[] = { COMMON_GROUP(struct porcelain_config) };

const struct command cmd_porcelain = {
	.name = "porcelain",
	.summary = "the program's tables, for scripts",
	.operands = "TABLE",
	.about =
		"Prints one of the program's own tables, tab-separated: commands, options, fields,\n"
		"states, words, findings, outcomes, meanings, lab, advice, counters; or the JSON\n"
		"schema.",
	.groups = groups,
	.n_groups = ARRAY_SIZE(groups),
	.run = porcelain_run,
};
