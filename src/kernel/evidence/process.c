/* The processes behind the candidates: descriptors, limits, growth. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/proc/doing.h"
#include "kernel/proc/occupants.h"
#include "kernel/proc/procfile.h"
#include "model/rule/rules.h"

/* Of one that is gone meanwhile: root's, which asks for the right at most. */
static uint32_t uid_of(int32_t pid)
{
	struct stat st;
	char path[24];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) == 0 ? st.st_uid : 0;
}

static struct process_facts *process_for(struct evidence *e, const struct holder *h)
{
	static const size_t step = 64;
	struct process_facts *p;
	size_t i;

	for (i = 0; i < e->n_processes; i++)
		if (e->processes[i].pid == h->pid)
			return &e->processes[i];
	if (e->n_processes % step == 0)
		e->processes = xrealloc(e->processes,
					(e->n_processes + step) * sizeof(*e->processes));
	e->processes[e->n_processes] = (struct process_facts){
		.pid = h->pid,
		.command = arena_strdup(&e->arena, h->command),
		.uid = uid_of(h->pid),
		.keeper = occupant_keeper(&e->arena, h->pid, h->command),
	};
	p = &e->processes[e->n_processes++];
	p->unit = keeper_unit(&p->keeper);
	if (streq(h->command, "docker-proxy"))
		doing_container(h->pid, &p->container, &p->published);
	return p;
}

const struct holder *evidence_take_holders(struct evidence *e, const struct holder *h)
{
	const struct holder *first = NULL, **link = &first;

	for (; h; h = h->next)
		holder_append(&e->arena, &link, h)->command = process_for(e, h)->command;
	return first;
}

const struct holder *evidence_holders(struct reader *r, struct evidence *e,
				      const struct sock *row)
{
	return evidence_take_holders(e, owners_find(&r->owners, row->inode));
}

struct descriptors {
	uint64_t n, limit, most;
};

/* How many descriptors it has, and may have; suspects: only if a rule is about so many.
 */
static bool read_descriptors(struct evidence *e, int32_t pid, bool sizes, bool suspects,
			     struct descriptors *d)
{
	int err = procfile_descriptors(pid, sizes, &d->n);

	if (suspects && (err == -EACCES || err == -EPERM))
		evidence_unreadable(e, pid);
	if (err == 0 && (suspects ? !rules_suspect_process(d->n, 0) : !d->n))
		return false;
	if (err == 0)
		err = procfile_descriptor_limit(pid, &d->limit, &d->most);
	evidence_lacks(e, -err);
	return err == 0;
}

static void set_descriptors(struct process_facts *p, const struct descriptors *d,
			    bool known)
{
	p->fds = d->n;
	p->fd_limit = d->limit;
	p->fd_most = d->most;
	p->known = known;
}

static void add_process(struct evidence *e, int32_t pid, const struct descriptors *d)
{
	struct holder h = { .pid = pid, .fd = -1, .command = "?" };
	_cleanup_free_ char *text = NULL;
	struct process_facts *p;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	text = procfile_read(path);
	if (text) {
		text[strcspn(text, "\n")] = '\0';
		h.command = text;
	}
	p = process_for(e, &h);
	set_descriptors(p, d, true);
}

/* Processes that hold no candidate but may be out of descriptors all the same. What
 * another network namespace holds is not for this one to tell. */
static void add_all_processes(struct evidence *e, bool sizes)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;

	if (!dir) {
		evidence_lacks(e, errno);
		return;
	}
	while ((errno = 0, d = readdir(dir))) {
		int32_t pid = atoi(d->d_name);
		struct descriptors many;

		if (pid > 0 && read_descriptors(e, pid, sizes, true, &many) &&
		    rules_suspect_process(many.n, many.limit) &&
		    evidence_same_netns(e, pid))
			add_process(e, pid, &many);
	}
	evidence_lacks(e, errno);
	closedir(dir);
}

void evidence_starved(struct reader *r, struct evidence *e)
{
	_cleanup_free_ int32_t *pids = xcalloc(e->n_processes + 1, sizeof(*pids));
	size_t n = 0, i;

	for (i = 0; i < e->n_processes; i++) {
		const struct process_facts *p = &e->processes[i];

		if (p->known && p->fds >= p->fd_limit)
			pids[n++] = p->pid;
	}
	if (!n)
		return;
	owners_scan(&r->owners, NULL, pids, n, 1);
	evidence_lacks(e, r->owners.failed);
	for (i = 0; i < e->n_listeners; i++) {
		struct listener_facts *l = &e->listeners[i];

		if (!l->holders && l->row->recv_queue)
			l->holders = evidence_holders(r, e, l->row);
	}
}

void evidence_descriptors(struct evidence *e, bool every_process)
{
	bool sizes = procfile_descriptors_are_sizes();
	size_t i;

	for (i = 0; i < e->n_processes; i++) {
		struct process_facts *p = &e->processes[i];
		struct descriptors has = { 0 };

		bool known = read_descriptors(e, p->pid, sizes, false, &has);

		set_descriptors(p, &has, known);
	}
	if (every_process)
		add_all_processes(e, sizes);
}
