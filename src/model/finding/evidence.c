#include "model/finding/evidence.h"

#include <errno.h>

void evidence_lacks(struct evidence *e, int err)
{
	if (err && err != ENOENT && err != ESRCH && err != EACCES && err != EPERM &&
	    !e->unread)
		e->unread = err;
}

const struct process_facts *evidence_process(const struct evidence *e, int32_t pid)
{
	size_t i;

	for (i = 0; i < e->n_processes; i++)
		if (e->processes[i].pid == pid)
			return &e->processes[i];
	return NULL;
}

uint64_t evidence_syn_capacity(const struct net_limits *n, uint32_t limit)
{
	uint64_t capacity = accept_queue_capacity(limit);

	/* tcp_conn_request(): without cookies the last quarter is kept for known hosts.
	 */
	if (!n->syncookies && n->has_syn_backlog)
		capacity = MIN(capacity, n->syn_backlog - n->syn_backlog / 4);
	return capacity;
}
