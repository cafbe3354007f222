#include "base/leave.h"

#include <errno.h>
#include <fcntl.h>

/* File-scope state, for a signal handler and abort() have no other way to it. */
static struct leaving *leave_list;
static volatile sig_atomic_t leave_owner; /* the process whose list it is; 0 = nobody's */

/* Whose default is to end the process, and which come from outside or from a limit. */
static const int ending[] = { SIGHUP,  SIGINT,	SIGQUIT,  SIGTERM,   SIGUSR1,
			      SIGUSR2, SIGALRM, SIGPROF,  SIGVTALRM, SIGXCPU,
			      SIGPOLL, SIGPWR,	SIGSTKFLT };

void leave_signals(sigset_t *set)
{
	struct sigaction was;
	size_t i;

	sigemptyset(set);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigaction(ending[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
			sigaddset(set, ending[i]);
}

void leave_now(void)
{
	int saved = errno;
	struct leaving *e;

	for (e = leave_owner == getpid() ? leave_list : NULL; e; e = e->next) {
		if (e->name)
			entry_remove(e->dir, e->name, e->aside, e->dev, e->ino);
		else
			kill(e->pid, SIGTERM);
	}
	errno = saved;
}

/* Ends through the signal, as if it had never been caught. */
static void ended(int signo)
{
	leave_now();
	signal(signo, SIG_DFL);
	raise(signo); /* blocked until this handler returns */
}

/* Where a loop reads the signals they are blocked, and never get here. */
static void catch (void)
{
	struct sigaction act = { .sa_handler = ended };
	size_t i;

	leave_owner = getpid();
	leave_signals(&act.sa_mask);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigismember(&act.sa_mask, ending[i]))
			sigaction(ending[i], &act, NULL);
}

static void add_leaving(struct leaving *e)
{
	sigset_t set, old;

	if (!leave_owner)
		catch ();
	leave_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	e->next = leave_list;
	e->at = &leave_list;
	if (e->next)
		e->next->at = &e->next;
	leave_list = e;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void leave_file(struct leaving *e, int dir, const char *name, const struct stat *st)
{
	*e = (struct leaving){
		.dir = dir, .name = name, .dev = st->st_dev, .ino = st->st_ino
	};
	entry_fresh(e->aside);
	add_leaving(e);
}

void leave_process(struct leaving *e, pid_t pid)
{
	*e = (struct leaving){ .dir = -1, .pid = pid };
	add_leaving(e);
}

void leave_forget(struct leaving *e)
{
	sigset_t set, old;

	if (!e->at)
		return;
	leave_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	*e->at = e->next;
	if (e->next)
		e->next->at = e->at;
	e->at = NULL;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int leave_remove(struct leaving *e)
{
	int r;

	if (!e->at)
		return -ENOENT;
	r = entry_remove(e->dir, e->name, e->aside, e->dev, e->ino);
	leave_forget(e);
	return r;
}

void leave_inherit(void)
{
	if (leave_owner)
		leave_owner = getpid();
}
