/*
 * What keeps a process running, from its cgroup: a service of systemd, or a container.
 * Who ends the process itself sees it start again, or leaves the rest of the service
 * behind.
 */
#pragma once

#include "base/mem.h"
#include "model/advice.h"

struct keeper {
	enum {
		KEEPER_NONE,
		KEEPER_UNIT,
		KEEPER_USER_UNIT, /* of the systemd of its user */
		KEEPER_DOCKER,
		KEEPER_PODMAN,
		KEEPER_CRI, /* containerd or CRI-O, as Kubernetes runs them */
	} kind;
	const char *name; /* the unit, or the short id of the container */
};

/* From the text of /proc/PID/cgroup. */
struct keeper keeper_of(struct arena *a, const char *cgroups);

struct holder;

/* The unit of systemd, or NULL. */
const char *keeper_unit(const struct keeper *k);

/* How to start what it belongs to anew; false if nothing keeps it, or it is not known
 * how. */
bool keeper_advise_restart(struct buf *b, const struct keeper *k, struct advised who);

/* How to end the process of a socket, with the least that does it. port: what it holds,
 * or 0. user: the name of its user, or NULL. */
void keeper_advise_stop(struct buf *b, const struct keeper *k, const struct holder *h,
			struct advised who, const char *user, uint16_t port);
