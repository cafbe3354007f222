#include "net/socket/resolv_conf.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/socket/dns.h"

static const char blanks[] = " \t\r\n";

/* The value of "timeout:3", or 0. */
static unsigned value_of(const char *word, size_t len, const char *name)
{
	size_t n = strlen(name);

	/* As the resolver reads them: what is no number is 0. */
	return len > n && strncmp(word, name, n) == 0
		       ? (unsigned)MIN(strtoul(word + n, NULL, 10), 30ul)
		       : 0;
}

static bool is_word(const char *word, size_t len, const char *name)
{
	return len == strlen(name) && strncmp(word, name, len) == 0;
}

static void take_options(struct resolv_conf *c, const char *p)
{
	size_t len;
	unsigned value;

	for (p += strspn(p, blanks); *p; p += len, p += strspn(p, blanks)) {
		len = strcspn(p, blanks);
		c->edns |= is_word(p, len, "edns0");
		c->tcp |= is_word(p, len, "use-vc");
		c->no_v6 |= is_word(p, len, "no-aaaa");
		value = value_of(p, len, "timeout:");
		if (value)
			c->timeout_s = value;
		if (len > 6 && strncmp(p, "ndots:", 6) == 0)
			c->ndots = value_of(p, len, "ndots:");
	}
}

/* What follows the word, if the line begins with it. */
static const char *after_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && (line[n] == ' ' || line[n] == '\t')
		       ? line + n
		       : NULL;
}

void resolv_conf_line(struct resolv_conf *c, const char *line)
{
	const char *rest;
	size_t len;

	if (c->n < RESOLV_SERVERS_MAX && dns_server(line, &c->servers[c->n])) {
		c->servers[c->n++].port = NAMESERVER_PORT;
		return;
	}
	rest = after_word(line, "options");
	if (rest) {
		take_options(c, rest);
		return;
	}
	rest = after_word(line, "search");
	if (!rest)
		rest = after_word(line, "domain");
	if (!rest)
		return;
	rest += strspn(rest, blanks);
	len = strcspn(rest, blanks);
	if (len < sizeof(c->search)) {
		memcpy(c->search, rest, len);
		c->search[len] = '\0';
	}
}

/* Without the file the resolver asks this host; what else keeps it from reading ends the
 * look-up (res_init). */
static bool is_absent(int err)
{
	return err == ENOENT || err == ENOTDIR || err == EISDIR || err == ELOOP ||
	       err == EACCES || err == EPERM;
}

/* Each line of a file to take(), until that says no. 0, also without a file, or -errno.
 */
static int each_line(const char *path, bool (*take)(void *ctx, const char *line),
		     void *ctx)
{
	FILE *file = fopen(path, "re");
	char line[512];
	int err = file || is_absent(errno) ? 0 : errno;

	errno = 0;
	while (file && fgets(line, sizeof(line), file) && take(ctx, line))
		;
	if (file && ferror(file) && !is_absent(errno))
		err = errno ? errno : EIO;
	if (file)
		fclose(file);
	return -err;
}

static bool take_setting(void *ctx, const char *line)
{
	resolv_conf_line(ctx, line);
	return true;
}

int resolv_conf_read(struct resolv_conf *c)
{
	const char *options = getenv("RES_OPTIONS");
	int r;

	*c = (struct resolv_conf){ .ndots = 1, .timeout_s = 5 };
	r = each_line("/etc/resolv.conf", take_setting, c);
	if (r < 0)
		return r;
	if (options)
		take_options(c, options);
	if (!c->n) {
		addr_parse_ip("127.0.0.1", 9, false, &c->servers[0]);
		c->servers[c->n++].port = NAMESERVER_PORT;
	}
	return 0;
}

void resolv_conf_put_asked(struct buf *b, const struct resolv_conf *c, const char *name)
{
	size_t len = strlen(name), i;
	unsigned dots = 0;

	for (i = 0; i < len; i++)
		dots += name[i] == '.';
	buf_puts(b, name);
	if (len && name[len - 1] != '.' && dots < c->ndots && c->search[0])
		buf_printf(b, ".%s", c->search);
}

bool nsswitch_line_is_hosts(const char *line, bool *dns)
{
	const char *p = line + strspn(line, blanks);
	bool in_brackets = false;
	size_t len;

	if (!has_prefix(p, "hosts:"))
		return false;
	*dns = false;
	for (p += 6; *p && *p != '#'; p += MAX(len, (size_t)1)) {
		len = strcspn(p, " \t\r\n[]#");
		in_brackets = *p == '[' || (in_brackets && *p != ']');
		*dns |= !in_brackets && is_word(p, len, "dns");
	}
	return true;
}

static bool take_hosts(void *ctx, const char *line)
{
	return !nsswitch_line_is_hosts(line, ctx);
}

int nsswitch_has_dns(void)
{
	bool dns = true; /* without a file, or a line of its own, the library's default */
	int r = each_line("/etc/nsswitch.conf", take_hosts, &dns);

	return r < 0 ? r : dns;
}
