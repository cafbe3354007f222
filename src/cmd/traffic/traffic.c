#include "cmd/traffic/traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/traffic/endpoint_members.h"
#include "model/origin.h"
#include "view/view_bytes.h"

const char *const traffic_forms[] = { "text", "hex", NULL };
const char *const traffic_frames[] = { "json", "length", NULL };

struct traffic_conn {
	uint64_t id;
	struct endpoint peer;
	uint64_t carried[2]; /* received, sent */
};

/* --- connections --- */

static struct traffic_conn *find(struct traffic *t, uint64_t id)
{
	uint32_t hash = hash_u64(&t->index, id), step = 0;
	size_t at;

	while ((at = hash_index_next(&t->index, hash, &step)) != SIZE_MAX)
		if (t->conns[at].id == id)
			return &t->conns[at];
	return NULL;
}

static void add(struct traffic *t, uint64_t id, const struct endpoint *peer)
{
	/* Of a relayed peer the target is there, too. */
	if (find(t, id))
		return;
	t->conns = array_grow(t->conns, t->n, &t->cap, sizeof(*t->conns));
	t->conns[t->n] = (struct traffic_conn){ .id = id, .peer = *peer };
	hash_index_add(&t->index, hash_u64(&t->index, id), t->n++);
}

/* The last one takes its place. */
static void drop(struct traffic *t, struct traffic_conn *c)
{
	size_t at = (size_t)(c - t->conns), last = t->n - 1;

	hash_index_remove(&t->index, hash_u64(&t->index, c->id), at);
	if (at != last) {
		uint32_t hash = hash_u64(&t->index, t->conns[last].id);

		hash_index_remove(&t->index, hash, last);
		t->conns[at] = t->conns[last];
		hash_index_add(&t->index, hash, at);
	}
	t->n--;
}

void traffic_follow(struct traffic *t, const struct net_event *e)
{
	struct traffic_conn *c;

	if (e->kind == NET_ACCEPTED || e->kind == NET_CONNECTED)
		add(t, e->id, e->peer);
	else if (e->kind == NET_CLOSED && (c = find(t, e->id)))
		drop(t, c);
}

void traffic_free(struct traffic *t)
{
	free(take_ptr(&t->conns));
	hash_index_free(&t->index);
}

/* --- what passes --- */

/* Of a datagram the sender or the receiver stands beside it; NULL: it has no name. */
static const struct endpoint *peer_of(const struct traffic_conn *c,
				      const struct net_event *e)
{
	const struct endpoint *peer = e->peer ? e->peer : c ? &c->peer : NULL;

	bool unnamed = peer && peer->family == AF_UNIX &&
		       peer->len <= sizeof(peer->ss.ss_family);

	return peer && peer->len && !unnamed ? peer : NULL;
}

static void put_text(const struct traffic *t, struct buf *b, const struct net_event *e,
		     const struct endpoint *peer, uint64_t offset)
{
	const struct net_traffic *n = e->traffic;

	buf_puts(b, n->sent ? "> " : "< ");
	origin_put_time(b, clock_wall_us());
	if (e->id)
		buf_printf(b, " %llu", (unsigned long long)e->id);
	buf_putc(b, ' ');
	if (peer)
		endpoint_put(b, peer);
	else
		buf_puts(b, "unnamed");
	buf_printf(b, " %zu byte%s", n->whole, n->whole == 1 ? "" : "s");
	if (n->whole > n->len)
		buf_printf(b, ", %zu of them lost", n->whole - n->len);
	buf_putc(b, '\n');
	if (t->form == TRAFFIC_HEX)
		view_bytes_hex(b, offset, n->data, n->len);
	else
		view_bytes_text(b, n->data, n->len);
}

static void put_json(struct buf *b, const struct net_event *e,
		     const struct endpoint *peer, uint64_t offset, enum traffic_form form)
{
	const struct net_traffic *n = e->traffic;
	_cleanup_buf_ struct buf time = { 0 };
	struct json j = json_on(b);

	origin_put_time(&time, clock_wall_us());
	json_begin_object(&j, n->datagram ? "datagram" : "data");
	json_member_str(&j, "time", buf_cstr(&time));
	if (e->id)
		json_member_u64(&j, "id", e->id);
	json_member_str(&j, "direction", n->sent ? "sent" : "received");
	if (peer)
		endpoint_members(&j, "peer", peer);
	json_member_u64(&j, "size_bytes", n->whole);
	if (n->datagram)
		json_member_bool(&j, "truncated", n->whole > n->len);
	else
		json_member_u64(&j, "offset_bytes", offset);
	if (form == TRAFFIC_HEX) {
		json_key(&j, "data_hex");
		buf_putc(b, '"');
		buf_put_hex_bytes(b, n->data, n->len);
		buf_putc(b, '"');
		j.comma = true;
	} else if (form == TRAFFIC_TEXT) {
		json_member_bytes(&j, "data", n->data, n->len);
	}
	json_end_object(&j);
}

void traffic_put(struct traffic *t, struct buf *b, const struct net_event *e,
		 bool with_bytes)
{
	const struct net_traffic *n = e->traffic;
	struct traffic_conn *c = n->datagram ? NULL : find(t, e->id);
	const struct endpoint *peer = peer_of(c, e);
	uint64_t offset = c ? c->carried[n->sent] : 0;

	if (t->json)
		put_json(b, e, peer, offset, with_bytes ? t->form : TRAFFIC_UNSEEN);
	else
		put_text(t, b, e, peer, offset);
	if (c)
		c->carried[n->sent] += n->len;
}

void traffic_put_record(struct traffic *t, struct buf *b, const struct net_event *e)
{
	const struct endpoint *peer = peer_of(e->peer ? NULL : find(t, e->id), e);
	const struct net_traffic *n = e->traffic;

	if (t->frame == TRAFFIC_JSON_LINE) {
		put_json(b, e, peer, 0, TRAFFIC_TEXT);
		return;
	}
	buf_printf(b, "%zu", n->len);
	if (peer) {
		buf_putc(b, ' ');
		endpoint_put(b, peer);
	}
	buf_putc(b, '\n');
	buf_put(b, n->data, n->len);
	buf_putc(b, '\n');
}

int traffic_open(const char *path, struct fault *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);

	if (fd < 0)
		return fault(f, errno, "open '%s' (--dump-file)", path);
	/* A pipe that nobody reads shall not block us. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}
