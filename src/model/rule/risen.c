/* What the kernel of this namespace refused, dropped, damaged or gave up between the two
 * readings, as far as no other finding tells it. */
#include <sys/socket.h>

#include "model/advice.h"
#include "model/counter/arrivals.h"
#include "model/counter/counters_judge.h"
#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"

/* Beside another finding the first ones are enough. */
enum { RISES_BESIDE = 8 };

/* Its kind only shows between two readings. */
static bool suspect_counters(const struct inquiry *q)
{
	return q->e->notes;
}

static bool is_told(const struct inquiry *q, const struct counter_row *row)
{
	size_t i;

	for (i = 0; row && i < q->fs->n; i++)
		if (counter_has_word(row->told, q->fs->v[i]->rule->id))
			return true;
	return false;
}

static bool anything_is_wrong(const struct inquiry *q)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++)
		if (q->fs->v[i]->severity > SEVERITY_NOTE)
			return true;
	return false;
}

static bool is_by_path(const struct counter_row *row)
{
	return streq(row->id, "TcpExtIPReversePathFilter");
}

/* Nobody saw through which they came. */
static void put_paths(struct inquiry *q)
{
	const struct strict_paths *p = &q->e->strict;

	if (!p->n)
		return;
	buf_puts(&q->text, p->n == 1 ? "\nOf all interfaces, " : "\n");
	strict_paths_put(&q->text, p);
	buf_puts(&q->text, p->n == 1 ? " only." : ": they came through one of these.");
}

static void advise_paths(struct inquiry *q)
{
	const struct strict_paths *p = &q->e->strict;
	struct advised asker = { .uid = q->e->asker };
	size_t i;

	if (p->n)
		advise_in_words(&q->text, p->n == 1 ? "the least change:"
						    : "the least change, for each:");
	for (i = 0; i < MIN(p->n, (size_t)STRICT_PATHS_MOST); i++)
		advise_loose_path(&q->text, asker, p->v[i]);
}

static void tell(struct inquiry *q, const struct counter_rise *rise)
{
	uint64_t rate = finding_per_second(q, rise->by);
	struct finding *f = finding_add(q->fs, &rule_counter_rising);

	f->beside = true;
	f->where = arena_strdup(&q->fs->arena, rise->id);
	say(q, "In %u ms ", q->e->interval_ms);
	if (rise->row) {
		counter_put_clause(&q->text, rise->row, rise->by);
		say(q, ".\n%ju a second; healthy: ", (uintmax_t)rate);
		counter_put_healthy(&q->text, rise->row);
		say(q, ".");
		if (is_by_path(rise->row))
			put_paths(q);
	} else {
		say(q,
		    "it rose by %ju, %ju a second. This version does not know what it counts.",
		    (uintmax_t)rise->by, (uintmax_t)rate);
	}
	f->summary = finding_text(q);
	if (rise->row) {
		say(q, "%s %s", rise->row->look, rise->row->advice);
		if (is_by_path(rise->row))
			advise_paths(q);
		f->advice = finding_text(q);
	}
	finding_figure(f, "rose", rise->by, true);
	finding_figure(f, "per_second", rate, true);
}

/* What came and did not get to a socket, an error or another host: no counter of its own
 * tells it. On a host with a firewall there is always some of it. */
static void tell_dropped(struct inquiry *q, int family)
{
	struct advised asker = { .uid = q->e->asker };
	bool six = family == AF_INET6;
	struct arrivals a;
	struct finding *f;

	arrivals_between(&q->e->texts[0], &q->e->texts[1], family, false, &a);
	if (!arrivals_are_dropped(&a, q->e->interval_ms))
		return;
	f = finding_add(q->fs, &rule_counter_rising);
	f->beside = true;
	f->where = six ? "Ip6InReceives-Ip6InDelivers" : "IpInReceives-IpInDelivers";
	say(q,
	    "In %u ms this host received %ju %s packets; %ju of them were neither delivered "
	    "nor forwarded, and no error counts them.\n%ju a second; a firewall that drops "
	    "packets makes it rise at any time.",
	    q->e->interval_ms, (uintmax_t)a.received, six ? "IPv6" : "IPv4",
	    (uintmax_t)a.dropped, (uintmax_t)finding_per_second(q, a.dropped));
	f->summary = finding_text(q);
	buf_puts(&q->text,
		 "A rule of this host's firewall (INPUT, PREROUTING) drops them, or they "
		 "are multicast that nothing here has joined. Which rules it has:");
	advise(&q->text, ADVICE_NFT, asker);
	advise(&q->text, six ? ADVICE_IP6TABLES : ADVICE_IPTABLES, asker);
	f->advice = finding_text(q);
	finding_figure(f, "rose", a.dropped, true);
	finding_figure(f, "per_second", finding_per_second(q, a.dropped), true);
}

static void judge_counters(struct inquiry *q)
{
	const struct evidence *e = q->e;
	struct counter_rises rises = { .n = 0 };
	size_t i, told = 0;

	if (!e->interval_ms || !(e->notes || anything_is_wrong(q)))
		return;
	counters_judge(&e->texts[0], &e->texts[1], e->interval_ms, &rises);
	for (i = 0; i < rises.n; i++) {
		const struct counter_rise *rise = &rises.v[i];

		if (is_told(q, rise->row) ||
		    (!e->notes && (!rise->row || told == RISES_BESIDE)))
			continue;
		tell(q, rise);
		told++;
	}
	tell_dropped(q, AF_INET);
	tell_dropped(q, AF_INET6);
}

const struct rule rule_counter_rising = {
	.id = "counter-rising",
	.severity = SEVERITY_NOTE,
	.meaning =
		"A counter of the kernel that counts what is refused, dropped, damaged or given up "
		"rises faster than on a healthy host.",
	.advice =
		"Read what the counter means (--explain with its name), and look at the sockets or "
		"settings it names.",
	.threshold =
		"beyond the healthy rate of the counter (porcelain counters) between two readings, "
		"and no other finding tells it; shown beside another finding, too",
	.suspect_host = suspect_counters,
	.judge = judge_counters,
};
