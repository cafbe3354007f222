#include "net/lab/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "model/names.h"
#include "net/socket/tcp.h"

enum {
	STEP_LIMIT_US = 20 * 1000000, /* on loopback it is a matter of microseconds */
	WAIT_FIRST_US = 200,
	WAIT_MOST_US = 20 * 1000,
	LOOK_US = 250 * 1000, /* whether what was made is still there */
};

enum lab_doer lab_doer(const struct lab *lab, const struct lab_step *step)
{
	bool listens = lab->how->side == LAB_SIDE_LISTEN;

	switch (step->op) {
	case LAB_FILL_QUEUE:
		return LAB_BY_OTHERS;
	case LAB_CONNECT:
	case LAB_CONNECT_BOUND:
		return listens ? LAB_BY_PEER : LAB_BY_US;
	case LAB_BIND:
	case LAB_LISTEN:
	case LAB_ACCEPT:
		return listens ? LAB_BY_US : LAB_BY_PEER;
	case LAB_END:
	case LAB_SEND:
	case LAB_READ_END:
	case LAB_SHUT:
	case LAB_CLOSE:
	case LAB_RESET:
	case LAB_DROP_ALL:
	case LAB_ONLY_SYN:
		break;
	}
	if (step->who == LAB_LISTENER)
		return listens ? LAB_BY_US : LAB_BY_PEER;
	return step->who == LAB_US ? LAB_BY_US : LAB_BY_PEER;
}

bool lab_tuple(const struct lab *lab, struct addr *us, struct addr *peer)
{
	bool client = lab->how->side == LAB_SIDE_CONNECT;

	if (lab->how->recipe->of_listener) {
		endpoint_addr(&lab->at, us);
		return false;
	}
	endpoint_addr(&lab->to, client ? peer : us);
	endpoint_addr(&lab->from, client ? us : peer);
	return true;
}

const char *lab_kept(const struct lab *lab)
{
	return lab->overruled ? "as long as --option makes it, then it is made anew"
			      : lab->way->kept;
}

/* What the kernel says of an end: by its descriptor, or by its addresses where it has
 * none, or where the descriptor has nothing left behind it. */
static enum sock_state state_of(struct lab *lab, int fd, const struct addr *local,
				const struct addr *peer)
{
	enum sock_state state = 0;
	struct tcpinfo t;
	int r;

	if (fd >= 0 && tcp_read(fd, &t))
		state = t.state;
	if ((state && state != STATE_CLOSE) || !peer->family)
		return state;
	r = lab->how->ops.look(lab->how->ops.ctx, local, peer);
	if (r < 0)
		lab->blind = true;
	/* Bound, and reset: the descriptor knows it better. */
	if (r <= 0 || r == STATE_BOUND_INACTIVE || r == STATE_LISTEN)
		return state;
	return (enum sock_state)r;
}

static void look_at_ends(struct lab *lab)
{
	struct addr us = { 0 }, peer = { 0 }, none = { 0 };
	bool listens = lab->how->side == LAB_SIDE_LISTEN;

	/* Before there is a connection, the server's end is the listener. */
	if (!lab->from.len || !lab_tuple(lab, &us, &peer)) {
		lab->us = listens ? state_of(lab, lab->listener, &us, &none) : 0;
		lab->peer = listens ? 0 : state_of(lab, lab->listener, &peer, &none);
		return;
	}
	lab->us = state_of(lab, *lab_fd(lab, LAB_US), &us, &peer);
	lab->peer = state_of(lab, *lab_fd(lab, LAB_PEER), &peer, &us);
}

/* Without the kernel's tables, what has no descriptor cannot be seen. */
static bool is_there(const struct lab *lab, enum sock_state wanted, enum sock_state seen)
{
	return !wanted || wanted == seen || (lab->blind && !seen);
}

static void fail_lab(struct lab *lab, const struct fault *f)
{
	lab->fault = *f;
	if (!lab->fault.err)
		lab->fault.err = EIO;
	loop_stop(&lab->s->loop);
}

static void fail_late(struct lab *lab)
{
	struct fault f = FAULT_INIT;

	fault_say(&f, ETIMEDOUT,
		  "%s: %s is not reached: we are %s (%s was to come), the peer is %s",
		  lab->call, lab->how->recipe->name,
		  lab->us ? state_name(lab->us) : "nowhere",
		  lab->step->us ? state_name(lab->step->us) : "anything",
		  lab->peer ? state_name(lab->peer) : "nowhere");
	fault_hint(&f, "a firewall on the loopback interface, or a setting under "
		       "net.ipv4 (tcp_max_tw_buckets, tcp_abort_on_overflow), forbids "
		       "it");
	fail_lab(lab, &f);
}

static void wait_more(struct lab *lab)
{
	uint64_t now = clock_us();

	if (!lab->deadline_us)
		lab->deadline_us = now + STEP_LIMIT_US;
	if (now >= lab->deadline_us) {
		fail_late(lab);
		return;
	}
	timer_set(&lab->s->loop, &lab->turn, now + lab->wait_us);
	lab->wait_us = lab->wait_us ? MIN(lab->wait_us * 2, (uint64_t)WAIT_MOST_US)
				    : WAIT_FIRST_US;
}

/* Makes the call of the step, once; true when both ends are where it leads. */
static bool step_done(struct lab *lab)
{
	struct fault f = FAULT_INIT;
	int r;

	if (!lab->called) {
		r = lab_step_do(lab, &f);
		if (r < 0) {
			fail_lab(lab, &f);
			return false;
		}
		lab->called = r > 0;
	}
	look_at_ends(lab);
	if (lab->called && is_there(lab, lab->step->us, lab->us) &&
	    is_there(lab, lab->step->peer, lab->peer))
		return true;
	wait_more(lab);
	return false;
}

static void begin_step(struct lab *lab, const struct lab_step *step)
{
	lab->step = step;
	lab->called = false;
	lab->deadline_us = 0;
	lab->wait_us = WAIT_FIRST_US;
}

static void reset_connections(struct lab *lab)
{
	int fd;

	lab_reset_fd(&lab->client);
	lab_reset_fd(&lab->server);
	lab->from.len = 0;
	while (lab->n_helpers)
		lab_reset_fd(&lab->helpers[--lab->n_helpers]);
	/* Those that were never accepted have been reset, but still count. */
	/* cppcheck-suppress nullPointer ; accept4() takes NULL */
	while (lab->listener >= 0 && (fd = accept4(lab->listener, NULL, NULL,
						   SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		lab_reset_fd(&fd);
}

/* The first step that is not about the listener, where that stands: its steps come first
 * in every recipe. */
static const struct lab_step *first_step(struct lab *lab)
{
	const struct lab_step *step = lab->way->steps;
	struct tcpinfo t;

	if (!tcp_read(lab->listener, &t) || t.state != STATE_LISTEN) {
		lab_reset_fd(&lab->listener);
		return step;
	}
	while (step->op == LAB_BIND || step->op == LAB_LISTEN ||
	       step->op == LAB_DROP_ALL || step->op == LAB_ONLY_SYN)
		step++;
	return step;
}

static void lab_turn(struct loop *l, struct timer *t);

/* It is held; whether it still is there is looked at now and then. */
static void hold_state(struct lab *lab)
{
	const struct lab_step *last = lab->step - 1;

	look_at_ends(lab);
	if (is_there(lab, last->us, lab->us) && is_there(lab, last->peer, lab->peer)) {
		timer_set(&lab->s->loop, &lab->turn, clock_us() + LOOK_US);
		return;
	}
	lab->held_us = clock_us() - lab->ready_us;
	lab->how->ops.gone(lab->how->ops.ctx, lab);
	lab->renewed++;
	lab->ready_us = 0;
	reset_connections(lab);
	begin_step(lab, first_step(lab));
	timer_set(&lab->s->loop, &lab->turn, clock_us());
}

static void lab_turn(struct loop *l, struct timer *t)
{
	struct lab *lab = LOOP_OWNER(t, struct lab, turn);

	(void)l;
	if (lab->ready_us) {
		hold_state(lab);
		return;
	}
	for (; lab->step->op != LAB_END; begin_step(lab, lab->step + 1)) {
		if (!step_done(lab))
			return;
		lab->how->ops.step(lab->how->ops.ctx, lab, lab->step);
	}
	lab->ready_us = clock_us();
	timer_set(&lab->s->loop, &lab->turn, lab->ready_us + LOOK_US);
	lab->how->ops.ready(lab->how->ops.ctx, lab);
}

/* The recipe's options, where the user has not given them. */
static int add_recipe_options(struct lab *lab, struct sockopt_list *list,
			      const char *text, struct fault *f)
{
	struct sockopt_list own = { 0 };
	size_t i;
	int r = text ? sockopt_parse(text, &own, f) : 0;

	for (i = 0; r == 0 && i < own.n; i++) {
		lab->overruled |= sockopt_given(list, own.v[i].opt->name);
		sockopt_default(list, own.v[i].opt->name, own.v[i].n);
	}
	sockopt_list_free(&own);
	return r;
}

int lab_start(struct lab *lab, struct session *s, const struct lab_how *how,
	      struct fault *f)
{
	const struct lab_recipe *recipe = how->recipe;
	int r;

	*lab = (struct lab){ .s = s,
			     .how = how,
			     .way = how->strict && recipe->strict.steps ? &recipe->strict
									: &recipe->plain,
			     .listener = -1,
			     .server = -1,
			     .client = -1,
			     .turn = { .fn = lab_turn } };
	sockopt_copy(how->side == LAB_SIDE_LISTEN ? &lab->listener_options
						  : &lab->client_options,
		     how->options);
	if (!how->no_reuseaddr)
		sockopt_default(&lab->listener_options, "reuseaddr", 1);
	r = add_recipe_options(lab, &lab->listener_options, lab->way->options, f);
	if (r == 0)
		r = add_recipe_options(lab, &lab->client_options, lab->way->options, f);
	begin_step(lab, lab->way->steps);
	timer_set(&s->loop, &lab->turn, loop_now(&s->loop));
	return r;
}

void lab_stop(struct lab *lab)
{
	if (!lab->s)
		return;
	timer_stop(&lab->s->loop, &lab->turn);
	reset_connections(lab);
	lab_reset_fd(&lab->listener);
	free(take_ptr(&lab->helpers));
	sockopt_list_free(&lab->listener_options);
	sockopt_list_free(&lab->client_options);
}
