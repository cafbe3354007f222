#include "view/view_bindable.h"

#include "base/term.h"
#include "view/view_advice.h"
#include "view/view_member.h"

void view_causes_text(struct buf *b, const struct causes *c, size_t width)
{
	size_t column = 0, i;

	for (i = 0; i < c->n; i++)
		column = MAX(column, 2 + strlen(c->v[i].id) + 2);
	for (i = 0; i < c->n; i++) {
		const struct cause *x = &c->v[i];
		_cleanup_buf_ struct buf label = { 0 };

		buf_printf(&label, "  %s", x->id);
		view_advice_text(b, buf_cstr(&label), column, x->summary, width);
		if (x->advice)
			view_advice_text(b, "", column, x->advice, width);
	}
	for (i = 0; i < c->notes.n; i++)
		view_advice_text(b, "  note: ", sizeof("  note: ") - 1, c->notes.v[i],
				 width);
	if (c->next)
		view_advice_text(b, "next: ", sizeof("next: ") - 1, c->next, width);
}

void view_bindable_text(struct buf *b, const struct view_bindable *v, bool colour,
			size_t width)
{
	const struct term_style *style = term_style(colour);
	_cleanup_buf_ struct buf safe = { .ascii = b->ascii };
	const char *address;

	buf_put_harmless(&safe, v->address, strlen(v->address));
	address = buf_cstr(&safe);
	switch (v->verdict) {
	case BIND_OK:
		buf_printf(b, "%syes%s: %s can be bound\n", style->good, style->reset,
			   address);
		break;
	case BIND_CONFLICT:
		buf_printf(b, "%sno%s: %s cannot be bound\n", style->bad, style->reset,
			   address);
		break;
	case BIND_NOT_JUDGED:
	case BIND_CANNOT_TELL:
		buf_printf(b, "%scannot tell%s%s: whether %s can be bound\n", style->warn,
			   style->reset, v->tried ? "" : " without --try", address);
		break;
	}
	view_causes_text(b, v->causes, width);
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
		view_advice_json(j, "advice", c->v[i].advice);
		view_commands_json(j, c->v[i].advice);
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
	if (v->verdict == BIND_CANNOT_TELL || v->verdict == BIND_NOT_JUDGED)
		json_member_null(&j, "bindable");
	else
		json_member_bool(&j, "bindable", v->verdict == BIND_OK);
	view_causes_json(&j, v->causes);
	json_key(&j, "notes");
	json_open(&j, '[');
	for (i = 0; i < v->causes->notes.n; i++)
		json_str(&j, v->causes->notes.v[i]);
	json_close(&j, ']');
	view_advice_json(&j, "next", v->causes->next);
	view_commands_json(&j, v->causes->next);
	json_end_object(&j);
}
