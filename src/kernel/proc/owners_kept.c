#include "kernel/proc/owners_kept.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel/proc/owners_private.h"

static int by_process(const void *a, const void *b)
{
	const struct owner_entry *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

void owners_each(const struct owners *o,
		 void (*fn)(const struct kept_process *p, void *ctx), void *ctx)
{
	size_t n = o->n_entries, at = 0, i;
	_cleanup_free_ struct owner_entry *entries = xcalloc(n + 1, sizeof(*entries));
	_cleanup_free_ struct kept_descriptor *fds = xcalloc(n + 1, sizeof(*fds));

	if (n)
		memcpy(entries, o->entries, n * sizeof(*entries));
	qsort(entries, n, sizeof(*entries), by_process);
	for (i = 0; i < n; i++)
		fds[i] = (struct kept_descriptor){ entries[i].inode, entries[i].fd };
	for (i = 0; i < o->n_processes; i++) {
		struct owner_process *p = &o->processes[i];
		size_t first = at;

		while (at < n && entries[at].process == i)
			at++;
		if (at == first && !p->err)
			continue;
		owners_read_command(-1, p);
		fn(&(struct kept_process){ .pid = p->pid,
					   .command = p->command,
					   .err = p->err,
					   .name_err = p->name_err,
					   .fds = fds + first,
					   .n_fds = at - first },
		   ctx);
	}
}

void owners_begin_kept(struct owners *o)
{
	owners_free(o);
	o->scanned = true;
}

void owners_add(struct owners *o, const struct kept_process *p)
{
	size_t n = o->n_processes, i;

	if (!n || o->processes[n - 1].pid != p->pid) {
		struct owner_process *new;

		o->processes = array_grow(o->processes, n, &o->cap_processes,
					  sizeof(*o->processes));
		new = &o->processes[o->n_processes++];
		*new = (struct owner_process){ .pid = p->pid,
					       .err = p->err,
					       .name_err = p->name_err };
		/* An empty name would be looked up here. */
		snprintf(new->command, sizeof(new->command), "%s",
			 *p->command ? p->command : "?");
		o->unreadable += owners_is_refusal(p->err);
		o->unnamed += owners_is_refusal(p->name_err);
		n++;
	}
	for (i = 0; i < p->n_fds; i++) {
		o->entries = array_grow(o->entries, o->n_entries, &o->cap_entries,
					sizeof(*o->entries));
		o->entries[o->n_entries] = (struct owner_entry){ p->fds[i].inode,
								 (uint32_t)(n - 1),
								 p->fds[i].fd };
		hash_index_add(&o->index, hash_u64(&o->index, p->fds[i].inode),
			       o->n_entries++);
	}
}
