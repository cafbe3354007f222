#include "cmd/why.h"

#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

#include "cmd/local_listeners.h"
#include "kernel/explain/explain.h"
#include "view/view_bindable.h"

static uint8_t proto_of(const struct endpoint *ep)
{
	if (ep->family == AF_UNIX)
		return ep->type == SOCK_DGRAM	    ? PROTO_UNIX_DGRAM
		       : ep->type == SOCK_SEQPACKET ? PROTO_UNIX_SEQPACKET
						    : PROTO_UNIX_STREAM;
	return ep->type == SOCK_DGRAM ? PROTO_UDP : PROTO_TCP;
}

/* Only what the tables know: TCP, UDP and unix sockets that have a name. */
static bool is_known(const struct endpoint *ep)
{
	struct addr a;

	if (ep->type == SOCK_RAW || ep->len == 0)
		return false;
	return endpoint_addr(ep, &a) ||
	       (ep->family == AF_UNIX &&
		ep->len > offsetof(struct sockaddr_un, sun_path));
}

struct unix_name {
	const char *name; /* NULL: no unix socket */
	size_t len;
	bool abstract;
};

static struct unix_name name_of(const struct endpoint *ep)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&ep->ss;
	struct unix_name n = { 0 };

	if (ep->family != AF_UNIX)
		return n;
	n.abstract = !sun->sun_path[0];
	n.name = sun->sun_path + n.abstract;
	n.len = ep->len - offsetof(struct sockaddr_un, sun_path) - n.abstract;
	if (!n.abstract)
		n.len = strnlen(n.name, n.len);
	return n;
}

static bool flag(const struct sockopt_list *options, const char *name, bool otherwise)
{
	size_t i;

	for (i = 0; options && i < options->n; i++)
		if (streq(options->v[i].opt->name, name))
			otherwise = options->v[i].n != 0;
	return otherwise;
}

static void put_shown(struct buf *b, const struct endpoint *ep)
{
	if (!endpoint_put_path(b, ep))
		endpoint_put(b, ep);
}

/*
 * The bind() that failed is the trial: what it shows need not be asked for again.
 * replaces: it takes the place of a file that nobody holds, and has refused this one. A
 * word of other tables about the file would speak against what it said.
 */
static void judge_bind(const struct endpoint *ep, const struct sockopt_list *options,
		       int err, bool replaces, struct causes *causes)
{
	_cleanup_buf_ struct buf shown = { 0 }, asked = { 0 };
	struct unix_name name = name_of(ep);
	struct bind_question q = {
		.candidate = { .proto = proto_of(ep),
			       .uid = geteuid(),
			       .reuseaddr = flag(options, "reuseaddr", false),
			       .reuseport = flag(options, "reuseport", false),
			       .v6only = flag(options, "v6only", false) },
		.freebind = flag(options, "freebind", false),
		.name = name.name,
		.name_len = name.len,
		.abstract = name.abstract,
	};
	struct bind_facts facts;

	endpoint_addr(ep, &q.candidate.addr);
	q.candidate.ifindex = q.candidate.addr.scope;
	put_shown(&shown, ep);
	endpoint_put(&asked, ep);
	q.address = arena_strdup(causes->arena, buf_cstr(&shown));
	q.asked = arena_strdup(causes->arena, buf_cstr(&asked));
	explain_bind(&q, causes->arena, &facts);
	if (replaces && q.name && !q.abstract &&
	    (facts.file == FILE_STALE || facts.file == FILE_UNSURE))
		return;
	facts.tried = true;
	facts.trial_error = err;
	bind_judge(&facts, causes);
}

static bool has_cause(int err)
{
	return err == EADDRINUSE || err == EADDRNOTAVAIL || err == EACCES ||
	       err == EPERM || err == EINVAL;
}

void cmd_explain_bind(struct teller *t, const struct endpoint *ep,
		      const struct sockopt_list *options, const struct fault *f)
{
	_cleanup_arena_ struct arena arena = { 0 };
	_cleanup_buf_ struct buf shown = { 0 }, b = { 0 };
	struct causes causes = { .arena = &arena };
	struct view_bindable v = { .causes = &causes,
				   .verdict = BIND_CONFLICT,
				   .tried = true };
	struct fault bare = *f;

	if (is_known(ep) && has_cause(f->err))
		judge_bind(ep, options, f->err, true, &causes);
	/* A cause that was found says it better than a hint that guesses. */
	if (causes.n)
		bare.hint[0] = '\0';
	tell_fault(t, &bare);
	if (causes.n && t->json) {
		put_shown(&shown, ep);
		v.address = buf_cstr(&shown);
		view_bindable_json(&b, &v);
	} else if (causes.n) {
		view_causes_text(&b, &causes, term_width(STDERR_FILENO));
	}
	tell_write(t->out, t->json ? TELL_DATA : TELL_PEOPLE, &b);
	causes_free(&causes);
}

/* A silence of our own host: its queue is full, or a rule is in between. */
static void judge_silence(const struct endpoint *ep, struct causes *causes)
{
	struct local_listeners l = local_listeners(ep);
	struct buf b = { 0 }, next = { 0 };
	struct addr a;

	if (l.err) {
		buf_printf(&b,
			   "whether something here listens there is not known: the "
			   "kernel's tables could not be read (%s)",
			   strerror(l.err));
		causes_add(causes, "unknown", &b, NULL, NULL);
	}
	if (!l.n || l.err)
		return;
	endpoint_put(&b, ep);
	if (l.queue < l.limit + l.n) {
		buf_printf(&b,
			   " is listened on and has room (%llu/%llu): a firewall of this "
			   "host is in between",
			   (unsigned long long)l.queue, (unsigned long long)l.limit);
		causes_add(causes, "filtered", &b, NULL, NULL);
		return;
	}
	buf_printf(&b,
		   ": the accept queue is full (%llu/%llu): the program does not accept",
		   (unsigned long long)l.queue, (unsigned long long)l.limit);
	causes_add(causes, "accept-queue-full", &b, NULL, NULL);
	if (endpoint_addr(ep, &a)) {
		buf_printf(&next, "sockctl inspect -p --port %u", a.port);
		causes_next(causes, &next);
	}
}

void explain_endpoint(const struct endpoint *ep, const struct endpoint *from, int err,
		      struct causes *causes)
{
	_cleanup_buf_ struct buf shown = { 0 };
	struct unix_name name = name_of(ep);
	struct connect_question q = { .proto = proto_of(ep),
				      .err = err,
				      .name = name.name,
				      .name_len = name.len,
				      .abstract = name.abstract };
	struct connect_facts facts;

	/* The source address was asked for and is taken. */
	if (from && err == EADDRINUSE && is_known(from))
		judge_bind(from, NULL, err, false, causes);
	if (is_known(ep) && (err == ETIMEDOUT || err == EAGAIN)) {
		judge_silence(ep, causes);
		return;
	}
	if (!is_known(ep) ||
	    (ep->family == AF_UNIX
		     ? err != ECONNREFUSED && err != ENOENT && err != EPROTOTYPE
		     : err != ECONNREFUSED && err != EADDRNOTAVAIL))
		return;
	endpoint_addr(ep, &q.to);
	if (from)
		endpoint_addr(from, &q.from);
	put_shown(&shown, ep);
	q.address = arena_strdup(causes->arena, buf_cstr(&shown));
	explain_connect(&q, causes->arena, &facts);
	connect_judge(&facts, causes);
}

void cmd_explain_connect(struct teller *t, const struct endpoint *ep,
			 const struct endpoint *from, int err)
{
	_cleanup_arena_ struct arena arena = { 0 };
	_cleanup_buf_ struct buf b = { 0 };
	struct causes causes = { .arena = &arena };
	struct json j = json_on(&b);

	explain_endpoint(ep, from, err, &causes);
	if (causes.n && t->json) {
		json_begin_object(&j, "note");
		json_member_str(&j, "id", causes.v[0].id);
		json_member_text(&j, "summary", causes.v[0].summary);
		view_causes_json(&j, &causes);
		json_end_object(&j);
	} else if (causes.n) {
		view_causes_text(&b, &causes, term_width(STDERR_FILENO));
	}
	tell_write(t->out, t->json ? TELL_DATA : TELL_PEOPLE, &b);
	causes_free(&causes);
}
