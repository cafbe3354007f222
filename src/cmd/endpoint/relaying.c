#include "cmd/endpoint/relaying.h"

#include <errno.h>

#include "cmd/endpoint/role.h"
#include "cmd/endpoint/tell_why.h"
#include "cmd/why.h"
#include "net/socket/resolve.h"

static void note_icmp(void *ctx, int fd, const struct endpoint *ep, int err, bool at_once)
{
	struct relaying *g = ctx;

	if (err == g->explained)
		return;
	g->lost = err;
	tell_why_icmp(fd, ep, at_once, &g->icmp);
}

/* A cause that was found says it better than a hint that guesses. The same cause is
 * looked for once, however many peers meet it. */
static void explain(void *ctx, const struct endpoint *ep, struct fault *f)
{
	struct relaying *g = ctx;

	if (f->err == g->explained)
		return;
	g->explained = f->err;
	g->causes.arena = &g->arena;
	if (f->err == ECONNREFUSED && g->list.n == 1 && !g->c->options.n)
		why_nearby(ep, NULL, &g->causes);
	if (!g->causes.n)
		why_connect(ep, NULL, f->err, f->err == g->lost ? &g->icmp : NULL,
			    &g->causes);
	if (g->causes.n)
		f->hint[0] = '\0';
}

static void tell_causes(void *ctx)
{
	struct relaying *g = ctx;

	tell_why_connect(g->teller, &g->causes);
	causes_free(&g->causes);
	g->causes = (struct causes){ 0 };
}

int relaying_parse(struct relaying *g, struct teller *t, struct session *s,
		   const struct endpoint_config *c, struct fault *f)
{
	const struct target_how how = { .proto = TARGET_TCP,
					.flags = TARGET_PORT_OF_PEER };
	int r = target_parse(c->to, &how, &g->target, f);

	if (r < 0)
		return -EINVAL;
	g->teller = t;
	g->s = s;
	g->c = c;
	if (g->target.proto == TARGET_FD || !target_is_connected(g->target.proto)) {
		fault_say(f, EINVAL, "--to: '%s' is no address that can be connected to",
			  c->to);
		fault_hint(f, "--to host:80, [::1]:80, /run/socket, @name, vsock:2:80");
		return -EINVAL;
	}
	sockopt_copy(&g->options, &c->options);
	/* What arrives in small portions was sent in small portions. */
	sockopt_default(&g->options, "nodelay", 1);
	g->how = (struct forward_how){
		.dial = { .options = &g->options,
			  .patient = true,
			  .note = session_note,
			  .call = c->trace ? session_dial_call : NULL,
			  .note_ctx = s },
		.list = &g->list,
		.timeout_us = c->timeout_us,
		.lost = note_icmp,
		.failed = explain,
		.told = tell_causes,
		.ctx = g,
	};
	return 0;
}

int relaying_resolve(struct relaying *g, int *code, struct fault *f)
{
	const struct resolve_how how = {
		.deadline_us = g->c->timeout_us ? clock_us() + g->c->timeout_us : 0,
		.empty = RESOLVE_EMPTY_LOCALHOST,
	};
	int r = resolve(&g->target, g->target.port, &how, &g->list, f);

	if (r < 0)
		*code = endpoint_code_of_lookup(r);
	return r;
}

/* A peer that is passed on to ep would come to local again. */
static bool leads_back(const struct endpoint *ep, const struct endpoint *local)
{
	struct addr to, at;

	if (endpoint_same(ep, local))
		return true;
	return endpoint_addr(ep, &to) && endpoint_addr(local, &at) &&
	       to.port == at.port && ep->proto == local->proto && addr_is_any(&at) &&
	       endpoint_is_local(ep);
}

int relaying_check(const struct relaying *g, const struct endpoint *local,
		   struct fault *f)
{
	bool records = local->proto == TARGET_UNIX_SEQPACKET;
	size_t i;

	if (records != (g->target.proto == TARGET_UNIX_SEQPACKET)) {
		fault_say(f, EINVAL,
			  "--to: records and a stream of bytes cannot be passed on to "
			  "each other");
		fault_hint(f, "both ends are unix-seqpacket:, or none is");
		return -EINVAL;
	}
	for (i = 0; i < g->list.n; i++)
		if (leads_back(&g->list.v[i], local)) {
			fault_say(f, EINVAL, "--to: '%s' is where this relay listens",
				  g->c->to);
			fault_hint(f, "each connection would come back as another one");
			return -EINVAL;
		}
	return 0;
}

void relaying_free(struct relaying *g)
{
	target_free(&g->target);
	endpoint_list_free(&g->list);
	sockopt_list_free(&g->options);
	causes_free(&g->causes);
	arena_free(&g->arena);
}
