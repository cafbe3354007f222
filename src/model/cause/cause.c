#include "model/cause/cause.h"

#include <stdlib.h>

#include "model/cause/connect_cause.h"
#include "model/netns_named.h"

static const char *keep(struct causes *c, struct buf *b)
{
	const char *text = b && b->len ? arena_strdup(c->arena, buf_cstr(b)) : NULL;

	if (b)
		buf_free(b);
	return text;
}

void causes_add(struct causes *c, const char *id, struct buf *summary, struct buf *advice,
		const struct holder *processes)
{
	c->v = array_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n].id = id;
	c->v[c->n].summary = keep(c, summary);
	c->v[c->n].advice = keep(c, advice);
	c->v[c->n++].processes = processes;
}

void causes_add_unread(struct causes *c, const char *what, int err)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s is not known: the kernel's tables could not be read (%s)",
		   what, strerror(err));
	causes_add(c, connect_causes[CONNECT_UNKNOWN].id, &b, NULL, NULL);
}

void causes_note(struct causes *c, struct buf *text)
{
	const char *kept = keep(c, text);

	if (kept)
		strv_add(&c->notes, kept);
}

void causes_next(struct causes *c, struct buf *text)
{
	c->next = keep(c, text);
}

static void act_in(struct causes *c, const char **text, const char *netns, uint32_t asker)
{
	struct buf b = { 0 };

	if (!*text)
		return;
	netns_put_advice(&b, *text, netns, asker);
	*text = keep(c, &b);
}

void causes_act_in(struct causes *c, const char *netns, uint32_t asker)
{
	size_t i;

	if (!netns)
		return;
	for (i = 0; i < c->n; i++)
		act_in(c, &c->v[i].advice, netns, asker);
	act_in(c, &c->next, netns, asker);
}

bool causes_name_rules(const struct causes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (legacy_matters(c->v[i].summary) || legacy_matters(c->v[i].advice))
			return true;
	return legacy_matters(c->next);
}

static void name_legacy(struct causes *c, const char **text, const struct legacy_rules *l,
			uint8_t family, uint32_t asker)
{
	struct buf b = { 0 };

	if (!legacy_matters(*text))
		return;
	legacy_put(&b, *text, l, family, asker);
	*text = keep(c, &b);
}

void causes_name_legacy(struct causes *c, const struct legacy_rules *l, uint8_t family,
			uint32_t asker)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		name_legacy(c, &c->v[i].summary, l, family, asker);
		name_legacy(c, &c->v[i].advice, l, family, asker);
	}
	name_legacy(c, &c->next, l, family, asker);
}

void causes_free(struct causes *c)
{
	free(take_ptr(&c->v));
	strv_free(&c->notes);
	c->n = c->cap = 0;
}

void put_span(struct buf *b, uint64_t ms)
{
	static const struct {
		uint64_t seconds;
		const char *one, *many;
	} units[] = {
		{ 86400, "day", "days" },
		{ 3600, "hour", "hours" },
		{ 120, "minute", "minutes" },
		{ 0, "s", "s" },
	};
	uint64_t s = (ms + 999) / 1000, n;
	size_t i = 0;

	while (s < units[i].seconds)
		i++;
	n = i == 3 ? s : s / (i == 2 ? 60 : units[i].seconds);
	buf_printf(b, "%llu %s", (unsigned long long)n,
		   n == 1 ? units[i].one : units[i].many);
}

void put_process(struct buf *b, const struct holder *h)
{
	buf_put_escaped(b, h->command, strlen(h->command));
	buf_printf(b, "[%d]", h->pid);
}

void put_culprit(struct buf *b, const struct holder *h)
{
	const struct holder *x;
	unsigned more = 0;

	put_process(b, h);
	buf_printf(b, " fd %d", h->fd);
	for (x = h->next; x; x = x->next)
		more++;
	if (more)
		buf_printf(b, " (and %u more)", more);
}
