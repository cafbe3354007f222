/* The exit codes of every command; 128+n is added by ending through the signal itself. */
#pragma once

#include "model/outcome.h"

enum exit_code {
	EXIT_YES = 0,	   /* shown, transferred, reachable, bindable */
	EXIT_NO = 1,	   /* the answer is no */
	EXIT_USAGE = 2,	   /* the command line is wrong */
	EXIT_CANNOT = 3,   /* could not ask or do; incomplete; output not written */
	EXIT_DEADLINE = 4, /* a deadline passed */
	EXIT_NAME = 5,	   /* a name did not resolve */
};

int cmd_code_of(enum verdict v);
/* Of a name that could not be looked up, from the -errno of resolve(). */
int cmd_code_of_lookup(int err);
/* The worse of two exit codes, as several targets are summed up: EXIT_USAGE is the worst,
 * then as verdicts. */
int cmd_worse_code(int a, int b);
