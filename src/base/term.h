/* What is at the other end of a descriptor, and what may be sent there. */
#pragma once

#include "base/util.h"

enum term_when { TERM_AUTO, TERM_ALWAYS, TERM_NEVER };

/* --color=WHEN, then NO_COLOR, CLICOLOR_FORCE, CLICOLOR=0, TERM=dumb, then isatty(fd). */
bool term_use_colour(enum term_when when, int fd);

/* Columns of the terminal at fd; 0 = no terminal, or unknown. */
unsigned term_width(int fd);

/* Whether the locale's character set is UTF-8 (LC_ALL, LC_CTYPE, LANG, in this order). */
bool term_utf8(void);

/* SGR sequences, chosen for light and dark backgrounds alike. Empty strings when colour
 * is off. */
struct term_style {
	const char *good, *warn, *bad, *dim, *bold, *reset;
};

const struct term_style *term_style(bool colour);
