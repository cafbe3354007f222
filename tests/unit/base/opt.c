#include "base/opt.h"

#include <errno.h>

#include "unit/unit.h"

enum { COLOUR_RED, COLOUR_GREEN };

struct inner {
	bool deep;
};

struct config {
	bool flag, cleared;
	int set;
	uint32_t bits;
	unsigned count;
	const char *text;
	struct strv list;
	uint64_t number, duration, size;
	struct port_set ports;
	int colour, when;
	int parsed;
	struct inner inner;
};

static int parse_even(const char *arg, void *destination, struct fault *f)
{
	if ((strlen(arg) & 1) != 0)
		return fault_say(f, EINVAL, "'%s' is odd", arg);
	*(int *)destination = (int)strlen(arg);
	return 0;
}

static const char *const colours[] = { "red", "green", NULL };

#define AT(member) offsetof(struct config, member)

static const struct opt opts[] = {
	{ .name = "flag",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .at = AT(flag),
	  .help = "a flag",
	  .flags = OPT_COMMON },
	{ .name = "no-clear",
	  .kind = OPT_FLAG,
	  .at = AT(cleared),
	  .value = 1,
	  .help = "off" },
	{ .name = "set",
	  .letter = 's',
	  .kind = OPT_SET,
	  .at = AT(set),
	  .value = 7,
	  .help = "x" },
	{ .name = "bit-a",
	  .letter = 'a',
	  .kind = OPT_BITS,
	  .at = AT(bits),
	  .value = 1,
	  .help = "x" },
	{ .name = "bit-b",
	  .letter = 'b',
	  .kind = OPT_BITS,
	  .at = AT(bits),
	  .value = 2,
	  .help = "x" },
	{ .letter = 'v', .kind = OPT_COUNT, .at = AT(count), .help = "more" },
	{ .name = "text",
	  .letter = 't',
	  .kind = OPT_TEXT,
	  .at = AT(text),
	  .metavar = "TEXT",
	  .help = "a text",
	  .complete = "file" },
	{ .name = "list", .kind = OPT_LIST, .at = AT(list), .metavar = "X", .help = "x" },
	{ .name = "number",
	  .letter = 'n',
	  .kind = OPT_UINT,
	  .at = AT(number),
	  .metavar = "N",
	  .value = 100,
	  .help = "x" },
	{ .name = "duration",
	  .kind = OPT_DURATION,
	  .at = AT(duration),
	  .metavar = "DUR",
	  .help = "x" },
	{ .name = "size",
	  .kind = OPT_SIZE,
	  .at = AT(size),
	  .metavar = "SIZE",
	  .help = "x" },
	{ .name = "port",
	  .kind = OPT_PORTS,
	  .at = AT(ports),
	  .metavar = "LIST",
	  .help = "x" },
	{ .name = "colour",
	  .kind = OPT_CHOICE,
	  .at = AT(colour),
	  .metavar = "WHICH",
	  .choices = colours,
	  .help = "red or green" },
	{ .name = "when",
	  .kind = OPT_CHOICE,
	  .at = AT(when),
	  .metavar = "WHEN",
	  .value = 9,
	  .choices = colours,
	  .flags = OPT_OPTIONAL,
	  .help = "optional" },
	{ .name = "even",
	  .letter = 'e',
	  .kind = OPT_PARSE,
	  .at = AT(parsed),
	  .metavar = "E",
	  .parse = parse_even,
	  .help = "x" },
	{ .letter = 'i', .kind = OPT_IGNORED, .help = "nothing" },
	{ .name = "wrong", .letter = 'w', .kind = OPT_WRONG, .help = "write --text" },
	{ .name = "hidden",
	  .kind = OPT_FLAG,
	  .at = AT(flag),
	  .flags = OPT_HIDDEN,
	  .help = "x" },
};

static const struct opt inner_opts[] = {
	{ .name = "deep",
	  .letter = 'd',
	  .kind = OPT_FLAG,
	  .at = offsetof(struct inner, deep),
	  .help = "in a group of its own" },
};

static const struct opt_group groups[] = {
	{ "First", opts, ARRAY_SIZE(opts), 0 },
	{ "Second", inner_opts, ARRAY_SIZE(inner_opts), AT(inner) },
};

static struct config config;
static struct opt_operands operands;
static struct fault problem;

/* Parses the words, separated by single blanks. */
static int parse(const char *line)
{
	static char copy[256];
	char *argv[32], *word, *rest = copy;
	int argc = 0;

	strv_free(&config.list);
	port_set_free(&config.ports);
	strv_free(&operands.words);
	config = (struct config){ .cleared = true };
	operands = (struct opt_operands){ 0 };
	problem = (struct fault)FAULT_INIT;
	snprintf(copy, sizeof(copy), "test%s%s", *line ? " " : "", line);
	while ((word = strsep(&rest, " ")) != NULL)
		argv[argc++] = word;
	argv[argc] = NULL;
	return opt_parse(groups, ARRAY_SIZE(groups), argc, argv, &config, &operands,
			 &problem);
}

static void each_kind(void)
{
	CHECK_INT(parse(""), 0);
	CHECK(!config.flag && config.cleared && operands.words.n == 0);
	CHECK_INT(parse("--flag --no-clear --set --bit-a --bit-b -v -v --deep"), 0);
	CHECK(config.flag && !config.cleared && config.inner.deep);
	CHECK_INT(config.set, 7);
	CHECK_INT(config.bits, 3);
	CHECK_INT(config.count, 2);
	CHECK_INT(parse("--text a --list b --list=c --number 5 --duration 2ms --size 1k"),
		  0);
	CHECK_STR(config.text, "a");
	CHECK_INT(config.list.n, 2);
	CHECK_STR(config.list.v[1], "c");
	CHECK_INT(config.number, 5);
	CHECK_INT(config.duration, 2000);
	CHECK_INT(config.size, 1024);
	CHECK_INT(parse("--port 80 --port 90-91 --colour green --even abcd"), 0);
	CHECK_INT(config.ports.n, 2);
	CHECK_INT(config.colour, COLOUR_GREEN);
	CHECK_INT(config.parsed, 4);
	CHECK_INT(parse("-i x"), 0);
	CHECK(config.text == NULL);
	CHECK_STR(operands.words.v[0], "x");
}

static void optional_arguments(void)
{
	CHECK_INT(parse("--when green"), 0);
	CHECK_INT(config.when, 9);
	CHECK_STR(operands.words.v[0], "green");
	CHECK_INT(parse("--when=green"), 0);
	CHECK_INT(config.when, COLOUR_GREEN);
}

static void letters(void)
{
	CHECK_INT(parse("-fabvvtx"), 0);
	CHECK(config.flag);
	CHECK_INT(config.bits, 3);
	CHECK_INT(config.count, 2);
	CHECK_STR(config.text, "x");
	CHECK_INT(parse("-ft x"), 0);
	CHECK_STR(config.text, "x");
	CHECK_INT(parse("-t=x"), 0);
	CHECK_STR(config.text, "x");
	CHECK_INT(parse("-n 7 -e abcd"), 0);
	CHECK_INT(config.number, 7);
	CHECK_INT(config.parsed, 4);
}

static void operand_order(void)
{
	CHECK_INT(parse("a -f b -- -v --text"), 0);
	CHECK(config.flag);
	CHECK_INT(operands.words.n, 4);
	CHECK_INT(operands.n_before_dashes, 2);
	CHECK_STR(operands.words.v[2], "-v");
	CHECK_STR(operands.words.v[3], "--text");
	CHECK_INT(config.count, 0);
	CHECK_INT(parse("- x"), 0);
	CHECK_STR(operands.words.v[0], "-");
	CHECK_INT(operands.n_before_dashes, 2);
}

static void refusals(void)
{
	static const struct {
		const char *line, *what, *hint;
	} rows[] = {
		{ "--fla", "unknown option '--fla'", "did you mean '--flag'?" },
		{ "--txt x", "unknown option '--txt'", "did you mean '--text'?" },
		{ "--zzzzzz", "unknown option '--zzzzzz'", "--help lists the options" },
		{ "--hid", "unknown option '--hid'", "--help lists the options" },
		{ "-fZ", "unknown option '-Z'", "--help lists the options" },
		{ "--flag=yes", "--flag takes no argument", "" },
		{ "--text", "--text wants an argument", "--text TEXT" },
		{ "--text= x", "--text: the name is empty", "" },
		{ "-t", "-t wants an argument: TEXT", "" },
		{ "--number 101", "--number: '101' is too large, the most is 100", "" },
		{ "--number x", "--number: 'x' is not a whole number", "" },
		{ "-n x", "-n: 'x' is not a whole number", "" },
		{ "--colour blue", "--colour: 'blue' is not one of: red, green", "" },
		{ "--when=blue", "--when: 'blue' is not one of: red, green", "" },
		{ "--even abc", "--even: 'abc' is odd", "" },
		{ "--wrong", "--wrong: there is no such option here", "write --text" },
		{ "-w", "-w: there is no such option here", "write --text" },
		{ "--port 99999", "--port: port 99999 is larger than 65535", "" },
		{ "--\033[31m", "unknown option '--\\x1b[31m'",
		  "--help lists the options" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(parse(rows[i].line) < 0);
		CHECK_STR(problem.what, rows[i].what);
		CHECK_STR(problem.hint, rows[i].hint);
	}
}

static void marks(void)
{
	CHECK(parse("--port 80,x") < 0);
	CHECK_STR(problem.text, "80,x");
	CHECK_INT(problem.mark, 3);
	CHECK(parse("--duration 5parsecs") < 0);
	CHECK_INT(problem.mark, 1);
}

static void nearest(void)
{
	static const char *const names[] = { "json", "listen", "limit", "netns" };

	CHECK_STR(opt_nearest("jsno", names, 4), "json");
	CHECK_STR(opt_nearest("lis", names, 4), "listen");
	CHECK_STR(opt_nearest("limits", names, 4), "limit");
	CHECK(opt_nearest("color", names, 4) == NULL);
	CHECK(opt_nearest("", names, 4) == NULL);
	CHECK(opt_nearest("x", names, 4) == NULL);
}

/* The lines of a TSV, or of a help text. */
static bool has_line(struct buf *b, const char *line)
{
	_cleanup_buf_ struct buf want = { 0 };

	buf_printf(&want, "\n%s\n", line);
	return strstr(buf_cstr(b), buf_cstr(&want)) != NULL;
}

static void tables(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	const char *p;
	int tabs = 0;

	buf_putc(&b, '\n');
	opt_tsv(&b, "test", groups, ARRAY_SIZE(groups));
	CHECK(has_line(&b, "test\tFirst\t-f\t--flag\t\tflag\t\t\ta flag"));
	CHECK(has_line(&b, "test\tFirst\t-t\t--text\tTEXT\ttext\t\tfile\ta text"));
	CHECK(has_line(&b,
		       "test\tFirst\t\t--when\t=WHEN\tchoice\tred,green\t\toptional"));
	CHECK(has_line(&b,
		       "test\tSecond\t-d\t--deep\t\tflag\t\t\tin a group of its own"));
	CHECK(!strstr(buf_cstr(&b), "hidden") && !strstr(buf_cstr(&b), "wrong"));
	for (p = buf_cstr(&b) + 1; *p; p++) {
		tabs += *p == '\t';
		if (*p == '\n') {
			CHECK_INT(tabs, 8);
			tabs = 0;
		}
	}
}

static void help(void)
{
	_cleanup_buf_ struct buf full = { 0 }, brief = { 0 };

	opt_help(&full, groups, ARRAY_SIZE(groups), true);
	CHECK(strstr(buf_cstr(&full), "\nFirst:\n"));
	CHECK(strstr(buf_cstr(&full), "\nSecond:\n"));
	CHECK(has_line(&full, "  -f, --flag                a flag"));
	CHECK(has_line(&full, "      --when[=WHEN]         optional"));
	CHECK(has_line(&full, "  -v                        more"));
	CHECK(!strstr(buf_cstr(&full), "hidden") && !strstr(buf_cstr(&full), "wrong"));
	opt_help(&brief, groups, ARRAY_SIZE(groups), false);
	CHECK_STR(buf_cstr(&brief), "\nFirst:\n  -f, --flag                a flag\n");
}

int main(void)
{
	RUN(each_kind, "each kind of option fills its place in the config");
	RUN(optional_arguments, "an optional argument is given only with =");
	RUN(letters, "letters may stand together, the last with its argument");
	RUN(operand_order, "options may follow operands, -- ends them");
	RUN(refusals, "what is wrong is named, with the nearest name");
	RUN(marks, "the place of the mistake is marked");
	RUN(nearest, "the nearest name is near, or none");
	RUN(tables, "the table lists every shown option in nine fields");
	RUN(help, "help shows the rows, short help only the common ones");
	strv_free(&config.list);
	port_set_free(&config.ports);
	strv_free(&operands.words);
	return unit_done();
}
