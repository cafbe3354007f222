#include "model/finding/rule.h"

#include <stdlib.h>

#include "model/netns_named.h"

const char *severity_name(enum severity s)
{
	static const char *const names[] = { "note", "warning", "critical" };

	return names[s];
}

static void put_number(struct buf *b, const struct rule_number *n)
{
	bool seconds = n->kind == NUMBER_MS && n->value % 1000 == 0;

	buf_printf(b, "%u", seconds ? n->value / 1000 : n->value);
	if (n->kind == NUMBER_PERCENT)
		buf_puts(b, " %");
	if (n->kind == NUMBER_MS)
		buf_puts(b, seconds ? " s" : " ms");
}

void rule_put_threshold(struct buf *b, const struct rule *r)
{
	const struct rule_number *next = r->numbers;
	const char *p;

	for (p = r->threshold; *p; p++)
		if (*p == '#')
			put_number(b, next++);
		else
			buf_putc(b, *p);
}

struct finding *finding_add(struct findings *fs, const struct rule *rule)
{
	struct finding *f = arena_zalloc(&fs->arena, sizeof(*f));

	f->rule = rule;
	f->severity = rule->severity;
	f->advice = rule->advice;
	fs->v = array_grow(fs->v, fs->n, &fs->cap, sizeof(*fs->v));
	fs->v[fs->n++] = f;
	return f;
}

void finding_figure(struct finding *f, const char *key, uint64_t value, bool known)
{
	if (f->n_figures < FINDING_FIGURES)
		f->figures[f->n_figures++] = (struct figure){ key, value, known };
}

/* They come in the order of the rules, which stays within a severity. */
void findings_sort(struct findings *fs)
{
	struct finding **sorted;
	size_t n = 0, i;

	if (!fs->n)
		return;
	sorted = arena_alloc(&fs->arena, fs->n * sizeof(*sorted));
	for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_NOTE; severity--)
		for (i = 0; i < fs->n; i++)
			if ((int)fs->v[i]->severity == severity)
				sorted[n++] = fs->v[i];
	memcpy(fs->v, sorted, n * sizeof(*sorted));
}

void findings_act_in(struct findings *fs, const char *netns, uint32_t asker)
{
	size_t i;

	for (i = 0; netns && i < fs->n; i++) {
		_cleanup_buf_ struct buf b = { 0 };

		if (!fs->v[i]->advice)
			continue;
		netns_put_advice(&b, fs->v[i]->advice, netns, asker);
		fs->v[i]->advice = arena_strdup(&fs->arena, buf_cstr(&b));
	}
}

bool findings_name_rules(const struct findings *fs)
{
	size_t i;

	for (i = 0; i < fs->n; i++)
		if (legacy_matters(fs->v[i]->summary) || legacy_matters(fs->v[i]->advice))
			return true;
	return false;
}

static void name_legacy(struct findings *fs, const char **text,
			const struct legacy_rules *l, uint32_t asker)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (!legacy_matters(*text))
		return;
	legacy_put(&b, *text, l, 0, asker);
	*text = arena_strdup(&fs->arena, buf_cstr(&b));
}

void findings_name_legacy(struct findings *fs, const struct legacy_rules *l,
			  uint32_t asker)
{
	size_t i;

	for (i = 0; i < fs->n; i++) {
		name_legacy(fs, &fs->v[i]->summary, l, asker);
		name_legacy(fs, &fs->v[i]->advice, l, asker);
	}
}

void findings_free(struct findings *fs)
{
	arena_free(&fs->arena);
	free(take_ptr(&fs->v));
	fs->n = fs->cap = 0;
}
