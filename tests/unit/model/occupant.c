/* How the processes that hold something are ended, and how they go on. */
#include "model/occupant.h"

#include "unit/unit.h"

#define DOCKER                                      \
	{                                           \
		.kind = KEEPER_DOCKER, .name = "01" \
	}
#define UNIT                                             \
	{                                                \
		.kind = KEEPER_UNIT, .name = "a.service" \
	}
#define BOTH                                                                   \
	{                                                                      \
		.kind = KEEPER_UNIT, .name = "a.service", .socket = "a.socket" \
	}

static const struct row {
	const char *name;
	struct occupant v[4]; /* a pid of 0 ends them */
	uint32_t asker;
	const char *end, *go_on; /* NULL: all of them run */
} rows[] = {
	{ "one", { { .pid = 5, .command = "a" } }, 0, "\tkill 5", NULL },
	{ "another's",
	  { { .pid = 5, .command = "a", .uid = 3 } },
	  7,
	  "\tsudo kill 5",
	  NULL },
	{ "master and workers, in any order",
	  { { .pid = 5, .parent = 6, .command = "a" },
	    { .pid = 6, .parent = 4, .command = "a" },
	    { .pid = 7, .parent = 6, .command = "a" } },
	  0,
	  "\tkill 6",
	  NULL },
	{ "siblings whose parent holds nothing",
	  { { .pid = 5, .parent = 4, .command = "a" },
	    { .pid = 6, .parent = 4, .command = "a", .uid = 3 } },
	  4,
	  "\tsudo kill 5 6",
	  NULL },
	{ "stopped",
	  { { .pid = 5, .command = "a", .halt.by = HALT_STOPPED } },
	  0,
	  "\tkill 5; kill -CONT 5",
	  "\tkill -CONT 5\nafter a look at what stopped it: SIGSTOP, or Ctrl-Z" },
	{ "stopped workers of a master that runs",
	  { { .pid = 5, .command = "a" },
	    { .pid = 6, .parent = 5, .command = "a", .halt.by = HALT_STOPPED, .uid = 3 },
	    { .pid = 7, .parent = 5, .command = "a", .halt.by = HALT_STOPPED } },
	  2,
	  "\tsudo kill -CONT 6 7; sudo kill 5",
	  "\tsudo kill -CONT 6 7\nafter a look at what stopped it: SIGSTOP, or Ctrl-Z" },
	{ "traced",
	  { { .pid = 5, .command = "a", .halt = { HALT_TRACED, 9, "gdb", NULL } } },
	  0,
	  "\tkill 5\nthen let gdb[9], which has stopped a[5] (state t), continue or "
	  "detach: until then the signal waits",
	  "let gdb[9], which has stopped a[5] (state t), continue or detach" },
	{ "traced by one that is not visible",
	  { { .pid = 5, .command = "a", .halt.by = HALT_TRACED } },
	  0,
	  "\tkill 5\nthen let the debugger of a[5] continue or detach: until then the "
	  "signal waits",
	  "let the debugger of a[5] continue or detach" },
	{ "frozen with a group of its own",
	  { { .pid = 5,
	      .command = "a",
	      .halt = { HALT_FROZEN, 0, NULL, "/c/a b/cgroup.freeze" } } },
	  7,
	  "\tsudo sh -c 'echo 0 >\"$1\"' sh '/c/a b/cgroup.freeze'\n\tsudo kill 5",
	  "\tsudo sh -c 'echo 0 >\"$1\"' sh '/c/a b/cgroup.freeze'" },
	{ "frozen, of the first version",
	  { { .pid = 5,
	      .command = "a",
	      .halt = { HALT_FROZEN, 0, NULL, "/c/freezer.state" } } },
	  0,
	  "\tsh -c 'echo THAWED >\"$1\"' sh /c/freezer.state\n\tkill 5",
	  "\tsh -c 'echo THAWED >\"$1\"' sh /c/freezer.state" },
	{ "a container that is paused",
	  { { .pid = 5, .command = "a", .keeper = DOCKER, .halt.by = HALT_FROZEN },
	    { .pid = 6, .command = "a", .keeper = DOCKER, .halt.by = HALT_FROZEN } },
	  0,
	  "\tdocker unpause 01; docker stop 01",
	  "\tdocker unpause 01" },
	{ "a unit that is frozen",
	  { { .pid = 5,
	      .command = "a",
	      .keeper = UNIT,
	      .halt = { HALT_FROZEN, 0, NULL, "/c/a.service/cgroup.freeze" } } },
	  7,
	  "\tsudo systemctl thaw a.service; sudo systemctl stop a.service",
	  "\tsudo systemctl thaw a.service" },
	{ "a unit whose slice is frozen",
	  { { .pid = 5,
	      .command = "a",
	      .keeper = UNIT,
	      .halt = { HALT_FROZEN, 0, NULL, "/c/x.slice/cgroup.freeze" } } },
	  0,
	  "\tsh -c 'echo 0 >\"$1\"' sh /c/x.slice/cgroup.freeze; systemctl stop a.service",
	  "\tsh -c 'echo 0 >\"$1\"' sh /c/x.slice/cgroup.freeze" },
	{ "frozen by whatever",
	  { { .pid = 5,
	      .command = "a",
	      .keeper = { .kind = KEEPER_CRI, .name = "01" },
	      .halt.by = HALT_FROZEN } },
	  0,
	  "thaw the cgroup in /proc/5/cgroup\n\tcrictl stop 01",
	  "thaw the cgroup in /proc/5/cgroup" },
	{ "blocked",
	  { { .pid = 5, .command = "a", .halt.by = HALT_BLOCKED } },
	  0,
	  "\tkill 5\na[5] is blocked in the kernel (state D), and ends only when that is "
	  "over; what it waits for, a disk or a file server mostly:\n\tcat /proc/5/stack",
	  "see what process 5 waits for, a disk or a file server mostly; signals do not "
	  "end it:\n\tcat /proc/5/stack" },
	{ "several processes of one unit",
	  { { .pid = 5, .command = "a", .keeper = UNIT },
	    { .pid = 6, .command = "b", .keeper = UNIT } },
	  0,
	  "\tsystemctl stop a.service",
	  NULL },
	{ "a unit and a process beside it",
	  { { .pid = 5, .command = "a", .keeper = UNIT }, { .pid = 6, .command = "b" } },
	  0,
	  "\tsystemctl stop a.service\n\tkill 6",
	  NULL },
	{ "systemd for a service that has the socket, too",
	  { { .pid = 1, .command = "systemd", .keeper.kind = KEEPER_SYSTEMD },
	    { .pid = 6, .parent = 1, .command = "b", .keeper = BOTH } },
	  0,
	  "\tsystemctl stop a.socket a.service",
	  NULL },
	{ "systemd for a service whose socket unit is called otherwise",
	  { { .pid = 1, .command = "systemd", .keeper.kind = KEEPER_SYSTEMD },
	    { .pid = 6, .parent = 1, .command = "b", .keeper = UNIT } },
	  0,
	  "\tsystemctl list-sockets --all\nand stop the socket unit that it shows "
	  "('systemctl stop'): systemd holds the socket for it\n\tsystemctl stop a.service",
	  NULL },
	{ "a service that has a socket unit, which systemd does not hold",
	  { { .pid = 6, .parent = 1, .command = "b", .keeper = BOTH } },
	  0,
	  "\tsystemctl stop a.service",
	  NULL },
	{ "process 1 of a container and its workers",
	  { { .pid = 1,
	      .command = "a",
	      .keeper = { .kind = KEEPER_INSIDE, .name = "container" } },
	    { .pid = 6, .parent = 1, .command = "a" } },
	  0,
	  "stop this container from its host: its process 1 holds it, and may ignore "
	  "signals from within",
	  NULL },
	{ "docker-proxy, of the service of all containers",
	  { { .pid = 5, .command = "docker-proxy", .keeper = UNIT } },
	  0,
	  "\tdocker ps --filter publish=80\nand 'docker stop' the container that it shows",
	  NULL },
};

static void check_row(const struct row *row)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct occupants o = { .v = row->v };

	while (o.n < ARRAY_SIZE(row->v) && row->v[o.n].pid)
		o.n++;
	occupants_advise_end(&b, &o, row->asker, 80);
	CHECK_STR(buf_cstr(&b), row->end);
	buf_reset(&b);
	CHECK_INT(occupants_advise_go_on(&b, &o, row->asker), row->go_on != NULL);
	CHECK_STR(b.len ? buf_cstr(&b) : "-", row->go_on ? row->go_on : "-");
}

static void all(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

int main(void)
{
	RUN(all, "the holders are ended together, and go on together");
	return unit_done();
}
