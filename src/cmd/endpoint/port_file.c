#include "cmd/endpoint/port_file.h"

#include <errno.h>

int port_file_open(struct out *o, const char *path, struct fault *f)
{
	out_init(o, -1);
	return path ? out_open(o, path, f) : 0;
}

/* As connect takes it: a path as it is, if a line can hold it. */
static int put_as_operand(struct buf *b, const struct endpoint *local, struct fault *f)
{
	_cleanup_buf_ struct buf raw = { 0 }, safe = { 0 };

	if (!endpoint_raw_path(&raw, local)) {
		endpoint_put(b, local);
		return 0;
	}
	buf_put_harmless(&safe, raw.data, raw.len);
	if (safe.len != raw.len) {
		fault_say(f, EINVAL, "--port-file: a line cannot hold the path '%s'",
			  buf_cstr(&safe));
		fault_hint(f, "choose a path without control characters");
		return -EINVAL;
	}
	buf_printf(b, "%s:", target_proto_name(local->proto));
	buf_put(b, raw.data, raw.len);
	return 0;
}

int port_file_add(struct out *o, const struct endpoint *local, struct fault *f)
{
	if (o->fd < 0)
		return 0;
	if (put_as_operand(&o->b, local, f) < 0) {
		out_discard(o);
		return -EINVAL;
	}
	buf_putc(&o->b, '\n');
	return 0;
}

int port_file_write(struct out *o, struct fault *f)
{
	return o->fd < 0 ? 0 : out_close_mine(o, f);
}
