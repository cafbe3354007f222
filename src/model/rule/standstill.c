#include "model/rule/standstill_private.h"

static struct candidates candidates_of(const struct inquiry *q, const char *id)
{
	size_t i = 0;

	while (!streq(q->d->suspects[i].rule->id, id))
		i++;
	return finding_candidates(q, q->d->suspects[i].rule);
}

struct candidates all_senders(const struct inquiry *q)
{
	return candidates_of(q, "stuck-sender");
}

struct candidates all_readers(const struct inquiry *q)
{
	return candidates_of(q, "stuck-reader");
}

bool was_read_twice(const struct connection_facts *c)
{
	return c->read[0] && c->read[1];
}

bool reads_nothing(const struct connection_facts *c)
{
	return was_read_twice(c) && c->recv[1] >= c->recv[0] &&
	       c->recv[1] - c->recv[0] == c->received[1] - c->received[0];
}

bool sends_nothing(const struct connection_facts *c)
{
	return was_read_twice(c) && c->send[0] && c->send[1] >= c->send[0] &&
	       c->acked[0] == c->acked[1];
}

bool is_probing(const struct connection_facts *c)
{
	return c->row->timer == TIMER_WINDOW_PROBE;
}

bool window_is_open(const struct connection_facts *c)
{
	return c->has_send_window && c->unsent && c->snd_wnd >= MIN(c->mss, c->unsent);
}

bool is_held_back(const struct connection_facts *c)
{
	return is_probing(c) && window_is_open(c) && !c->unacked && c->backoff;
}

bool may_be_unsent(const struct connection_facts *c)
{
	return is_held_back(c) ||
	       (c->row->timer == TIMER_RETRANSMIT && c->retrans && !c->sacked);
}

const struct connection_facts *other_end(const struct connection_facts *c,
					 const struct candidates *all,
					 bool (*is_so)(const struct connection_facts *))
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if ((!is_so || is_so(&all->v[i])) && sock_are_ends(c->row, all->v[i].row))
			return &all->v[i];
	return NULL;
}

/* A signal or a debugger has stopped it, or its control group was frozen: what it has to
 * send is no excuse. */
static bool is_stopped(const struct process_facts *p)
{
	enum halted by = p->doing.halt.by;

	return by != HALT_NONE && by != HALT_BLOCKED;
}

static bool is_deadlocked(const struct connection_facts *c)
{
	return c->suspect && c->choked && reads_nothing(c);
}

bool passes_on(const struct inquiry *q, const struct connection_facts *c,
	       struct outlets *to)
{
	struct candidates readers = all_readers(q);
	const struct process_facts *p;
	const struct holder *h;

	for (h = c->holders; h; h = h->next) {
		p = evidence_process(q->e, h->pid);
		if (p && is_stopped(p))
			return false;
		if (p && p->outlets.n) {
			*to = p->outlets;
			return true;
		}
	}
	/* It answers, and waits for its peer to read: unless that one waits for it too.
	 */
	*to = (struct outlets){ .n = 1, .bytes = c->send[1], .peer = c->row->peer };
	return c->choked && !other_end(c, &readers, is_deadlocked);
}

/* Its only thread has gone to sleep between the readings, and so was awake. Of several
 * threads any may be the one that should read. */
static bool is_awake(const struct process_facts *p)
{
	return p->pulse.known[0] && p->pulse.known[1] && p->pulse.threads == 1 &&
	       p->pulse.switches[1] > p->pulse.switches[0];
}

static bool pauses(const struct inquiry *q, const struct connection_facts *c)
{
	const struct process_facts *p;
	const struct holder *h;

	if (c->received_ms >= PAUSE_MS || c->received[1] < c->recv[1] + PAUSER_BYTES)
		return false;
	for (h = c->holders; h; h = h->next) {
		p = evidence_process(q->e, h->pid);
		if (p && is_awake(p))
			return true;
	}
	return false;
}

enum reader_does reader_does(const struct inquiry *q, const struct connection_facts *c)
{
	struct outlets to;

	if (!was_read_twice(c))
		return READER_UNKNOWN;
	if (!reads_nothing(c))
		return READER_IS_SLOW;
	if (passes_on(q, c, &to))
		return READER_PASSES_ON;
	return pauses(q, c) ? READER_PAUSES : READER_STANDS;
}

const char *advise_reader(struct inquiry *q, const struct holder *h)
{
	const struct process_facts *p = h ? evidence_process(q->e, h->pid) : NULL;

	if (!h)
		return NULL;
	if (!p || !is_stopped(p))
		buf_puts(&q->text, "see what ");
	buf_put_escaped(&q->text, h->command, strlen(h->command));
	if (p && is_stopped(p)) {
		struct occupant x = finding_occupant(p);

		say(q, "[%d] is %s%s; to let it go on:", h->pid, halt_words(x.halt.by),
		    x.halt.by == HALT_STOPPED ? " (state T)" : "");
		occupants_advise_go_on(&q->text, &(struct occupants){ &x, 1 },
				       q->e->asker);
	} else {
		say(q, "[%d] does instead of reading:", h->pid);
		advise(&q->text, ADVICE_WCHAN, finding_advised(q, h->pid),
		       (unsigned)h->pid);
	}
	return finding_text(q);
}
