#include "cmd/probe/scans.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "cmd/probe/report.h"
#include "cmd/probe/scanning.h"
#include "cmd/probe/targets.h"
#include "net/scan/scan_engine.h"

enum {
	DESCRIPTORS_KEPT = 64,
	DESCRIPTORS_A_JOB = 2,
	WINDOW_MOST = 65535,
	WINDOW_LEAST = 32,   /* of each, where the descriptors are few */
	HELD_MOST = 8 << 20, /* bytes of text that wait for their turn */
	AHEAD_MOST = 1024,   /* places between the one that is told and the last begun */
};

/* An address, or a name without one. */
struct place {
	const struct probe_turn *t;
	const struct endpoint *to; /* NULL = it has none */
	struct addr addr;
	bool near; /* a UDP scan of this host's own address */
	bool begun;
	struct scanning *g; /* begun, and not told to the end */
};

struct scans {
	struct probe_run *run;
	struct place *v;
	size_t n, cap;
	size_t head;   /* is told now; those before it are */
	size_t next;   /* all before it have begun */
	size_t beyond; /* none from here on has */
	size_t begun, running;
	uint64_t window, side; /* connections of all together; scans at once */
	size_t held;
	struct timer turn, progress;
	uint64_t started_us, ports, told, open;
	struct buf said, last_error;
};

/* --- what there is --- */

static void add_place(struct scans *k, const struct probe_turn *t,
		      const struct endpoint *to)
{
	const struct scan_ops *ops;
	struct place *p;

	k->v = array_grow(k->v, k->n, &k->cap, sizeof(*k->v));
	p = &k->v[k->n++];
	*p = (struct place){ .t = t, .to = to };
	if (!to)
		return;
	ops = scan_engine(to, k->run->c->syn);
	k->side = MIN(k->side, ops->side_by_side);
	k->ports += probe_target_ports(t->target);
	if (endpoint_addr(to, &p->addr))
		p->addr = addr_unmapped(&p->addr);
	p->near = to->proto == TARGET_UDP && endpoint_is_local(to);
}

/* As many descriptors as there may be; root may raise its own limit. */
static uint64_t most_in_flight(const struct probe_config *c)
{
	struct rlimit rl,
		more = { WINDOW_MOST + DESCRIPTORS_KEPT, WINDOW_MOST + DESCRIPTORS_KEPT };
	uint64_t window;

	getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < more.rlim_cur && setrlimit(RLIMIT_NOFILE, &more) == 0)
		rl = more;
	window = rl.rlim_cur > 2 * DESCRIPTORS_KEPT ? rl.rlim_cur - DESCRIPTORS_KEPT
						    : DESCRIPTORS_KEPT;
	window = MIN(window, (uint64_t)WINDOW_MOST);
	return c->parallel == PROBE_UNSET ? window : MIN(window, c->parallel);
}

static void scans_turn(struct loop *l, struct timer *t);
static void progress_due(struct loop *l, struct timer *t);

struct scans *scans_new(struct probe_run *run)
{
	struct scans *k = xcalloc(1, sizeof(*k));
	size_t i, a, n;

	k->run = run;
	k->side = UINT64_MAX;
	k->turn.fn = scans_turn;
	k->progress.fn = progress_due;
	if (!run->n_turns)
		return k;
	probe_look_up(run);
	for (i = 0; i < run->n_turns; i++) {
		const struct probe_turn *t = &run->turns[i];

		n = run->c->all_addresses ? t->list.n : MIN(t->list.n, (size_t)1);
		for (a = 0; a < n; a++)
			add_place(k, t, &t->list.v[a]);
		if (t->err < 0)
			add_place(k, t, NULL);
	}
	k->window = most_in_flight(run->c);
	k->side = MIN(k->side, MAX(k->window / WINDOW_LEAST, (uint64_t)1));
	if (run->c->rate)
		k->side = MIN(k->side, run->c->rate);
	return k;
}

bool scans_left(const struct scans *k)
{
	return k->head < k->n;
}

/* --- one is told after the other --- */

static void hold_back(struct scans *k)
{
	bool full = k->held > HELD_MOST;
	size_t i;

	for (i = k->head; i < k->beyond; i++)
		if (k->v[i].g && k->v[i].g->scan)
			k->v[i].g->scan->paused = full && i > k->head;
}

static void put_text(struct scans *k, struct scanning *g)
{
	buf_put(&k->run->report->out.b, g->text.data, g->text.len);
	buf_reset(&g->text);
}

/* What the one whose turn it is has to tell. */
static void write_text(struct scans *k, struct scanning *g)
{
	if (!g->text.len)
		return;
	progress_clear(&k->run->progress);
	put_text(k, g);
	out_flush(&k->run->report->out);
}

static void port_found(struct scan *s, const struct probe_result *r)
{
	struct scanning *g = s->owner;
	struct scans *k = g->owner;
	size_t before = g->text.len;

	scanning_put_port(g, r);
	if (k->v[k->head].g == g) {
		write_text(k, g);
		return;
	}
	k->held += g->text.len - before;
	if (k->held > HELD_MOST && !s->paused)
		hold_back(k);
}

/* The exit code alone would not say what to do. */
static void say_unasked(struct scans *k, const struct scanning *g, enum verdict v)
{
	if (k->run->report->quiet && v == VERDICT_CANNOT && !k->run->signo)
		unasked_say(&k->said, k->run->cmd, &g->unasked, &g->to);
}

/* It ends here, of itself or by a signal. */
static void settle(struct scans *k, struct scanning *g)
{
	size_t before = g->text.len;
	enum verdict v;

	g->totals = g->scan->totals;
	if (!g->over)
		g->totals.took_us = clock_us() - g->totals.started_us;
	g->over = true;
	scan_stop(g->scan);
	scan_free(take_ptr(&g->scan));
	k->running--;
	k->told += g->totals.ports;
	k->open += g->totals.counts[OUTCOME_OPEN];
	v = scanning_put_totals(g);
	say_unasked(k, g, v);
	k->run->scans_verdict = MAX(k->run->scans_verdict, v);
	unasked_free(&g->unasked);
	if (k->v[k->head].g != g)
		k->held += g->text.len - before;
}

static void tell(struct scans *k)
{
	while (k->head < k->n && k->v[k->head].g) {
		struct scanning *g = k->v[k->head].g;

		write_text(k, g);
		if (!g->over)
			break;
		scanning_free(take_ptr(&k->v[k->head].g));
		k->head++;
		if (k->head < k->n && k->v[k->head].g)
			k->held -= k->v[k->head].g->text.len;
	}
	hold_back(k);
}

static void scans_turn(struct loop *l, struct timer *t)
{
	struct scans *k = LOOP_OWNER(t, struct scans, turn);
	size_t i;

	for (i = k->head; i < k->beyond; i++)
		if (k->v[i].g && k->v[i].g->scan && k->v[i].g->over)
			settle(k, k->v[i].g);
	tell(k);
	scans_start(k);
	if (!scans_left(k) && !k->run->left)
		loop_stop(l);
}

/* Called by the scan itself, which is not to be freed in there. */
static void scan_is_over(struct scan *s)
{
	struct scanning *g = s->owner;
	struct scans *k = g->owner;

	g->over = true;
	timer_set(s->l, &k->turn, loop_now(s->l));
}

/* --- many begin --- */

/* No host is asked faster because its address is there twice. UDP scans of this host
 * would find each other's sockets. */
static bool clash(const struct place *a, const struct place *b)
{
	return (a->near && b->near) ||
	       (a->addr.family && addr_same_ip(&a->addr, &b->addr) &&
		a->addr.scope == b->addr.scope);
}

static bool may_begin(const struct scans *k, const struct place *p)
{
	size_t i;

	for (i = k->head; i < k->beyond; i++)
		if (k->v[i].g && k->v[i].g->scan && clash(&k->v[i], p))
			return false;
	return true;
}

/* k->n = none. */
static size_t next_place(struct scans *k)
{
	size_t i, end = MIN(k->n, k->head + AHEAD_MOST);

	while (k->next < k->n && k->v[k->next].begun)
		k->next++;
	for (i = k->next; i < end; i++)
		if (!k->v[i].begun && may_begin(k, &k->v[i]))
			return i;
	return k->n;
}

/* An option or a source that is refused is so for each; it is said once. */
static void say_refused(struct scans *k, const struct fault *f)
{
	_cleanup_buf_ struct buf b = { 0 };

	cmd_put_error(&b, k->run->cmd, f);
	if (b.len == k->last_error.len && memcmp(b.data, k->last_error.data, b.len) == 0)
		return;
	buf_put(&k->said, b.data, b.len);
	buf_reset(&k->last_error);
	buf_put(&k->last_error, b.data, b.len);
}

static void start_scan(struct scans *k, struct scanning *g, const struct scan_ops *ops)
{
	struct fault f = FAULT_INIT;

	g->scan = scan_new(ops, &k->run->l, &g->to, &g->t->target->ports, &g->how);
	g->scan->found = port_found;
	g->scan->over = scan_is_over;
	g->scan->owner = g;
	if (scan_start(g->scan, &f) == 0) {
		k->running++;
		return;
	}
	scan_stop(g->scan);
	scan_free(take_ptr(&g->scan));
	g->over = true;
	say_refused(k, &f);
	k->run->scans_verdict = VERDICT_CANNOT;
}

static uint64_t at_once(const struct scans *k)
{
	return MIN(k->side, MAX(k->running + (k->n - k->begun), (uint64_t)1));
}

static void begin(struct scans *k, struct place *p)
{
	static const struct endpoint none = { 0 };
	struct scanning *g = p->g = xcalloc(1, sizeof(*g));
	const struct scan_ops *ops;
	enum verdict v;

	p->begun = true;
	k->begun++;
	k->beyond = MAX(k->beyond, (size_t)(p - k->v) + 1);
	ops = scan_engine(p->to ? p->to : &none, k->run->c->syn);
	scanning_init(g, k->run, p->t, p->to ? p->to : &none, ops);
	g->owner = k;
	if (p->to) {
		g->how.share = at_once(k);
		start_scan(k, g, ops);
		return;
	}
	v = scanning_put_nameless(g, &k->said);
	k->run->scans_verdict = MAX(k->run->scans_verdict, v);
	g->over = true;
	if (k->v[k->head].g != g)
		k->held += g->text.len;
}

static uint64_t room(const struct scans *k)
{
	uint64_t jobs = k->run->in_flight;

	/* --parallel counts what is asked, not descriptors. */
	if (k->run->c->parallel == PROBE_UNSET)
		jobs *= DESCRIPTORS_A_JOB;
	return k->window > jobs ? k->window - jobs : 0;
}

/* The fewer there are left, the more has each of them: no share ever shrinks. */
static void share_out(struct scans *k)
{
	uint64_t n = at_once(k), rate = k->run->c->rate;
	size_t i;

	for (i = k->head; i < k->beyond; i++) {
		struct scanning *g = k->v[i].g;

		if (!g || !g->scan)
			continue;
		g->how.share = n;
		g->how.window = MAX(room(k) / n, (uint64_t)1);
		g->how.rate = rate ? MAX(rate / n, (uint64_t)1) : 0;
	}
}

void scans_start(struct scans *k)
{
	struct loop *l = &k->run->l;

	if (!scans_left(k))
		return;
	if (!k->started_us) {
		k->started_us = clock_us();
		if (k->run->progress.wanted)
			timer_set(l, &k->progress, k->started_us + PROGRESS_EVERY_US);
	}
	while (k->running < MIN(k->side, room(k)) && k->held <= HELD_MOST) {
		size_t i = next_place(k);

		if (i == k->n)
			break;
		begin(k, &k->v[i]);
		if (k->v[i].g->over)
			timer_set(l, &k->turn, loop_now(l));
	}
	share_out(k);
}

/* --- how far it is --- */

static void progress_due(struct loop *l, struct timer *t)
{
	struct scans *k = LOOP_OWNER(t, struct scans, progress);
	uint64_t now = clock_us(), took = now - k->started_us;
	uint64_t done = k->told, open = k->open;
	size_t i;

	for (i = k->head; i < k->beyond; i++)
		if (k->v[i].g && k->v[i].g->scan) {
			done += k->v[i].g->scan->totals.done;
			open += k->v[i].g->scan->totals.counts[OUTCOME_OPEN];
		}
	if (took > PROGRESS_AFTER_US && done) {
		_cleanup_buf_ struct buf b = { 0 };

		if (k->n == 1)
			buf_put_escaped(&b, k->v->t->text, strlen(k->v->t->text));
		else
			buf_printf(&b, "%zu of %zu addresses", k->begun - k->running,
				   k->n);
		buf_printf(&b, ": %llu of %llu ports, %llu open, %.0f s left",
			   (unsigned long long)done, (unsigned long long)k->ports,
			   (unsigned long long)open,
			   (double)took / 1e6 * (double)(k->ports - MIN(done, k->ports)) /
				   (double)done);
		progress_show(&k->run->progress, &b);
	}
	timer_set(l, t, now + PROGRESS_EVERY_US);
}

void scans_end(struct scans *k, struct buf *said)
{
	size_t i;

	for (i = k->head; i < k->beyond; i++) {
		struct scanning *g = k->v[i].g;

		if (!g)
			continue;
		if (g->scan)
			settle(k, g);
		/* Not written yet: a signal that ended the loop would not end that. */
		put_text(k, g);
		scanning_free(take_ptr(&k->v[i].g));
	}
	buf_put(said, k->said.data, k->said.len);
}

void scans_free(struct scans *k)
{
	buf_free(&k->said);
	buf_free(&k->last_error);
	free(k->v);
	free(k);
}
