/* What all subcommands share: the command table's row, exit codes, and how errors are
 * told. */
#pragma once

#include "base/fault.h"
#include "base/opt.h"
#include "base/out.h"
#include "base/term.h"
#include "cmd/exit_code.h"

/* Ends the process through the signal that ended the command, if one did: the shell shall
 * see 128+n. Returns code otherwise. */
int cmd_leave(int signo, int code);

struct command {
	const char *name;
	const char *summary;  /* one line for `sockctl --help` */
	const char *operands; /* after [OPTION]... in the usage line */
	const char *about;    /* a paragraph under the usage line */
	const char *examples; /* lines of the EXAMPLES section of --help */
	const struct opt_group *groups;
	size_t n_groups;
	int (*run)(const struct command *cmd, int argc,
		   char **argv); /* returns an exit code */
};

/* Those that --help lists, NULL-terminated (porcelain/commands.c). */
extern const struct command *const commands[];

extern const struct command cmd_inspect;
extern const struct command cmd_listen;
extern const struct command cmd_connect;
extern const struct command cmd_echo;
extern const struct command cmd_probe;
extern const struct command cmd_porcelain; /* for scripts; not listed */

/* Options that every command has; embed as the config's first member, and list
 * common_group. */
struct common {
	int help;  /* HELP_SHORT, HELP_FULL */
	int color; /* enum term_when */
	const char *explain;
	bool quiet;
	unsigned verbose;
};

enum { HELP_NONE, HELP_SHORT, HELP_FULL };
enum { N_COMMON_OPTS = 6 };

extern const struct opt common_opts[N_COMMON_OPTS];

#define COMMON_GROUP(config)                                                    \
	{                                                                       \
		"General", common_opts, N_COMMON_OPTS, offsetof(config, common) \
	}

/*
 * Parses the command line. Returns true to go on; false when the command is over (help
 * or an explanation was printed, or the usage is wrong and was reported) with its exit
 * code in *code.
 */
bool cmd_begin(const struct command *cmd, int argc, char **argv, void *config,
	       const struct common *common, struct opt_operands *operands, int *code);

/*
 * All that is said on stderr in words goes through these: whatever the text was made of,
 * it is one line without characters that a terminal would obey.
 */
/* "sockctl NAME: text". */
void cmd_say(const struct command *cmd, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same into a buffer. */
void cmd_put_line(struct buf *b, const struct command *cmd, const char *text);
/* "  text", below what was said before. */
void cmd_say_more(const char *text);

/* "sockctl NAME: what", the marked place and the hint, to stderr. */
void cmd_error(const struct command *cmd, const struct fault *f);

/* What was put into a buffer, to stderr. In a hurry, when a signal ends the program, its
 * reader is waited for a second and no longer. */
void cmd_write(const struct buf *b, bool hurry);

/* The same into a buffer. */
void cmd_put_error(struct buf *b, const struct command *cmd, const struct fault *f);

/* The same for a wrong command line, with a pointer to --help. Returns EXIT_USAGE. */
int cmd_usage(const struct command *cmd, const struct fault *f);

/* Prints help in full or short to stdout; returns an exit code. */
int cmd_help(const struct command *cmd, bool full);

/* Ends what out_init() or out_open() began and says what went wrong, or that the file of
 * another is ours now; of a reader that had enough (head) not a word. path: as it was
 * given, NULL = stdout. 0 or -errno. */
int cmd_close_output(const struct command *cmd, struct out *o, const char *path);

/* Writes a buffer to stdout; returns EXIT_YES, or EXIT_CANNOT after telling why. */
int cmd_print(const struct command *cmd, struct buf *b);
