/* Unix servers that are not at their path any more: in no root that one of their
 * processes has, nor in ours. */
#include <stdlib.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/path/in_root.h"

enum { MOST_LOST = 64, MOST_PROCESSES = 8 /* of each */ };

/* Which of the list has the path that another one lost. */
static const struct sock *who_has(const struct suspects *list,
				  const struct in_root_look *looks,
				  const struct sock *lost)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		const struct sock *s = list->v[i];

		if (looks[i].is == IN_ROOT_SAME && s->path.len == lost->path.len &&
		    memcmp(s->path.data, lost->path.data, lost->path.len) == 0)
			return s;
	}
	return NULL;
}

void evidence_lost_files(const struct detect *d, struct evidence *e)
{
	const struct suspects *list = &d->bound_files;
	_cleanup_free_ struct in_root_look *looks = NULL;
	size_t i;

	if (!list->n)
		return;
	looks = xcalloc(list->n, sizeof(*looks));
	for (i = 0; i < list->n; i++)
		in_root_ask(&looks[i], 0, list->v[i]);
	in_root(looks, list->n);
	e->lost_files = arena_zalloc(&e->arena, MOST_LOST * sizeof(*e->lost_files));
	for (i = 0; i < list->n && e->n_lost_files < MOST_LOST; i++)
		if (looks[i].is == IN_ROOT_OTHER || looks[i].is == IN_ROOT_NOTHING)
			e->lost_files[e->n_lost_files++] = (struct lost_file){
				.row = list->v[i],
				.by = who_has(list, looks, list->v[i]),
			};
}

void evidence_want_lost_files(const struct evidence *e, struct hash_index *wanted)
{
	size_t i;

	for (i = 0; i < e->n_lost_files; i++) {
		hash_set_add(wanted, e->lost_files[i].row->inode);
		if (e->lost_files[i].by)
			hash_set_add(wanted, e->lost_files[i].by->inode);
	}
}

/* A look for each process that has it; 0 where there are none, or too many. */
static size_t ask_processes(struct in_root_look *looks, const struct lost_file *lost)
{
	const struct holder *h;
	int32_t last = 0;
	size_t n = 0;

	for (h = lost->holders; h; last = h->pid, h = h->next) {
		if (h->pid == last)
			continue;
		if (n == MOST_PROCESSES)
			return 0;
		in_root_ask(&looks[n++], h->pid, lost->row);
	}
	return n;
}

/* A program that has bound the path anew, and has its old socket still. */
static bool is_own(const struct lost_file *lost)
{
	const struct holder *x, *y;

	for (x = lost->by_holders; x; x = x->next)
		for (y = lost->holders; y; y = y->next)
			if (x->pid == y->pid)
				return true;
	return false;
}

/* Only what is known of each of them. */
static bool is_lost(struct lost_file *lost, const struct in_root_look *looks, size_t n)
{
	size_t i;

	if (is_own(lost))
		return false;
	lost->replaced = lost->by != NULL;
	for (i = 0; i < n; i++) {
		if (looks[i].is != IN_ROOT_OTHER && looks[i].is != IN_ROOT_NOTHING)
			return false;
		lost->replaced |= looks[i].is == IN_ROOT_OTHER;
	}
	return n > 0;
}

void evidence_judge_lost_files(struct reader *r, struct evidence *e)
{
	_cleanup_free_ struct in_root_look *looks = NULL;
	size_t of[MOST_LOST], n = 0, kept = 0, at = 0, i;

	if (!e->n_lost_files)
		return;
	looks = xcalloc(e->n_lost_files * MOST_PROCESSES, sizeof(*looks));
	for (i = 0; i < e->n_lost_files; i++) {
		struct lost_file *lost = &e->lost_files[i];

		lost->holders = evidence_holders(r, e, lost->row);
		if (lost->by)
			lost->by_holders = evidence_holders(r, e, lost->by);
		of[i] = ask_processes(looks + n, lost);
		n += of[i];
	}
	in_root(looks, n);
	for (i = 0; i < e->n_lost_files; at += of[i++])
		if (is_lost(&e->lost_files[i], looks + at, of[i]))
			e->lost_files[kept++] = e->lost_files[i];
	e->n_lost_files = kept;
}
