#include "cmd/probe/down.h"

#include <stdlib.h>

#include "base/mem.h"
#include "cmd/probe/local.h"
#include "cmd/why.h"

/* A SYN and its repetition may be lost together; not those of three attempts, of which
 * the first and the last are seconds apart. */
enum { SILENCES_LEAST = 3, SILENT_LEAST_US = 3 * 1000 * 1000 };

/* Something of this host listens there: what came, or did not come, is the work of a rule
 * in between, or of a moment. Where the tables cannot be read only an RST is no rule's,
 * as a rule. */
static bool may_be_served(const struct probe_result *r)
{
	struct listening l;

	if (r->peer.family == AF_UNIX)
		return false;
	l = why_listening(&r->peer);
	return l.n || (l.err && r->outcome != OUTCOME_REFUSED);
}

/* A listener of this host whose queue is full may reset what it has no room for. */
static bool is_full(const struct probe_result *r)
{
	return r->peer.family != AF_UNIX && why_listening(&r->peer).n_full;
}

/* What this host itself drops on the way out says nothing of the target, and answers that
 * it drops say that it is up. */
static bool is_own_silence(const struct probe_job *j, const struct probe_result *r)
{
	_cleanup_free_ char *drops = probe_local_drops(j->run, r);

	return drops || r->unheard.seen;
}

static void count_silence(struct probe_job *j, const struct probe_result *r)
{
	enum verdict v = outcome_verdict(r->outcome);

	if (outcome_down(r->outcome) == DOWN_AFTER_SILENCE) {
		if (!j->silences++)
			j->silent_since_us = j->started_us;
	} else if (v != VERDICT_CANNOT && v != VERDICT_NAME) {
		j->silences = 0;
	}
}

static void note_silence(struct probe_job *j, uint64_t silent_us)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_printf(&b, "counted as down for silence alone: no answer to %u attempts in ",
		   j->silences);
	buf_put_time(&b, silent_us);
	if (j->note)
		buf_printf(&b, "; %s", j->note);
	free(j->note);
	j->note = xstrdup(buf_cstr(&b));
}

void probe_down_judge(struct probe_job *j, const struct probe_result *r)
{
	uint64_t silent_us;

	count_silence(j, r);
	j->down = false;
	switch (outcome_down(r->outcome)) {
	case DOWN_NEVER:
		break;
	case DOWN_AT_ONCE:
		j->down = !is_full(r);
		break;
	case DOWN_UNLESS_HEARD:
		j->down = !may_be_served(r);
		break;
	case DOWN_AFTER_SILENCE:
		silent_us = clock_us() - j->silent_since_us;
		j->down = j->silences >= SILENCES_LEAST && silent_us >= SILENT_LEAST_US &&
			  !may_be_served(r) && !is_own_silence(j, r);
		if (j->down)
			note_silence(j, silent_us);
		break;
	}
}
