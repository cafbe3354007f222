#include "view/tally.h"

#include <stdlib.h>

#include "base/ctext.h"
#include "base/json.h"
#include "model/names.h"
#include "model/owner_status.h"
#include "view/format.h"

struct tally_entry {
	const char *text;
	size_t len;
	uint64_t count;
	const char *why; /* it is unknown; NULL = text is the value */
	/* Of a process: its command; or, where it may not be seen, what else is known. */
	const char *command, *unit, *user;
};

static bool is_process(const struct field *f)
{
	return streq(f->name, "pid");
}

uint32_t tally_needs(const struct field *f)
{
	return f->needs | (is_process(f) ? NEED_CGROUP | NEED_USER : 0);
}

static struct tally_entry *entry_of(struct tally *t, const char *text, size_t len)
{
	uint32_t hash = hash_bytes(&t->index, text, len), step = 0;
	struct tally_entry *e;
	size_t at;

	while ((at = hash_index_next(&t->index, hash, &step)) != SIZE_MAX) {
		e = &t->entries[at];
		if (e->len == len && memcmp(e->text, text, len) == 0)
			return e;
	}
	t->entries = array_grow(t->entries, t->n, &t->cap, sizeof(*t->entries));
	hash_index_add(&t->index, hash, t->n);
	e = &t->entries[t->n++];
	*e = (struct tally_entry){ .text = arena_strndup(&t->arena, text, len),
				   .len = len };
	return e;
}

/* A host is one, whether its socket is of IPv4 or of both families. */
static bool put_address(struct buf *b, const struct field *f, const struct sock *s)
{
	struct addr plain;
	struct value v;

	if (f->unit != UNIT_IP || !f->get(s, 0, &v) || v.kind != VALUE_ADDR)
		return false;
	plain = addr_unmapped(v.addr);
	addr_put_ip(b, &plain);
	return true;
}

/* Why there is no value, where that is not the nature of the socket; NULL = it is. */
static const char *why_unknown(const struct field *f, const struct sock *s)
{
	struct value v;

	if (field_value(f, s, &v))
		return NULL;
	if ((f->needs & NEED_OWNERS) && owner_is_unknown(s->owner_status))
		return s->owner_status == OWNER_PERMISSION ? "(no permission)"
							   : "(not visible)";
	if ((f->needs & NEED_PEER_OWNERS) && owner_is_unknown(s->peer_owner_status))
		return s->peer_owner_status == OWNER_PERMISSION ? "(no permission)"
								: "(not visible)";
	return field_is_lacking(f, s) ? "(not known)" : NULL;
}

static void put_field(struct buf *b, const char *field, const struct sock *s)
{
	format_raw(b, field_find(field, strlen(field)), s);
}

static const char *kept(struct tally *t, struct buf *b)
{
	return b->len ? arena_strdup(&t->arena, buf_cstr(b)) : NULL;
}

/* The commands of its processes, each once. */
static const char *commands_of(struct tally *t, const struct holder *h)
{
	_cleanup_buf_ struct buf text = { .ascii = t->ascii };
	int32_t last = -1;

	for (; h; last = h->pid, h = h->next) {
		if (h->pid == last)
			continue;
		if (text.len)
			buf_puts(&text, ", ");
		buf_put_escaped(&text, h->command, strlen(h->command));
	}
	return kept(t, &text);
}

static void count_unknown(struct tally *t, const struct sock *s, const char *why)
{
	_cleanup_buf_ struct buf text = { .ascii = t->ascii, .words = t->words };
	_cleanup_buf_ struct buf unit = { .ascii = t->ascii },
				 user = { .ascii = t->ascii };
	struct tally_entry *e;

	/* Behind a byte that no text of a value has. */
	buf_putc(&text, '\0');
	buf_puts(&text, why);
	if (is_process(t->field)) {
		put_field(&unit, "unit", s);
		put_field(&user, "user", s);
	}
	if (unit.len)
		buf_printf(&text, " %s", buf_cstr(&unit));
	if (user.len)
		buf_printf(&text, " user %s", buf_cstr(&user));
	if (t->words)
		format_one_word(&text, 1);
	buf_cstr(&text);
	e = entry_of(t, text.data, text.len);
	if (!e->count++) {
		e->why = why;
		e->unit = kept(t, &unit);
		e->user = kept(t, &user);
	}
	t->unknown++;
}

static void count_value(struct tally *t, const struct sock *s)
{
	_cleanup_buf_ struct buf text = { .ascii = t->ascii, .words = t->words };
	const char *why = why_unknown(t->field, s);
	struct tally_entry *e;

	if (why) {
		count_unknown(t, s, why);
		return;
	}

	/* Each socket has a descriptor of its own: that would group nothing. */
	if (t->field->unit == UNIT_PROCESS)
		format_programs(&text, streq(t->field->name, "process")
					       ? s->holders
					       : s->peer_holders);
	else if (!put_address(&text, t->field, s))
		format_raw(&text, t->field, s);
	if (t->words)
		format_one_word(&text, 0);
	buf_cstr(&text);
	e = entry_of(t, text.data, text.len);
	if (!e->count++ && is_process(t->field))
		e->command = commands_of(t, s->holders);
}

void tally_add(struct tally *t, const struct sock *s)
{
	t->rows++;
	if (t->field)
		count_value(t, s);
	else
		t->states[s->proto][s->state < STATE_COUNT ? s->state : 0]++;
}

static int by_count(const void *a, const void *b)
{
	const struct tally_entry *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->text, y->text);
}

static unsigned digits(uint64_t n)
{
	unsigned d = 1;

	while (n /= 10)
		d++;
	return d;
}

/* The numbers stand under the end of COUNT, or of the largest. */
static unsigned count_width(uint64_t largest)
{
	return MAX((unsigned)sizeof("COUNT") - 1, digits(largest));
}

static void put_line(struct out *out, const struct view_options *opt, const char *text,
		     size_t len, size_t width, uint64_t count, uint64_t largest)
{
	buf_put(&out->b, text, len);
	if (opt->format == VIEW_RAW)
		buf_putc(&out->b, '\t');
	else
		buf_pad(&out->b, ' ',
			width - text_width(text, len) + 2 + count_width(largest) -
				digits(count));
	buf_put_u64(&out->b, count);
	buf_putc(&out->b, '\n');
	out_maybe_flush(out);
}

/* The key is text for people; JSON has escapes of its own. */
static void put_json(const struct tally *t, const struct tally_entry *e, struct out *out)
{
	_cleanup_buf_ struct buf value = { 0 };
	struct json j = json_on(&out->b);

	json_begin_object(&j, "summary");
	json_member_str(&j, "group", t->field->name);
	if (!e->why && e->len && ctext_unescape(&value, e->text, NULL) == 0)
		json_member_bytes(&j, "value", value.data, value.len);
	else
		json_member_null(&j, "value");
	if (e->why)
		json_member_str(&j, "unknown", e->why);
	if (is_process(t->field)) {
		json_member_text(&j, "command", e->command);
		json_member_text(&j, "unit", e->unit);
		json_member_text(&j, "user", e->user);
	}
	json_member_u64(&j, "count", e->count);
	json_end_object(&j);
	out_maybe_flush(out);
}

/* In the table a process has its command beside it. */
static void put_shown(struct buf *b, const struct tally *t, const struct tally_entry *e,
		      const struct view_options *opt)
{
	buf_reset(b);
	buf_puts(b, e->why ? e->text + 1 : e->len ? e->text : "-");
	if (e->command && opt->format != VIEW_RAW) {
		buf_printf(b, " %s", e->command);
		if (t->words)
			format_one_word(b, 0);
	}
}

static bool show_group(struct tally *t, const struct view_options *opt, struct out *out)
{
	const char *heading = opt->format == VIEW_RAW ? t->field->name
						      : t->field->heading;
	_cleanup_buf_ struct buf shown = { .words = t->words };
	size_t width = strlen(heading), i;
	uint64_t largest = 0;

	if (t->n)
		qsort(t->entries, t->n, sizeof(*t->entries), by_count);
	for (i = 0; i < t->n; i++) {
		largest = MAX(largest, t->entries[i].count);
		put_shown(&shown, t, &t->entries[i], opt);
		width = MAX(width, text_width(shown.data, shown.len));
	}
	if (opt->headings && opt->format != VIEW_JSON) {
		buf_puts(&out->b, heading);
		if (opt->format == VIEW_RAW) {
			buf_puts(&out->b, "\tcount\n");
		} else {
			buf_pad(&out->b, ' ',
				width - strlen(heading) + 2 + count_width(largest) - 5);
			buf_puts(&out->b, "COUNT\n");
		}
	}
	for (i = 0; i < t->n && i < t->limit; i++) {
		const struct tally_entry *e = &t->entries[i];

		put_shown(&shown, t, e, opt);
		if (opt->format == VIEW_JSON)
			put_json(t, e, out);
		else
			put_line(out, opt, shown.data, shown.len, width, e->count,
				 largest);
	}
	return i < t->n;
}

static void show_states(struct tally *t, const struct view_options *opt, struct out *out)
{
	enum { WIDTH = 20 };
	_cleanup_buf_ struct buf name = { 0 };
	uint64_t largest = t->rows;
	unsigned p, s;

	for (p = 0; p < PROTO_COUNT; p++) {
		uint64_t total = 0;

		for (s = 0; s < STATE_COUNT; s++)
			total += t->states[p][s];
		if (!total && !(t->protos & BIT(p)))
			continue;
		if (opt->format == VIEW_JSON) {
			struct json j = json_on(&out->b);

			json_begin_object(&j, "summary");
			json_member_str(&j, "proto", proto_name(p));
			json_member_u64(&j, "count", total);
			json_key(&j, "states");
			json_open(&j, '{');
			for (s = 0; s < STATE_COUNT; s++)
				if (t->states[p][s])
					json_member_u64(&j, state_name(s),
							t->states[p][s]);
			json_close(&j, '}');
			json_end_object(&j);
			continue;
		}
		put_line(out, opt, proto_name(p), strlen(proto_name(p)), WIDTH, total,
			 largest);
		for (s = 0; s < STATE_COUNT; s++) {
			if (!t->states[p][s])
				continue;
			buf_reset(&name);
			buf_printf(&name, "%s %s",
				   opt->format == VIEW_RAW ? proto_name(p) : " ",
				   opt->format == VIEW_RAW ? state_name(s)
							   : state_shown(p, s));
			put_line(out, opt, name.data, name.len, WIDTH, t->states[p][s],
				 largest);
		}
	}
}

bool tally_show(struct tally *t, const struct view_options *opt, struct out *out)
{
	if (t->field)
		return show_group(t, opt, out);
	show_states(t, opt, out);
	return false;
}

void tally_free(struct tally *t)
{
	arena_free(&t->arena);
	hash_index_free(&t->index);
	free(take_ptr(&t->entries));
}
