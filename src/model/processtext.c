#include "model/processtext.h"

#include "model/proctext.h"

/* The second field, the name, may hold blanks and brackets: they are counted from its
 * end. NULL if there are fewer. */
static const char *stat_field(const char *text, int wanted)
{
	const char *p = strrchr(text, ')');
	int field;

	for (field = 2; p && field < wanted; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p;
}

bool processtext_task(const char *text, char *state, int32_t *parent, uint64_t *threads)
{
	enum { STATE = 3, PARENT = 4, THREADS = 20 };
	const char *s = stat_field(text, STATE), *p = stat_field(text, PARENT),
		   *t = stat_field(text, THREADS);
	uint64_t number;

	if (!s || !p || !t || *s <= ' ' || s[1] != ' ' || !proctext_number(p, &number) ||
	    number > INT32_MAX || !proctext_number(t, threads))
		return false;
	*state = *s;
	*parent = (int32_t)number;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits, which *p is left behind. */
static bool take_hex(const char **p, uint64_t *value)
{
	enum { DIGITS = 16 };
	const char *at = *p;
	uint64_t v = 0;
	int digit;

	for (; (digit = hex_digit(*at)) >= 0; at++)
		v = v << 4 | (uint64_t)digit;
	if (at == *p || at - *p > DIGITS)
		return false;
	*p = at;
	*value = v;
	return true;
}

/* What stands behind this word. */
static bool skip(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

bool processtext_call(const char *text, struct process_call *c)
{
	const char *p = strchr(text, ' ');
	uint64_t stack, counter;
	size_t i;

	if (!p || !proctext_number(text, &c->number))
		return false;
	for (i = 0; i < ARRAY_SIZE(c->args); i++)
		if (!skip(&p, " 0x") || !take_hex(&p, &c->args[i]))
			return false;
	if (!skip(&p, " 0x") || !take_hex(&p, &stack) || !skip(&p, " 0x") ||
	    !take_hex(&p, &counter))
		return false;
	c->narrow = stack <= UINT32_MAX;
	return true;
}

bool processtext_watched(const char *line, uint64_t *inode, uint64_t *device)
{
	const char *p = line, *end = strchrnul(line, '\n');

	if (!skip(&p, "tfd:"))
		return false;
	p = strstr(p, " ino:");
	return p && p < end && skip(&p, " ino:") && take_hex(&p, inode) &&
	       skip(&p, " sdev:") && take_hex(&p, device);
}

/* The value of "-NAME VALUE" or "--NAME=VALUE"; NULL if this is another argument. */
static const char *value_of(const char *arg, const char *next, const char *name)
{
	if (!skip(&arg, "-"))
		return NULL;
	skip(&arg, "-");
	if (!skip(&arg, name))
		return NULL;
	return *arg ? skip(&arg, "=") ? arg : NULL : next;
}

static void read_port(const char *text, uint16_t *port)
{
	uint64_t v;

	if (text && proctext_number(text, &v) && v <= UINT16_MAX)
		*port = (uint16_t)v;
}

/* The argument at *p, which is left behind it; NULL if it has no end. */
static const char *next_argument(const char **p, const char *end)
{
	const char *arg = *p,
		   *nul = arg < end ? memchr(arg, '\0', (size_t)(end - arg)) : NULL;

	if (nul)
		*p = nul + 1;
	return nul ? arg : NULL;
}

bool processtext_proxy(const char *args, size_t len, struct addr *to, uint16_t *published)
{
	const char *p = args, *end = args + len, *arg = next_argument(&p, end), *next,
		   *ip = NULL;
	uint16_t port = 0;

	*published = 0;
	for (; arg; arg = next) {
		next = next_argument(&p, end);
		ip = ip ? ip : value_of(arg, next, "container-ip");
		read_port(value_of(arg, next, "container-port"), &port);
		read_port(value_of(arg, next, "host-port"), published);
	}
	if (!ip || !port || addr_parse_ip(ip, strlen(ip), false, to) < 0)
		return false;
	to->port = port;
	return true;
}
