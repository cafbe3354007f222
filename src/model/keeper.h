/*
 * What keeps a process running, from its cgroup: a service of systemd, systemd itself, or
 * what runs its container. Who ends the process itself sees it start again, or leaves the
 * rest of the service behind.
 */
#pragma once

#include "base/mem.h"
#include "model/advice.h"

struct keeper {
	enum {
		KEEPER_NONE,
		KEEPER_UNIT,
		KEEPER_USER_UNIT,    /* of the systemd of its user */
		KEEPER_SYSTEMD,	     /* it is systemd, and has sockets of socket units */
		KEEPER_USER_SYSTEMD, /* the systemd of a user */
		KEEPER_DOCKER,
		KEEPER_PODMAN,
		KEEPER_NERDCTL,
		KEEPER_CRI,    /* containerd or CRI-O */
		KEEPER_POD,    /* the same in a pod of Kubernetes */
		KEEPER_LXC,    /* or LXD, Incus, Proxmox: they share their names */
		KEEPER_INSIDE, /* it is process 1 here, in a container if that has a name
				*/
	} kind;
	const char *name;   /* the unit, the short id of the container, or its name */
	bool of_user;	    /* below the systemd of a user, */
	uint32_t uid;	    /* who is this one, */
	const char *user;   /* and this, if the name is known */
	const char *socket; /* the socket unit of the same name, if there is one */
};

/* From the text of /proc/PID/cgroup. */
struct keeper keeper_of(struct arena *a, const char *cgroups);

/* Whether that is a container that has an id. */
bool keeper_is_container(const struct keeper *k);

/* The unit of systemd, or NULL. */
const char *keeper_unit(const struct keeper *k);

/* How to start what it belongs to anew; false if nothing keeps it, or it is not known
 * how. */
bool keeper_advise_restart(struct buf *b, const struct keeper *k, struct advised who);

/* How to end what it belongs to; false if nothing keeps it: then a signal does. */
bool keeper_advise_stop(struct buf *b, const struct keeper *k, uint32_t asker);

/* The same for a service together with its socket unit, which would start it again. */
bool keeper_advise_stop_both(struct buf *b, const struct keeper *k, uint32_t asker);

/* How to let go on what was frozen with the control group; false if that is not known. */
bool keeper_advise_thaw(struct buf *b, const struct keeper *k, uint32_t asker);
