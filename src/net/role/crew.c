#include "net/role/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/relay/conn_end.h"

struct crew_member {
	struct crew *crew;
	pthread_t thread;
	struct session s;
	struct server v;
	struct watch end;
	int r; /* of session_run() */
	struct fault fault;
};

/* Whoever is told has no idea of threads. */
static void tell_alone(void *crew, const struct net_event *e)
{
	struct crew *c = crew;

	pthread_mutex_lock(&c->telling);
	c->ops.event(c->ops.ctx, e);
	pthread_mutex_unlock(&c->telling);
}

/* It stays so, and every loop sees it. */
static void end_seen(struct loop *l, struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	loop_stop(l);
}

/* By whoever is first; closing, unlike writing, cannot fail. */
static void end_all(struct crew *c)
{
	close_fd(atomic_exchange(&c->end_out, -1));
}

static void *member_main(void *member)
{
	struct crew_member *m = member;

	m->r = session_run(&m->s, &m->fault);
	if (m->r < 0)
		session_trouble(&m->s, &m->fault);
	/* One that cannot go on ends all: a part of the peers would wait for ever. */
	end_all(m->crew);
	server_stop(&m->v);
	while (m->s.conns)
		conn_stop(m->s.conns, CONN_TOLD, NULL);
	return NULL;
}

static int watch_end(struct crew *c, struct loop *l, struct watch *w)
{
	*w = (struct watch){ .fd = c->end_in, .fn = end_seen };
	return watch_set(l, w, EPOLLIN);
}

static int begin_member(struct crew *c, struct crew_member *m, struct seat *seat, int fd,
			const struct endpoint *local, struct fault *f)
{
	_cleanup_close_ int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int r;

	if (own < 0)
		return fault(f, errno, "share the listener with a thread");
	m->crew = c;
	m->fault = (struct fault)FAULT_INIT;
	r = session_branch(&m->s, c->s, f);
	if (r < 0)
		return r;
	m->s.seat = seat;
	r = watch_end(c, &m->s.loop, &m->end);
	if (r < 0)
		fault(f, -r, "watch for the end");
	else
		r = server_start(&m->v, &m->s, own, local, NULL, &c->how, f);
	if (r == 0) {
		take_fd(&own);
		r = -pthread_create(&m->thread, NULL, member_main, m);
		if (r < 0) {
			fault(f, -r, "start a thread");
			server_stop(&m->v);
		}
	}
	if (r < 0)
		session_merge(c->s, &m->s);
	return r;
}

int crew_start(struct crew *c, struct session *s, int fd, const struct endpoint *local,
	       const struct server_how *how, uint64_t threads, struct fault *f)
{
	int r, end[2];

	c->end_in = -1;
	atomic_init(&c->end_out, -1);
	c->s = s;
	c->how = *how;
	/* Whether anybody has come by then is asked once, in the thread we are in. */
	c->how.timeout_us = 0;
	c->v = xcalloc(threads, sizeof(*c->v));
	if (pipe2(end, O_CLOEXEC | O_NONBLOCK) != 0)
		return fault(f, errno, "make a pipe for the end");
	c->end_in = end[0];
	atomic_store(&c->end_out, end[1]);
	pthread_mutex_init(&c->telling, NULL);
	/* Nothing is told of peers before it is told that we listen. */
	pthread_mutex_lock(&c->telling);
	c->silent = true;
	c->ops = s->ops;
	s->ops.event = tell_alone;
	s->ops.ctx = c;
	s->shared = &c->shared;
	s->loop.eager = false; /* the CPU that it kept may be another thread's */
	r = watch_end(c, &s->loop, &c->end);
	if (r < 0)
		return fault(f, -r, "watch for the end");
	r = seats_open(&c->shared.seats, threads, f);
	if (r < 0)
		return r;
	s->seat = &c->shared.seats.v[0];
	for (; c->n + 1 < threads; c->n++) {
		r = begin_member(c, &c->v[c->n], &c->shared.seats.v[c->n + 1], fd, local,
				 f);
		if (r < 0)
			return r;
	}
	return 0;
}

void crew_speak(struct crew *c)
{
	if (c->silent)
		pthread_mutex_unlock(&c->telling);
	c->silent = false;
}

void crew_end(struct crew *c)
{
	size_t i;

	crew_speak(c);
	if (c->end_in >= 0) {
		end_all(c);
		for (i = 0; i < c->n; i++) {
			pthread_join(c->v[i].thread, NULL);
			if (c->v[i].r < 0)
				session_worse(c->s, CONN_ERROR, -c->v[i].r);
			session_merge(c->s, &c->v[i].s);
		}
		watch_close(&c->s->loop, &c->end);
		c->s->ops = c->ops;
		c->s->shared = NULL;
		seats_close(&c->shared.seats);
		pthread_mutex_destroy(&c->telling);
	}
	free(take_ptr(&c->v));
}
