/*
 * JSON Lines: one object a socket. The core keys are always there; columns that were
 * asked for follow. The schema is view/schema.json.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "model/names.h"
#include "model/origin.h"
#include "view/format.h"
#include "view/view.h"
#include "view/view_member.h"

enum state_key {
	KEY_ITS_OWN,
	KEY_OF_SERVER,
	KEY_OF_LISTENER,
	KEY_OF_WAITERS,
	KEY_OF_UNACCEPTED
};

struct json_view {
	struct view view;
	size_t n;
	struct {
		const struct field *field;
		char *key;
		enum state_key state_key;
	} extra[];
};

static void put_path(struct json *j, const char *key, const struct blob *path)
{
	_cleanup_buf_ struct buf name = { 0 };
	const char *p = path->data;

	if (!path->len) {
		json_member_null(j, key);
	} else if (p[0]) {
		json_member_bytes(j, key, p, strnlen(p, path->len));
	} else {
		buf_putc(&name, '@');
		buf_put(&name, p + 1, path->len - 1);
		json_member_bytes(j, key, name.data, name.len);
	}
}

static void put_ends(struct json *j, const struct sock *s)
{
	if (sock_is_unix(s)) {
		put_path(j, "local_addr", &s->path);
		json_member_null(j, "local_port");
		put_path(j, "peer_addr", &s->peer_path);
		json_member_null(j, "peer_port");
		return;
	}
	view_member_end(j, "local_addr", "local_port", &s->local);
	if (s->peer.port || !addr_is_any(&s->peer)) {
		view_member_end(j, "peer_addr", "peer_port", &s->peer);
	} else {
		json_member_null(j, "peer_addr");
		json_member_null(j, "peer_port");
	}
}

/* /proc/net has none. */
static void put_cookie(struct json *j, const char *key, const struct sock *s)
{
	if (s->has & SOCK_HAS_COOKIE)
		json_member_cookie(j, key, s->cookie);
	else
		json_member_null(j, key);
}

static void put_core(struct json *j, const struct sock *s)
{
	bool queues = (s->has & SOCK_HAS_QUEUES) && !sock_is_listener(s);

	json_member_str(j, "proto", proto_name(s->proto));
	json_member_str(j, "family", family_name(s->family));
	json_member_str(j, "state", state_name(s->state));
	put_ends(j, s);
	json_member_known(j, "recv_queue_bytes", sock_recv_bytes(s), queues);
	json_member_known(j, "send_queue_bytes", sock_send_bytes(s), queues);
	json_member_u64(j, "inode", s->inode);
	put_cookie(j, "cookie", s);
	json_member_known(j, "uid", s->uid, s->has & SOCK_HAS_UID);
	json_member_text(j, "cgroup", s->cgroup);
	if (s->has & SOCK_MAY_BE_FORGED)
		json_member_bool(j, "may_be_forged", true);
}

static void put_field(struct json *j, const struct field *f, const char *key,
		      const struct sock *s);

static void put_named(struct json *j, const char *name, const struct sock *s)
{
	const struct field *f = field_find(name, strlen(name));

	put_field(j, f, f->json ? f->json : f->name, s);
}

static void put_listener(struct json *j, const struct sock *s)
{
	struct value v;

	if (!(s->has & SOCK_HAS_QUEUES))
		return;
	json_member_u64(j, "accept_queue", s->recv_queue);
	json_member_known(j, "accept_queue_limit", s->send_queue,
			  s->has & SOCK_HAS_LIMIT);
	if (s->has & SOCK_HAS_LIMIT)
		json_member_bool(j, "accept_queue_full", sock_is_queue_full(s));
	else
		json_member_null(j, "accept_queue_full");
	if (sock_is_unix(s))
		return;
	put_named(j, "drops", s);
	if (!s->accept)
		return;
	put_named(j, "syn_queue", s);
	put_named(j, "waiting", s);
	put_named(j, "gave_up", s);
	json_key(j, "longest_wait_ms");
	if (field_find("longest_wait", 12)->get(s, 0, &v))
		json_u64(j, v.u);
	else
		json_null(j);
}

/* A listener, or what may serve datagrams. */
static bool is_server(const struct sock *s)
{
	return !sock_is_unix(s) && (sock_is_listener(s) || s->proto == PROTO_UDP);
}

static void put_server(struct json *j, const struct sock *s)
{
	put_named(j, "device", s);
	put_named(j, "v6only", s);
}

static void put_unaccepted(struct json *j, const struct sock *s)
{
	struct value v;

	json_member_bool(j, "unaccepted", true);
	if (sock_is_unix(s))
		return;
	json_key(j, "wait_ms");
	if (field_find("wait", 4)->get(s, 0, &v))
		json_u64(j, v.u);
	else
		json_null(j);
	if (s->listener && s->listener->members == 1)
		view_member_end(j, "listener_addr", "listener_port", &s->listener->addr);
}

static void put_process(struct json *j, const struct field *f, const char *key,
			const struct sock *s)
{
	const char *why = owner_words(s->owner_status)->key;

	if (streq(f->name, "peer_process")) {
		if (s->peer_holders)
			view_member_holders(j, key, s->peer_holders);
		else
			json_member_null(j, key);
		return;
	}
	if (s->holders || s->owner_status == OWNER_NONE) {
		view_member_holders(j, key, s->holders);
		return;
	}
	json_member_null(j, key);
	if (why)
		json_member_str(j, "processes_unknown", why);
}

static void put_value(struct json *j, const struct field *f, const struct value *v)
{
	switch (v->kind) {
	case VALUE_UINT:
		if (f->unit == UNIT_BOOL)
			json_bool(j, v->u);
		else if (f->unit == UNIT_STATE)
			json_str(j, state_name((unsigned)v->u));
		else
			json_u64(j, v->u);
		return;
	case VALUE_INT:
		json_i64(j, v->i);
		return;
	case VALUE_TEXT:
		if (f->unit == UNIT_DUMP) {
			_cleanup_buf_ struct buf text = { 0 };

			buf_put_hex_bytes(&text, v->text, v->len);
			json_bytes(j, text.data, text.len);
			return;
		}
		json_bytes(j, v->text, v->len);
		return;
	case VALUE_ADDR: {
		_cleanup_buf_ struct buf text = { 0 };

		if (f->unit == UNIT_IP)
			addr_put_ip(&text, v->addr);
		else
			addr_put(&text, v->addr);
		json_bytes(j, text.data, text.len);
		return;
	}
	case VALUE_ABSENT:
		json_null(j);
		return;
	}
}

static void put_multi(struct json *j, const struct field *f, const struct sock *s)
{
	struct value v;
	unsigned i;

	/* That there are none is known of owners only, and only where none can be. */
	if (!f->get(s, 0, &v) &&
	    (s->owner_status != OWNER_NONE || f->needs != NEED_OWNERS)) {
		json_null(j);
		return;
	}
	json_open(j, '[');
	for (i = 0; f->get(s, i, &v); i++)
		put_value(j, f, &v);
	json_close(j, ']');
}

/* The composed column: whichever of its parts this state has. */
static void put_time(struct json *j, const struct sock *s)
{
	static const char *const parts[] = { "wait", "idle", "close_wait", "handshake",
					     "time_left" };
	struct value v;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct field *f = field_find(parts[i], strlen(parts[i]));

		/* An un-accepted row has its wait already. */
		if ((i == 0 && sock_is_unaccepted(s)) || !f->get(s, 0, &v))
			continue;
		buf_putc(j->b, ',');
		buf_putc(j->b, '"');
		buf_puts(j->b, parts[i]);
		buf_puts(j->b, "_ms\":");
		buf_put_u64(j->b, v.u);
	}
}

static void put_field(struct json *j, const struct field *f, const char *key,
		      const struct sock *s)
{
	struct value v;

	if (f->unit == UNIT_PROCESS) {
		put_process(j, f, key, s);
	} else if (f->unit == UNIT_TIME) {
		put_time(j, s);
	} else if (f->unit == UNIT_COOKIE) {
		put_cookie(j, key, s);
	} else if (f->flags & FIELD_MULTI) {
		json_key(j, key);
		put_multi(j, f, s);
	} else if (!field_value(f, s, &v)) {
		json_member_null(j, key);
	} else if (v.kind == VALUE_TEXT && f->group == GROUP_UNIX) {
		put_path(j, key, &(struct blob){ v.text, v.len });
	} else if (v.kind == VALUE_TEXT) {
		json_member_bytes(j, key, v.text, v.len);
	} else {
		json_key(j, key);
		put_value(j, f, &v);
	}
}

static void json_end_rows(struct view *v)
{
	(void)v;
}

static void put_text(struct json *j, const char *key, const char *text)
{
	if (text)
		json_member_text(j, key, text);
}

static void put_origin(struct json *j, const struct origin *o)
{
	_cleanup_buf_ struct buf at = { 0 };

	json_key(j, "recorded");
	json_open(j, '{');
	origin_put_time(&at, o->time_us);
	json_member_str(j, "at", buf_cstr(&at));
	put_text(j, "host", o->host);
	put_text(j, "boot_id", o->boot_id);
	put_text(j, "kernel", o->kernel);
	put_text(j, "machine", o->machine);
	json_member_u64(j, "netns", o->netns);
	json_member_u64(j, "uid", o->uid);
	put_text(j, "sockctl", o->program);
	json_close(j, '}');
}

void view_end_json(struct buf *b, const struct view_end *end)
{
	struct json j = json_on(b);

	json_begin_object(&j, "end");
	json_member_u64(&j, "rows", end->rows);
	json_member_bool(&j, "complete", end->complete);
	if (end->limited)
		json_member_bool(&j, "limited", true);
	if (end->origin)
		put_origin(&j, end->origin);
	json_end_object(&j);
}

static void json_end(struct view *v, const struct view_end *end)
{
	view_end_json(&v->out->b, end);
}

static void json_free(struct view *v)
{
	struct json_view *jv = (struct json_view *)v;
	size_t i;

	for (i = 0; i < jv->n; i++)
		free(jv->extra[i].key);
	free(jv);
}

/* Which rows have the key of a field already, whether it was asked for or not. */
static enum state_key state_key(const struct field *f)
{
	static const char *const of_listener[] = { "accept_queue", "accept_queue_limit",
						   "accept_queue_full", "drops" };
	static const char *const of_waiters[] = { "syn_queue", "waiting", "gave_up",
						  "longest_wait" };
	static const char *const of_server[] = { "device", "v6only" };
	static const char *const of_unaccepted[] = { "unaccepted", "wait" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(of_listener); i++)
		if (streq(f->name, of_listener[i]))
			return KEY_OF_LISTENER;
	for (i = 0; i < ARRAY_SIZE(of_waiters); i++)
		if (streq(f->name, of_waiters[i]))
			return KEY_OF_WAITERS;
	for (i = 0; i < ARRAY_SIZE(of_server); i++)
		if (streq(f->name, of_server[i]))
			return KEY_OF_SERVER;
	for (i = 0; i < ARRAY_SIZE(of_unaccepted); i++)
		if (streq(f->name, of_unaccepted[i]))
			return KEY_OF_UNACCEPTED;
	return KEY_ITS_OWN;
}

static bool has_key(const struct sock *s, enum state_key key)
{
	bool listener = sock_is_listener(s) && (s->has & SOCK_HAS_QUEUES);

	switch (key) {
	case KEY_OF_LISTENER:
		return listener && !sock_is_unix(s);
	case KEY_OF_WAITERS:
		return listener && !sock_is_unix(s) && s->accept;
	case KEY_OF_SERVER:
		return is_server(s);
	case KEY_OF_UNACCEPTED:
		return sock_awaits_accept(s);
	case KEY_ITS_OWN:
		break;
	}
	return false;
}

static void json_row(struct view *v, const struct sock *s)
{
	struct json_view *jv = (struct json_view *)v;
	struct json j = json_on(&v->out->b);
	size_t i;

	json_begin_object(&j, "socket");
	put_core(&j, s);
	if (is_server(s))
		put_server(&j, s);
	if (sock_is_listener(s))
		put_listener(&j, s);
	else if (sock_awaits_accept(s))
		put_unaccepted(&j, s);
	for (i = 0; i < jv->n; i++)
		if (!has_key(s, jv->extra[i].state_key))
			put_field(&j, jv->extra[i].field, jv->extra[i].key, s);
	json_end_object(&j);
}

static char *key_of(const struct field *f)
{
	struct buf b = { 0 };

	if (f->json)
		return xstrdup(f->json);
	buf_printf(&b, "%s%s", f->name, unit_suffix(f->unit));
	buf_cstr(&b);
	return b.data;
}

struct view *view_json_new(const struct view_options *opt, struct out *out)
{
	static const struct view_ops ops = { json_row, json_end_rows, json_end,
					     json_free };
	struct json_view *jv = xcalloc(1, sizeof(*jv) +
						  opt->n_columns * sizeof(jv->extra[0]));
	size_t i;

	jv->view = (struct view){ &ops, *opt, out };
	for (i = 0; i < opt->n_columns; i++) {
		const struct field *f = opt->columns[i];

		if ((f->flags & FIELD_CORE) ||
		    ((f->flags & FIELD_NO_JSON) && f->unit != UNIT_TIME))
			continue;
		jv->extra[jv->n].state_key = state_key(f);
		jv->extra[jv->n].field = f;
		jv->extra[jv->n++].key = key_of(f);
	}
	return &jv->view;
}
