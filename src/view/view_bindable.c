#include "view/view_bindable.h"

#include "base/term.h"

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

static void put_processes(struct json *j, const struct holder *h)
{
	json_key(j, "processes");
	json_open(j, '[');
	for (; h; h = h->next) {
		json_open(j, '{');
		json_member_u64(j, "pid", (uint64_t)h->pid);
		json_text_member(j, "command", h->command, strlen(h->command));
		json_member_u64(j, "fd", (uint64_t)h->fd);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_text(struct json *j, const char *key, const char *text)
{
	if (text)
		json_text_member(j, key, text, strlen(text));
	else
		json_member_null(j, key);
}

void view_causes_json(struct json *j, const struct causes *c)
{
	size_t i;

	json_key(j, "causes");
	json_open(j, '[');
	for (i = 0; i < c->n; i++) {
		json_open(j, '{');
		json_member_str(j, "id", c->v[i].id);
		put_text(j, "summary", c->v[i].summary);
		put_text(j, "advice", c->v[i].advice);
		put_processes(j, c->v[i].processes);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void view_bindable_json(struct buf *b, const struct view_bindable *v)
{
	struct json j = json_on(b);
	size_t i;

	json_begin_object(&j, "bindable");
	put_text(&j, "address", v->address);
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
	put_text(&j, "next", v->causes->next);
	json_end_object(&j);
}
