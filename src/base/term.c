#include "base/term.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>

static bool env_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

bool term_use_colour(enum term_when when, int fd)
{
	const char *v;

	switch (when) {
	case TERM_ALWAYS:
		return true;
	case TERM_NEVER:
		return false;
	case TERM_AUTO:
		break;
	}
	if (env_set("NO_COLOR"))
		return false;
	v = getenv("CLICOLOR_FORCE");
	if (v && *v && !streq(v, "0"))
		return true;
	v = getenv("CLICOLOR");
	if (v && streq(v, "0"))
		return false;
	v = getenv("TERM");
	if (!v || streq(v, "dumb"))
		return false;
	return isatty(fd);
}

unsigned term_width(int fd)
{
	struct winsize ws;

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &ws) != 0)
		return 0;
	return ws.ws_col;
}

bool term_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
	}
	return false;
}

const struct term_style *term_style(bool colour)
{
	static const struct term_style plain = { "", "", "", "", "", "" };
	static const struct term_style ansi = {
		.good = "\033[32m",
		.warn = "\033[33m",
		.bad = "\033[31m",
		.dim = "\033[2m",
		.bold = "\033[1m",
		.reset = "\033[0m",
	};

	return colour ? &ansi : &plain;
}
