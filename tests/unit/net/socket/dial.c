/* One connection to one of several addresses, with real listeners on loopback: the order,
 * who is asked when, and what is said where none answers. */
#include "net/socket/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/unit.h"

enum { GUARD_US = 10 * 1000000 };

struct attempt {
	struct loop l;
	struct timer guard, later;
	struct dial d;
	struct dial_how how;
	struct endpoint_list list;
	int calls, fd; /* of done() */
	size_t index;
	struct fault f;
	uint64_t began_us, took_us;
	int opened, failed, failed_at_once;
	int listener; /* that `later` accepts from */
};

static void give_up(struct loop *l, struct timer *t)
{
	(void)t;
	loop_stop(l);
}

static void accept_one(struct loop *l, struct timer *t)
{
	struct attempt *a = LOOP_OWNER(t, struct attempt, later);

	(void)l;
	close_fd(accept(a->listener, NULL, NULL));
}

static void done(struct dial *d, int fd, size_t index, const struct fault *f)
{
	struct attempt *a = d->owner;

	a->calls++;
	a->fd = fd;
	a->index = index;
	a->took_us = clock_us() - a->began_us;
	if (f)
		a->f = *f;
	loop_stop(d->l);
}

static void opened(void *ctx, int fd, const struct endpoint *ep)
{
	struct attempt *a = ctx;

	(void)ep;
	CHECK(fd >= 0);
	a->opened++;
}

static void failed(void *ctx, int fd, const struct endpoint *ep, int err,
		   uint64_t took_us, bool at_once)
{
	struct attempt *a = ctx;

	(void)ep;
	(void)took_us;
	CHECK(fd >= 0 && err > 0);
	a->failed++;
	a->failed_at_once += at_once;
}

static void begin(struct attempt *a)
{
	*a = (struct attempt){ .fd = -1, .listener = -1 };
	CHECK_INT(loop_init(&a->l), 0);
	a->how = (struct dial_how){ .opened = opened,
				    .failed = failed,
				    .evidence_ctx = a };
	a->d.done = done;
	a->d.owner = a;
	a->guard.fn = give_up;
	a->later.fn = accept_one;
}

static void start(struct attempt *a)
{
	a->began_us = clock_us();
	dial_start(&a->d, &a->l, &a->list, &a->how);
	CHECK_INT(a->calls, 0); /* never from within */
}

static void run(struct attempt *a)
{
	start(a);
	timer_set(&a->l, &a->guard, clock_us() + GUARD_US);
	CHECK_INT(loop_run(&a->l), 0);
	CHECK_INT(a->calls, 1);
}

static void end(struct attempt *a)
{
	dial_stop(&a->d);
	timer_stop(&a->l, &a->guard);
	timer_stop(&a->l, &a->later);
	loop_free(&a->l);
	endpoint_list_free(&a->list);
	close_fd(a->fd);
	close_fd(a->listener);
}

static struct endpoint *add_v4(struct endpoint_list *list, uint16_t port)
{
	struct endpoint *ep = endpoint_list_add(list);
	struct addr a = { .family = AF_INET, .ip = { 127, 0, 0, 1 }, .port = port };

	endpoint_from_addr(ep, TARGET_TCP, &a);
	return ep;
}

static void add_v6(struct endpoint_list *list, uint16_t port)
{
	struct addr a = { .family = AF_INET6, .ip = { [15] = 1 }, .port = port };

	endpoint_from_addr(endpoint_list_add(list), TARGET_TCP, &a);
}

/* A socket that is bound to a port of its own. backlog -1: nothing listens on it. */
static int a_port(int backlog, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(bind(fd, (struct sockaddr *)&sin, len) == 0);
	CHECK(backlog < 0 || listen(fd, backlog) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&sin, &len) == 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

/* A listener whose accept queue is full: it answers no SYN. */
static int a_silent_port(uint16_t *port, int *waiting)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = a_port(0, port);

	sin.sin_port = htons(*port);
	*waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(*waiting, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	return fd;
}

static void families_alternate(void)
{
	static const int families[] = { AF_INET6, AF_INET, AF_INET6, AF_INET, AF_INET };
	static const int ports[] = { 1, 3, 2, 4, 5 };
	struct attempt a;
	size_t i;

	begin(&a);
	add_v6(&a.list, 1);
	add_v6(&a.list, 2);
	add_v4(&a.list, 3);
	add_v4(&a.list, 4);
	add_v4(&a.list, 5);
	start(&a);
	for (i = 0; i < 5; i++) {
		struct addr at = { 0 };

		CHECK_INT(a.d.order[i].family, families[i]);
		CHECK(endpoint_addr(&a.d.order[i], &at));
		CHECK_INT(at.port, ports[i]);
	}
	end(&a);
	CHECK_INT(a.calls, 0); /* nor after dial_stop() */
}

static void the_first_answers(void)
{
	struct attempt a;
	uint16_t port;
	int fd = a_port(8, &port);

	begin(&a);
	add_v4(&a.list, port);
	add_v4(&a.list, port);
	run(&a);
	CHECK(a.fd >= 0);
	CHECK_INT(a.index, 0);
	CHECK_INT(a.opened, 1);
	CHECK_INT(a.failed, 0);
	end(&a);
	close(fd);
}

static void a_refusal(void)
{
	struct attempt a;
	uint16_t port;
	int fd = a_port(-1, &port);

	begin(&a);
	add_v4(&a.list, port);
	run(&a);
	CHECK_INT(a.fd, -ECONNREFUSED);
	CHECK_INT(a.f.err, ECONNREFUSED);
	CHECK(strstr(a.f.hint, "nothing listens on that port"));
	CHECK_INT(a.failed, 1);
	CHECK_INT(a.failed_at_once, 0);
	end(&a);
	close(fd);
}

static uint64_t time_after_refusal(const uint16_t *ports)
{
	struct attempt a;

	begin(&a);
	add_v4(&a.list, ports[0]);
	add_v4(&a.list, ports[1]);
	run(&a);
	CHECK(a.fd >= 0);
	CHECK_INT(a.index, 1);
	CHECK_INT(a.failed, 1);
	end(&a);
	return a.took_us;
}

/* Nobody waits after an answer. On a busy machine it may take long all the same, but not
 * each time. */
static void a_refusal_passes_on(void)
{
	uint64_t us = DIAL_STAGGER_US;
	uint16_t ports[2];
	int one = a_port(-1, &ports[0]), two = a_port(8, &ports[1]), tries;

	for (tries = 0; tries < 5 && us >= DIAL_STAGGER_US; tries++)
		us = time_after_refusal(ports);
	CHECK(us < DIAL_STAGGER_US);
	close(one);
	close(two);
}

static void all_refuse(void)
{
	struct attempt a;
	uint16_t first, second;
	int one = a_port(-1, &first), two = a_port(-1, &second);
	char text[64];

	begin(&a);
	add_v4(&a.list, first);
	add_v4(&a.list, second);
	run(&a);
	CHECK_INT(a.fd, -ECONNREFUSED);
	snprintf(text, sizeof(text), "connect 127.0.0.1:%u", second);
	CHECK(strncmp(a.f.what, text, strlen(text)) == 0);
	snprintf(text, sizeof(text), "; before that 127.0.0.1:%u: ", first);
	CHECK(strstr(a.f.what, text));
	end(&a);
	close(one);
	close(two);
}

static void the_deadline(void)
{
	struct attempt a;
	uint16_t port;
	int waiting, fd = a_silent_port(&port, &waiting);

	begin(&a);
	add_v4(&a.list, port);
	a.how.deadline_us = clock_us() + 50 * 1000;
	run(&a);
	CHECK_INT(a.fd, -ETIMEDOUT);
	CHECK(a.took_us >= 49 * 1000);
	CHECK(strstr(a.f.what, "no answer within 0."));
	CHECK_INT(a.failed, 1);
	end(&a);
	close(waiting);
	close(fd);
}

/* Happy eyeballs: after a while of silence the next one is asked, too. */
static void silence_passes_on(void)
{
	struct attempt a;
	uint16_t silent, port;
	int waiting, one = a_silent_port(&silent, &waiting), two = a_port(8, &port);

	begin(&a);
	add_v4(&a.list, silent);
	add_v4(&a.list, port);
	run(&a);
	CHECK(a.fd >= 0);
	CHECK_INT(a.index, 1);
	CHECK(a.took_us >= DIAL_STAGGER_US);
	CHECK_INT(a.failed, 0); /* the silent one is closed, it has not failed */
	end(&a);
	close(waiting);
	close(one);
	close(two);
}

/* The lost SYN is sent again after a second only; another socket asks before. */
static void a_hedge(void)
{
	struct attempt a;
	uint16_t port;
	int waiting, fd = a_silent_port(&port, &waiting);

	begin(&a);
	add_v4(&a.list, port);
	a.listener = fd;
	a.how.hedge_us = 60 * 1000;
	timer_set(&a.l, &a.later, clock_us() + 20 * 1000);
	run(&a);
	CHECK(a.fd >= 0);
	CHECK_INT(a.d.hedged, 1);
	CHECK_INT(a.opened, 2);
	end(&a);
	close(waiting);
}

static void connected_to_itself(void)
{
	struct endpoint_list sources = { 0 };
	struct attempt a;
	uint16_t port;

	close(a_port(-1, &port));
	begin(&a);
	add_v4(&a.list, port);
	a.how.sources = add_v4(&sources, port);
	a.how.n_sources = 1;
	run(&a);
	CHECK_INT(a.fd, -ECONNREFUSED);
	end(&a);
	endpoint_list_free(&sources);
}

static void a_full_unix_listener(bool patient)
{
	struct attempt a;
	struct endpoint *ep;
	char name[64];
	int waiting;

	begin(&a);
	snprintf(name, sizeof(name), "sockctl-dial-%ld", (long)getpid());
	ep = endpoint_list_add(&a.list);
	endpoint_from_unix(ep, TARGET_UNIX, name, true);
	a.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(a.listener, (struct sockaddr *)&ep->ss, ep->len) == 0);
	CHECK(listen(a.listener, 0) == 0);
	waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(waiting, (struct sockaddr *)&ep->ss, ep->len) == 0);
	a.how.patient = patient;
	timer_set(&a.l, &a.later, clock_us() + 20 * 1000);
	run(&a);
	if (patient)
		CHECK(a.fd >= 0 && a.took_us >= 19 * 1000);
	else
		CHECK_INT(a.fd, -EAGAIN);
	close(waiting);
	end(&a);
}

static void patience(void)
{
	a_full_unix_listener(true);
	a_full_unix_listener(false);
}

/* The end of an interrupted dial: its sockets are closed, nobody is called. */
static void stopped_in_flight(void)
{
	struct attempt a;
	uint16_t port;
	int waiting, fd = a_silent_port(&port, &waiting), in_flight;

	begin(&a);
	add_v4(&a.list, port);
	timer_set(&a.l, &a.guard, clock_us() + 20 * 1000);
	start(&a);
	CHECK_INT(loop_run(&a.l), 0);
	CHECK_INT(a.opened, 1);
	in_flight = a.d.attempts[0].w.fd;
	CHECK(in_flight >= 0);
	end(&a);
	CHECK_INT(a.calls, 0);
	CHECK(close(in_flight) < 0 && errno == EBADF);
	close(waiting);
	close(fd);
}

int main(void)
{
	RUN(families_alternate, "families alternate from the first one on");
	RUN(the_first_answers, "the first that answers wins, no other is asked");
	RUN(a_refusal, "a refusal says what it means");
	RUN(a_refusal_passes_on, "after a refusal the next is asked at once");
	RUN(all_refuse, "where all refuse, each is named");
	RUN(the_deadline, "a deadline ends a silence");
	RUN(silence_passes_on, "a silent address is overtaken by the next");
	RUN(a_hedge, "another socket to a silent address is sooner than its next SYN");
	RUN(connected_to_itself, "a socket that is connected to itself is a refusal");
	RUN(patience, "a full unix listener is asked again, by whoever is patient");
	RUN(stopped_in_flight, "a dial that is stopped closes its sockets and is silent");
	return unit_done();
}
