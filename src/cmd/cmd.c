#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#ifdef SOCKCTL_LEAKS_CHECKED
#include <sanitizer/lsan_interface.h>
#endif

#include "base/leave.h"
#include "base/opt_rows.h"
#include "base/sink.h"
#include "base/wrap.h"
#include "cmd/meanings.h"

enum { HURRY_US = 1000 * 1000 };

static const char *const when_names[] = { "auto", "always", "never", NULL };

#define AT(member) offsetof(struct common, member)

const struct opt common_opts[N_COMMON_OPTS] = {
	TAKES("color", 0, OPT_CHOICE, AT(color), "WHEN", .choices = when_names,
	      .help = "auto, always or never (default: auto; NO_COLOR and CLICOLOR are honoured)"),
	FLAG("quiet", 'q', AT(quiet),
	     .help = "say nothing but errors; the exit code is the answer"),
	{ .name = "verbose",
	  .letter = 'v',
	  .kind = OPT_COUNT,
	  .at = AT(verbose),
	  .help = "say more on stderr" },
	TAKES("explain", 0, OPT_TEXT, AT(explain), "ID", .complete = "meaning",
	      .help = "what an id means (a finding, a cause, an outcome); 'help' lists them"),
	SETS(NULL, 'h', AT(help), HELP_SHORT, .help = "the common options on one screen"),
	SETS("help", 0, AT(help), HELP_FULL, .help = "all options"),
};

/* A signal ends the process without the checks of exit(). */
static void check_leaks(void)
{
#ifdef SOCKCTL_LEAKS_CHECKED
	__lsan_do_leak_check();
#endif
}

int cmd_leave(int signo, int code)
{
	if (!signo)
		return code;
	leave_now();
	check_leaks();
	signal(signo, SIG_DFL);
	raise(signo);
	return 128 + signo; /* only where our parent had blocked it */
}

static void put_name(struct buf *b, const struct command *cmd)
{
	buf_printf(b, "sockctl%s%s: ", cmd ? " " : "", cmd ? cmd->name : "");
}

/* The text made harmless, wrapped where a terminal is narrow, and a line end. */
static void put_text(struct buf *b, const char *text, size_t column)
{
	_cleanup_buf_ struct buf safe = { 0 };

	buf_put_harmless(&safe, text, strlen(text));
	wrap_put(b, buf_cstr(&safe), column, 2, term_width(STDERR_FILENO));
	buf_putc(b, '\n');
}

void cmd_write(const struct buf *b, bool hurry)
{
	struct sink s;

	if (!b->len)
		return;
	if (!hurry) {
		fwrite(b->data, 1, b->len, stderr);
		return;
	}
	sink_init(&s, STDERR_FILENO);
	sink_own(&s);
	sink_put(&s, b->data, b->len, true);
	sink_drain(&s, HURRY_US, HURRY_US);
	sink_free(&s);
}

void cmd_put_line(struct buf *b, const struct command *cmd, const char *text)
{
	put_name(b, cmd);
	buf_put_harmless(b, text, strlen(text));
	buf_putc(b, '\n');
}

void cmd_say(const struct command *cmd, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = { 0 }, text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	cmd_put_line(&b, cmd, buf_cstr(&text));
	cmd_write(&b, false);
}

static void put_more(struct buf *b, const char *text)
{
	buf_puts(b, "  ");
	put_text(b, text, 2);
}

void cmd_say_more(const char *text)
{
	_cleanup_buf_ struct buf b = { 0 };

	put_more(&b, text);
	cmd_write(&b, false);
}

static void put_mark(struct buf *b, const struct fault *f)
{
	char before[4 * sizeof(f->text)];

	escape_text(before, sizeof(before), f->text, (size_t)f->mark);
	buf_puts(b, "  ");
	buf_put_escaped(b, f->text, strlen(f->text));
	buf_puts(b, "\n  ");
	buf_pad(b, ' ', text_width(before, strlen(before)));
	buf_puts(b, "^\n");
}

void cmd_put_error(struct buf *b, const struct command *cmd, const struct fault *f)
{
	size_t start = b->len;

	put_name(b, cmd);
	put_text(b, f->what, b->len - start);
	if (f->mark >= 0)
		put_mark(b, f);
	if (f->hint[0])
		put_more(b, f->hint);
}

void cmd_error(const struct command *cmd, const struct fault *f)
{
	_cleanup_buf_ struct buf b = { 0 };

	cmd_put_error(&b, cmd, f);
	cmd_write(&b, false);
}

int cmd_usage(const struct command *cmd, const struct fault *f)
{
	_cleanup_buf_ struct buf b = { 0 };

	cmd_error(cmd, f);
	if (f->hint[0])
		return EXIT_USAGE;
	buf_printf(&b, "'sockctl%s%s --help' says more", cmd ? " " : "",
		   cmd ? cmd->name : "");
	cmd_say_more(buf_cstr(&b));
	return EXIT_USAGE;
}

int cmd_close_output(const struct command *cmd, struct out *o, const char *path)
{
	struct fault f = FAULT_INIT;
	int r = out_close(o, &f);

	if (r < 0 && r != -EPIPE) {
		cmd_error(cmd, &f);
	} else if (r == 0 && o->new_owner) {
		fault_say(&f, EPERM,
			  "%s belongs to you now: only root could give it back to its "
			  "owner",
			  path);
		cmd_error(cmd, &f);
	}
	return r;
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

/* Nothing else is done then: what stands beside it would be without effect. */
static int explain(const struct command *cmd, const char *id,
		   const struct opt_operands *operands)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct fault f = FAULT_INIT;

	if (operands->words.n) {
		const char *word = operands->words.v[0];
		char shown[80];

		fault_say(&f, EINVAL, "'%s' is one word too many: --explain takes one id",
			  escape_text(shown, sizeof(shown), word, strlen(word)));
		return cmd_usage(cmd, &f);
	}
	if (explain_id(&b, id, term_width(STDOUT_FILENO), &f) < 0)
		return cmd_usage(cmd, &f);
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
	if (common->explain) {
		*code = explain(cmd, common->explain, operands);
		return false;
	}
	return true;
}
