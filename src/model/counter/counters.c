#include "model/counter/counters.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/proctext.h"

bool counters_value(const struct counters *c, const char *table, const char *name,
		    uint64_t *value)
{
	if (!strcmp(table, "snmp6"))
		return c->snmp6 && proctext_line(c->snmp6, name, value);
	return (c->snmp && proctext_pair(c->snmp, table, name, value)) ||
	       (c->netstat && proctext_pair(c->netstat, table, name, value));
}

bool counters_grown(const struct counters *before, const struct counters *after,
		    const char *table, const char *name, uint64_t *by)
{
	uint64_t then, now;

	if (!counters_value(before, table, name, &then) ||
	    !counters_value(after, table, name, &now))
		return false;
	*by = now > then ? now - then : 0;
	return true;
}

/* Copies a word of letters and digits; anything else is no name of a counter. */
static bool take_name(char *to, size_t size, const char *from, size_t len)
{
	size_t i;

	if (!len || len >= size)
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)from[i]))
			return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* "TABLE: name name ..."; the line of values follows. */
static bool next_of_pair(struct counter_cursor *at)
{
	while (*at->line) {
		const char *end = at->line + strcspn(at->line, "\n");

		if (!at->at) {
			size_t len = strcspn(at->line, ":\n");

			at->at = end;
			if (at->line[len] == ':' &&
			    take_name(at->table, sizeof(at->table), at->line, len))
				at->at = at->line + len + 1;
		}
		while (at->at < end) {
			const char *word = at->at + strspn(at->at, " ");
			size_t len = strcspn(word, " \n");

			at->at = word + len;
			if (take_name(at->name, sizeof(at->name), word, len))
				return true;
		}
		at->line = next_line(next_line(at->line));
		at->at = NULL;
	}
	return false;
}

/* A name and its value on each line. */
static bool next_of_lines(struct counter_cursor *at)
{
	while (*at->line) {
		const char *word = at->line;

		at->line = next_line(word);
		if (take_name(at->name, sizeof(at->name), word, strcspn(word, " \t\n")))
			return true;
	}
	return false;
}

bool counters_next(const struct counters *c, struct counter_cursor *at)
{
	const char *const texts[] = { c->snmp, c->netstat, c->snmp6 };

	for (; at->text < ARRAY_SIZE(texts); at->text++, at->line = at->at = NULL) {
		const char *text = texts[at->text];

		if (!text)
			continue;
		if (!at->line)
			at->line = text;
		if (text == c->snmp6)
			memcpy(at->table, "snmp6", sizeof("snmp6"));
		if (text == c->snmp6 ? next_of_lines(at) : next_of_pair(at))
			return true;
	}
	return false;
}

void counters_free(struct counters *c)
{
	free(c->snmp);
	free(c->snmp6);
	free(c->netstat);
	*c = (struct counters){ 0 };
}
