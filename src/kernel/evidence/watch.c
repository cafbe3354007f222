/* Between the readings: waiting for something to move, and whose programs run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/doing.h"
#include "kernel/proc/procfile.h"
#include "model/rule/rules.h"

enum { LOOK_MS = 100 };

/* One that stands is enough to wait on: only those that may have moved are read. Of a
 * rule that samples, all are. */
static bool suspect_stands(struct reader *r, const struct suspects *list,
			   struct connection_facts *v)
{
	const struct rule *rule = list->rule;
	bool stands = false;
	size_t i;

	for (i = 0; i < list->n && (rule->samples || !stands); i++) {
		struct connection_facts *c = &v[i];

		if (!c->suspect || !rule->watch(c) || (c->read[1] && !rule->stands(c)))
			continue;
		evidence_connection(r, c, 1);
		stands |= rule->stands(c);
	}
	return stands;
}

static bool connection_stands(struct reader *r, const struct detect *d,
			      struct evidence *e)
{
	bool stands = false;
	size_t i;

	for (i = 0; i < RULES_MOST; i++) {
		const struct rule *rule = d->suspects[i].rule;

		if (rule && rule->stands && (rule->samples || !stands))
			stands |= suspect_stands(r, &d->suspects[i], e->connections[i]);
	}
	return stands;
}

void evidence_watch(struct reader *r, const struct detect *d, struct evidence *e,
		    const struct watch *w)
{
	uint64_t next = w->due;

	clock_sleep_until(next * 1000);
	/* Connections first: those that are sampled are looked at in each step. */
	while ((next < w->start + w->connections_ms && connection_stands(r, d, e)) ||
	       (next < w->start + w->listeners_ms &&
		evidence_listener_stands(r, e, (uint32_t)(next - w->start))) ||
	       (next < w->start + w->receivers_ms && evidence_sender_stands(e))) {
		next += LOOK_MS;
		clock_sleep_until(next * 1000);
	}
}

static void look_at_process(struct process_facts *p, struct arena *a, int turn)
{
	procfile_pulse(p->pid, &p->pulse, turn);
	if (turn == 1)
		p->doing.halt = doing_halt(p->pid, a);
}

void evidence_pulse(struct evidence *e, int turn)
{
	size_t i;

	for (i = 0; i < e->n_processes; i++)
		look_at_process(&e->processes[i], &e->arena, turn);
}

static bool is_held_by(const struct connection_facts *c, int32_t pid)
{
	const struct holder *h;

	for (h = c->holders; h; h = h->next)
		if (h->pid == pid)
			return true;
	return false;
}

/* Whether the process holds one of those that stand; s: and this is the same socket, or
 * its other end: who waits for itself passes nothing on. */
static bool holds_standing(const struct detect *d, const struct evidence *e, int32_t pid,
			   const struct sock *s)
{
	size_t i, k;

	for (i = 0; i < RULES_MOST; i++)
		for (k = 0; k < d->suspects[i].n; k++) {
			const struct rule *rule = d->suspects[i].rule;
			const struct connection_facts *c = &e->connections[i][k];

			if (rule->outlets && c->suspect && rule->stands(c) &&
			    is_held_by(c, pid) &&
			    (!s || c->row->cookie == s->cookie ||
			     sock_are_ends(c->row, s)))
				return true;
		}
	return false;
}

struct outlet_search {
	struct reader *r;
	const struct detect *d;
	struct evidence *e;
};

static int take_outlet(const struct nlmsghdr *h, void *ctx)
{
	const struct outlet_search *search = ctx;
	const struct holder *holder;
	struct sock s;
	size_t i;

	if (!inet_parse(h, PROTO_TCP, &s) || !s.send_queue || !s.inode ||
	    sock_is_writable(&s))
		return 0;
	holder = owners_find(&search->r->owners, s.inode);
	for (; holder; holder = holder->next)
		for (i = 0; i < search->e->n_processes; i++) {
			struct process_facts *p = &search->e->processes[i];

			if (p->pid != holder->pid ||
			    holds_standing(search->d, search->e, p->pid, &s))
				continue;
			p->outlets.n++;
			p->outlets.bytes += sock_send_bytes(&s);
			p->outlets.peer = s.peer;
		}
	return 0;
}

void evidence_outlets(struct reader *r, const struct detect *d, struct evidence *e)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = STATES_SYNCHRONIZED & ~STATES_BUCKET,
				.ext = EXT_BIT(INET_DIAG_SKMEMINFO) };
	struct outlet_search search = { r, d, e };
	_cleanup_free_ int32_t *pids = xcalloc(e->n_processes + 1, sizeof(*pids));
	size_t n = 0, i;

	for (i = 0; i < e->n_processes; i++)
		if (holds_standing(d, e, e->processes[i].pid, NULL))
			pids[n++] = e->processes[i].pid;
	if (!n)
		return;
	owners_scan(&r->owners, NULL, pids, n, 1);
	evidence_lacks(e, r->owners.failed);
	evidence_lacks(e, -inet_dump(&r->dump, &q, take_outlet, &search));
}
