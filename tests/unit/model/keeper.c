/* What keeps a process running, and how it is ended. */
#include "model/keeper.h"

#include "model/sock.h"
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
		{ "0::/init.scope\n", KEEPER_NONE, NULL },
		{ "0::/user.slice/user-1000.slice/session-3.scope\n", KEEPER_NONE, NULL },
		{ "0::/system.slice/nginx.service\n", KEEPER_UNIT, "nginx.service" },
		{ "0::/system.slice/system-pg.slice/pg@15.service\n", KEEPER_UNIT,
		  "pg@15.service" },
		{ "3:cpu:/x\n1:name=systemd:/system.slice/a.service\n", KEEPER_UNIT,
		  "a.service" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
		  KEEPER_USER_UNIT, "x.service" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/init.scope",
		  KEEPER_NONE, NULL },
		{ "0::/user.slice/user-1000.slice/user@1000.service", KEEPER_UNIT,
		  "user@1000.service" },
		{ "0::/system.slice/docker-" ID ".scope\n", KEEPER_DOCKER,
		  "0123456789ab" },
		{ "4:memory:/docker/" ID "\n", KEEPER_DOCKER, "0123456789ab" },
		{ "0::/system.slice/docker-" ID ".scope/system.slice/a.service",
		  KEEPER_DOCKER, "0123456789ab" },
		{ "0::/machine.slice/libpod-" ID ".scope/container", KEEPER_PODMAN,
		  "0123456789ab" },
		{ "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope",
		  KEEPER_CRI, "0123456789ab" },
		{ "0::/kubepods.slice/crio-" ID ".scope", KEEPER_CRI, "0123456789ab" },
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

static void stops(void)
{
	static const struct {
		int kind;
		const char *name, *command;
		struct advised who;
		const char *text;
	} rows[] = {
		{ KEEPER_NONE, NULL, "nginx", { 0, 0 }, "\tkill 12" },
		{ KEEPER_NONE, NULL, "nginx", { 1000, 0 }, "\tsudo kill 12" },
		{ KEEPER_UNIT,
		  "a b.service",
		  "nginx",
		  { 0, 0 },
		  "\tsystemctl stop 'a b.service'" },
		{ KEEPER_USER_UNIT,
		  "x.service",
		  "x",
		  { 7, 7 },
		  "\tsystemctl --user stop x.service" },
		{ KEEPER_USER_UNIT,
		  "x.service",
		  "x",
		  { 0, 7 },
		  "\tsystemctl --user --machine=ann@.host stop x.service" },
		{ KEEPER_DOCKER, "0123", "x", { 7, 0 }, "\tsudo docker stop 0123" },
		{ KEEPER_PODMAN, "0123", "x", { 7, 7 }, "\tpodman stop 0123" },
		{ KEEPER_CRI, "0123", "x", { 0, 0 }, "\tcrictl stop 0123" },
		/* The service of all containers is not stopped for one of them. */
		{ KEEPER_UNIT,
		  "docker.service",
		  "docker-proxy",
		  { 0, 0 },
		  "\tdocker ps --filter publish=80\nand 'docker stop' the container that "
		  "it shows" },
		{ KEEPER_NONE,
		  NULL,
		  "systemd",
		  { 0, 0 },
		  "\tsystemctl --user list-sockets --all\nand stop the socket unit that it "
		  "shows" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct keeper k = { .kind = rows[i].kind, .name = rows[i].name };
		struct holder h = { .pid = 12, .fd = 3, .command = rows[i].command };
		_cleanup_buf_ struct buf b = { 0 };

		keeper_advise_stop(&b, &k, &h, rows[i].who, "ann", 80);
		CHECK_STR(buf_cstr(&b), rows[i].text);
	}
}

int main(void)
{
	RUN(kinds, "a cgroup says whether a service or a container keeps a process");
	RUN(stops, "a process is ended by what keeps it, or by a signal");
	return unit_done();
}
