/* What farm, drain and compare have in common: how they begin, and how they give up. */
#pragma once

#include <errno.h>

#include "base/opt.h"

struct program {
	const char *usage; /* "farm --tcp N | --udp N" */
	const struct opt *opts;
	size_t n_opts;
};

/* The row of --help, for the option table of a config that has `bool help`. */
#define HELP_ROW(config)                                                              \
	{                                                                             \
		.name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "this text", \
		.at = offsetof(config, help)                                          \
	}

/*
 * Reads the options into config, of which `help` is a member. What cannot be understood
 * ends the program with 2, and --help, once it is printed, with 0.
 */
void program_begin(const struct program *p, int argc, char **argv, void *config,
		   const bool *help);

/* A command line that says too little or too much: ends with 2. */
__attribute__((noreturn)) void program_wrong(const char *what);

/* Says what failed, and why: errno, or err. Ends with 1. */
__attribute__((noreturn)) void die(const char *what);
__attribute__((noreturn)) void die_of(const char *what, int err);
