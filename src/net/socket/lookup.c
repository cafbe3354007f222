#include "net/socket/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/socket/endpoint.h"
#include "net/socket/nameserver.h"

enum {
	/* Asking the name servers adds no more than this to a look-up that failed, nor
	 * more than that took; ... */
	ASK_LEAST_US = 250 * 1000,
	ASK_MOST_US = 1000 * 1000,
	/* ... of one that goes on until its deadline it is the last part. */
	ASK_BEFORE_END_US = 750 * 1000,
	TELL_US = 50 * 1000, /* of it, to come with the news in time */
};

enum lookup_asked { NOT_ASKED, ASKING, ASKED };

/* Shared by the caller and the threads; whoever lets go last frees it. */
struct lookup {
	pthread_mutex_t lock;
	int holders;
	pthread_t threads[2]; /* only the caller's */
	size_t n_threads;
	int done_in;  /* readable once the fields of the end are final ... */
	int done_out; /* ... for then a thread closes this: unlike a write, it cannot
			 fail */
	char *name;
	int family;
	bool by_family;
	uint64_t began_us, deadline_us;
	bool dropped; /* the caller is gone */
	struct lookup_end end;
	bool over; /* end is known, and waits for what the name servers say */
	struct addrinfo *list;
	enum lookup_asked asked;
	struct buf servers; /* what they said */
};

static void lookup_let_go(struct lookup *k)
{
	bool last;

	pthread_mutex_lock(&k->lock);
	last = --k->holders == 0;
	pthread_mutex_unlock(&k->lock);
	if (!last)
		return;
	if (k->list)
		freeaddrinfo(k->list);
	pthread_mutex_destroy(&k->lock);
	close_fd(k->done_in);
	close_fd(k->done_out);
	buf_free(&k->servers);
	free(k->name);
	free(k);
}

/* Threads whose work is done are at their last step, and what libc keeps for them goes
 * with them; a resolver may keep one that is not done for as long as it likes. */
void lookup_release(struct lookup *k)
{
	bool done;

	pthread_mutex_lock(&k->lock);
	k->dropped = true;
	done = k->done_out < 0;
	pthread_mutex_unlock(&k->lock);
	for (size_t i = 0; i < k->n_threads; i++)
		if (done)
			pthread_join(k->threads[i], NULL);
		else
			pthread_detach(k->threads[i]);
	lookup_let_go(k);
}

int lookup_fd(const struct lookup *k)
{
	return k->done_in;
}

/* As resolvers have it: SERVFAIL, silence, REFUSED and the like. */
bool lookup_is_theirs(int result)
{
	return result == EAI_AGAIN || result == EAI_FAIL;
}

/*
 * getaddrinfo() without a descriptor for the files and sockets that it needs says that
 * the name does not exist, and leaves in errno why. Where that was used for something
 * else since, a descriptor of our own tells.
 */
static int what_it_lacked(int result, int err)
{
	int fd;

	if (result == 0)
		return 0;
	if (result == EAI_MEMORY)
		return ENOMEM;
	if (!endpoint_is_shortage(err)) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		err = fd < 0 ? errno : 0;
		close_fd(fd);
	}
	return err;
}

/* Whether it is this thread that shall ask: only one does. */
static bool begin_to_ask(struct lookup *k)
{
	bool mine;

	pthread_mutex_lock(&k->lock);
	mine = k->asked == NOT_ASKED && !k->dropped;
	if (mine)
		k->asked = ASKING;
	pthread_mutex_unlock(&k->lock);
	return mine;
}

/* Ends the look-up where nothing else is waited for. */
static void ask(struct lookup *k, uint64_t until_us)
{
	struct buf servers = { 0 };

	nameserver_ask(&servers, k->name, k->family, k->by_family, until_us);
	pthread_mutex_lock(&k->lock);
	k->servers = servers;
	k->asked = ASKED;
	if (k->over)
		close_fd(take_fd(&k->done_out));
	pthread_mutex_unlock(&k->lock);
}

/* A look-up that failed may take so long again, within limits, to say why. */
static uint64_t may_ask_until(const struct lookup *k)
{
	uint64_t now = clock_us();
	uint64_t until = now + MIN(MAX(now - k->began_us, (uint64_t)ASK_LEAST_US),
				   (uint64_t)ASK_MOST_US);

	return k->deadline_us ? MIN(until, k->deadline_us - TELL_US) : until;
}

static void *lookup_run(void *arg)
{
	struct lookup *k = arg;
	struct addrinfo hints = { .ai_family = k->family, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct lookup_end end;
	bool theirs;

	errno = 0;
	end.result = getaddrinfo(k->name, NULL, &hints, &list);
	end.err = errno;
	end.took_us = clock_us() - k->began_us;
	end.lacked = what_it_lacked(end.result, end.err);
	end.list = end.result == 0 ? list : NULL;
	theirs = lookup_is_theirs(end.result) && !end.lacked;
	pthread_mutex_lock(&k->lock);
	k->end = end;
	k->list = end.result == 0 ? list : NULL;
	k->over = true;
	if (!theirs || k->asked == ASKED)
		close_fd(take_fd(&k->done_out));
	pthread_mutex_unlock(&k->lock);
	if (theirs && begin_to_ask(k))
		ask(k, may_ask_until(k));
	lookup_let_go(k);
	return NULL;
}

/* Shortly before the deadline of a look-up that has not ended. */
static void *ask_run(void *arg)
{
	struct lookup *k = arg;
	struct pollfd p = { .fd = k->done_in, .events = POLLIN };
	uint64_t left = k->deadline_us - MIN(k->deadline_us, k->began_us);
	uint64_t share = MIN(left / 4, (uint64_t)ASK_BEFORE_END_US), now, at;

	at = k->deadline_us - share;
	do
		now = clock_us();
	while (now < at && poll(&p, 1, (int)((at - now + 999) / 1000)) < 0 &&
	       errno == EINTR);
	if (!p.revents && begin_to_ask(k))
		ask(k, k->deadline_us - MIN(share / 4, (uint64_t)TELL_US));
	lookup_let_go(k);
	return NULL;
}

static int start_thread(struct lookup *k, void *(*run)(void *))
{
	sigset_t all, old;
	int err;

	pthread_mutex_lock(&k->lock);
	k->holders++;
	pthread_mutex_unlock(&k->lock);
	/* Signals belong to the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&k->threads[k->n_threads], NULL, run, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		lookup_let_go(k);
	else
		k->n_threads++;
	return -err;
}

int lookup_start(struct lookup **started, const char *name, int family, bool by_family,
		 uint64_t deadline_us)
{
	struct lookup *k = xcalloc(1, sizeof(*k));
	int r, ends[2];

	k->name = xstrdup(name);
	k->family = family;
	k->by_family = by_family;
	k->holders = 1;
	k->began_us = clock_us();
	k->deadline_us = deadline_us;
	k->done_in = k->done_out = -1;
	pthread_mutex_init(&k->lock, NULL);
	r = pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno;
	if (r == 0) {
		k->done_in = ends[0];
		k->done_out = ends[1];
		r = start_thread(k, lookup_run);
	}
	if (r < 0) {
		lookup_release(k);
		return r;
	}
	/* Without it the look-up only says less. */
	if (deadline_us)
		start_thread(k, ask_run);
	*started = k;
	return 0;
}

void lookup_end(struct lookup *k, struct lookup_end *end)
{
	pthread_mutex_lock(&k->lock);
	*end = k->end;
	pthread_mutex_unlock(&k->lock);
}

void lookup_put_servers(struct buf *b, struct lookup *k)
{
	pthread_mutex_lock(&k->lock);
	if (k->asked == ASKED)
		buf_puts(b, buf_cstr(&k->servers));
	else
		nameserver_list(b);
	pthread_mutex_unlock(&k->lock);
}
