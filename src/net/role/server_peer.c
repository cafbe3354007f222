#include "net/role/server_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/chain.h"
#include "base/mem.h"
#include "net/role/peerfile.h"

/* --- commands --- */

static void child_failed(struct server *v, const struct child *c, int status)
{
	struct fault f = FAULT_INIT;

	if (status == CHILD_STATUS_UNKNOWN)
		fault_say(
			&f, ECHILD,
			"the command of peer %llu (process %ld) ended, its exit code is "
			"not known",
			(unsigned long long)c->id, (long)c->pid);
	else if (status > 128)
		fault_say(&f, ECHILD,
			  "the command of peer %llu (process %ld) was "
			  "ended by signal %d",
			  (unsigned long long)c->id, (long)c->pid, status - 128);
	else
		fault_say(&f, ECHILD,
			  "the command of peer %llu (process %ld) ended with code %d",
			  (unsigned long long)c->id, (long)c->pid, status);
	session_worse(v->s, CONN_ERROR, ECHILD);
	session_tell(v->s,
		     &(struct net_event){ .kind = NET_CHILD, .id = c->id, .fault = &f });
}

static void connection_over(struct drain *d, struct fault *f)
{
	struct child *c = LOOP_OWNER(d, struct child, drain);
	struct server *v = c->owner;

	if (f) {
		c->failed = true;
		session_worse(v->s, CONN_ERROR, f->err);
		session_trouble(v->s, f);
	}
	v->s->totals.open--;
	if (c->failed)
		v->s->totals.failed++;
	else
		v->s->totals.complete++;
	CHAIN_TAKE(c);
	free(c);
	server_check_over(v);
}

static void child_ended(struct child *c, int status)
{
	struct server *v = c->owner;

	/* Somebody else may have its number from here on. */
	c->running = false;
	c->failed = status != 0;
	if (status)
		child_failed(v, c, status);
	child_end_connection(c, v->s, connection_over);
}

/* What may be there in a moment. */
static bool is_short(int err)
{
	return endpoint_is_shortage(err) || err == EAGAIN;
}

static void hold_peer(struct server *v, int sock, uint64_t id, struct fault *f)
{
	v->held = sock;
	v->held_from = v->from;
	v->held_id = id;
	server_starve(v, f);
}

static void run_child(struct server *v, int sock, uint64_t id)
{
	struct child *c = xcalloc(1, sizeof(*c));
	struct fault f = FAULT_INIT;
	int r;

	c->owner = v;
	c->id = id;
	c->ended = child_ended;
	v->s->unseen = true;
	r = child_start(c, v->s, sock, v->how->child, &f);
	/* One that ran for a moment has read of the connection: it cannot run again. */
	if (r < 0 && is_short(-r) && !c->pid) {
		free(c);
		hold_peer(v, sock, id, &f);
		return;
	}
	v->s->totals.started++;
	if (r < 0) {
		free(c);
		close_fd(sock);
		v->s->totals.failed++;
		session_worse(v->s, CONN_ERROR, f.err);
		session_trouble(v->s, &f);
	} else {
		CHAIN_ADD(&v->children, c);
		v->s->totals.open++;
		v->s->totals.most_open = MAX(v->s->totals.most_open, v->s->totals.open);
	}
	server_check_over(v); /* where no command runs nothing else would ask */
}

/* --- peers that are passed on --- */

static void forward_ended(struct forward *w)
{
	struct server *v = w->owner;

	CHAIN_TAKE(w);
	free(w);
	server_check_over(v);
}

static void forward_starved(struct forward *w, struct fault *f)
{
	server_starve(w->owner, f);
}

static void pass_on(struct server *v, int sock, uint64_t id)
{
	struct forward *w = xcalloc(1, sizeof(*w));

	w->owner = v;
	w->ended = forward_ended;
	w->starved = forward_starved;
	CHAIN_ADD(&v->forwards, w);
	forward_start(w, v->s, sock, id, take_fd(&v->spare), v->how->to);
}

/* --- connections and files --- */

static int peer_file(struct server *v, int sock, uint64_t id, struct stream **out,
		     struct fault *f)
{
	struct endpoint peer;
	bool named = endpoint_peer(sock, &v->s->like, &peer) == 0;
	int fd = peerfile_open(&v->how->output, id, named ? &peer : NULL, false, f);

	if (fd < 0)
		return fd;
	*out = xcalloc(1, sizeof(**out));
	stream_init_file(*out, fd);
	return 0;
}

static void set_late_options(struct server *v, int sock)
{
	struct fault f = FAULT_INIT;

	if (sockopt_apply(sock, v->how->options, SOCKOPT_LATE, NULL, NULL, &f) < 0)
		session_trouble(v->s, &f);
}

static void add_conn(struct server *v, int sock, uint64_t id, struct stream *file)
{
	struct fault f = FAULT_INIT;
	int r;

	set_late_options(v, sock);
	r = session_add(v->s, sock, id, file, true, v->burst <= 1, 0);
	if (r == 0)
		return;
	fault(&f, -r, "watch a new connection");
	session_trouble(v->s, &f);
	if (!v->s->forgiving)
		session_worse(v->s, CONN_ERROR, f.err);
	if (file)
		stream_close(&v->s->loop, file);
	free(file);
	server_check_over(v);
}

static void with_file(struct server *v, int sock, uint64_t id)
{
	struct stream *file = NULL;
	struct fault f = FAULT_INIT;
	int r = peer_file(v, sock, id, &file, &f);

	if (r == 0) {
		add_conn(v, sock, id, file);
	} else if (is_short(-r)) {
		hold_peer(v, sock, id, &f);
	} else {
		session_trouble(v->s, &f);
		session_worse(v->s, CONN_OUTPUT, f.err);
		close_fd(sock);
		server_check_over(v);
	}
}

/* --- the peer --- */

bool server_needs_file(const struct server *v)
{
	return v->how->child || v->how->output.path || v->how->to;
}

int server_reserve(struct server *v)
{
	if (!server_needs_file(v))
		return 0;
	v->spare = fcntl(v->s->loop.epfd, F_DUPFD_CLOEXEC, 0);
	/* fcntl(2) knows no ENFILE: EMFILE is all that it says. */
	return v->spare < 0 ? -1 : 0;
}

void server_unreserve(struct server *v)
{
	int err = errno;

	close_fd(take_fd(&v->spare));
	errno = err;
}

int server_has_room(struct server *v, struct fault *f)
{
	int sock = fcntl(v->s->loop.epfd, F_DUPFD_CLOEXEC, 0), r = 0;

	if (sock < 0 || server_reserve(v) < 0) {
		r = fault(f, errno, "find descriptors for a peer");
		fault_hint(f, "the limit of this process is too low: ulimit -n");
	}
	server_unreserve(v);
	close_fd(sock);
	return r;
}

static void give_peer(struct server *v, int sock, uint64_t id)
{
	if (v->n_also)
		v->s->like = *v->from;
	if (v->how->to) {
		set_late_options(v, sock);
		pass_on(v, sock, id);
		server_fed(v);
		return;
	}
	server_unreserve(v);
	if (v->how->child) {
		set_late_options(v, sock);
		run_child(v, sock, id);
	} else if (v->how->output.path) {
		with_file(v, sock, id);
	} else {
		add_conn(v, sock, id, NULL);
	}
	if (v->held < 0 && server_needs_file(v))
		server_fed(v);
}

void server_serve(struct server *v, int sock)
{
	struct session_shared *shared = v->s->shared;
	uint64_t id = ++v->accepted;

	if (shared)
		id = atomic_fetch_add(&shared->peers, 1) + 1;
	timer_stop(&v->s->loop, &v->first);
	/* The last one we want: those behind it shall be refused, not kept waiting. */
	if (!server_wants_more(v))
		server_stop_accepting(v);
	give_peer(v, sock, id);
}

bool server_serve_held(struct server *v)
{
	v->from = v->held_from;
	give_peer(v, take_fd(&v->held), v->held_id);
	return v->held < 0;
}
