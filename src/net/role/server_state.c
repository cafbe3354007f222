#include "net/role/server_state.h"

#include <errno.h>

bool server_wants_more(const struct server *v)
{
	return v->w.fd >= 0 &&
	       (v->how->max ? v->accepted < v->how->max : v->how->keep || !v->accepted);
}

void server_check_over(struct server *v)
{
	if (v->w.fd < 0 && !v->s->conns && !v->children && !v->forwards && v->held < 0)
		loop_stop(&v->s->loop);
}

void server_stop_accepting(struct server *v)
{
	size_t i;

	timer_stop(&v->s->loop, &v->pause);
	timer_stop(&v->s->loop, &v->first);
	if (v->w.fd < 0)
		return;
	unixfile_remove(v->file);
	watch_close(&v->s->loop, &v->w);
	for (i = 0; i < v->n_also; i++)
		watch_close(&v->s->loop, &v->also[i].w);
}

int server_watch(struct server *v, uint32_t events)
{
	int r = watch_set(&v->s->loop, &v->w, events);
	size_t i;

	for (i = 0; r == 0 && i < v->n_also; i++)
		r = watch_set(&v->s->loop, &v->also[i].w, events);
	return r;
}

void server_rest(struct server *v, uint64_t us)
{
	size_t i;

	/* A queue that is left alone must not wake us, whatever epoll says. */
	if (v->w.fd >= 0 && server_watch(v, 0) < 0) {
		watch_remove(&v->s->loop, &v->w);
		for (i = 0; i < v->n_also; i++)
			watch_remove(&v->s->loop, &v->also[i].w);
	}
	timer_set(&v->s->loop, &v->pause, loop_now(&v->s->loop) + us);
}

void server_starve(struct server *v, struct fault *f)
{
	v->s->totals.out_of_fds++;
	pipes_free(&v->s->pipes);
	if (!v->starved) {
		fault_hint(f, f->err == EMFILE
				      ? "the limit of this process (ulimit -n) is "
					"reached; peers wait in the queue meanwhile"
				      : "peers wait in the queue meanwhile");
		session_trouble(v->s, f);
	}
	v->starved = true;
	server_rest(v, SERVER_STARVED_US);
}

void server_fed(struct server *v)
{
	if (v->starved)
		session_note(v->s, "accepting again");
	v->starved = false;
}
