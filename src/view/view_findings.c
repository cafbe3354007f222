#include "view/view_findings.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/term.h"
#include "base/wrap.h"
#include "view/view_advice.h"
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

/* Each line of text by itself: what a terminal has no room for stands further in. */
static void put_lines(struct buf *b, const char *text, size_t width)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		_cleanup_buf_ struct buf line = { .ascii = b->ascii };

		buf_put_harmless(&line, text, len);
		buf_puts(b, "  ");
		wrap_put(b, buf_cstr(&line), 2, 4, width);
		buf_putc(b, '\n');
		text += len + (text[len] == '\n');
	}
}

static void put_text(struct out *out, const struct finding *f,
		     const struct term_style *style, size_t width)
{
	const char *severity = severity_name(f->severity);
	struct buf *b = &out->b;

	buf_putc(b, '\n');
	buf_puts(b, style_of(style, f->severity));
	buf_puts(b, severity);
	buf_puts(b, style->reset);
	buf_pad(b, ' ', 10 - strlen(severity));
	buf_puts(b, style->bold);
	buf_puts(b, f->rule->id);
	buf_puts(b, style->reset);
	buf_pad(b, ' ', 2);
	buf_put_harmless(b, f->where, strlen(f->where));
	buf_putc(b, '\n');
	put_lines(b, f->summary, width);
	view_advice_text(b, "  next: ", 8, f->advice, width);
}

static void put_json(struct out *out, const struct finding *f)
{
	struct json j = json_on(&out->b);
	size_t i;

	json_begin_object(&j, "finding");
	json_member_str(&j, "id", f->rule->id);
	json_member_str(&j, "severity", severity_name(f->severity));
	json_member_text(&j, "where", f->where);
	json_member_text(&j, "summary", f->summary);
	view_advice_json(&j, "advice", f->advice);
	view_commands_json(&j, f->advice);
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
		if (fs->v[i]->severity < least && !(fs->v[i]->beside && shown))
			continue;
		if (opt->format == VIEW_JSON)
			put_json(out, fs->v[i]);
		else
			put_text(out, fs->v[i], style, opt->width);
		shown++;
	}
	return shown;
}
