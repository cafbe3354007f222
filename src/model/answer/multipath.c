#include "model/answer/multipath.h"

#include "model/advice.h"

static enum multipath_kind kind_of_silence(const struct multipath *m,
					   const struct multipath_seen *seen)
{
	if (m->counted && !m->asked && m->left_out)
		return MULTIPATH_NOTHING;
	return m->gives_up && seen->repeats > m->repeats ? MULTIPATH_NOTHING
							 : MULTIPATH_UNANSWERED;
}

static enum multipath_kind kind_of_fallback(const struct multipath *m,
					    const struct multipath_seen *seen)
{
	if (!m->counted)
		return MULTIPATH_NOTHING;
	if (m->left_out)
		return m->asked ? MULTIPATH_MAYBE_LEFT_OUT : MULTIPATH_LEFT_OUT;
	/* So often it repeats no SYN that has the option. */
	if (!m->given_up || seen->repeats <= m->repeats)
		return MULTIPATH_NOTHING;
	return seen->to_last && seen->repeats == m->repeats + 1 ? MULTIPATH_DROPPED
								: MULTIPATH_GIVEN_UP;
}

void multipath_judge(struct multipath *m, const struct multipath_seen *seen)
{
	if (seen->open)
		m->kind = seen->fell_back ? kind_of_fallback(m, seen) : MULTIPATH_NOTHING;
	else
		m->kind = kind_of_silence(m, seen);
}

/* It grows with each time in a row. */
static void put_how_long(struct buf *b, const struct multipath *m)
{
	if (!m->off_s)
		return;
	buf_puts(b, " for ");
	buf_put_duration(b, m->off_s * 1000);
	buf_puts(b, " or longer (net.mptcp.blackhole_timeout)");
}

static void put_off(struct buf *b, const struct multipath *m)
{
	if (!m->blackholes)
		return;
	buf_puts(b, "; this host now leaves MPTCP out");
	put_how_long(b, m);
}

static void put_syns(struct buf *b, const struct multipath *m, const char *which)
{
	buf_printf(b, "%llu SYN%s%s", (unsigned long long)m->repeats + 1,
		   m->repeats ? "s" : "", which);
}

void multipath_put(struct buf *b, const struct multipath *m)
{
	switch (m->kind) {
	case MULTIPATH_DROPPED:
		buf_puts(b, "a firewall on the path drops SYNs with MPTCP's option, or ");
		put_syns(b, m, "");
		buf_printf(b, " %s lost whatever %s carried", m->repeats ? "were" : "was",
			   m->repeats ? "they" : "it");
		put_off(b, m);
		break;
	case MULTIPATH_GIVEN_UP:
		buf_puts(b, "this host went on without MPTCP: ");
		put_syns(b, m, " with its option");
		buf_puts(b, " got no answer in time");
		put_off(b, m);
		break;
	case MULTIPATH_LEFT_OUT:
		buf_puts(b,
			 "this host leaves MPTCP out (MPCapableSYNTXDisabled): earlier "
			 "SYNs with its option got no answer, one without it did");
		if (m->off_s)
			buf_puts(b, "; it does so");
		put_how_long(b, m);
		break;
	case MULTIPATH_MAYBE_LEFT_OUT:
		buf_puts(
			b,
			"the peer does not speak MPTCP, or this host leaves MPTCP out at "
			"present: of the connections opened meanwhile it did so with some "
			"(MPCapableSYNTXDisabled)");
		break;
	case MULTIPATH_NOTHING:
	case MULTIPATH_UNANSWERED:
		break;
	}
}

static void advise_probe(struct buf *next, const char *protocol, const struct addr *peer,
			 struct advised who)
{
	_cleanup_buf_ struct buf text = { 0 };

	buf_puts(&text, protocol);
	addr_put(&text, peer);
	advise(next, ADVICE_PROBE, who, buf_cstr(&text));
}

void multipath_put_advice(struct buf *next, const struct multipath *m,
			  const struct addr *peer, uint32_t asker)
{
	const struct advised who = { .uid = asker };
	unsigned off_s = (unsigned)MIN(m->off_s, (uint64_t)INT32_MAX);

	switch (m->kind) {
	case MULTIPATH_DROPPED:
	case MULTIPATH_GIVEN_UP:
	case MULTIPATH_LEFT_OUT:
	case MULTIPATH_MAYBE_LEFT_OUT:
		if (!off_s)
			return;
		advise_in_words(next,
				"writing the setting enables MPTCP again; if SYNs with "
				"its option then get no answer again, the path drops "
				"them:");
		advise(next, ADVICE_MPTCP_ON, who, off_s);
		advise_probe(next, "mptcp:", peer, who);
		break;
	case MULTIPATH_UNANSWERED:
		advise_in_words(next, "whether the same address answers without MPTCP:");
		advise_probe(next, "", peer, who);
		break;
	case MULTIPATH_NOTHING:
		break;
	}
}
