#include "net/probe/tried.h"

#include <stdlib.h>

#include "base/mem.h"

enum { TRIED_MOST = 64 };

/* NULL if there is no room, or it is there. */
static struct tried *new_tried(struct tried_list *list, const struct endpoint *ep)
{
	struct addr a;
	size_t i;

	if (list->n == TRIED_MOST || !endpoint_addr(ep, &a))
		return NULL;
	for (i = 0; i < list->n; i++)
		if (addr_same_end(&list->v[i].addr, &a))
			return NULL;
	list->v = array_grow(list->v, list->n, &list->cap, sizeof(*list->v));
	list->v[list->n] = (struct tried){ .addr = a };
	return &list->v[list->n++];
}

void tried_add(struct tried_list *list, const struct probe_result *r)
{
	struct tried *one = new_tried(list, &r->peer);
	_cleanup_buf_ struct buf b = { 0 };

	if (!one)
		return;
	probe_put_reason(&b, r);
	one->judged = true;
	one->outcome = r->outcome;
	one->took_us = r->connect_us;
	one->reason = xstrdup(buf_cstr(&b));
}

void tried_add_passed(struct tried_list *list, const struct endpoint *ep,
		      uint64_t took_us)
{
	struct tried *one = new_tried(list, ep);
	_cleanup_buf_ struct buf b = { 0 };

	if (!one)
		return;
	buf_puts(&b, "no answer yet after ");
	buf_put_time(&b, took_us);
	one->took_us = took_us;
	one->reason = xstrdup(buf_cstr(&b));
}

bool tried_is(const struct tried *one, const struct probe_result *r)
{
	struct addr a;

	return endpoint_addr(&r->peer, &a) && addr_same_end(&one->addr, &a);
}

bool tried_others(const struct tried_list *list, const struct probe_result *r)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (!tried_is(&list->v[i], r))
			return true;
	return false;
}

void tried_free(struct tried_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->v[i].reason);
	free(take_ptr(&list->v));
	list->n = list->cap = 0;
}
