/* Processes that have nearly all the descriptors they may have. */
#include "model/finding/inquiry_private.h"
#include "model/finding/rules_private.h"

enum {
	DESCRIPTORS_LEAST = 16, /* a process with fewer is not looked at by itself */
};

/* Whether a leak was told of this process, that holds half of its descriptors: one cause,
 * one finding. */
static bool told_as_leak(const struct inquiry *q, const struct process_facts *p)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++) {
		const struct finding *f = q->fs->v[i];

		if (f->rule == &rule_close_wait_leak && f->holders &&
		    f->holders->pid == p->pid && f->n_cookies * 2ull >= p->fds)
			return true;
	}
	return false;
}

/* Its owner may double the limit, if that leads not beyond the hard one. */
static const char *advice(struct inquiry *q, const struct process_facts *p)
{
	struct advised who = finding_advised(q, p->pid);
	unsigned pid = (unsigned)p->pid,
		 more = (unsigned)MIN(p->fd_limit * 2, (uint64_t)INT32_MAX);

	buf_puts(&q->text, "see what it holds, and raise the limit while it runs:");
	advise(&q->text, ADVICE_DESCRIPTORS, who, pid);
	if (p->fd_limit <= p->fd_most / 2)
		advise(&q->text, ADVICE_RAISE_NOFILE, who, pid, more);
	else
		advise(&q->text, ADVICE_RAISE_NOFILE_HARD, who, pid, more, more);
	return finding_text(q);
}

static void judge_descriptors(struct inquiry *q, const struct process_facts *p)
{
	struct finding *f;

	if (!finding_near_limit(p) || told_as_leak(q, p))
		return;
	f = finding_add(q->fs, &rule_descriptor_exhaustion);
	if (p->fds >= p->fd_limit)
		f->severity = SEVERITY_CRITICAL;
	buf_put_escaped(&q->text, p->command, strlen(p->command));
	say(q, "[%d]", p->pid);
	finding_put_unit(q, p);
	f->where = finding_text(q);
	say(q, "%ju of %ju descriptors are in use (RLIMIT_NOFILE).", (uintmax_t)p->fds,
	    (uintmax_t)p->fd_limit);
	finding_put_starved(q, p, f);
	f->summary = finding_text(q);
	f->advice = advice(q, p);
	f->holders = finding_holders(
		q, &(struct holder){ .pid = p->pid, .fd = -1, .command = p->command });
	finding_figure(f, "descriptors", p->fds, true);
	finding_figure(f, "descriptor_limit", p->fd_limit, true);
	finding_figure(f, "waiting", finding_starved(q, p), true);
}

static bool suspect_process(uint64_t fds, uint64_t fd_limit)
{
	return fds >= DESCRIPTORS_LEAST && finding_is_near(fds, fd_limit);
}

const struct rule rule_descriptor_exhaustion = {
	.id = "descriptor-exhaustion",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The process has nearly all the descriptors it may have: accept(), socket() and open() "
		"will fail with EMFILE.",
	.advice =
		"Find what it holds (ls -l /proc/PID/fd); raise RLIMIT_NOFILE (LimitNOFILE= of the "
		"unit) if the load is real.",
	.threshold =
		"# of RLIMIT_NOFILE; critical when none is left; not where close-wait-leak tells of "
		"half of them",
	.numbers = { PERCENT(FINDING_DESCRIPTORS_PERCENT) },
	.suspect_process = suspect_process,
	.judge_process = judge_descriptors,
};
