#include "model/keeper.h"

#include "model/proctext.h"
#include "model/sock.h"

/* The programs that name a cgroup "PREFIX-ID.scope", or have a directory of ids. */
static const struct {
	const char *before; /* the id */
	int kind;
} runtimes[] = {
	{ "/docker-", KEEPER_DOCKER },	    { "/docker/", KEEPER_DOCKER },
	{ "/libpod-", KEEPER_PODMAN },	    { "/cri-containerd-", KEEPER_CRI },
	{ "/cri-containerd:", KEEPER_CRI }, { "/crio-", KEEPER_CRI },
};

enum { ID_DIGITS = 64, ID_SHORT = 12 };

static bool is_id(const char *text)
{
	return strspn(text, "0123456789abcdef") == ID_DIGITS;
}

/* The container that a line names; of one within another the outer, which this host runs.
 */
static bool is_container(struct arena *a, const char *line, struct keeper *k)
{
	const char *at;
	size_t i;

	for (at = strchr(line, '/'); at; at = strchr(at + 1, '/'))
		for (i = 0; i < ARRAY_SIZE(runtimes); i++) {
			size_t n = strlen(runtimes[i].before);

			if (strncmp(at, runtimes[i].before, n) != 0 || !is_id(at + n))
				continue;
			*k = (struct keeper){ .kind = runtimes[i].kind,
					      .name = arena_strndup(a, at + n,
								    ID_SHORT) };
			return true;
		}
	return false;
}

/* The service of a user's systemd is below that. */
static struct keeper unit_of(struct arena *a, const char *cgroups)
{
	struct blob unit = proctext_unit(cgroups);
	const char *line = unit.data;
	bool below = false;

	if (!unit.len)
		return (struct keeper){ 0 };
	while (line > cgroups && line[-1] != '\n' && !below)
		below = has_prefix(--line, "/user@");
	return (struct keeper){
		.kind = below && line + 1 != unit.data ? KEEPER_USER_UNIT : KEEPER_UNIT,
		.name = arena_strndup(a, unit.data, unit.len),
	};
}

struct keeper keeper_of(struct arena *a, const char *cgroups)
{
	struct keeper k = unit_of(a, cgroups);

	while (*cgroups) {
		size_t len = strcspn(cgroups, "\n");
		const char *line = arena_strndup(a, cgroups, len);

		if (is_container(a, line, &k))
			return k;
		cgroups += len + (cgroups[len] == '\n');
	}
	return k;
}

const char *keeper_unit(const struct keeper *k)
{
	return k->kind == KEEPER_UNIT || k->kind == KEEPER_USER_UNIT ? k->name : NULL;
}

bool keeper_advise_restart(struct buf *b, const struct keeper *k, struct advised who)
{
	switch (k->kind) {
	case KEEPER_UNIT:
		advise(b, ADVICE_RESTART_UNIT, who, k->name);
		return true;
	case KEEPER_USER_UNIT:
		if (who.uid != who.owner)
			return false;
		advise(b, ADVICE_RESTART_USER_UNIT, who, k->name);
		return true;
	case KEEPER_DOCKER:
		advise(b, ADVICE_DOCKER_RESTART, who, k->name);
		return true;
	case KEEPER_PODMAN:
	case KEEPER_CRI:
	case KEEPER_NONE:
		break;
	}
	return false;
}

/* systemd holds the sockets of its socket units; a container's port is held by a proxy
 * that belongs to the service of all containers. */
static bool advise_stand_in(struct buf *b, const struct holder *h, struct advised who,
			    uint16_t port)
{
	if (streq(h->command, "docker-proxy") && port) {
		advise(b, ADVICE_DOCKER_PORT, who, (unsigned)port);
		advise_in_words(b, "and 'docker stop' the container that it shows");
		return true;
	}
	if (streq(h->command, "systemd")) {
		advise(b, h->pid == 1 ? ADVICE_SOCKET_UNITS : ADVICE_USER_SOCKET_UNITS,
		       who);
		advise_in_words(b, "and stop the socket unit that it shows");
		return true;
	}
	return false;
}

void keeper_advise_stop(struct buf *b, const struct keeper *k, const struct holder *h,
			struct advised who, const char *user, uint16_t port)
{
	if (advise_stand_in(b, h, who, port))
		return;
	switch (k->kind) {
	case KEEPER_UNIT:
		advise(b, ADVICE_STOP_UNIT, who, k->name);
		break;
	case KEEPER_USER_UNIT:
		if (who.uid != who.owner && user)
			advise(b, ADVICE_STOP_USER_UNIT_OF, who, user, k->name);
		else
			advise(b, ADVICE_STOP_USER_UNIT, who, k->name);
		break;
	case KEEPER_DOCKER:
		advise(b, ADVICE_DOCKER_STOP, who, k->name);
		break;
	case KEEPER_PODMAN:
		advise(b, ADVICE_PODMAN_STOP, who, k->name);
		break;
	case KEEPER_CRI:
		advise(b, ADVICE_CRICTL_STOP, who, k->name);
		break;
	case KEEPER_NONE:
		advise(b, ADVICE_KILL, who, (unsigned)h->pid);
		break;
	}
}
