#include "view/view_bindable.h"

#include "base/term.h"
#include "view/view_member.h"

void view_causes_text(struct buf *b, const struct causes *c)
{
	size_t width = 0, i;

	for (i = 0; i < c->n; i++)
		width = MAX(width, strlen(c->v[i].id));
	for (i = 0; i < c->n; i++) {
		const struct cause *x = &c->v[i];

		buf_printf(b, "  %-*s  %s\n", (int)width, x->id, x->summary);
		if (x->advice)
			buf_printf(b, "  %*s  %s\n", (int)width, "", x->advice);
	}
	for (i = 0; i < c->notes.n; i++)
		buf_printf(b, "  note: %s\n", c->notes.v[i]);
	if (c->next)
		buf_printf(b, "next: %s\n", c->next);
}

void view_bindable_text(struct buf *b, const struct view_bindable *v, bool colour)
{
	const struct term_style *style = term_style(colour);

	switch (v->verdict) {
	case BIND_OK:
		buf_printf(b, "%syes%s: %s can be bound\n", style->good, style->reset,
			   v->address);
		break;
	case BIND_CONFLICT:
		buf_printf(b, "%sno%s: %s cannot be bound\n", style->bad, style->reset,
			   v->address);
		break;
	case BIND_CANNOT_TELL:
		buf_printf(b, "%scannot tell%s%s: whether %s can be bound\n", style->warn,
			   style->reset, v->tried ? "" : " without --try", v->address);
		break;
	}
	view_causes_text(b, v->causes);
}

void view_causes_json(struct json *j, const struct causes *c)
{
	size_t i;

	json_key(j, "causes");
	json_open(j, '[');
	for (i = 0; i < c->n; i++) {
		json_open(j, '{');
		json_member_str(j, "id", c->v[i].id);
		json_member_text(j, "summary", c->v[i].summary);
		json_member_text(j, "advice", c->v[i].advice);
		view_member_holders(j, "processes", c->v[i].processes);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void view_bindable_json(struct buf *b, const struct view_bindable *v)
{
	struct json j = json_on(b);
	size_t i;

	json_begin_object(&j, "bindable");
	json_member_text(&j, "address", v->address);
	if (v->verdict == BIND_CANNOT_TELL)
		json_member_null(&j, "bindable");
	else
		json_member_bool(&j, "bindable", v->verdict == BIND_OK);
	view_causes_json(&j, v->causes);
	json_key(&j, "notes");
	json_open(&j, '[');
	for (i = 0; i < v->causes->notes.n; i++)
		json_str(&j, v->causes->notes.v[i]);
	json_close(&j, ']');
	json_member_text(&j, "next", v->causes->next);
	json_end_object(&j);
}
