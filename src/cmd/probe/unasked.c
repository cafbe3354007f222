#include "cmd/probe/unasked.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

enum { ALL_PORTS = 65536, RANGES_MOST = 16, KINDS_MOST = 16, TOLD_MOST = 16 };

struct unasked_kind {
	struct probe_result first;
	uint64_t n;
	uint8_t ports[ALL_PORTS / 8];
};

bool unasked_is(const struct probe_result *r)
{
	return outcome_verdict(r->outcome) == VERDICT_CANNOT &&
	       r->outcome != OUTCOME_RATE_LIMITED;
}

static struct unasked_kind *kind_of(struct unasked *u, const struct probe_result *r)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->v[i].first.outcome == r->outcome && u->v[i].first.err == r->err)
			return &u->v[i];
	/* What there are too many kinds of is counted with the last. */
	if (u->n == KINDS_MOST)
		return &u->v[u->n - 1];
	u->v = array_grow(u->v, u->n, &u->cap, sizeof(*u->v));
	memset(&u->v[u->n], 0, sizeof(*u->v));
	u->v[u->n].first = *r;
	return &u->v[u->n++];
}

void unasked_add(struct unasked *u, const struct probe_result *r)
{
	struct unasked_kind *k;
	struct addr a;

	if (outcome_verdict(r->outcome) != VERDICT_CANNOT || !endpoint_addr(&r->peer, &a))
		return;
	k = kind_of(u, r);
	k->ports[a.port / 8] |= (uint8_t)BIT(a.port % 8);
	k->n++;
}

static bool has(const struct unasked_kind *k, uint32_t port)
{
	return port < ALL_PORTS && k->ports[port / 8] & BIT(port % 8);
}

/* "1-80,443". */
static void put_ports(struct buf *b, const struct unasked_kind *k)
{
	uint32_t port, last;
	unsigned ranges = 0;

	for (port = 0; port < ALL_PORTS; port = last + 1) {
		last = port;
		if (!has(k, port))
			continue;
		if (ranges++ == RANGES_MOST) {
			buf_puts(b, " and more: --json names each");
			return;
		}
		while (has(k, last + 1))
			last++;
		buf_printf(b, ranges > 1 ? ",%u" : "%u", port);
		if (last > port)
			buf_printf(b, "-%u", last);
	}
}

static void put_kind(struct buf *b, const struct unasked_kind *k)
{
	buf_printf(b, "%llu port%s could not be asked (", (unsigned long long)k->n,
		   k->n == 1 ? "" : "s");
	put_ports(b, k);
	buf_printf(b, "): %s, ", outcome_name(k->first.outcome));
	probe_put_reason(b, &k->first);
}

void unasked_put(struct buf *b, const struct unasked *u)
{
	size_t i;

	for (i = 0; i < u->n; i++) {
		if (!unasked_is(&u->v[i].first))
			continue;
		buf_puts(b, "  ");
		put_kind(b, &u->v[i]);
		buf_putc(b, '\n');
	}
}

void unasked_say(struct buf *said, const struct command *cmd, const struct unasked *u,
		 const struct endpoint *to)
{
	_cleanup_buf_ struct buf ip = { 0 };
	struct addr a = { 0 };
	size_t i;

	endpoint_addr(to, &a);
	addr_put_ip(&ip, &a);
	for (i = 0; i < u->n; i++) {
		const struct unasked_kind *k = &u->v[i];
		_cleanup_buf_ struct buf b = { 0 };
		struct fault f = FAULT_INIT;

		if (unasked_is(&k->first)) {
			put_kind(&b, k);
		} else {
			buf_printf(&b, "%llu port%s cannot be told: ",
				   (unsigned long long)k->n, k->n == 1 ? "" : "s");
			probe_put_reason(&b, &k->first);
		}
		fault_say(&f, EIO, "%s: %s", buf_cstr(&ip), buf_cstr(&b));
		cmd_put_error(said, cmd, &f);
	}
}

void unasked_free(struct unasked *u)
{
	free(take_ptr(&u->v));
	u->n = u->cap = 0;
}

void unasked_tell_jobs(const struct probe_run *run)
{
	struct fault f = FAULT_INIT;
	size_t i, n = 0;

	for (i = 0; i < run->n_jobs; i++) {
		const struct probe_job *j = &run->jobs[i];
		_cleanup_buf_ struct buf b = { 0 };

		if (j->done && outcome_verdict(j->last->outcome) != VERDICT_CANNOT)
			continue;
		if (n++ >= TOLD_MOST)
			continue;
		probe_put_reason(&b, j->last);
		fault_say(&f, EIO, "%s is %s: %s", j->text,
			  outcome_name(j->last->outcome), buf_cstr(&b));
		cmd_error(run->cmd, &f);
	}
	if (n <= TOLD_MOST)
		return;
	fault_say(&f, EIO, "%zu more could not be asked", n - TOLD_MOST);
	cmd_error(run->cmd, &f);
}
