#include "model/finding/judge_private.h"

#include <errno.h>

void evidence_lacks(struct evidence *e, int err)
{
	if (err && err != ENOENT && err != ESRCH && err != EACCES && err != EPERM &&
	    !e->unread)
		e->unread = err;
}

/* Why nobody can be named. */
const char *judge_no_owner(const struct judge *j)
{
	if (j->e->owners_error)
		return "owner unknown (could not be read)";
	return j->e->unreadable ? "owner unknown (no permission)" : "owner not visible";
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

const char *judge_text(struct judge *j)
{
	const char *copy = arena_strndup(&j->fs->arena, j->text.data ? j->text.data : "",
					 j->text.len);

	buf_reset(&j->text);
	return copy;
}

void judge_put_addr(struct judge *j, const struct addr *a)
{
	addr_put(&j->text, a);
}

void judge_put_ip(struct judge *j, const struct addr *a)
{
	struct addr plain = addr_unmapped(a);

	addr_put_ip(&j->text, &plain);
}

bool judge_same_end(const struct addr *a, const struct addr *b)
{
	struct addr x = addr_unmapped(a), y = addr_unmapped(b);

	return addr_compare(&x, &y) == 0;
}

void judge_put_holders(struct judge *j, const struct holder *h)
{
	enum { SHOWN = 3 };
	const struct holder *last = NULL;
	unsigned fds = 0, hidden = 0;

	if (!h) {
		buf_puts(&j->text, judge_no_owner(j));
		return;
	}
	for (; h; last = h, h = h->next) {
		if (last && last->pid == h->pid) {
			if (++fds < SHOWN)
				buf_printf(&j->text, ", %d", h->fd);
			else
				hidden++;
			continue;
		}
		if (hidden)
			buf_printf(&j->text, " and %u more", hidden);
		if (last)
			buf_puts(&j->text, "; ");
		buf_put_escaped(&j->text, h->command, strlen(h->command));
		buf_printf(&j->text, "[%d] fd %d", h->pid, h->fd);
		fds = hidden = 0;
	}
	if (hidden)
		buf_printf(&j->text, " and %u more", hidden);
}

uint64_t judge_per_second(const struct judge *j, uint64_t n)
{
	return j->e->interval_ms ? n * 1000 / j->e->interval_ms : 0;
}

void judge_put_rate(struct judge *j, uint64_t n)
{
	uint64_t rate = judge_per_second(j, n);

	if (rate)
		buf_printf(&j->text, " (%llu a second)", (unsigned long long)rate);
}

const struct holder *judge_holders(struct judge *j, const struct holder *h)
{
	return judge_holders_and(j, h, NULL);
}

const struct holder *judge_holders_and(struct judge *j, const struct holder *h,
				       const struct holder *more)
{
	const struct holder *first = NULL, **link = &first;

	for (; h; h = h->next ? h->next : take_ptr(&more)) {
		struct holder *copy = arena_dup(&j->fs->arena, h, sizeof(*h));

		copy->next = NULL;
		copy->command = arena_strdup(&j->fs->arena, h->command);
		*link = copy;
		link = &copy->next;
	}
	return first;
}

void judge_cookies(struct judge *j, struct finding *f, const uint64_t *cookies, size_t n)
{
	f->cookies = arena_dup(&j->fs->arena, cookies, n * sizeof(*cookies));
	f->n_cookies = n;
}

void judge(const struct detect *d, const struct evidence *e, struct findings *fs)
{
	struct judge j = { .d = d, .e = e, .fs = fs };

	judge_queues(&j);
	judge_listeners(&j);
	judge_leaks(&j);
	judge_orphans(&j);
	judge_traffic(&j);
	findings_sort(fs);
	buf_free(&j.text);
}
