#include "net/relay/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"

/* One that a kernel makes smaller, for the user has too many, is worse than a copy. */
enum { USEFUL = 64 * 1024, SHARE_OF_FDS = 8 };

/* Sockets hand single pages over: 64 KiB are few. What all pipes have together stays
 * below an ordinary user's share, 64 MiB, for other programs have pipes too. */
enum { LARGE = 1024 * 1024, LARGE_MOST = 16 };

/* Connections need the descriptors more. */
static unsigned most_of(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return PIPES_MOST;
	return (unsigned)MAX(MIN((uint64_t)PIPES_MOST, rl.rlim_cur / SHARE_OF_FDS),
			     (uint64_t)1);
}

struct lent_pipe *pipes_lend(struct pipes *p)
{
	struct lent_pipe *pipe = p->free;
	int ends[2];

	if (pipe) {
		p->free = pipe->next;
		return pipe;
	}
	if (!p->most)
		p->most = most_of();
	if (p->n >= p->most || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return NULL;
	if (p->n < LARGE_MOST)
		fcntl(ends[0], F_SETPIPE_SZ, LARGE);
	if (fcntl(ends[0], F_GETPIPE_SZ) < USEFUL) {
		close_fd(ends[0]);
		close_fd(ends[1]);
		/* Until one of ours is closed there will be no other. */
		p->most = MAX(p->n, 1u);
		return NULL;
	}
	pipe = xmalloc(sizeof(*pipe));
	*pipe = (struct lent_pipe){ .in = ends[0], .out = ends[1] };
	p->n++;
	return pipe;
}

void pipes_return(struct pipes *p, struct lent_pipe *pipe)
{
	pipe->next = p->free;
	p->free = pipe;
}

void pipes_drop(struct pipes *p, struct lent_pipe *pipe)
{
	close_fd(pipe->in);
	close_fd(pipe->out);
	free(pipe);
	p->n--;
}

void pipes_free(struct pipes *p)
{
	while (p->free) {
		struct lent_pipe *pipe = p->free;

		p->free = pipe->next;
		pipes_drop(p, pipe);
	}
}
