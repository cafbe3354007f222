#include "program.h"

#include <stdio.h>
#include <stdlib.h>

void program_begin(const struct program *p, int argc, char **argv, void *config,
		   const bool *help)
{
	const struct opt_group groups[] = { { "Options", p->opts, p->n_opts, 0 } };
	struct opt_operands operands = { 0 };
	struct fault f = FAULT_INIT;
	_cleanup_buf_ struct buf text = { 0 };

	if (opt_parse(groups, ARRAY_SIZE(groups), argc, argv, config, &operands, &f))
		program_wrong(f.what);
	if (*help) {
		opt_help(&text, groups, ARRAY_SIZE(groups), true);
		printf("usage: %s\n%s", p->usage, buf_cstr(&text));
		exit(0);
	}
	if (operands.words.n)
		program_wrong("what is not an option has no meaning here; see --help");
}

void program_wrong(const char *what)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	exit(2);
}

void die_of(const char *what, int err)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(err));
	exit(1);
}

void die(const char *what)
{
	die_of(what, errno);
}
