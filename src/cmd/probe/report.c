#include "cmd/probe/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/probe/report_json.h"
#include "view/view_advice.h"

enum { MISSING_MOST = 400 }; /* bytes: longer than any terminal is wide */

void report_begin(struct probe_report *p, const struct probe_config *c)
{
	/* stdout is that of the command, if one follows. */
	int fd = c->command ? STDERR_FILENO : STDOUT_FILENO;

	out_init(&p->out, fd);
	p->json = c->json;
	p->quiet = c->common.quiet;
	p->lines = !c->attempts || (c->common.verbose && c->attempts > 1);
	p->terminal = isatty(fd);
	p->style = term_style(term_use_colour((enum term_when)c->common.color, fd));
}

const char *report_colour(const struct probe_report *p, enum outcome o)
{
	switch (outcome_verdict(o)) {
	case VERDICT_YES:
		return p->style->good;
	case VERDICT_SILENCE:
		return p->style->warn;
	case VERDICT_NONE:
	case VERDICT_NO:
	case VERDICT_NAME:
	case VERDICT_CANNOT:
		return p->style->bad;
	}
	return "";
}

static void put_address(struct buf *b, const struct probe_result *r)
{
	if (r->peer.len)
		endpoint_put(b, &r->peer);
	else
		buf_putc(b, '-');
}

static void put_stats(struct buf *b, const struct probe_job *j)
{
	struct spread_summary sum;

	if (spread_summarise(j->rtt, &sum))
		buf_puts(b, "rtt");
	else if (spread_summarise(j->connect, &sum))
		buf_puts(b, "connect");
	else
		return;
	buf_printf(b, sum.max < 100 ? " %.3f/%.3f/%.3f ms" : " %.2f/%.2f/%.2f ms",
		   sum.min / 1e3, sum.p50 / 1e3, sum.max / 1e3);
}

/* It may quote names, banners and the kernel's tables. */
static void put_safe_reason(struct buf *b, const struct probe_result *r)
{
	_cleanup_buf_ struct buf reason = { 0 };

	probe_put_reason(&reason, r);
	buf_put_harmless(b, reason.data, reason.len);
}

void report_put_reason(struct probe_report *p, struct buf *b,
		       const struct probe_result *r)
{
	const char *colour = report_colour(p, r->outcome);

	/* Connected, but not at the first try. */
	if (r->outcome == OUTCOME_OPEN)
		colour = (r->loss != PROBE_LOSS_NONE && r->loss != PROBE_LOSS_SLOW) ||
					 r->hedges
				 ? p->style->warn
				 : "";
	buf_puts(b, colour);
	put_safe_reason(b, r);
	buf_puts(b, *colour ? p->style->reset : "");
}

void report_put_missing(struct buf *b, const struct probe_run *run)
{
	size_t i, there = 0;

	for (i = 0; i < run->n_jobs; i++)
		there += probe_job_fulfilled(&run->jobs[i]);
	buf_printf(b, ": %zu of %zu %s; ", there, run->n_jobs,
		   run->c->down ? "down" : "there");
	for (i = 0; i < run->n_jobs && b->len < MISSING_MOST; i++) {
		const struct probe_job *j = &run->jobs[i];

		if (probe_job_fulfilled(j))
			continue;
		buf_put_escaped(b, j->text, strlen(j->text));
		buf_printf(b, " %s  ",
			   j->done ? outcome_name(j->last->outcome) : "no answer yet");
	}
}

void report_put_asked(struct buf *b, const struct probe_run *run)
{
	uint64_t done = 0, open = 0;
	size_t i;

	for (i = 0; i < run->n_jobs; i++) {
		done += run->jobs[i].done;
		open += run->jobs[i].counts[OUTCOME_OPEN];
	}
	buf_printf(b, "asked %llu", (unsigned long long)done);
	if (run->c->attempts)
		buf_printf(b, " of %llu",
			   (unsigned long long)(run->n_jobs * run->c->attempts));
	buf_printf(b, ", %llu open", (unsigned long long)open);
	if (run->n_jobs != 1 || !run->jobs[0].done)
		return;
	buf_printf(b, "; now %s: ", outcome_name(run->jobs[0].last->outcome));
	put_safe_reason(b, run->jobs[0].last);
}

static void put_reason(struct probe_report *p, struct buf *b, const struct probe_job *j)
{
	size_t before = b->len;

	if (j->done > 1 && j->last->outcome == OUTCOME_OPEN)
		put_stats(b, j);
	if (b->len == before)
		report_put_reason(p, b, j->last);
	else
		probe_put_slow_name(b, j->last->name_us);
	if (j->done > 1 && j->run->c->wait_us == PROBE_UNSET) {
		buf_printf(b, "  %llu of %llu",
			   (unsigned long long)j->counts[OUTCOME_OPEN],
			   (unsigned long long)j->done);
		if (j->late)
			buf_printf(b, ", %llu after lost packets",
				   (unsigned long long)j->late);
	}
}

static void put_times(struct buf *b, const struct probe_result *r)
{
	if (r->name_us) {
		buf_puts(b, "name ");
		buf_put_time(b, r->name_us);
		buf_puts(b, ", ");
	}
	if (!r->peer.len) {
		buf_puts(b, "no address to connect to");
		return;
	}
	buf_puts(b, "connect ");
	buf_put_time(b, r->connect_us);
	if (r->first_byte_us) {
		buf_puts(b, ", first byte ");
		buf_put_time(b, r->first_byte_us);
	}
}

static void put_negotiated(struct buf *b, const struct probe_job *job)
{
	static const char *const cookies[] = {
		[FASTOPEN_UNKNOWN] = "not known",
		[FASTOPEN_NO] = "no",
		[FASTOPEN_YES] = "yes",
		[FASTOPEN_OFF] = "off here (net.ipv4.tcp_fastopen)",
	};
	const struct tcpinfo *t = &job->last->tcp;

	buf_printf(b, "mss %u (ours %u), path mtu %u, ", t->snd_mss, t->advmss, t->pmtu);
	if (t->options & TCPINFO_WSCALE)
		buf_printf(b, "window scale %u (ours %u)", t->wscale & 15,
			   t->wscale >> 4);
	else
		buf_puts(b, "no window scale");
	buf_printf(b, ", sack %s, timestamps %s, ecn %s, fast open cookie %s",
		   t->options & TCPINFO_SACK ? "yes" : "no",
		   t->options & TCPINFO_TIMESTAMPS ? "yes" : "no",
		   t->options & TCPINFO_ECN ? "yes" : "no", cookies[job->fastopen]);
	buf_printf(b, ", rtt %.3f ms, its variance %.3f ms", t->rtt / 1e3,
		   t->rttvar / 1e3);
}

/* A line for what happened just now, with the time of day. */
static void put_change(struct probe_report *p, const struct probe_job *j)
{
	struct buf *b = &p->out.b;
	time_t now = time(NULL);
	char clock[16];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	buf_printf(b, "%s%s%s  ", p->style->dim, clock, p->style->reset);
	buf_put_escaped(b, j->text, strlen(j->text));
	buf_puts(b, "  ");
	put_address(b, j->last);
	buf_printf(b, "  %s%s%s  ", report_colour(p, j->last->outcome),
		   outcome_name(j->last->outcome), p->style->reset);
	progress_clear(&j->run->progress);
	report_put_reason(p, b, j->last);
	buf_putc(b, '\n');
	out_flush(&p->out);
}

void report_attempt(struct probe_report *p, struct probe_job *j)
{
	if (p->quiet)
		return;
	if (p->json) {
		report_json_attempt(&p->out.b, j->text, j->done, j->last, j->note,
				    &j->tried);
		if (j->run->c->interval_us)
			out_flush(&p->out);
		else
			out_maybe_flush(&p->out);
	} else if (p->lines && j->changed) {
		put_change(p, j);
	}
}

struct columns {
	size_t target, address, outcome;
	bool with_address;
};

/* The address has a column of its own. */
static void put_row_name(struct buf *b, const struct probe_job *j)
{
	const char *name = j->named ? j->named : j->text;

	buf_put_escaped(b, name, strlen(name));
}

static struct columns measure(const struct probe_run *run)
{
	struct columns w = { 0 };
	size_t i;

	for (i = 0; i < run->n_jobs; i++) {
		_cleanup_buf_ struct buf b = { 0 }, name = { 0 };
		const struct probe_job *j = &run->jobs[i];

		if (!j->done)
			continue;
		put_row_name(&name, j);
		put_address(&b, j->last);
		w.target = MAX(w.target, text_width(name.data, name.len));
		w.address = MAX(w.address, text_width(b.data, b.len));
		w.outcome = MAX(w.outcome, strlen(outcome_name(j->last->outcome)));
		w.with_address |= j->target->host == TARGET_HOST_NAME ||
				  (j->target->host == TARGET_HOST_NONE &&
				   j->target->proto != TARGET_VSOCK) ||
				  j->target->host == TARGET_HOST_ANY;
	}
	return w;
}

static void put_padded(struct buf *b, const char *text, size_t len, size_t width)
{
	size_t have = text_width(text, len);

	buf_put(b, text, len);
	buf_pad(b, ' ', (width > have ? width - have : 0) + 2);
}

/* What became of the other addresses of the name. */
static void put_tried(struct buf *b, const struct probe_job *j)
{
	const char *before = j->last->outcome == OUTCOME_OPEN ? "before" : "also asked";
	size_t i;

	for (i = 0; i < j->tried.n; i++) {
		const struct tried *one = &j->tried.v[i];

		if (tried_is(one, j->last))
			continue;
		buf_printf(b, "  %s: ", before);
		addr_put(b, &one->addr);
		buf_putc(b, ' ');
		if (one->judged)
			buf_printf(b, "%s, ", outcome_name(one->outcome));
		buf_put_harmless(b, one->reason, strlen(one->reason));
		buf_putc(b, '\n');
	}
}

/* Several outcomes of one target: what may make the difference. */
static void put_mixed(struct buf *b, const struct probe_job *j)
{
	_cleanup_buf_ struct buf mixed = { 0 };

	report_put_mixed(&mixed, j);
	if (mixed.len)
		buf_printf(b, "  %s\n", buf_cstr(&mixed));
}

static void put_row(struct probe_report *p, const struct probe_job *j,
		    const struct columns *w)
{
	_cleanup_buf_ struct buf address = { 0 }, target = { 0 };
	const char *name = outcome_name(j->last->outcome);
	struct buf *b = &p->out.b;

	put_row_name(&target, j);
	put_padded(b, target.data, target.len, w->target);
	put_address(&address, j->last);
	if (w->with_address)
		put_padded(b, address.data, address.len, w->address);
	buf_puts(b, report_colour(p, j->last->outcome));
	buf_puts(b, name);
	buf_puts(b, p->style->reset);
	buf_pad(b, ' ', w->outcome - strlen(name) + 2);
	put_reason(p, b, j);
	buf_putc(b, '\n');
	put_mixed(b, j);
	if (j->note) {
		buf_puts(b, "  ");
		buf_put_harmless(b, j->note, strlen(j->note));
		buf_putc(b, '\n');
	}
	if (j->remedy)
		view_advice_text(b, "  next: ", sizeof("  next: ") - 1, j->remedy,
				 term_width(p->out.fd));
	if (j->run->c->negotiated && j->last->has_tcp &&
	    j->last->outcome == OUTCOME_OPEN) {
		buf_puts(b, "  ");
		put_negotiated(b, j);
		buf_putc(b, '\n');
	} else if (j->run->c->negotiated && j->last->tcp_unread) {
		buf_printf(b, "  what was negotiated could not be read (%s)\n",
			   strerrorname_np(j->last->tcp_unread));
	}
	if (j->run->c->common.verbose && j->done == 1) {
		buf_puts(b, "  ");
		put_times(b, j->last);
		buf_putc(b, '\n');
	}
	if (j->run->c->common.verbose)
		put_tried(b, j);
}

static void put_spread(struct buf *b, const char *name, const struct spread *s)
{
	struct spread_summary sum;

	if (!spread_summarise(s, &sum))
		return;
	buf_printf(b,
		   "  %-16s min %.3f  avg %.3f  p50 %.3f  p90 %.3f  p99 %.3f  max %.3f  "
		   "stddev %.3f  jitter %.3f ms\n",
		   name, sum.min / 1e3, sum.avg / 1e3, sum.p50 / 1e3, sum.p90 / 1e3,
		   sum.p99 / 1e3, sum.max / 1e3, sum.stddev / 1e3, sum.jitter / 1e3);
}

static void put_histogram(struct buf *b, const struct spread *s)
{
	enum { BINS = 8, WIDTH = 40, FEW = 10 };
	struct spread_summary sum;
	uint64_t counts[BINS], most = 0;
	size_t i;

	if (!spread_summarise(s, &sum) || sum.count < FEW || sum.max - sum.min < BINS)
		return;
	spread_histogram(s, counts, BINS);
	for (i = 0; i < BINS; i++)
		most = MAX(most, counts[i]);
	for (i = 0; i < BINS; i++) {
		double low = sum.min + (sum.max - sum.min) * (double)i / BINS;

		buf_printf(b, "  %9.3f ms  %8llu%s", low / 1e3,
			   (unsigned long long)counts[i], counts[i] ? "  " : "");
		if (counts[i])
			buf_pad(b, '#', (size_t)((counts[i] * WIDTH + most - 1) / most));
		buf_putc(b, '\n');
	}
}

static void put_statistics(struct probe_report *p, const struct probe_job *j)
{
	struct buf *b = &p->out.b;
	const char *comma = "";
	size_t o;

	if (j->run->n_jobs > 1) {
		buf_put_escaped(b, j->text, strlen(j->text));
		buf_putc(b, '\n');
	}
	put_spread(b, "rtt (kernel)", j->rtt);
	put_spread(b, "connect (clock)", j->connect);
	if (p->terminal)
		put_histogram(b, j->rtt ? j->rtt : j->connect);
	buf_puts(b, " ");
	for (o = 0; o < OUTCOME_COUNT; o++)
		if (j->counts[o]) {
			buf_printf(b, "%s %llu %s", comma,
				   (unsigned long long)j->counts[o],
				   outcome_name((enum outcome)o));
			comma = ",";
		}
	buf_printf(b, ", %.1f %% failed\n",
		   100.0 * (double)(j->done - j->counts[OUTCOME_OPEN]) / (double)j->done);
}

void report_end(struct probe_report *p, const struct probe_run *run)
{
	struct columns w = measure(run);
	bool waits = run->c->wait_us != PROBE_UNSET;
	size_t i, open = 0, told = 0;

	if (p->quiet)
		return;
	for (i = 0; i < run->n_jobs; i++) {
		const struct probe_job *j = &run->jobs[i];

		if (!j->done)
			continue;
		told++;
		open += j->last->outcome == OUTCOME_OPEN;
		if (p->json)
			report_json_summary(&p->out.b, j);
		else if (!waits || probe_job_fulfilled(j))
			put_row(p, j, &w); /* the others have a word on stderr */
		out_maybe_flush(&p->out);
	}
	if (p->json)
		return;
	for (i = 0; i < run->n_jobs; i++)
		if (run->jobs[i].done > 1 && run->c->wait_us == PROBE_UNSET)
			put_statistics(p, &run->jobs[i]);
	if (told > 1)
		buf_printf(&p->out.b, "%zu of %zu reachable\n", open, run->n_jobs);
}
