/* What keeps a process running, and how it is ended. */
#include "model/keeper.h"

#include "unit/unit.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void kinds(void)
{
	static const struct {
		const char *text;
		int kind;
		const char *name;
	} rows[] = {
		{ "", KEEPER_NONE, NULL },
		{ "0::/\n", KEEPER_NONE, NULL },
		{ "0::/init.scope\n", KEEPER_SYSTEMD, NULL },
		{ "0::/system.slice/a.service/worker-1\n", KEEPER_UNIT, "a.service" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope",
		  KEEPER_NONE, NULL },
		{ "0::/user.slice/user-1000.slice/session-3.scope\n", KEEPER_NONE, NULL },
		{ "0::/system.slice/nginx.service\n", KEEPER_UNIT, "nginx.service" },
		{ "0::/system.slice/system-pg.slice/pg@15.service\n", KEEPER_UNIT,
		  "pg@15.service" },
		{ "3:cpu:/x\n1:name=systemd:/system.slice/a.service\n", KEEPER_UNIT,
		  "a.service" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
		  KEEPER_USER_UNIT, "x.service" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/init.scope",
		  KEEPER_USER_SYSTEMD, NULL },
		{ "0::/user.slice/user-1000.slice/user@1000.service", KEEPER_UNIT,
		  "user@1000.service" },
		{ "0::/system.slice/docker-" ID ".scope\n", KEEPER_DOCKER,
		  "0123456789ab" },
		{ "4:memory:/docker/" ID "\n", KEEPER_DOCKER, "0123456789ab" },
		{ "0::/system.slice/docker-" ID ".scope/system.slice/a.service",
		  KEEPER_DOCKER, "0123456789ab" },
		{ "0::/machine.slice/libpod-" ID ".scope/container", KEEPER_PODMAN,
		  "0123456789ab" },
		{ "0::/machine.slice/libpod-conmon-" ID ".scope", KEEPER_PODMAN,
		  "0123456789ab" },
		{ "0::/system.slice/web.service/libpod-payload-" ID, KEEPER_UNIT,
		  "web.service" },
		{ "0::/machine.slice/systemd-nspawn@web.service/payload/system.slice/"
		  "a.service",
		  KEEPER_UNIT, "systemd-nspawn@web.service" },
		{ "0::/lxc.payload.web/system.slice/a.service", KEEPER_LXC, "web" },
		{ "0::/lxc/101/ns/init.scope", KEEPER_LXC, "101" },
		{ "0::/default/" ID, KEEPER_NERDCTL, "0123456789ab" },
		{ "0::/system.slice/cri-containerd-" ID ".scope", KEEPER_CRI,
		  "0123456789ab" },
		{ "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope",
		  KEEPER_POD, "0123456789ab" },
		{ "0::/kubepods.slice/crio-" ID ".scope", KEEPER_POD, "0123456789ab" },
		{ "3:cpu:/kubepods/burstable/pod12/" ID, KEEPER_POD, "0123456789ab" },
		{ "0::/docker/" ID "/kubelet.slice/kubepods.slice/crio-" ID ".scope",
		  KEEPER_DOCKER, "0123456789ab" },
		{ "0::/other/" ID, KEEPER_NONE, NULL },
		{ "0::/system.slice/docker-short.scope", KEEPER_NONE, NULL },
		{ "0::/system.slice/docker.service", KEEPER_UNIT, "docker.service" },
		{ "0::/.service", KEEPER_NONE, NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct keeper k = keeper_of(&a, rows[i].text);

		CHECK_INT(k.kind, rows[i].kind);
		CHECK_STR(k.name ? k.name : "-", rows[i].name ? rows[i].name : "-");
	}
}

static void users(void)
{
	static const struct {
		const char *text;
		bool of_user;
	} rows[] = {
		{ "0::/user.slice/user-7.slice/user@7.service/app.slice/x.service",
		  true },
		{ "0::/user.slice/user-7.slice/user@7.service/user.slice/libpod-" ID
		  ".scope",
		  true },
		{ "0::/user.slice/user-7.slice/user@7.service", false },
		{ "0::/user.slice/user-7.slice/session-1.scope", false },
		{ "0::/docker/" ID "/user.slice/user-7.slice/user@7.service/x.service",
		  false },
		{ "0::/user.slice/user@x.service/a.service", false },
		{ "0::/user.slice/user@4294967296.service/a.service", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct keeper k = keeper_of(&a, rows[i].text);

		CHECK_INT(k.of_user, rows[i].of_user);
		CHECK_INT(k.of_user ? k.uid : 0, rows[i].of_user ? 7 : 0);
	}
}

static void stops(void)
{
	static const struct {
		struct keeper k;
		uint32_t asker;
		const char *text; /* its first line; NULL: nothing keeps it */
	} rows[] = {
		{ { .kind = KEEPER_NONE }, 0, NULL },
		{ { .kind = KEEPER_UNIT, .name = "a b.service" },
		  0,
		  "\tsystemctl stop 'a b.service'" },
		{ { .kind = KEEPER_UNIT, .name = "a.service" },
		  7,
		  "\tsudo systemctl stop a.service" },
		{ { KEEPER_USER_UNIT, "x.service", true, 7, "ann", NULL },
		  7,
		  "\tsystemctl --user stop x.service" },
		{ { KEEPER_USER_UNIT, "x.service", true, 7, "ann", NULL },
		  0,
		  "\tsystemctl --user --machine=ann@.host stop x.service" },
		{ { KEEPER_USER_UNIT, "x.service", true, 7, "ann", NULL },
		  8,
		  "\tsudo systemctl --user --machine=ann@.host stop x.service" },
		{ { .kind = KEEPER_SYSTEMD }, 0, "\tsystemctl list-sockets --all" },
		{ { KEEPER_USER_SYSTEMD, NULL, true, 7, "ann", NULL },
		  7,
		  "\tsystemctl --user list-sockets --all" },
		{ { KEEPER_USER_SYSTEMD, NULL, true, 7, "ann", NULL },
		  0,
		  "\tsystemctl --user --machine=ann@.host list-sockets --all" },
		{ { .kind = KEEPER_DOCKER, .name = "01" }, 7, "\tsudo docker stop 01" },
		{ { KEEPER_DOCKER, "01", true, 7, "ann", NULL },
		  0,
		  "\tdocker -H unix:///run/user/7/docker.sock stop 01" },
		{ { .kind = KEEPER_PODMAN, .name = "01" }, 7, "\tsudo podman stop 01" },
		{ { KEEPER_PODMAN, "01", true, 7, "ann", NULL }, 7, "\tpodman stop 01" },
		{ { KEEPER_PODMAN, "01", true, 7, "ann", NULL },
		  0,
		  "\trunuser -u ann -- podman stop 01" },
		{ { .kind = KEEPER_NERDCTL, .name = "01" }, 0, "\tnerdctl stop 01" },
		{ { .kind = KEEPER_CRI, .name = "01" }, 0, "\tcrictl stop 01" },
		{ { .kind = KEEPER_POD, .name = "01" }, 0, "\tcrictl ps --id 01" },
		{ { .kind = KEEPER_LXC, .name = "w\n" },
		  0,
		  "stop the LXC container w\\n (lxc stop, lxc-stop -n or pct stop, by "
		  "what runs it)" },
		{ { .kind = KEEPER_INSIDE },
		  0,
		  "stop it by the settings of init: process 1 holds it, and the host "
		  "needs that" },
		{ { .kind = KEEPER_INSIDE, .name = "container" },
		  0,
		  "stop this container from its host: its process 1 holds it, and may "
		  "ignore signals from within" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		bool kept = keeper_advise_stop(&b, &rows[i].k, rows[i].asker);

		CHECK_INT(kept, rows[i].text != NULL);
		if (kept)
			b.data[strcspn(buf_cstr(&b), "\n")] = '\0';
		CHECK_STR(kept ? b.data : "-", rows[i].text ? rows[i].text : "-");
	}
}

int main(void)
{
	RUN(kinds, "a cgroup says whether a service or a container keeps a process");
	RUN(users, "what a user runs is his, and what runs in a container is nobody's");
	RUN(stops, "what a keeper keeps is ended by it");
	return unit_done();
}
