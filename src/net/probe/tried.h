/* The addresses of a name that were asked beside the one that is told, and what became of
 * each. */
#pragma once

#include "net/probe/probe.h"

struct tried {
	struct addr addr;
	bool judged; /* false: it had not answered when another did */
	enum outcome outcome;
	uint64_t took_us;
	char *reason; /* in words */
};

struct tried_list {
	struct tried *v;
	size_t n, cap;
};

/* An address that failed. Once each: another socket to the same adds nothing. */
void tried_add(struct tried_list *list, const struct probe_result *r);
/* An address that had no answer yet after so long, when another had. */
void tried_add_passed(struct tried_list *list, const struct endpoint *ep,
		      uint64_t took_us);
/* Whether it is the address that r is about; whether there are others. */
bool tried_is(const struct tried *one, const struct probe_result *r);
bool tried_others(const struct tried_list *list, const struct probe_result *r);
void tried_free(struct tried_list *list);
