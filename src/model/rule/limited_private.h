/* What the rules share that look at a connection several times while it sends. */
#pragma once

#include "model/finding/evidence.h"

enum {
	SAMPLED_MS = 1000,   /* at least */
	LOOK_EVERY_MS = 100, /* as kernel/evidence/watch.c does */
};

/* A row that sends, and whose segments are answered as far as it shows. */
bool may_be_sending(const struct sock *s);
/* For how long, in ms; whether that is not over yet. */
uint32_t watch_looks(const struct connection_facts *c);
bool wants_looks(const struct connection_facts *c);
