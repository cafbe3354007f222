/*
 * The processes that hold something: how they are ended so that they do not come back,
 * and how those that do not run go on.
 */
#pragma once

#include "model/halt.h"
#include "model/keeper.h"

struct occupant {
	int32_t pid, parent;
	const char *command;
	uint32_t uid; /* its effective user */
	struct keeper keeper;
	struct halt halt;
};

struct occupants {
	const struct occupant *v;
	size_t n;
};

/* All of them, by what keeps each, or by a signal to those that have started the others.
 * port: what they hold, or 0. */
void occupants_advise_end(struct buf *b, const struct occupants *o, uint32_t asker,
			  uint16_t port);

/* What keeps them running: the first unit or container among them, or KEEPER_NONE. */
struct keeper occupants_keeper(const struct occupants *o);

/* Whether there are some, and each of them is halted in some way. */
bool occupants_are_halted(const struct occupants *o);

/* "nginx[12], nginx[13] are stopped, nginx[14] is frozen by a cgroup": those that are
 * halted. */
void occupants_put_halted(struct buf *b, const struct occupants *o);

/* What lets those go on that are halted; of several ways the first of enum halted. False
 * if none is. */
bool occupants_advise_go_on(struct buf *b, const struct occupants *o, uint32_t asker);
