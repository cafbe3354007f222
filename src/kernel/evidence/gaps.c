/* What the second look could not see: then that nothing was found is no answer. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/proc/procfile.h"
#include "model/finding/finding.h"
#include "model/owner_status.h"
#include "model/rule/rules.h"

/* The link below ns needs a right over the process. This file needs none, and its number
 * is that of the namespace's, as long as somebody uses it. */
bool evidence_same_netns(struct evidence *e, int32_t pid)
{
	struct stat own, other;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat("/proc/thread-self/ns/net", &own) == 0 && stat(path, &other) == 0)
		return own.st_ino == other.st_ino && own.st_dev == other.st_dev;
	snprintf(path, sizeof(path), "/proc/%d/net/tcp", pid);
	if ((errno == EACCES || errno == EPERM) &&
	    stat("/proc/thread-self/net/tcp", &own) == 0 && stat(path, &other) == 0)
		return own.st_ino == other.st_ino && own.st_dev == other.st_dev;
	evidence_lacks(e, errno);
	return false;
}

/*
 * The table of descriptors grows by doubling and never shrinks: a process has no more
 * than there is room for, and everybody may read how much that is.
 */
void evidence_unreadable(struct evidence *e, int32_t pid)
{
	uint64_t room, limit, hard;
	int err = procfile_descriptor_room(pid, &room);

	if (err == 0)
		err = procfile_descriptor_limit(pid, &limit, &hard);
	if (err == -ENOENT || err == -ESRCH ||
	    (err == 0 && !rules_suspect_process(room, limit)))
		return;
	e->unreadable += evidence_same_netns(e, pid);
}

/* A process that is hidden is of this namespace if a listener has no other owner: the
 * owners of all listeners were asked for. That there is no /proc is a gap of its own. */
static bool owners_are_hidden(const struct evidence *e)
{
	bool hides = owner_is_unseen(e->unowned) && e->unowned != OWNER_NO_PROC &&
		     e->unowned != OWNER_CANDIDATES;
	size_t i;

	for (i = 0; hides && i < e->n_listeners; i++)
		if (!e->listeners[i].holders)
			return true;
	return false;
}

static bool has_connections(const struct detect *d)
{
	size_t i;

	for (i = 0; i < RULES_MOST; i++)
		if (d->suspects[i].count)
			return true;
	for (i = 0; i < PORT_COUNT; i++)
		if (d->local_ports[i].n)
			return true;
	return d->n_destinations;
}

void evidence_gaps(const struct reader *r, const struct detect *d, struct evidence *e,
		   bool hidden)
{
	bool no_proc = !e->counters[0].known && !e->counters[0].unread;

	if (no_proc)
		e->gaps |= BIT(GAP_PROC);
	else if (hidden && owners_are_hidden(e))
		e->gaps |= BIT(GAP_HIDDEN);
	if (e->unreadable)
		e->gaps |= BIT(GAP_UNREADABLE);
	if (r->no_diag && has_connections(d))
		e->gaps |= BIT(GAP_CONNECTIONS);
}
