/* The processes that hold something, as the advice about them needs them. */
#pragma once

#include "model/occupant.h"

struct holder;

/* What keeps a process running; the names live in the arena. */
struct keeper occupant_keeper(struct arena *a, int32_t pid, const char *command);

/* How it is kept from running; read again for a moment where it may be one that passes.
 */
struct halt occupant_halt(struct arena *a, int32_t pid);

/* Each process once, in the order of the holders; a few dozen at most. */
struct occupants occupants_read(struct arena *a, const struct holder *h);
