#include "net/scan/scan_private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/socket/errqueue.h"

enum {
	LATE_MOST_US = 5000
}; /* what a timer of whole milliseconds missed is made up for */

static void list_ports(struct scan *s, const struct port_set *ports)
{
	uint8_t seen[65536 / 8] = { 0 };
	size_t i, most = 1;
	uint32_t p;

	for (i = 0; i < ports->n; i++)
		most += (size_t)(ports->v[i].hi - ports->v[i].lo) + 1;
	s->list = xcalloc(MIN(most, (size_t)65536), sizeof(*s->list));
	for (i = 0; i < ports->n; i++)
		for (p = ports->v[i].lo; p <= ports->v[i].hi; p++) {
			if (!(seen[p / 8] & BIT(p % 8)))
				s->list[s->n++] = (uint16_t)p;
			seen[p / 8] |= (uint8_t)BIT(p % 8);
		}
}

struct scan *scan_new(const struct scan_ops *ops, struct loop *l,
		      const struct endpoint *to, const struct port_set *ports,
		      const struct scan_how *how)
{
	struct scan *s = xcalloc(1, ops->size);

	s->ops = ops;
	s->l = l;
	s->to = *to;
	s->how = how;
	list_ports(s, ports);
	s->totals.ports = s->n;
	return s;
}

int scan_start(struct scan *s, struct fault *f)
{
	s->totals.started_us = clock_us();
	return s->ops->start(s, f);
}

void scan_stop(struct scan *s)
{
	s->ops->stop(s);
}

void scan_free(struct scan *s)
{
	free(s->list);
	free(s);
}

void scan_set_port(struct endpoint *ep, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ep->ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ep->ss;

	if (ep->family == AF_INET)
		v4->sin_port = htons(port);
	else
		v6->sin6_port = htons(port);
}

struct probe_result *scan_result(struct scan *s, uint16_t port)
{
	s->r = (struct probe_result){ .peer = s->to, .mptcp = -1 };
	scan_set_port(&s->r.peer, port);
	return &s->r;
}

void scan_count_refused(struct scan *s)
{
	s->totals.counts[OUTCOME_REFUSED]++;
	s->totals.done++;
}

/* It is the same for all ports, and costs more than one. */
static void ask_source(struct scan *s)
{
	struct fault f = FAULT_INIT;

	if (!s->source_asked) {
		_cleanup_close_ int fd = scan_socket(s, &f);

		s->source_asked = true;
		probe_ask_source(&s->r, fd, s->how->attempt->source);
		s->no_source = s->r;
	} else if (s->no_source.told[0] && s->no_source.err == s->r.err) {
		s->r.outcome = s->no_source.outcome;
		memcpy(s->r.told, s->no_source.told, sizeof(s->r.told));
	}
}

void scan_tell(struct scan *s)
{
	if (probe_may_be_source(&s->r))
		ask_source(s);
	s->totals.counts[s->r.outcome]++;
	s->totals.done++;
	if (s->r.outcome != OUTCOME_REFUSED || s->how->with_refused)
		s->found(s, &s->r);
}

void scan_over(struct scan *s)
{
	if (s->ended)
		return;
	s->ended = true;
	s->totals.took_us = clock_us() - s->totals.started_us;
	s->over(s);
}

int scan_socket(const struct scan *s, struct fault *f)
{
	struct dial_how how = attempt_dial_how(s->how->attempt);
	int fd = dial_open(&s->to, &how, f);

	if (fd >= 0)
		errqueue_want(fd, s->to.family);
	return fd;
}

bool scan_may_start(struct scan *s, uint64_t rate, uint64_t now)
{
	if (!rate)
		return true;
	if (now < s->next_us)
		return false;
	s->next_us = MAX(s->next_us, now - MIN(now, (uint64_t)LATE_MOST_US)) +
		     1000000 / rate;
	return true;
}

bool scan_is_full(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == ENOMEM;
}
