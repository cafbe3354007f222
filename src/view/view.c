#include "view/view.h"

#include "base/json.h"

struct view *view_new(const struct view_options *opt, struct out *out)
{
	switch (opt->format) {
	case VIEW_TABLE:
		return view_table_new(opt, out);
	case VIEW_RAW:
		return view_raw_new(opt, out);
	case VIEW_JSON:
		return view_json_new(opt, out);
	}
	return NULL;
}

void view_free(struct view *v)
{
	if (v)
		v->ops->free(v);
}

void view_end_rows(struct view *v)
{
	v->ops->end_rows(v);
}

int view_finish(struct view *v, const struct view_end *end)
{
	v->ops->end_rows(v);
	v->ops->end(v, end);
	return out_flush(v->out);
}

void view_note_json(struct out *out, const char *id, const char *text)
{
	struct json j = json_on(&out->b);

	json_begin_object(&j, "note");
	json_member_str(&j, "id", id);
	json_member_text(&j, "text", text);
	json_end_object(&j);
}
