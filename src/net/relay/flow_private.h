/* What the ways of a flow have in common: by copies, and through a pipe. */
#pragma once

#include "base/loop.h"
#include "net/relay/flow.h"

enum { FLOW_ROUNDS = 4 }; /* of one step, so that nobody starves the others */

/* FLOW_FAILED. */
unsigned flow_failed(struct flow *f, bool sink, int err);
/* How many bytes may move now; 0 = the end of what may move at all. */
size_t flow_allowance(const struct flow *f, size_t most);
/* n bytes were written: sets when the next ones may go. */
void flow_pace(struct loop *l, struct flow *f, size_t n);
/* The clock is read only where somebody asked for a pace. */
bool flow_must_wait(struct loop *l, const struct flow *f);
/* Around a call, for `called`; errno stays as it is. */
uint64_t flow_before_call(const struct flow *f);
void flow_after_call(struct flow *f, enum flow_call call, size_t asked, ssize_t result,
		     uint64_t began);
/* Copies data to what is to be written next; nothing is pending. */
void flow_keep(struct flow *f, const char *data, size_t len);
