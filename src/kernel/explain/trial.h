/*
 * A trial bind: the only way to learn what no table tells, whether an ownerless remnant
 * carries SO_REUSEADDR. TCP only, never listen(), closed at once: nothing ever reaches
 * the socket. For an instant a server that starts would find the port taken.
 */
#pragma once

#include "model/cause/bindable.h"

/* In the caller's namespace and with its rights; 0 = it could be bound, or -errno. */
int trial_bind(const struct bind_candidate *c, bool freebind);
