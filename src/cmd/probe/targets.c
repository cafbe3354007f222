#include "cmd/probe/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/whole.h"
#include "cmd/probe/question.h"

/* What such a socket cannot be asked: "open" would not mean what was wanted. */
static const char *beyond(const struct probe_config *c, const struct target *t)
{
	bool datagrams = t->proto == TARGET_UDP || t->proto == TARGET_UNIX_DGRAM;

	if (c->hops && t->proto != TARGET_TCP)
		return "--hops speaks TCP";
	if (c->backlog && t->proto != TARGET_TCP && t->proto != TARGET_UNIX &&
	    t->proto != TARGET_UNIX_SEQPACKET)
		return "--measure-backlog speaks TCP and unix";
	if (c->syn && t->proto != TARGET_TCP)
		return "--syn speaks TCP";
	if (c->verify && t->proto != TARGET_TCP && t->proto != TARGET_MPTCP)
		return "--verify speaks TCP";
	if (c->http && datagrams)
		return "--http speaks no datagrams";
	if (c->stable_us && datagrams)
		return "--stable: datagrams have no connection that could stay open";
	return NULL;
}

static int add_target(struct probe_targets *t, const struct probe_config *c,
		      const char *text, struct fault *f)
{
	struct target_how how = { .proto = target_chosen(c->proto, c->path),
				  .family = (uint8_t)c->family,
				  .flags = TARGET_PORT_LIST | TARGET_PORT_OF_PEER };
	const char *cannot;
	struct target *one;
	int r;

	if (c->hops || c->backlog)
		how.flags = TARGET_PORT_OF_PEER;
	t->v = array_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->texts = array_grow(t->texts, t->n, &t->cap_texts, sizeof(*t->texts));
	one = &t->v[t->n];
	r = target_parse(text, &how, one, f);
	if (r < 0)
		return r;
	port_set_once(&one->ports);
	t->texts[t->n++] = xstrdup(text);
	cannot = beyond(c, one);
	if (cannot)
		r = fault_say(f, EINVAL, "%s", cannot);
	else if (one->proto == TARGET_RAW || one->proto == TARGET_FD)
		r = fault_say(f, EINVAL, "%s: has no connection to try",
			      target_proto_name(one->proto));
	if (r < 0)
		fault_mark(f, text, 0);
	return r;
}

/* A file that is about to be written (listen --port-file) appears whole. */
static int open_soon(const char *path, uint64_t deadline_us)
{
	int fd;

	for (;;) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT || clock_us() >= deadline_us)
			return fd >= 0 ? fd : -errno;
		poll(NULL, 0, 5);
	}
}

static int read_whole(const char *path, uint64_t deadline_us, struct buf *b,
		      struct fault *f)
{
	uint64_t begun = clock_us();
	_cleanup_close_ int opened = -1;
	int fd = STDIN_FILENO;

	if (!streq(path, "-")) {
		fd = opened = open_soon(path, deadline_us);
		if (fd == -ENOENT) {
			char name[200];
			_cleanup_buf_ struct buf took = { 0 };

			buf_put_time(&took, clock_us() - begun);
			return fault_say(
				f, ETIMEDOUT, "there is no %s, nor did it come within %s",
				escape_text(name, sizeof(name), path, strlen(path)),
				buf_cstr(&took));
		}
		if (fd < 0) {
			fault(f, -fd, "read %s", path);
			return -EIO;
		}
	}
	return whole_read(b, fd, path, f) < 0 ? -EIO : 0;
}

/* Says in front of a refusal where it stands. */
static void name_line(struct fault *f, const char *path, unsigned line)
{
	char was[sizeof(f->what)], shown[120];

	memcpy(was, f->what, sizeof(was));
	if (streq(path, "-"))
		path = "standard input";
	snprintf(f->what, sizeof(f->what), "%s, line %u: %.300s",
		 escape_text(shown, sizeof(shown), path, strlen(path)), line, was);
}

static int read_file(struct probe_targets *t, const struct probe_config *c,
		     const char *path, struct fault *f)
{
	_cleanup_buf_ struct buf b = { 0 };
	uint64_t deadline = c->wait_us != PROBE_UNSET ? c->wait_until_us
						      : clock_us() + c->timeout_us;
	char *line, *next;
	unsigned number = 0;
	int r = read_whole(path, deadline, &b, f);

	if (r < 0)
		return r;
	buf_cstr(&b);
	for (line = b.data; line && *line && r == 0; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r#")] = '\0';
		number++;
		if (*line)
			r = add_target(t, c, line, f);
		if (r < 0)
			name_line(f, path, number);
	}
	return r;
}

/* "db 5432", as other tools take it; "db:80 30" is something else. */
static bool are_two_words(const char *host, const char *port)
{
	struct target_how how = { .flags = TARGET_PORT_LIST };
	_cleanup_target_ struct target whole = { 0 };

	return *port && strspn(port, "0123456789,-") == strlen(port) &&
	       !strchr(host, '/') && target_parse(host, &how, &whole, NULL) < 0;
}

int probe_targets_read(struct probe_targets *t, const struct probe_config *c,
		       const struct opt_operands *words, struct fault *f)
{
	size_t i, n = words->n_before_dashes;
	int r = 0;

	if (n == 2 && are_two_words(words->words.v[0], words->words.v[1]))
		return target_two_words(words->words.v[0], words->words.v[1], f);
	for (i = 0; i < n && r == 0; i++)
		r = add_target(t, c, words->words.v[i], f);
	for (i = 0; i < c->target_files.n && r == 0; i++)
		r = read_file(t, c, c->target_files.v[i], f);
	if (r == 0 && !t->n) {
		fault_say(f, EINVAL, "an address is missing");
		fault_hint(f, "host:80, [::1]:80, host:80,8000-8010, udp:host:53, "
			      "/run/socket");
		r = -EINVAL;
	}
	return r;
}

void probe_targets_free(struct probe_targets *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		target_free(&t->v[i]);
		free(t->texts[i]);
	}
	free(t->v);
	free(t->texts);
	endpoint_list_free(&t->addresses);
}

uint64_t probe_target_ports(const struct target *t)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < t->ports.n; i++)
		n += (uint64_t)(t->ports.v[i].hi - t->ports.v[i].lo) + 1;
	return MAX(n, (uint64_t)1);
}

/* Whether this target has a turn rather than a job for each port. */
static bool has_turn(const struct probe_config *c, const struct target *t)
{
	if (c->syn || c->hops || c->backlog)
		return true;
	if (t->proto != TARGET_TCP && t->proto != TARGET_UDP)
		return false;
	if (c->attempts != 1 || c->wait_us != PROBE_UNSET || c->expect || c->http ||
	    c->banner || c->verify || c->negotiated ||
	    (c->send && t->proto == TARGET_TCP))
		return false;
	return probe_target_ports(t) > PROBE_ASKED_ONE_BY_ONE;
}

static struct probe_job *add_job(struct probe_run *run, size_t *cap)
{
	run->jobs = array_grow(run->jobs, run->n_jobs, cap, sizeof(*run->jobs));
	memset(&run->jobs[run->n_jobs], 0, sizeof(*run->jobs));
	return &run->jobs[run->n_jobs++];
}

static char *text_with_port(const struct target *t, const char *given, uint16_t port)
{
	struct port_range one = { port, port };
	struct target single = *t;
	_cleanup_buf_ struct buf b = { 0 };

	if (probe_target_ports(t) == 1)
		return xstrdup(given);
	single.ports = (struct port_set){ .v = &one, .n = 1 };
	single.port = port;
	target_put(&b, &single);
	return xstrdup(buf_cstr(&b));
}

enum { LOOKUPS_MOST = 256 }; /* at once: each is a thread */

void probe_look_up(struct probe_run *run)
{
	struct resolve_how how = { .deadline_us = probe_name_until(run->c),
				   .empty = RESOLVE_EMPTY_LOOPBACK4 };
	size_t n = run->n_turns, i, begun = 0;
	struct resolve **lookups = xcalloc(MAX(n, (size_t)1), sizeof(*lookups));

	for (i = 0; i < n; i++) {
		struct probe_turn *turn = &run->turns[i];

		for (; begun < n && begun < i + LOOKUPS_MOST; begun++) {
			how.took_us = &run->turns[begun].name_us;
			lookups[begun] = resolve_start(run->turns[begun].target, &how);
		}
		turn->err = resolve_finish(lookups[i], turn->target->port, &turn->list,
					   &turn->fault);
	}
	free(lookups);
}

/* The look-ups of --all-addresses: side by side, for one name server that is silent must
 * not take its time once a name. */
struct lookups {
	struct resolve **v; /* one a target; NULL = not begun, or over */
	size_t begun;
	uint64_t *took_us; /* of each */
};

static void begin_lookups(struct probe_run *run, const struct probe_targets *t,
			  struct lookups *k, size_t from)
{
	struct resolve_how how = { .deadline_us = probe_name_until(run->c),
				   .empty = RESOLVE_EMPTY_LOCALHOST };

	for (; k->begun < t->n && k->begun < from + LOOKUPS_MOST; k->begun++)
		if (!has_turn(run->c, &t->v[k->begun])) {
			how.took_us = &k->took_us[k->begun];
			k->v[k->begun] = resolve_start(&t->v[k->begun], &how);
		}
}

/* --wait: all addresses of a name must answer, so all have to be known first, and a name
 * may come later. Where one target is enough, the others do not wait for it. */
static int look_up_again(const struct probe_config *c, const struct target *one, int err,
			 struct endpoint_list *found, struct fault *f)
{
	enum { AGAIN_MS = 100 };
	struct resolve_how how = { .empty = RESOLVE_EMPTY_LOCALHOST };

	while (err < 0 && clock_us() < c->wait_until_us) {
		struct fault why = FAULT_INIT;
		int r;

		poll(NULL, 0, AGAIN_MS);
		how.deadline_us = probe_name_until(c);
		r = resolve(one, one->port, &how, found, &why);
		/* The end of the wait says nothing of the name. */
		if (r == -ETIMEDOUT && clock_us() >= c->wait_until_us)
			return err;
		err = r;
		*f = why;
	}
	return err;
}

static void add_port(struct probe_run *run, struct probe_targets *t, size_t i,
		     uint16_t port, const struct endpoint_list *found, uint64_t took_us,
		     size_t *cap)
{
	size_t k;

	for (k = 0; k < found->n; k++) {
		struct probe_job *j = add_job(run, cap);
		struct endpoint *ep = endpoint_list_add(&t->addresses);
		char text[ENDPOINT_TEXT_MAX];
		struct addr a;

		*ep = found->v[k];
		if (endpoint_addr(ep, &a)) {
			a.port = port;
			endpoint_from_addr(ep, found->v[k].proto, &a);
			ep->ifindex = found->v[k].ifindex;
		}
		j->target = &t->v[i];
		j->port = port;
		j->text = xstrdup(endpoint_text(text, sizeof(text), ep));
		j->named = text_with_port(&t->v[i], t->texts[i], port);
		j->fixed_at = t->addresses.n;
		j->fixed_us = took_us;
	}
}

/* Every address of a name is a target of its own; their endpoints live in t. The result
 * of the look-up; a failure is told by the job of the name. */
static int add_addresses(struct probe_run *run, struct probe_targets *t, size_t i,
			 struct lookups *lookups, size_t *cap, struct fault *f)
{
	_cleanup_endpoints_ struct endpoint_list found = { 0 };
	struct target *one = &t->v[i];
	uint16_t port = one->port;
	size_t index = 0;
	int r;

	begin_lookups(run, t, lookups, i);
	r = resolve_finish(take_ptr(&lookups->v[i]), port, &found, f);
	if (r < 0 && run->c->wait_us != PROBE_UNSET && !run->c->any && !run->c->down)
		r = look_up_again(run->c, one, r, &found, f);
	if (r < 0)
		return r;
	if (one->ports.n)
		target_next_port(one, &index, &port);
	do
		add_port(run, t, i, port, &found, lookups->took_us[i], cap);
	while (one->ports.n && target_next_port(one, &index, &port));
	return 0;
}

static void add_ports(struct probe_run *run, struct probe_targets *t, size_t i, int err,
		      const struct fault *f, size_t *cap)
{
	struct target *one = &t->v[i];
	uint16_t port = one->port;
	size_t index = 0;

	if (one->ports.n)
		target_next_port(one, &index, &port);
	do {
		struct probe_job *j = add_job(run, cap);

		j->target = one;
		j->port = port;
		j->text = text_with_port(one, t->texts[i], port);
		if (err < 0) {
			j->unnamed = xcalloc(1, sizeof(*j->unnamed));
			*j->unnamed = *f;
			j->unnamed_err = err;
		}
	} while (one->ports.n && target_next_port(one, &index, &port));
}

void probe_make_jobs(struct probe_run *run, struct probe_targets *t)
{
	struct lookups lookups = { xcalloc(MAX(t->n, (size_t)1), sizeof(*lookups.v)), 0,
				   xcalloc(MAX(t->n, (size_t)1),
					   sizeof(*lookups.took_us)) };
	size_t i, k, cap = 0;

	for (i = 0; i < t->n; i++) {
		struct fault f = FAULT_INIT;
		int r = 0;

		if (has_turn(run->c, &t->v[i])) {
			run->turns = array_grow(run->turns, run->n_turns, &run->cap_turns,
						sizeof(*run->turns));
			run->turns[run->n_turns++] =
				(struct probe_turn){ .target = &t->v[i],
						     .text = t->texts[i],
						     .fault = FAULT_INIT };
			continue;
		}
		if (run->c->all_addresses)
			r = add_addresses(run, t, i, &lookups, &cap, &f);
		if (!run->c->all_addresses || r < 0)
			add_ports(run, t, i, r, &f, &cap);
	}
	free(lookups.v);
	free(lookups.took_us);
	/* Only now the list of addresses stays where it is. */
	for (k = 0; k < run->n_jobs; k++)
		if (run->jobs[k].fixed_at)
			run->jobs[k].fixed = &t->addresses.v[run->jobs[k].fixed_at - 1];
}
