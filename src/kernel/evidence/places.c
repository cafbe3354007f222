/* Sockets that have one address, and how the processes that hold them are related. */
#include <stdlib.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/proc/doing.h"

static int compare_places(const void *a, const void *b)
{
	const struct connection_facts *x = *(struct connection_facts *const *)a,
				      *y = *(struct connection_facts *const *)b;
	int order = addr_compare(&x->row->local, &y->row->local);

	if (order)
		return order;
	if (x->row->family != y->row->family)
		return x->row->family < y->row->family ? -1 : 1;
	if (x->row->ifindex != y->row->ifindex)
		return x->row->ifindex < y->row->ifindex ? -1 : 1;
	return 0;
}

static int in_order(const void *a, const void *b)
{
	const struct connection_facts *x = *(struct connection_facts *const *)a,
				      *y = *(struct connection_facts *const *)b;
	int order = compare_places(a, b);

	return order ? order : (x > y) - (x < y);
}

void evidence_places(const struct evidence *e, const struct suspects *list,
		     struct connection_facts *v)
{
	struct connection_facts **sorted;
	size_t from = 0, i, k;

	if (!e->notes)
		return;
	sorted = xcalloc(list->n, sizeof(struct connection_facts *));
	for (i = 0; i < list->n; i++)
		sorted[i] = &v[i];
	qsort(sorted, list->n, sizeof(struct connection_facts *), in_order);
	for (i = 1; i <= list->n; i++) {
		if (i < list->n && compare_places(&sorted[from], &sorted[i]) == 0)
			continue;
		for (k = from; i - from > 1 && k < i; k++)
			sorted[k]->place = sorted[from];
		from = i;
	}
	free(sorted);
}

void evidence_kin(struct evidence *e, const struct suspects *list,
		  const struct connection_facts *v)
{
	const struct holder *h;
	size_t i, k;

	for (i = 0; list->rule && list->rule->look == LOOK_PLACE && i < list->n; i++)
		for (h = v[i].place ? v[i].holders : NULL; h; h = h->next)
			for (k = 0; k < e->n_processes; k++) {
				struct process_facts *p = &e->processes[k];

				if (p->pid == h->pid && !p->doing.state)
					doing_read(p->pid, &e->arena, &p->doing);
			}
}
