#include "view/view_findings.h"

#include "base/json.h"
#include "base/term.h"
#include "view/view_member.h"

static const char *style_of(const struct term_style *style, enum severity s)
{
	switch (s) {
	case SEVERITY_CRITICAL:
		return style->bad;
	case SEVERITY_WARNING:
		return style->warn;
	case SEVERITY_NOTE:
		break;
	}
	return style->dim;
}

/* Each line of text, indented by two. */
static void put_lines(struct buf *b, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		buf_puts(b, "  ");
		buf_put(b, text, len);
		buf_putc(b, '\n');
		text += len + (text[len] == '\n');
	}
}

static void put_text(struct out *out, const struct finding *f,
		     const struct term_style *style)
{
	const struct rule *r = rule_get(f->rule);
	const char *severity = severity_name(f->severity);
	struct buf *b = &out->b;

	buf_putc(b, '\n');
	buf_puts(b, style_of(style, f->severity));
	buf_puts(b, severity);
	buf_puts(b, style->reset);
	buf_pad(b, ' ', 10 - strlen(severity));
	buf_puts(b, style->bold);
	buf_puts(b, r->id);
	buf_puts(b, style->reset);
	buf_pad(b, ' ', 2);
	buf_puts(b, f->where);
	buf_putc(b, '\n');
	put_lines(b, f->summary);
	buf_puts(b, "  next: ");
	buf_puts(b, f->advice);
	buf_putc(b, '\n');
}

static void put_json(struct out *out, const struct finding *f)
{
	struct json j = json_on(&out->b);
	size_t i;

	json_begin_object(&j, "finding");
	json_member_str(&j, "id", rule_get(f->rule)->id);
	json_member_str(&j, "severity", severity_name(f->severity));
	json_member_text(&j, "where", f->where);
	json_member_text(&j, "summary", f->summary);
	json_member_text(&j, "advice", f->advice);
	view_member_holders(&j, "processes", f->holders);
	json_key(&j, "sockets");
	json_open(&j, '[');
	for (i = 0; i < f->n_cookies; i++)
		json_cookie(&j, f->cookies[i]);
	json_close(&j, ']');
	json_key(&j, "figures");
	json_open(&j, '{');
	for (i = 0; i < f->n_figures; i++)
		json_member_known(&j, f->figures[i].key, f->figures[i].value,
				  f->figures[i].known);
	json_close(&j, '}');
	json_end_object(&j);
}

size_t view_findings(const struct findings *fs, enum severity least,
		     const struct view_options *opt, struct out *out)
{
	const struct term_style *style = term_style(opt->colour);
	size_t i, shown = 0;

	for (i = 0; i < fs->n; i++) {
		if (fs->v[i]->severity < least)
			continue;
		if (opt->format == VIEW_JSON)
			put_json(out, fs->v[i]);
		else
			put_text(out, fs->v[i], style);
		shown++;
	}
	return shown;
}

void view_rule(struct buf *b, const struct rule *r)
{
	buf_printf(b, "%s (%s)\n\n  %s\n\n  fires: %s\n  next:  %s\n", r->id,
		   severity_name(r->severity), r->meaning, r->threshold, r->advice);
}
