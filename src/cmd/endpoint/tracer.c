#include "cmd/endpoint/tracer.h"

#include "base/json.h"
#include "cmd/endpoint/tracer_effect.h"
#include "model/names.h"

static void call_text(const struct tracer *t, const struct net_event *e,
		      struct tracer_effect *x)
{
	_cleanup_buf_ struct buf call = { 0 }, line = { 0 };

	buf_put_harmless(&call, e->text, strlen(e->text));
	if (e->result < 0)
		buf_printf(&call, " = -1 %s", strerrorname_np((int)-e->result));
	else if (e->call != NET_CALL_CONNECTED)
		buf_printf(&call, " = %lld", (long long)e->result);
	buf_printf(&call, "  %llu us", (unsigned long long)e->took_us);
	buf_printf(&line, "%-*s ", TRACER_CALL_COLUMN, buf_cstr(&call));
	if (x->state)
		buf_printf(&line, "%-*s ", TRACER_STATE_COLUMN, state_name(x->state));
	buf_put_harmless(&line, x->words.data, x->words.len);
	buf_putc(&line, '\n');
	tell_write(t->out, TELL_DATA, &line);
}

static void call_json(const struct tracer *t, const struct net_event *e,
		      struct tracer_effect *x)
{
	const char *name = e->result < 0 ? strerrorname_np((int)-e->result) : NULL;
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);

	json_begin_object(&j, "call");
	json_member_text(&j, "call", e->text);
	json_key(&j, "result");
	json_i64(&j, e->result < 0 ? -1 : e->result);
	if (name)
		json_member_str(&j, "errno", name);
	json_member_u64(&j, "took_us", e->took_us);
	if (x->state)
		json_member_str(&j, "state", state_name(x->state));
	if (x->has_queues) {
		json_member_u64(&j, "accept_queue", x->accept_queue);
		json_member_u64(&j, "accept_queue_limit", x->limit);
	}
	if (x->has_bytes) {
		json_member_u64(&j, "unread_bytes", x->unread);
		json_member_u64(&j, "unacknowledged_bytes", x->unacknowledged);
		json_member_u64(&j, "notsent_bytes", x->notsent);
	}
	json_member_bytes(&j, "text", x->words.data, x->words.len);
	json_end_object(&j);
	tell_write(t->out, TELL_DATA, &b);
}

void tracer_call(struct tracer *t, const struct net_event *e)
{
	struct tracer_effect x = { 0 };
	struct addr peer;

	if (!t)
		return;
	tracer_effect(t, e, &x);
	buf_cstr(&x.words);
	if (t->json)
		call_json(t, e, &x);
	else
		call_text(t, e, &x);
	buf_free(&x.words);
	if (e->call == NET_CALL_LISTEN && e->result == 0) {
		t->listener = e->fd;
		tracer_names(e->fd, &t->local, &peer);
	}
}
