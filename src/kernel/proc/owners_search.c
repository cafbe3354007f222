/* What is looked for where the descriptors of processes do not show it, and for how long.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "kernel/proc/owners_private.h"

enum { MOST_US = WORK_US(50000) }; /* of work, so that a busy machine finds as much */

static uint64_t worked_us(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

bool owner_search_late(struct owner_search *s)
{
	return s->late = s->late || worked_us() >= s->until_us;
}

bool owner_search_wants(const struct owner_search *s, uint32_t inode)
{
	return inode && (!s->wanted || hash_set_has(s->wanted, inode)) &&
	       !(s->wanted && hash_set_has(&s->known, inode));
}

/* The last that was added, for its descriptors follow each other. */
static size_t process_of(struct owners *o, int proc_fd, int32_t pid)
{
	size_t i = o->n_processes, cap = i;

	if (i && o->processes[i - 1].pid == pid)
		return i - 1;
	o->processes = array_grow(o->processes, i, &cap, sizeof(*o->processes));
	o->processes[i] = (struct owner_process){ .pid = pid };
	owners_read_command(proc_fd, &o->processes[i]);
	o->n_processes++;
	return i;
}

void owner_search_add(struct owner_search *s, int32_t pid, int32_t fd, uint32_t inode)
{
	struct owners *o = s->o;
	size_t n = o->n_entries, cap = n;

	o->entries = array_grow(o->entries, n, &cap, sizeof(*o->entries));
	o->entries[n] = (struct owner_entry){ inode,
					      (uint32_t)process_of(o, s->proc_fd, pid),
					      fd };
	o->n_entries++;
	hash_index_add(&o->index, hash_u64(&o->index, inode), n);
}

bool owner_search_begin(struct owner_search *s, struct owners *o,
			const struct hash_index *wanted)
{
	size_t i;

	*s = (struct owner_search){
		.o = o, .wanted = wanted, .proc_fd = -1, .until_us = worked_us() + MOST_US
	};
	for (i = 0; wanted && i < o->n_entries; i++)
		if (hash_set_has(wanted, o->entries[i].inode))
			hash_set_add(&s->known, o->entries[i].inode);
	if (wanted && s->known.n >= wanted->n) {
		hash_index_free(&s->known);
		return false;
	}
	s->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return true;
}

void owner_search_end(struct owner_search *s, const char *late)
{
	struct owners *o = s->o;

	if ((s->proc_fd < 0 || s->late) && o->unseen == OWNER_INVISIBLE) {
		o->unseen = OWNER_THREADS;
		snprintf(o->unseen_why, sizeof(o->unseen_why), "%s", late);
	}
	close_fd(s->proc_fd);
	hash_index_free(&s->known);
}
