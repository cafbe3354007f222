#include "cmd/endpoint/tell_out.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/json.h"

enum {
	LINES_MOST = 20, /* a second, of what strangers cause */
	SECOND_US = 1000000,
	WAIT_US = 1000000,	/* without a byte that goes */
	WAIT_MOST_US = 5000000, /* in all */
	DATA_MOST = 1 << 20,
	TRAFFIC_MOST = 1 << 18, /* that waits before more is told */
	AGAIN_US = 100000,
};

static void write_ready(struct loop *l, struct watch *w, uint32_t events);
static void wake_ready(struct loop *l, struct watch *w, uint32_t events);
static void tick(struct loop *l, struct timer *t);

void tell_open(struct tell_out *o, const struct command *cmd, bool json, bool all)
{
	*o = (struct tell_out){ .cmd = cmd, .json = json, .all = all, .open = true };
	o->w = (struct watch){ .fd = -1, .fn = write_ready };
	o->wake = (struct watch){ .fd = -1, .fn = wake_ready };
	o->tick.fn = tick;
	pthread_mutex_init(&o->lock, NULL);
	sink_init(&o->sink, STDERR_FILENO);
}

void tell_open_file(struct tell_out *o, const struct command *cmd, bool json, int fd)
{
	tell_open(o, cmd, json, true);
	sink_init(&o->sink, fd);
	o->file = o->sink.owned = true;
}

/* --- what is said of what was not said --- */

static void put_lost(struct tell_out *o, struct buf *b)
{
	unsigned long long n = o->lost - o->lost_told;
	struct json j = json_on(b);

	if (!o->json) {
		buf_printf(b, "sockctl %s: %llu records are lost: nobody read them\n",
			   o->cmd->name, n);
		return;
	}
	json_begin_object(&j, "note");
	json_member_str(&j, "id", "records-lost");
	json_member_u64(&j, "records", n);
	json_member_str(&j, "text", "nobody read them");
	json_end_object(&j);
}

static void tell_lost(struct tell_out *o)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (o->lost == o->lost_told || o->file)
		return;
	put_lost(o, &b);
	if (sink_waiting(&o->sink) + b.len > DATA_MOST && o->loop)
		return;
	if (sink_put(&o->sink, b.data, b.len, true))
		o->lost_told = o->lost;
}

/* Outside of the loop each message waits for its reader. */
static bool may_wait(const struct tell_out *o)
{
	return !o->loop && !o->gave_up;
}

static void tell_dropped(struct tell_out *o)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (!o->dropped)
		return;
	buf_printf(&b, "sockctl %s: %llu messages were dropped: nobody read them\n",
		   o->cmd->name, (unsigned long long)o->dropped);
	if (sink_put(&o->sink, b.data, b.len, may_wait(o)))
		o->dropped = 0;
}

static void tell_left_out(struct tell_out *o)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (!o->left_out)
		return;
	buf_printf(&b, "sockctl %s: %llu more messages within a second (-v shows all)\n",
		   o->cmd->name, (unsigned long long)o->left_out);
	if (!sink_put(&o->sink, b.data, b.len, may_wait(o)))
		o->dropped += o->left_out;
	o->left_out = 0;
}

/* --- the loop --- */

/* What wakes us next; in the thread whose loop it is. */
static void arrange_stderr(struct tell_out *o)
{
	bool blocked = sink_waiting(&o->sink) || o->dropped;
	uint64_t at = o->left_out ? o->until_us : UINT64_MAX;

	if (!o->loop)
		return;
	o->w.fd = o->sink.fd;
	if (!blocked)
		watch_remove(o->loop, &o->w);
	else if (watch_set(o->loop, &o->w, EPOLLOUT) < 0)
		at = MIN(at, clock_us() + AGAIN_US);
	if (at != UINT64_MAX)
		timer_set(o->loop, &o->tick, at);
}

static void arrange_owner(struct tell_out *o)
{
	uint64_t one = 1;

	if (!o->loop || (!sink_waiting(&o->sink) && !o->dropped && !o->left_out))
		return;
	if (pthread_equal(pthread_self(), o->owner))
		arrange_stderr(o);
	else if (write(o->wake.fd, &one, sizeof(one)) < 0)
		return; /* it is awake already */
}

static void tell_go_on(struct tell_out *o)
{
	pthread_mutex_lock(&o->lock);
	if (sink_flush(&o->sink)) {
		tell_lost(o);
		tell_dropped(o);
	}
	if (clock_us() >= o->until_us)
		tell_left_out(o);
	arrange_stderr(o);
	pthread_mutex_unlock(&o->lock);
}

static void write_ready(struct loop *l, struct watch *w, uint32_t events)
{
	(void)l;
	(void)events;
	tell_go_on(LOOP_OWNER(w, struct tell_out, w));
}

static void wake_ready(struct loop *l, struct watch *w, uint32_t events)
{
	uint64_t n;

	(void)l;
	(void)events;
	if (read(w->fd, &n, sizeof(n)) < 0)
		return;
	tell_go_on(LOOP_OWNER(w, struct tell_out, wake));
}

static void tick(struct loop *l, struct timer *t)
{
	(void)l;
	tell_go_on(LOOP_OWNER(t, struct tell_out, tick));
}

/* Once in vain is enough: whoever does not read will not read the rest. */
static void drain_stderr(struct tell_out *o)
{
	uint64_t now = clock_us(), most = WAIT_US;

	if (o->ends_us)
		most = o->ends_us > now ? o->ends_us - now : 0;
	if (!o->gave_up)
		o->gave_up = !sink_drain(&o->sink, WAIT_US, most);
}

int tell_begin(struct tell_out *o, struct loop *l, bool threaded)
{
	int r;

	if (o->beside) {
		r = tell_begin(o->beside, l, false);
		if (r < 0)
			return r;
	}
	o->owner = pthread_self();
	if (!o->file)
		sink_own(&o->sink);
	if (threaded) {
		o->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r = o->wake.fd < 0 ? -errno : watch_set(l, &o->wake, EPOLLIN);
		if (r < 0)
			return r;
	}
	o->loop = l;
	o->gave_up = false;
	return 0;
}

void tell_end(struct tell_out *o)
{
	if (o->beside)
		tell_end(o->beside);
	pthread_mutex_lock(&o->lock);
	if (o->loop) {
		watch_remove(o->loop, &o->w);
		watch_close(o->loop, &o->wake);
		timer_stop(o->loop, &o->tick);
		o->loop = NULL;
		o->ends_us = clock_us() + WAIT_MOST_US;
	}
	pthread_mutex_unlock(&o->lock);
}

void tell_settle(struct tell_out *o)
{
	sink_drain(&o->sink, WAIT_US, WAIT_US);
}

void tell_reopen(struct tell_out *o)
{
	if (o->loop)
		watch_remove(o->loop, &o->w);
	sink_free(&o->sink);
	sink_init(&o->sink, STDERR_FILENO);
	sink_own(&o->sink);
}

uint64_t tell_close(struct tell_out *o)
{
	uint64_t lost, lost_beside = o->beside ? tell_close(o->beside) : 0;

	if (!o->open)
		return 0;
	tell_end(o);
	tell_left_out(o);
	tell_dropped(o);
	if (o->last.len)
		sink_put(&o->sink, o->last.data, o->last.len, true);
	tell_lost(o);
	drain_stderr(o);
	/* What is cut off here nobody can be told. */
	lost = o->lost + (o->data_waits && sink_waiting(&o->sink));
	buf_free(&o->last);
	sink_free(&o->sink);
	pthread_mutex_destroy(&o->lock);
	o->open = false;
	return lost + lost_beside;
}

/* --- writing --- */

static unsigned count_lines(const struct buf *b)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

/* Whether this one is beyond what a second may have. */
static bool is_left_out(struct tell_out *o, const struct buf *b)
{
	uint64_t now = clock_us();

	if (o->all)
		return false;
	if (now >= o->until_us) {
		tell_left_out(o);
		o->until_us = now + SECOND_US;
		o->lines = 0;
	}
	if (o->lines >= LINES_MOST) {
		o->left_out++;
		return true;
	}
	o->lines += count_lines(b);
	return false;
}

static void keep_last(struct tell_out *o, const struct buf *b)
{
	buf_reset(&o->last);
	buf_put(&o->last, b->data, b->len);
}

static void put_data(struct tell_out *o, const struct buf *b)
{
	tell_lost(o);
	/* Nothing behind a gap before it is told. */
	if (o->lost != o->lost_told || sink_waiting(&o->sink) + b->len > DATA_MOST ||
	    o->gave_up)
		o->lost++;
	else
		sink_put(&o->sink, b->data, b->len, true);
	o->data_waits = sink_waiting(&o->sink);
}

bool tell_has_room(const struct tell_out *o)
{
	return sink_waiting(&o->sink) < TRAFFIC_MOST;
}

/* A file that could not be written to shall not have a hole. */
static void put_traffic(struct tell_out *o, const struct buf *b)
{
	tell_lost(o);
	if (o->gave_up || (o->file && o->sink.broken))
		o->lost++;
	else
		sink_put(&o->sink, b->data, b->len, true);
	o->lost += o->file && o->sink.broken;
	o->data_waits = sink_waiting(&o->sink);
}

static void put_message(struct tell_out *o, enum tell_kind kind, const struct buf *b)
{
	if (kind == TELL_STRANGER && is_left_out(o, b)) {
		keep_last(o, b);
		return;
	}
	tell_dropped(o);
	if (!o->dropped && sink_put(&o->sink, b->data, b->len, may_wait(o))) {
		buf_reset(&o->last);
		return;
	}
	o->dropped++;
	keep_last(o, b);
}

void tell_write(struct tell_out *o, enum tell_kind kind, const struct buf *b)
{
	if (!b->len)
		return;
	pthread_mutex_lock(&o->lock);
	if (kind == TELL_READY)
		sink_put(&o->sink, b->data, b->len, true);
	else if (kind == TELL_DATA)
		put_data(o, b);
	else if (kind == TELL_TRAFFIC)
		put_traffic(o, b);
	else
		put_message(o, kind, b);
	if (!o->loop)
		drain_stderr(o);
	arrange_owner(o);
	pthread_mutex_unlock(&o->lock);
}
