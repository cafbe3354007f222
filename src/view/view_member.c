#include "view/view_member.h"

void view_member_ip(struct json *j, const char *key, const struct addr *a)
{
	_cleanup_buf_ struct buf text = { 0 };

	json_key(j, key);
	if (UNLIKELY(a->scope)) {
		/* The name of an interface may have quotes and backslashes in it. */
		addr_put_ip(&text, a);
		json_bytes(j, text.data, text.len);
		return;
	}
	j->comma = true;
	buf_putc(j->b, '"');
	addr_put_ip(j->b, a);
	buf_putc(j->b, '"');
}

void view_member_end(struct json *j, const char *addr_key, const char *port_key,
		     const struct addr *a)
{
	view_member_ip(j, addr_key, a);
	json_member_u64(j, port_key, a->port);
}

void view_member_holders(struct json *j, const char *key, const struct holder *h)
{
	json_key(j, key);
	json_open(j, '[');
	for (; h; h = h->next) {
		json_open(j, '{');
		json_member_u64(j, "pid", (uint64_t)h->pid);
		if (h->unnamed)
			json_member_null(j, "command");
		else
			json_member_text(j, "command", h->command);
		json_member_known(j, "fd", (uint64_t)h->fd, h->fd >= 0);
		json_close(j, '}');
	}
	json_close(j, ']');
}
