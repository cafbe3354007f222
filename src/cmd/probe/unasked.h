/* The ports of a scan that could not be asked, by what this host said to it: a firewall
 * of its own, no local port, a device that takes nothing. */
#pragma once

#include "cmd/probe/job.h"

struct unasked_kind;

struct unasked {
	struct unasked_kind *v;
	size_t n, cap;
};

/* Whether it was this host, or the probe itself, that kept the port from being asked. */
bool unasked_is(const struct probe_result *r);
/* Keeps r's port if nothing is known of it for want of this host's help: those, and the
 * ones that are rate-limited. */
void unasked_add(struct unasked *u, const struct probe_result *r);
/* A line a kind: how many, which, and why. */
void unasked_put(struct buf *b, const struct unasked *u);
/* The same as errors, of this address. */
void unasked_say(struct buf *said, const struct command *cmd, const struct unasked *u,
		 const struct endpoint *to);
void unasked_free(struct unasked *u);

/* As errors: the targets that were asked one by one and of which nothing can be told. */
void unasked_tell_jobs(const struct probe_run *run);
