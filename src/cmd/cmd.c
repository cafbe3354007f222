#include "cmd/cmd.h"

#include <stdio.h>

#include "base/wrap.h"

static const char *const when_names[] = { "auto", "always", "never", NULL };

const struct opt common_opts[N_COMMON_OPTS] = {
	{ .name = "color",
	  .kind = OPT_CHOICE,
	  .at = offsetof(struct common, color),
	  .metavar = "WHEN",
	  .choices = when_names,
	  .help = "auto, always or never (default: auto; NO_COLOR and CLICOLOR are honoured)" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  .at = offsetof(struct common, quiet),
	  .help = "say nothing but errors; the exit code is the answer" },
	{ .name = "verbose",
	  .letter = 'v',
	  .kind = OPT_COUNT,
	  .at = offsetof(struct common, verbose),
	  .help = "say more on stderr" },
	{ .letter = 'h',
	  .kind = OPT_SET,
	  .at = offsetof(struct common, help),
	  .value = HELP_SHORT,
	  .help = "the common options on one screen" },
	{ .name = "help",
	  .kind = OPT_SET,
	  .at = offsetof(struct common, help),
	  .value = HELP_FULL,
	  .help = "all options" },
};

void cmd_put_error(struct buf *b, const struct command *cmd, const struct fault *f)
{
	size_t width = term_width(STDERR_FILENO), start = b->len;

	buf_printf(b, "sockctl%s%s: ", cmd ? " " : "", cmd ? cmd->name : "");
	wrap_put(b, f->what, b->len - start, 2, width);
	buf_putc(b, '\n');
	if (f->mark >= 0) {
		char shown[4 * sizeof(f->text)], before[4 * sizeof(f->text)];

		escape_text(shown, sizeof(shown), f->text, strlen(f->text));
		escape_text(before, sizeof(before), f->text, (size_t)f->mark);
		buf_printf(b, "  %s\n  %*s^\n", shown,
			   (int)text_width(before, strlen(before)), "");
	}
	if (f->hint[0]) {
		buf_puts(b, "  ");
		wrap_put(b, f->hint, 2, 2, width);
		buf_putc(b, '\n');
	}
}

void cmd_error(const struct command *cmd, const struct fault *f)
{
	_cleanup_buf_ struct buf b = { 0 };

	cmd_put_error(&b, cmd, f);
	fputs(buf_cstr(&b), stderr);
}

int cmd_usage(const struct command *cmd, const struct fault *f)
{
	cmd_error(cmd, f);
	if (!f->hint[0])
		fprintf(stderr, "  'sockctl%s%s --help' says more\n", cmd ? " " : "",
			cmd ? cmd->name : "");
	return EXIT_USAGE;
}

int cmd_print(const struct command *cmd, struct buf *b)
{
	_cleanup_out_ struct out o = { 0 };
	struct fault f = FAULT_INIT;

	out_init(&o, STDOUT_FILENO);
	buf_put(&o.b, b->data, b->len);
	if (out_close(&o, &f) < 0) {
		cmd_error(cmd, &f);
		return EXIT_CANNOT;
	}
	return EXIT_YES;
}

int cmd_help(const struct command *cmd, bool full)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_printf(&b, "usage: sockctl %s [OPTION]... %s\n\n%s\n", cmd->name,
		   cmd->operands, cmd->about);
	opt_help(&b, cmd->groups, cmd->n_groups, full);
	if (full && cmd->examples)
		buf_printf(&b, "\nExamples:\n%s", cmd->examples);
	if (!full)
		buf_printf(&b, "\n'sockctl %s --help' lists all options.\n", cmd->name);
	return cmd_print(cmd, &b);
}

bool cmd_begin(const struct command *cmd, int argc, char **argv, void *config,
	       const struct common *common, struct opt_operands *operands, int *code)
{
	struct fault f = FAULT_INIT;
	int r = opt_parse(cmd->groups, cmd->n_groups, argc, argv, config, operands, &f);

	if (common->help != HELP_NONE) {
		*code = cmd_help(cmd, common->help == HELP_FULL);
		return false;
	}
	if (r < 0) {
		*code = cmd_usage(cmd, &f);
		return false;
	}
	return true;
}
