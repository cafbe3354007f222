#include "model/keeper.h"

#include "model/sock.h"

/* The beginnings of a component of the path, each with what made it. An id follows, or
 * the component's rest is a name. The monitors of podman and CRI-O (conmon) hold the
 * ports that are published, as long as the container runs. */
static const struct {
	const char *before;
	int kind;
	bool id;
} runtimes[] = {
	{ "docker-", KEEPER_DOCKER, true },
	{ "docker/", KEEPER_DOCKER, true },
	{ "libpod-payload-", KEEPER_PODMAN, true },
	{ "libpod-conmon-", KEEPER_PODMAN, true },
	{ "libpod-", KEEPER_PODMAN, true },
	{ "nerdctl-", KEEPER_NERDCTL, true },
	{ "default/", KEEPER_NERDCTL, true },
	{ "cri-containerd-", KEEPER_CRI, true },
	{ "cri-containerd:", KEEPER_CRI, true },
	{ "crio-conmon-", KEEPER_CRI, true },
	{ "crio-", KEEPER_CRI, true },
	{ "lxc.payload.", KEEPER_LXC, false },
	{ "lxc.payload/", KEEPER_LXC, false },
	{ "lxc/", KEEPER_LXC, false },
};

enum { ID_DIGITS = 64, ID_SHORT = 12 };

static bool is_id(const char *text)
{
	return strspn(text, "0123456789abcdef") == ID_DIGITS;
}

static size_t component(const char *text)
{
	return strcspn(text, "/\n");
}

static bool ends_with(const char *text, size_t len, const char *tail)
{
	size_t n = strlen(tail);

	return len > n && memcmp(text + len - n, tail, n) == 0;
}

/* Whether a pod of Kubernetes is above: kubelet starts again what is stopped in it. */
static bool is_in_pod(const char *line, const char *at)
{
	const char *pods = strstr(line, "/kubepods");

	return pods && pods < at;
}

static bool begins_container(const char *line, const char *at, struct keeper *k,
			     size_t *skip)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(runtimes); i++) {
		size_t n = strlen(runtimes[i].before);

		if (strncmp(at, runtimes[i].before, n) != 0 ||
		    (runtimes[i].id ? !is_id(at + n) : component(at + n) == 0))
			continue;
		*skip = n;
		k->kind = runtimes[i].kind;
		if (is_in_pod(line, at) && k->kind != KEEPER_LXC)
			k->kind = KEEPER_POD;
		return true;
	}
	*skip = 0;
	k->kind = KEEPER_POD;
	return is_id(at) && is_in_pod(line, at);
}

/* A service of the host with a container in it: systemd keeps both. */
static bool is_service_of(const char *at, size_t len)
{
	return ends_with(at, len, ".service") &&
	       (has_prefix(at, "systemd-nspawn@") ||
		has_prefix(at + len, "/libpod-payload-"));
}

/* What is nearest to the root of the path is run by this host. */
static bool is_container(struct arena *a, const char *line, struct keeper *k)
{
	const char *at;
	size_t skip;

	for (at = strchr(line, '/'); at; at = strchr(at, '/')) {
		size_t len = component(++at);

		if (is_service_of(at, len)) {
			k->kind = k->of_user ? KEEPER_USER_UNIT : KEEPER_UNIT;
			k->name = arena_strndup(a, at, len);
			return true;
		}
		if (begins_container(line, at, k, &skip)) {
			/* Users within it are none of this host. */
			k->of_user = k->of_user && strstr(line, "/user@") < at;
			len = k->kind == KEEPER_LXC ? component(at + skip) : ID_SHORT;
			k->name = arena_strndup(a, at + skip, len);
			return true;
		}
	}
	k->kind = KEEPER_NONE;
	return false;
}

/* Below the service of a user's systemd, but not that itself. */
static void find_user(const char *line, struct keeper *k)
{
	static const char before[] = "/user@";
	const char *at = strstr(line, before);
	uint64_t uid = 0;

	if (!at)
		return;
	for (at += strlen(before); *at >= '0' && *at <= '9' && uid <= UINT32_MAX; at++)
		uid = uid * 10 + (uint64_t)(*at - '0');
	k->of_user = uid <= UINT32_MAX && has_prefix(at, ".service/");
	k->uid = k->of_user ? (uint32_t)uid : 0;
}

/* The innermost service; not that of a user's systemd, which is above all that he runs.
 */
static bool is_unit(struct arena *a, const char *line, struct keeper *k)
{
	const char *at, *unit = NULL;
	size_t n = 0;

	for (at = strchr(line, '/'); at; at = strchr(at, '/')) {
		size_t len = component(++at);

		if (!ends_with(at, len, ".service") ||
		    (at[len] == '/' && has_prefix(at, "user@")))
			continue;
		unit = at;
		n = len;
	}
	if (unit) {
		k->kind = k->of_user ? KEEPER_USER_UNIT : KEEPER_UNIT;
		k->name = arena_strndup(a, unit, n);
	} else if (ends_with(line, strlen(line), "/init.scope")) {
		k->kind = k->of_user ? KEEPER_USER_SYSTEMD : KEEPER_SYSTEMD;
	}
	return k->kind != KEEPER_NONE;
}

struct keeper keeper_of(struct arena *a, const char *cgroups)
{
	struct keeper unit = { 0 };

	while (*cgroups) {
		size_t len = strcspn(cgroups, "\n");
		const char *line = arena_strndup(a, cgroups, len);
		struct keeper k = { 0 };

		find_user(line, &k);
		if (is_container(a, line, &k))
			return k;
		if (unit.kind == KEEPER_NONE && is_unit(a, line, &k))
			unit = k;
		cgroups += len + (cgroups[len] == '\n');
	}
	return unit;
}

bool keeper_is_container(const struct keeper *k)
{
	return k->kind >= KEEPER_DOCKER && k->kind <= KEEPER_POD;
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
		if (who.uid != k->uid)
			return false;
		advise(b, ADVICE_RESTART_USER_UNIT, who, k->name);
		return true;
	case KEEPER_DOCKER:
		if (k->of_user)
			return false;
		advise(b, ADVICE_DOCKER_RESTART, who, k->name);
		return true;
	case KEEPER_NONE:
	case KEEPER_SYSTEMD:
	case KEEPER_USER_SYSTEMD:
	case KEEPER_PODMAN:
	case KEEPER_NERDCTL:
	case KEEPER_CRI:
	case KEEPER_POD:
	case KEEPER_LXC:
	case KEEPER_INSIDE:
		break;
	}
	return false;
}

/* What a user runs himself is not known to the docker, podman or systemd of root. */
static bool is_of_another(const struct keeper *k, uint32_t asker)
{
	return k->of_user && k->uid != asker && k->user;
}

static void stop_sockets(struct buf *b, const struct keeper *k, struct advised who)
{
	if (k->kind == KEEPER_SYSTEMD)
		advise(b, ADVICE_SOCKET_UNITS, who);
	else if (is_of_another(k, who.uid))
		advise(b, ADVICE_USER_SOCKET_UNITS_OF, who, k->user);
	else
		advise(b, ADVICE_USER_SOCKET_UNITS, who);
	advise_in_words(b,
			"and stop the socket unit that it shows ('%s'): systemd holds "
			"the socket for it",
			k->kind == KEEPER_SYSTEMD ? "systemctl stop"
						  : "systemctl --user stop");
}

static void stop_podman(struct buf *b, const struct keeper *k, struct advised who)
{
	if (is_of_another(k, who.uid))
		advise(b, ADVICE_PODMAN_STOP_OF, who, k->user, k->name);
	else
		advise(b, ADVICE_PODMAN_STOP, who, k->name);
}

static void stop_docker(struct buf *b, const struct keeper *k, struct advised who)
{
	if (k->of_user)
		advise(b, ADVICE_USER_DOCKER_STOP, who, (unsigned)k->uid, k->name);
	else
		advise(b, ADVICE_DOCKER_STOP, who, k->name);
}

static void stop_pod(struct buf *b, const struct keeper *k, struct advised who)
{
	advise(b, ADVICE_CRICTL_FIND, who, k->name);
	advise_in_words(b, "and delete the pod that it shows ('kubectl delete pod'), or "
			   "scale down what it belongs to: kubelet starts again what is "
			   "stopped by anything else");
}

bool keeper_advise_stop(struct buf *b, const struct keeper *k, uint32_t asker)
{
	struct advised who = { .uid = asker, .owner = k->of_user ? k->uid : 0 };

	switch (k->kind) {
	case KEEPER_NONE:
		return false;
	case KEEPER_UNIT:
		advise(b, ADVICE_STOP_UNIT, who, k->name);
		break;
	case KEEPER_USER_UNIT:
		if (is_of_another(k, asker))
			advise(b, ADVICE_STOP_USER_UNIT_OF, who, k->user, k->name);
		else
			advise(b, ADVICE_STOP_USER_UNIT, who, k->name);
		break;
	case KEEPER_SYSTEMD:
	case KEEPER_USER_SYSTEMD:
		stop_sockets(b, k, who);
		break;
	case KEEPER_DOCKER:
		stop_docker(b, k, who);
		break;
	case KEEPER_PODMAN:
		stop_podman(b, k, who);
		break;
	case KEEPER_NERDCTL:
		advise(b, ADVICE_NERDCTL_STOP, who, k->name);
		break;
	case KEEPER_CRI:
		advise(b, ADVICE_CRICTL_STOP, who, k->name);
		break;
	case KEEPER_POD:
		stop_pod(b, k, who);
		break;
	case KEEPER_LXC:
		advise_in_words(b, "stop the LXC container ");
		buf_put_escaped(b, k->name, strlen(k->name));
		buf_puts(b, " (lxc stop, lxc-stop -n or pct stop, by what runs it)");
		break;
	case KEEPER_INSIDE:
		advise_in_words(b, "%s",
				k->name ? "stop this container from its host: its "
					  "process 1 holds it, and may ignore signals "
					  "from within"
					: "stop it by the settings of init: process 1 "
					  "holds it, and the host needs that");
		break;
	}
	return true;
}

bool keeper_advise_stop_both(struct buf *b, const struct keeper *k, uint32_t asker)
{
	struct advised who = { .uid = asker, .owner = k->of_user ? k->uid : 0 };

	if (!k->socket || is_of_another(k, asker))
		return false;
	if (k->kind == KEEPER_UNIT)
		advise(b, ADVICE_STOP_ACTIVATED, who, k->socket, k->name);
	else
		advise(b, ADVICE_STOP_USER_ACTIVATED, who, k->socket, k->name);
	return true;
}

bool keeper_advise_thaw(struct buf *b, const struct keeper *k, uint32_t asker)
{
	struct advised who = { .uid = asker, .owner = k->of_user ? k->uid : 0 };

	if (k->kind == KEEPER_UNIT)
		advise(b, ADVICE_THAW_UNIT, who, k->name);
	else if (k->kind == KEEPER_DOCKER && !k->of_user)
		advise(b, ADVICE_DOCKER_UNPAUSE, who, k->name);
	else if (k->kind == KEEPER_PODMAN && !is_of_another(k, asker))
		advise(b, ADVICE_PODMAN_UNPAUSE, who, k->name);
	else
		return false;
	return true;
}
