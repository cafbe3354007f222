#include "cmd/probe/watch.h"

#include "cmd/why.h"
#include "kernel/explain/multipath_now.h"
#include "kernel/proc/counters_read.h"

static bool asks_more(const struct attempt_how *how)
{
	return how->send || how->expect || how->expect_regex || how->http ||
	       how->banner || how->stable_us || how->verify;
}

static const struct endpoint *local_one(const struct probe_job *j)
{
	size_t i;

	for (i = 0; i < j->list.n; i++)
		if (j->list.v[i].proto == TARGET_TCP && endpoint_is_local(&j->list.v[i]))
			return &j->list.v[i];
	return NULL;
}

/* Many that are silent are so for one reason. */
enum { OVERHEARING_MOST = 16 };

/* Of datagrams a server may send many to others of this host. */
static uint16_t our_port(const struct probe_job *j)
{
	const struct probe_result *r = j->attempt.r;
	struct addr a;

	return r->peer.proto == TARGET_UDP && r->local.len && !j->attempt.several &&
			       endpoint_addr(&r->local, &a)
		       ? a.port
		       : 0;
}

static void overhear(struct probe_job *j, bool early)
{
	if (j->unheard.begun || j->run->c->common.quiet ||
	    j->run->overhearing >= OVERHEARING_MOST)
		return;
	if (unheard_begin(&j->unheard, &j->list, our_port(j), early))
		j->run->overhearing++;
}

static void overhear_end(struct probe_job *j, struct probe_result *r)
{
	struct unheard_question q = { .peer = &r->peer,
				      .ours = &r->local,
				      .tcp = r->has_tcp ? &r->tcp : NULL,
				      .options = &j->how.options };

	if (r->outcome == OUTCOME_FILTERED || r->outcome == OUTCOME_OPEN_OR_FILTERED)
		unheard_end(&j->unheard, &q, &r->unheard);
	/* Closing takes the kernel a while: one that every attempt needs stays. */
	if (!unheard_is_short(j->how.timeout_us))
		watch_stop(j);
}

static void forget_counters(struct local_watch *w)
{
	if (w->multipath)
		counters_free(&w->before);
	w->multipath = false;
}

void watch_multipath(struct probe_job *j, struct probe_result *r)
{
	bool open = r->outcome == OUTCOME_OPEN;
	struct multipath_seen seen = { .open = open,
				       .fell_back = r->mptcp == 0,
				       .to_last = r->loss == PROBE_LOSS_SYN,
				       .repeats = r->tcp.total_retrans };

	if (!j->watch.multipath)
		return;
	if (r->has_tcp && (open ? r->mptcp == 0 : r->outcome == OUTCOME_FILTERED)) {
		explain_multipath(&r->multipath, &j->watch.before);
		multipath_judge(&r->multipath, &seen);
	}
	forget_counters(&j->watch);
}

void watch_stop(struct probe_job *j)
{
	forget_counters(&j->watch);
	j->run->overhearing -= j->unheard.begun;
	unheard_stop(&j->unheard);
}

void watch_begin(struct probe_job *j)
{
	if (unheard_is_short(j->how.timeout_us) && j->list.n &&
	    j->list.v[0].type == SOCK_STREAM)
		overhear(j, true);
	forget_counters(&j->watch);
	j->watch = (struct local_watch){ 0 };
	if (j->list.n && j->list.v[0].proto == TARGET_MPTCP && !j->run->c->common.quiet) {
		counters_read(&j->watch.before);
		j->watch.multipath = true;
	}
	/* --wait asks a hundred times a second. */
	if (j->run->c->wait_us == PROBE_UNSET && asks_more(&j->how) && local_one(j))
		j->watch.ends_known = procfile_ends(&j->watch.ends);
}

void watch_silence(struct probe_job *j)
{
	const struct endpoint *to = local_one(j);
	struct local_watch *w = &j->watch;
	struct listening l;

	overhear(j, false);
	if (!to)
		return;
	if (!w->ends_known)
		w->ends_known = procfile_ends(&w->ends);
	l = why_listening(to);
	w->to = *to;
	w->drops = l.drops;
	w->drops_known = w->ends_known && l.n && l.n_drops == l.n;
}

void watch_end(struct probe_job *j, struct probe_result *r)
{
	const struct local_watch *w = &j->watch;
	bool silence = outcome_verdict(r->outcome) == VERDICT_SILENCE;
	bool ghost = r->outcome == OUTCOME_GHOST;
	struct meanwhile *m = &j->meanwhile;
	struct end_counters now;
	struct listening l;

	*m = (struct meanwhile){ 0 };
	overhear_end(j, r);
	if (!w->ends_known || r->outcome == OUTCOME_OPEN || !procfile_ends(&now))
		return;
	m->overflows = now.overflows - w->ends.overflows;
	m->unread = now.unread - w->ends.unread;
	m->lingered = now.lingered - w->ends.lingered;
	m->known = !silence && !ghost;
	/* Only a packet that was sent after the first reading can have been counted: a
	 * SYN, or the FIN of a ghost, which is sent again and again. */
	if (w->drops_known && endpoint_same(&w->to, &r->peer) && r->has_tcp &&
	    (ghost || (silence && r->tcp.total_retrans))) {
		l = why_listening(&r->peer);
		m->drops = l.drops - MIN(w->drops, l.drops);
		m->known = !l.err && l.n == l.n_drops;
		m->half_open = silence && r->local.len &&
			       why_half_open(&r->peer, &r->local);
	}
}
