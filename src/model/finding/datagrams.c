/* Unix datagram sockets whose program does not read: /dev/log, and who logs. */
#include "model/finding/inquiry_private.h"
#include "model/finding/rules_private.h"

enum { STALL_MS = 1000 }; /* nothing was read for so long */

static size_t count_standing(const struct receiver_facts *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->n_senders; i++)
		n += r->senders[i].stands;
	return n;
}

/* "logger[12], logger[13] and 5 more" */
static void put_standing(struct inquiry *q, const struct receiver_facts *r)
{
	const struct holder *first = NULL, **link = &first;
	size_t i;

	for (i = 0; i < r->n_senders; i++)
		if (r->senders[i].stands)
			holder_append(&q->fs->arena, &link, r->senders[i].holder);
	finding_put_processes(q, first);
}

static void put_waiting(struct inquiry *q, const struct receiver_facts *r, size_t n)
{
	say(q, "Its queue is full, and %zu process%s to send: ", n,
	    n == 1 ? " waits" : "es wait");
	put_standing(q, r);
	say(q,
	    ".\nNothing was read between two readings %u ms apart. Every program that "
	    "sends to it waits in send(), unless its socket is non-blocking.",
	    q->e->interval_ms);
}

static void unread_finding(struct inquiry *q, const struct receiver_facts *r,
			   size_t standing, size_t stopped)
{
	const struct listener_facts *l = &r->l;
	struct finding *f = finding_of_listener(q, &rule_unread_datagrams, l);

	finding_put_all_halted(q, l);
	if (standing) {
		put_waiting(q, r, standing);
	} else {
		f->severity = SEVERITY_NOTE;
		say(q, "A datagram of %u bytes waits to be read; %s.", l->queued[1],
		    r->unseen ? "whether anybody waits to send may not be read"
			      : "nobody waits to send yet");
	}
	finding_put_acceptors(q, l);
	f->summary = finding_text(q);
	finding_not_accepted(q, f, l);
	finding_figure(f, "waiting", standing, standing || !r->unseen);
	finding_figure(f, "connected", l->clients[0].len / sizeof(uint32_t), true);
	finding_figure(f, "next_datagram_bytes", l->queued[1], true);
	finding_figure(f, "stopped", stopped, l->n_acceptors);
}

static void judge_unread(struct inquiry *q)
{
	size_t i;

	for (i = 0; i < q->e->n_receivers; i++) {
		const struct receiver_facts *r = &q->e->receivers[i];
		size_t standing = q->e->interval_ms >= STALL_MS ? count_standing(r) : 0;
		size_t stopped = finding_count_actors(q, &r->l, true);

		/* Of a reader that may run, two readings of a queue are no standstill. */
		if (r->l.suspect && finding_read_twice(q, &r->l) && r->l.queued[1] &&
		    (standing ||
		     (stopped && stopped == finding_count_actors(q, &r->l, false))))
			unread_finding(q, r, standing, stopped);
	}
}

const struct rule rule_unread_datagrams = {
	.id = "unread-datagrams",
	.severity = SEVERITY_WARNING,
	.meaning =
		"A unix datagram socket, such as /dev/log, has a full queue and its program does not "
		"read: every program that sends to it waits in send(), and seems to hang.",
	.advice = "Find out what the program that should read does.",
	.threshold =
		"a process waits to send and does not go on for #; a note where no process waits to "
		"send, but a datagram is to be read and the program that should read cannot run",
	.numbers = { MS(STALL_MS) },
	.judge = judge_unread,
};
