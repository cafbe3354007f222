#include "net/relay/framed.h"

#include <errno.h>

/* 0 when all of it is written, or -errno. */
static int write_begun(struct framed *all, struct stream *out)
{
	while (all->at < all->text.len) {
		ssize_t n = stream_write(out, all->text.data + all->at,
					 all->text.len - all->at);

		if (n <= 0)
			return n ? (int)n : -EAGAIN;
		all->at += (size_t)n;
	}
	buf_reset(&all->text);
	all->at = 0;
	all->owner = NULL;
	return 0;
}

/* Nothing of a record is taken before all of it is written: the flow comes again with it.
 */
ssize_t framed_put(struct flow *f, const char *data, size_t len)
{
	const struct conn *c = f->owner;
	struct session *s = c->owner;
	struct framed *all = &s->framed;
	const struct net_traffic t = {
		.data = data, .len = len, .whole = len, .datagram = true
	};
	int r;

	if (all->owner && all->owner != c)
		return -EAGAIN;
	if (!all->owner) {
		r = write_begun(all, f->stream);
		if (r < 0)
			return r;
		s->ops.frame(s->ops.ctx, &all->text,
			     &(struct net_event){
				     .kind = NET_TRAFFIC, .id = c->id, .traffic = &t });
		all->owner = c;
	}
	r = write_begun(all, f->stream);
	return r < 0 ? r : (ssize_t)len;
}

void framed_leave(struct framed *all, const struct conn *c)
{
	if (all->owner != c)
		return;
	all->owner = NULL;
	if (!c->out_file)
		return;
	/* A file of its own, which could not be written to. */
	buf_reset(&all->text);
	all->at = 0;
}

void framed_end(struct framed *all, struct stream *out)
{
	if (all->text.len)
		write_begun(all, out);
	buf_free(&all->text);
}
