/*
 * The command line as tables. One row of `struct opt` is everything there is to know
 * about an option: parsing, --help, completions and the man-page check all read it.
 * Groups let commands share rows; a group's base is where its part of the command's
 * config struct begins.
 */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/num.h"

enum opt_kind {
	OPT_FLAG,     /* bool = true; `value` 1 makes it false (--no-...) */
	OPT_SET,      /* int = value */
	OPT_BITS,     /* uint32_t |= value */
	OPT_COUNT,    /* unsigned += 1 */
	OPT_TEXT,     /* const char * */
	OPT_LIST,     /* struct strv, one element an occurrence */
	OPT_UINT,     /* uint64_t, at least `least`, at most `value` (0 = NUM_MOST) */
	OPT_DURATION, /* uint64_t, microseconds, at least `least` */
	OPT_SIZE,     /* uint64_t, bytes, at least `least` */
	OPT_PORTS,    /* struct port_set, occurrences add up */
	OPT_CHOICE,   /* int = the row of `choices` */
	OPT_PARSE,    /* `parse` does it */
	OPT_IGNORED,  /* accepted, does nothing: other tools' habit */
	OPT_WRONG,    /* refused: `help` says the right spelling */
};

enum opt_flags {
	OPT_COMMON = BIT(0),   /* shown by -h, not only by --help */
	OPT_OPTIONAL = BIT(1), /* the argument may be left out; only as --name=VALUE;
				 `value`, or an empty text, then */
	OPT_HIDDEN = BIT(2),   /* parsed, not shown */
};

/* Rows name their members; clang cannot hold them to it. */
#if __has_attribute(designated_init)
#define MEMBERS_BY_NAME __attribute__((designated_init))
#else
#define MEMBERS_BY_NAME
#endif

struct opt {
	const char *name; /* without dashes; NULL = letter only */
	char letter;	  /* 0 = none */
	enum opt_kind kind;
	size_t at; /* offset of the destination in the config, relative to the group's
		      base */
	const char *metavar; /* of the argument */
	const char *help;
	unsigned flags;
	int64_t value;
	uint64_t least;
	const char *const *choices; /* NULL-terminated */
	int (*parse)(const char *arg, void *destination, struct fault *f);
	const char *complete; /* what completions offer: port state column file host user
				 netns ... */
} MEMBERS_BY_NAME;

struct opt_group {
	const char *title; /* heading in --help */
	const struct opt *opts;
	size_t n;
	size_t base;
};

struct opt_operands {
	struct strv words;
	size_t n_before_dashes; /* words that stood before "--"; = words.n where there is
				   no "--" */
};

/*
 * Parses argv[1..] into config. Options may stand after operands; "--" ends them. Returns
 * 0, or -EINVAL / -ERANGE with a fault that names the option, marks the place and offers
 * the nearest name.
 */
int opt_parse(const struct opt_group *groups, size_t n_groups, int argc,
	      char *const *argv, void *config, struct opt_operands *operands,
	      struct fault *f);

/* The options part of --help (full) or -h (only OPT_COMMON). */
void opt_help(struct buf *b, const struct opt_group *groups, size_t n_groups, bool full);

/* One line an option: command, group, -x, --name, metavar, kind, choices, complete, help;
 * TAB between. */
void opt_tsv(struct buf *b, const char *command, const struct opt_group *groups,
	     size_t n_groups);

/* The nearest of n names by edit distance, or NULL if none is near. */
const char *opt_nearest(const char *word, const char *const *names, size_t n);
