#include "cmd/meanings.h"

#include <errno.h>

#include "base/mem.h"
#include "base/opt.h"
#include "cmd/exit_code.h"
#include "kernel/proc/procfile.h"
#include "model/cause/bind_cause.h"
#include "model/cause/connect_cause.h"
#include "model/counter/counter_row.h"
#include "model/rule/rules.h"
#include "view/view_meaning.h"

static bool finding_at(size_t i, struct explained *x)
{
	const struct rule *const *rules;
	size_t n;

	rules = rules_list(&n);
	if (i >= n)
		return false;
	rule_put_threshold(&x->made, rules[i]);
	buf_printf(&x->where, "finding of inspect, %s",
		   severity_name(rules[i]->severity));
	x->meaning = (struct meaning){ rules[i]->id, rules[i]->meaning,
				       buf_cstr(&x->made), rules[i]->advice };
	return true;
}

static bool bind_at(size_t i, struct explained *x)
{
	if (i >= CAUSES)
		return false;
	buf_puts(&x->where,
		 "why bind() fails: inspect --bindable, listen, echo, connect --source");
	x->meaning = bind_causes[i];
	return true;
}

static bool connect_at(size_t i, struct explained *x)
{
	if (i >= CONNECT_CAUSES)
		return false;
	buf_puts(&x->where, "why connect() fails: connect, probe");
	x->meaning = connect_causes[i];
	return true;
}

static bool outcome_at(size_t i, struct explained *x)
{
	if (i >= OUTCOME_COUNT)
		return false;
	buf_printf(&x->where, "outcome of probe, exit status %d",
		   cmd_code_of(outcome_verdict((enum outcome)i)));
	x->meaning = *outcome_meaning((enum outcome)i);
	return true;
}

static bool counter_at(size_t i, struct explained *x)
{
	const struct counter_row *row = counter_row_at(i);

	if (!row)
		return false;
	buf_printf(&x->where, "counter of /proc/net/%s", counter_file(row));
	counter_put_meaning(&x->said, row);
	buf_printf(&x->made, "%s Healthy: ", row->look);
	counter_put_healthy(&x->made, row);
	buf_putc(&x->made, '.');
	x->meaning = (struct meaning){ row->id, buf_cstr(&x->said), buf_cstr(&x->made),
				       row->advice };
	x->alias = row->name;
	return true;
}

static const struct place {
	const char *name, *label, *title;
	bool (*at)(size_t i, struct explained *x);
} places[] = {
	{ "finding", "fires:", "Findings (inspect)", finding_at },
	{ "bind", "why:", "Why bind() fails (inspect --bindable, listen, echo)",
	  bind_at },
	{ "connect", "why:", "Why connect() fails (connect, probe)", connect_at },
	{ "probe", "why:", "Outcomes (probe)", outcome_at },
	{ "counter", "look:", "Counters of the kernel (inspect, probe)", counter_at },
};

bool explained_next(struct explained *x)
{
	for (; x->table < ARRAY_SIZE(places); x->table++, x->row = 0) {
		const struct place *p = &places[x->table];

		buf_reset(&x->where);
		buf_reset(&x->made);
		buf_reset(&x->said);
		x->alias = NULL;
		if (!p->at(x->row, x))
			continue;
		x->row++;
		x->place = p->name;
		x->label = p->label;
		x->title = p->title;
		return true;
	}
	return false;
}

void explained_free(struct explained *x)
{
	buf_free(&x->where);
	buf_free(&x->made);
	buf_free(&x->said);
}

static void put_list(struct buf *b, size_t width)
{
	_cleanup_explained_ struct explained x = { 0 };
	const char *title = NULL;

	while (explained_next(&x)) {
		if (x.title != title)
			buf_printf(b, "%s%s:\n", title ? "\n" : "", x.title);
		title = x.title;
		view_meaning_item(b, &x.meaning, width);
	}
}

static void add_once(struct strv *near, const char *id)
{
	size_t i;

	for (i = 0; i < near->n; i++)
		if (streq(near->v[i], id))
			return;
	strv_add(near, id);
}

/* What was probably meant: one id by its letters, others that have the word in them. */
static void find_near(const char *word, struct strv *near)
{
	enum { NEAR_MOST = 4, LETTERS_LEAST = 3 };
	_cleanup_explained_ struct explained x = { 0 };
	_cleanup_strv_ struct strv ids = { 0 };
	const char *nearest;
	size_t i;

	while (explained_next(&x))
		strv_add(&ids, x.meaning.id);
	nearest = opt_nearest(word, ids.v, ids.n);
	if (nearest)
		strv_add(near, nearest);
	for (i = 0; i < ids.n && strlen(word) >= LETTERS_LEAST; i++)
		if (near->n < NEAR_MOST && strstr(ids.v[i], word))
			add_once(near, ids.v[i]);
}

static int unknown_id(const char *id, struct fault *f)
{
	_cleanup_strv_ struct strv near = { 0 };
	_cleanup_buf_ struct buf b = { 0 };
	char shown[80];
	size_t i;

	fault_say(f, EINVAL, "there is no id '%s'",
		  escape_text(shown, sizeof(shown), id, strlen(id)));
	find_near(id, &near);
	for (i = 0; i < near.n; i++)
		buf_printf(&b, "%s'%s'",
			   !i		     ? "did you mean "
			   : i + 1 == near.n ? " or "
					     : ", ",
			   near.v[i]);
	fault_hint(f, "%s%s'--explain help' lists them all", buf_cstr(&b),
		   near.n ? "? " : "");
	return -EINVAL;
}

/* The rules that this host may have. */
static void name_legacy(const char **text, struct buf *room)
{
	struct legacy_rules l;

	if (!legacy_matters(*text))
		return;
	procfile_legacy_rules(&l);
	legacy_put(room, *text, &l, 0, 0);
	*text = buf_cstr(room);
}

static void put_meaning(struct buf *b, struct explained *x, size_t width)
{
	_cleanup_buf_ struct buf why = { 0 }, advice = { 0 };
	struct meaning m = x->meaning;

	name_legacy(&m.why, &why);
	name_legacy(&m.advice, &advice);
	view_meaning(b, &m, buf_cstr(&x->where), x->label, width);
}

int explain_id(struct buf *b, const char *id, size_t width, struct fault *f)
{
	_cleanup_explained_ struct explained x = { 0 };
	bool known = false;

	if (streq(id, "help")) {
		put_list(b, width);
		return 0;
	}
	while (explained_next(&x)) {
		if (!streq(x.meaning.id, id) && !(x.alias && streq(x.alias, id)))
			continue;
		if (known)
			buf_putc(b, '\n');
		known = true;
		put_meaning(b, &x, width);
	}
	return known ? 0 : unknown_id(id, f);
}

void explain_tsv(struct buf *b)
{
	_cleanup_explained_ struct explained x = { 0 };

	while (explained_next(&x))
		buf_printf(b, "%s\t%s\t%s\t%s\t%s\n", x.meaning.id, x.place,
			   x.meaning.meaning, x.meaning.why, x.meaning.advice);
}
