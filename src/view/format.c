#include "view/format.h"

#include "base/digits.h"
#include "model/names.h"

bool format_is_number(enum unit unit)
{
	switch (unit) {
	case UNIT_COUNT:
	case UNIT_BYTES:
	case UNIT_US:
	case UNIT_MS:
	case UNIT_RATE:
	case UNIT_BOOL:
	case UNIT_PORT:
	case UNIT_COOKIE:
	case UNIT_HEX:
	case UNIT_RATIO:
		return true;
	case UNIT_TEXT:
	case UNIT_DUMP:
	case UNIT_STATE:
	case UNIT_IP:
	case UNIT_ENDPOINT:
	case UNIT_QUEUE:
	case UNIT_PROCESS:
	case UNIT_TIME:
	case UNIT_UNITS:
		break;
	}
	return false;
}

/* v thousandths with three decimals. */
static inline char *thousandths(char *end, uint64_t v)
{
	unsigned rest = (unsigned)(v % 1000);

	end -= 4;
	end[0] = '.';
	end[1] = (char)('0' + rest / 100);
	memcpy(end + 2, digit_pairs + rest % 100 * 2, 2);
	return digits_before(end, v / 1000);
}

static char *hex(char *end, uint64_t v)
{
	do {
		*--end = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	*--end = 'x';
	*--end = '0';
	return end;
}

static char *rate(char *end, uint64_t v)
{
	static const char letters[] = " kMGTP";
	uint64_t rest = 0;
	unsigned i = 0;

	end = memcpy(end - 3, "B/s", 3);
	while (v >= 1000 && i + 2 < sizeof(letters)) {
		rest = v % 1000;
		v /= 1000;
		i++;
	}
	if (i) {
		*--end = letters[i];
		*--end = (char)('0' + rest / 100);
		*--end = '.';
	}
	return digits_before(end, v);
}

static char *word(char *end, const char *w)
{
	size_t len = strlen(w);

	return memcpy(end - len, w, len);
}

char *format_number(char *end, enum unit unit, uint64_t value)
{
	switch (unit) {
	case UNIT_US:
		return thousandths(memcpy(end - 2, "ms", 2), value);
	case UNIT_MS:
		end[-1] = 's';
		return thousandths(end - 1, value);
	case UNIT_RATIO:
		return thousandths(end, value);
	case UNIT_RATE:
		return rate(end, value);
	case UNIT_BOOL:
		return word(end, value ? "yes" : "no");
	case UNIT_COOKIE:
	case UNIT_HEX:
		return hex(end, value);
	case UNIT_COUNT:
	case UNIT_BYTES:
	case UNIT_PORT:
	case UNIT_TEXT:
	case UNIT_DUMP:
	case UNIT_STATE:
	case UNIT_IP:
	case UNIT_ENDPOINT:
	case UNIT_QUEUE:
	case UNIT_PROCESS:
	case UNIT_TIME:
	case UNIT_UNITS:
		break;
	}
	return digits_before(end, value);
}

static void put_program(struct buf *b, const struct holder *h)
{
	buf_put_escaped(b, h->command, strlen(h->command));
	buf_putc(b, '[');
	buf_put_u64(b, (uint64_t)h->pid);
	buf_putc(b, ']');
}

/* "java[812] fd 12,40; nginx[7] fd 3"; nothing for NULL. */
static void put_holders(struct buf *b, const struct holder *h)
{
	const struct holder *last = NULL;

	for (; h; last = h, h = h->next) {
		if (last && last->pid == h->pid) {
			buf_putc(b, ',');
			buf_put_u64(b, (uint64_t)h->fd);
			continue;
		}
		if (last)
			buf_puts(b, "; ");
		put_program(b, h);
		buf_puts(b, " fd ");
		buf_put_u64(b, (uint64_t)h->fd);
	}
}

void format_programs(struct buf *b, const struct holder *h)
{
	const struct holder *last = NULL;

	for (; h; last = h, h = h->next) {
		if (last && last->pid == h->pid)
			continue;
		if (last)
			buf_puts(b, "; ");
		put_program(b, h);
	}
}

static void put_unix_end(struct buf *b, const struct blob *path, uint32_t inode)
{
	if (path->len) {
		sock_put_path(b, path);
	} else if (inode) {
		buf_putc(b, '#');
		buf_put_u64(b, inode);
	} else {
		buf_putc(b, '-');
	}
}

static void put_local(struct buf *b, const struct sock *s)
{
	if (sock_is_unix(s)) {
		put_unix_end(b, &s->path, s->inode);
		if (s->has & SOCK_MAY_BE_FORGED)
			buf_puts(b, " (may be forged)");
		return;
	}
	addr_put(b, &s->local);
}

static void put_peer(struct buf *b, const struct sock *s)
{
	if (sock_is_unix(s))
		put_unix_end(b, &s->peer_path, s->peer_inode);
	else if (LIKELY(s->peer.port || !addr_is_any(&s->peer)))
		addr_put(b, &s->peer);
	else
		buf_putc(b, '*');
}

static void put_endpoint(struct buf *b, const struct field *f, const struct sock *s)
{
	struct value v;

	/* The two columns of every row, without a detour through a value. */
	if (f->get == NULL)
		return;
	if (streq(f->name, "local"))
		put_local(b, s);
	else if (streq(f->name, "peer"))
		put_peer(b, s);
	else if (f->get(s, 0, &v))
		addr_put(b, v.addr);
	else if (s->listener && s->listener->members > 1)
		buf_printf(b, "one of %u", s->listener->members);
	else
		buf_putc(b, '-');
}

static void put_bar(struct buf *b, uint64_t queued, uint64_t capacity, bool ascii)
{
	enum { CELLS = 10 };
	uint64_t filled = MIN(queued * CELLS / capacity, (uint64_t)CELLS), i;

	if (queued && !filled)
		filled = 1;
	for (i = 0; i < CELLS; i++)
		buf_puts(b, i < filled ? (ascii ? "#" : "█") : (ascii ? "." : "░"));
}

static void put_queue(struct buf *b, const struct sock *s, bool ascii)
{
	if (sock_is_listener(s) && (s->has & SOCK_HAS_QUEUES)) {
		if (!(s->has & SOCK_HAS_LIMIT)) {
			buf_printf(b, "%u/?", s->recv_queue);
			return;
		}
		if (!b->words) {
			put_bar(b, s->recv_queue, accept_queue_capacity(s->send_queue),
				ascii);
			buf_puts(b, "  ");
		}
		buf_put_u64(b, s->recv_queue);
		buf_putc(b, '/');
		buf_put_u64(b, s->send_queue);
		if (sock_is_queue_full(s))
			buf_puts(b, " FULL");
	} else if (sock_awaits_accept(s)) {
		buf_puts(b, "in queue");
		if (s->listener && s->listener->members == 1 &&
		    !addr_same_ip(&s->listener->addr, &s->local)) {
			buf_puts(b, " of ");
			addr_put(b, &s->listener->addr);
		}
	} else {
		buf_putc(b, '-');
	}
}

static void put_process(struct buf *b, const struct field *f, const struct sock *s)
{
	const struct holder *h = streq(f->name, "process") ? s->holders : s->peer_holders;
	struct value unit;

	if (h) {
		put_holders(b, h);
		return;
	}
	if (h != s->holders) {
		buf_putc(b, '-');
		return;
	}
	if (s->owner_status == OWNER_NONE && sock_is_unaccepted(s)) {
		buf_puts(b, "(not accepted)");
		return;
	}
	buf_puts(b, owner_words(s->owner_status)->cell);
	if (s->owner_status <= OWNER_NONE)
		return;
	if (field_value(field_find("unit", 4), s, &unit)) {
		buf_puts(b, "; unit ");
		buf_put_escaped(b, unit.text, unit.len);
	} else if (s->cgroup) {
		buf_puts(b, "; cgroup ");
		buf_put_escaped(b, s->cgroup, strlen(s->cgroup));
	}
	buf_putc(b, ')');
}

static void put_time(struct buf *b, const struct field *f, const struct sock *s,
		     bool ascii)
{
	struct value v;

	if (!f->get(s, 0, &v)) {
		buf_putc(b, '-');
		return;
	}
	if (sock_is_unaccepted(s))
		buf_puts(b, "waits ");
	else if (s->state == STATE_CLOSE_WAIT || s->state == STATE_SYN_RECV)
		buf_puts(b, ascii ? ">= " : "≥ ");
	else if (s->state == STATE_ESTABLISHED)
		buf_puts(b, "idle ");
	buf_put_duration(b, v.u);
	if (s->timer == TIMER_REMNANT)
		buf_puts(b, " left");
}

static void put_value(struct buf *b, const struct value *v, const struct field *f)
{
	char tmp[FORMAT_NUMBER_MAX], *end = tmp + sizeof(tmp), *p;

	switch (v->kind) {
	case VALUE_UINT:
		p = format_number(end, f->unit, v->u);
		buf_put(b, p, (size_t)(end - p));
		return;
	case VALUE_INT:
		p = format_number(end, f->unit, v->i < 0 ? -v->u : v->u);
		if (v->i < 0)
			*--p = '-';
		buf_put(b, p, (size_t)(end - p));
		return;
	case VALUE_TEXT:
		if (f->unit == UNIT_DUMP) {
			buf_put_hex_bytes(b, v->text, v->len);
		} else if (f->unit == UNIT_TEXT && f->group != GROUP_UNIX) {
			buf_put_escaped(b, v->text, v->len);
		} else {
			struct blob path = { v->text, v->len };

			sock_put_path(b, &path);
		}
		return;
	case VALUE_ADDR:
		addr_put_ip(b, v->addr);
		return;
	case VALUE_ABSENT:
		return;
	}
}

/* All values of a field that has several, with commas between. */
static void put_values(struct buf *b, const struct field *f, const struct sock *s,
		       const char *absent)
{
	struct value v = { .kind = VALUE_ABSENT };
	unsigned i;

	if (!field_value(f, s, &v)) {
		buf_puts(b, absent);
		return;
	}
	put_value(b, &v, f);
	if (!(f->flags & FIELD_MULTI))
		return;
	for (i = 1; f->get(s, i, &v); i++) {
		buf_putc(b, ',');
		put_value(b, &v, f);
	}
}

void format_one_word(struct buf *b, size_t from)
{
	const char *blank = b->len > from ? memchr(b->data + from, ' ', b->len - from)
					  : NULL;
	size_t to, i;

	/* Most cells are one word as they are. */
	if (LIKELY(!blank))
		return;
	to = (size_t)(blank - b->data);
	for (i = to; i < b->len; i++) {
		if (b->data[i] != ' ')
			b->data[to++] = b->data[i];
		else if (to > from && b->data[to - 1] != ';')
			b->data[to++] = ':';
	}
	b->len = to;
}

static bool is_dual_stack(const struct sock *s)
{
	return (s->has & SOCK_HAS_V6ONLY) && !s->v6only && addr_is_any(&s->local);
}

bool format_is_marked(const struct sock *s)
{
	return s->ifindex || is_dual_stack(s);
}

static void put_device(struct buf *b, const struct sock *s)
{
	buf_putc(b, '%');
	if (s->device)
		buf_put_escaped(b, s->device, strlen(s->device));
	else
		buf_printf(b, "if%u", s->ifindex);
}

void format_marked(struct buf *b, const struct sock *s)
{
	bool bracket = s->local.family == AF_INET6 && !is_dual_stack(s) &&
		       !addr_is_v4_mapped(&s->local);
	struct addr plain = addr_unmapped(&s->local);

	plain.scope = 0;
	if (bracket)
		buf_putc(b, '[');
	if (is_dual_stack(s))
		buf_putc(b, '*');
	else
		addr_put_ip(b, &plain);
	if (s->ifindex)
		put_device(b, s);
	if (bracket)
		buf_putc(b, ']');
	buf_reserve(b, ADDR_WRITE_MAX);
	b->len = (size_t)(addr_write_port(b->data + b->len, s->local.port) - b->data);
}

static void put_cell(struct buf *b, const struct field *f, const struct sock *s,
		     bool ascii)
{
	switch ((enum unit)f->unit) {
	case UNIT_STATE:
		buf_puts(b, sock_state_text(s));
		return;
	case UNIT_ENDPOINT:
		put_endpoint(b, f, s);
		return;
	case UNIT_QUEUE:
		put_queue(b, s, ascii);
		return;
	case UNIT_PROCESS:
		put_process(b, f, s);
		return;
	case UNIT_TIME:
		put_time(b, f, s, ascii);
		return;
	case UNIT_TEXT:
		put_values(b, f, s,
			   (f->flags & FIELD_SAYS_UNKNOWN) && field_is_lacking(f, s)
				   ? "unknown"
				   : "-");
		return;
	case UNIT_COUNT:
	case UNIT_BYTES:
	case UNIT_US:
	case UNIT_MS:
	case UNIT_RATE:
	case UNIT_BOOL:
	case UNIT_PORT:
	case UNIT_IP:
	case UNIT_COOKIE:
	case UNIT_HEX:
	case UNIT_RATIO:
	case UNIT_DUMP:
	case UNIT_UNITS:
		break;
	}
	put_values(b, f, s, "-");
}

void format_cell(struct buf *b, const struct field *f, const struct sock *s, bool ascii)
{
	size_t from = b->len;

	put_cell(b, f, s, ascii);
	/* All blanks that are left are ours. */
	if (b->words)
		format_one_word(b, from);
}

void format_raw(struct buf *b, const struct field *f, const struct sock *s)
{
	struct value v;

	switch ((enum unit)f->unit) {
	case UNIT_STATE:
		buf_puts(b, state_name(s->state));
		return;
	case UNIT_ENDPOINT:
		if (f->get(s, 0, &v))
			put_endpoint(b, f, s);
		return;
	case UNIT_QUEUE:
		if (sock_is_listener(s) && (s->has & SOCK_HAS_LIMIT))
			buf_printf(b, "%u/%u", s->recv_queue, s->send_queue);
		else if (sock_awaits_accept(s))
			buf_puts(b, "unaccepted");
		return;
	case UNIT_PROCESS:
		put_holders(b, streq(f->name, "process") ? s->holders : s->peer_holders);
		return;
	case UNIT_COUNT:
	case UNIT_BYTES:
	case UNIT_US:
	case UNIT_MS:
	case UNIT_RATE:
	case UNIT_PORT:
	case UNIT_RATIO:
	case UNIT_TIME: {
		struct field plain = *f;

		plain.unit = UNIT_COUNT;
		put_values(b, &plain, s, "");
		return;
	}
	case UNIT_BOOL:
	case UNIT_TEXT:
	case UNIT_IP:
	case UNIT_COOKIE:
	case UNIT_HEX:
	case UNIT_DUMP:
	case UNIT_UNITS:
		break;
	}
	put_values(b, f, s, "");
}
