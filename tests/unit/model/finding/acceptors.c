/* Who of several holders is to accept. */
#include "model/finding/acceptors.h"

#include "unit/unit.h"

enum { MOST = 4 };

struct one {
	int32_t pid, parent;
	uint64_t program;
	enum waits waits;
	bool serves;
	bool accepts; /* what is wanted */
};

static const struct row {
	const char *what;
	struct one v[MOST];
} rows[] = {
	{ "a process alone, whatever it waits for",
	  { { 10, 1, 7, WAITS_SIGNAL, false, true } } },
	{ "nginx: a master in sigsuspend, workers in epoll",
	  { { 10, 1, 7, WAITS_SIGNAL, false, false },
	    { 11, 10, 7, WAITS_HERE, false, true },
	    { 12, 10, 7, WAITS_HERE, true, true } } },
	{ "gunicorn: a master in select(), a busy worker, one that polls its database",
	  { { 10, 1, 7, WAITS_POLL, false, false },
	    { 11, 10, 7, WAITS_UNKNOWN, true, true },
	    { 12, 10, 7, WAITS_POLL, true, true } } },
	{ "php-fpm: a master in epoll, workers in accept()",
	  { { 10, 1, 7, WAITS_LOOP, false, false },
	    { 11, 10, 7, WAITS_HERE, false, true } } },
	{ "a listener of one of two workers, which both inherited",
	  { { 10, 1, 7, WAITS_SIGNAL, false, false },
	    { 11, 10, 7, WAITS_HERE, false, true },
	    { 12, 10, 7, WAITS_LOOP, true, false } } },
	{ "systemd has a listener that it gave away",
	  { { 1, 0, 3, WAITS_LOOP, false, false },
	    { 20, 1, 7, WAITS_UNKNOWN, false, true } } },
	{ "systemd waits for the first connection itself: none of its services does",
	  { { 1, 0, 3, WAITS_HERE, false, true } } },
	{ "a server that waits for a command, which inherited the listener",
	  { { 10, 1, 7, WAITS_SIGNAL, false, true },
	    { 11, 10, 8, WAITS_UNKNOWN, false, true } } },
	{ "a server with a client that waits for its own child",
	  { { 10, 1, 7, WAITS_SIGNAL, true, true },
	    { 11, 10, 7, WAITS_UNKNOWN, false, true } } },
	{ "nothing may be read",
	  { { 10, 1, 0, WAITS_UNKNOWN, false, true },
	    { 11, 10, 0, WAITS_UNKNOWN, false, true } } },
	{ "programs that may not be read are not taken for the same",
	  { { 10, 1, 0, WAITS_SIGNAL, false, true },
	    { 11, 10, 0, WAITS_UNKNOWN, false, true } } },
	{ "a master that accepts, too",
	  { { 10, 1, 7, WAITS_HERE, false, true },
	    { 11, 10, 7, WAITS_UNKNOWN, false, true } } },
};

static void check(const struct row *row)
{
	struct process_facts processes[MOST] = { 0 };
	struct holder holders[MOST * 2] = { 0 };
	struct acceptor acceptors[MOST] = { 0 };
	struct listener_facts l = { .holders = holders, .acceptors = acceptors };
	struct evidence e = { .processes = processes };
	const struct holder *h;
	size_t i, n = 0, actors = 0;

	for (i = 0; i < MOST && row->v[i].pid; i++) {
		const struct one *o = &row->v[i];
		size_t fd;

		processes[i] = (struct process_facts){
			.pid = o->pid,
			.doing = { .parent = o->parent, .program = o->program },
		};
		acceptors[i] = (struct acceptor){ .holder = &holders[n],
						  .waits = o->waits,
						  .serves = o->serves };
		/* Two descriptors each. */
		for (fd = 3; fd < 5; fd++, n++) {
			holders[n] = (struct holder){ .pid = o->pid,
						      .fd = (int32_t)fd,
						      .command = "server" };
			if (n)
				holders[n - 1].next = &holders[n];
		}
		actors += o->accepts;
	}
	e.n_processes = l.n_acceptors = i;
	acceptors_judge(&e, &l);
	for (i = 0; i < l.n_acceptors; i++)
		if (acceptors[i].bystander == row->v[i].accepts)
			printf("# %s: %d\n", row->what, row->v[i].pid);
	for (i = 0; i < l.n_acceptors; i++)
		CHECK_INT(acceptors[i].bystander, !row->v[i].accepts);
	for (n = 0, h = l.actors; h; h = h->next)
		n++;
	CHECK_INT(n, 2 * actors);
	arena_free(&e.arena);
}

static void judged(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		check(&rows[i]);
}

int main(void)
{
	RUN(judged, "by what each waits for, and who started whom");
	return unit_done();
}
