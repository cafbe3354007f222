/* What a process near its limit of descriptors means for those that connect to it. */
#include "model/finding/inquiry_private.h"

bool finding_is_near(uint64_t fds, uint64_t limit)
{
	return limit != UINT64_MAX && fds * 100 >= limit * FINDING_DESCRIPTORS_PERCENT;
}

bool finding_near_limit(const struct process_facts *p)
{
	return p && p->known && p->fd_limit && finding_is_near(p->fds, p->fd_limit);
}

static const struct listener_facts *waiting_listener(const struct inquiry *q, int32_t pid)
{
	size_t i;

	for (i = 0; i < q->e->n_listeners; i++) {
		const struct listener_facts *l = &q->e->listeners[i];
		const struct holder *h;

		for (h = l->holders; h; h = h->next)
			if (h->pid == pid && l->queued[l->read[1] ? 1 : 0])
				return l;
	}
	return NULL;
}

void finding_put_unit(struct inquiry *q, const struct process_facts *p)
{
	if (!p || !p->unit)
		return;
	say(q, ", unit ");
	buf_put_escaped(&q->text, p->unit, strlen(p->unit));
}

/* Connections that wait for a process without descriptors. */
uint32_t finding_starved(const struct inquiry *q, const struct process_facts *p)
{
	const struct listener_facts *l = waiting_listener(q, p->pid);

	return l && p->fds >= p->fd_limit ? l->queued[l->read[1] ? 1 : 0] : 0;
}

/* Its listeners get no connection off their queues. */
void finding_put_starved(struct inquiry *q, const struct process_facts *p,
			 struct finding *f)
{
	const struct listener_facts *l = waiting_listener(q, p->pid);
	uint32_t n = finding_starved(q, p);

	if (!n)
		return;
	say(q, "\naccept() on ");
	addr_put(&q->text, &l->row->local);
	say(q, " must be failing with EMFILE: %u connection%s there.", n,
	    n == 1 ? " waits" : "s wait");
	if (!f->n_cookies)
		finding_cookies(q, f, &l->row->cookie, 1);
}
