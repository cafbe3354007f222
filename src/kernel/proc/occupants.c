#include "kernel/proc/occupants.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/passwd.h"
#include "kernel/proc/doing.h"
#include "kernel/proc/procfile.h"
#include "model/processtext.h"
#include "model/sock.h"

enum { MOST = 64 };

static bool in_first_pidns(void)
{
	const ino_t first = 0xEFFFFFFC; /* include/linux/proc_ns.h, PROC_PID_INIT_INO */
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == first;
}

static bool is_systemd(const char *command)
{
	return streq(command, "systemd");
}

/* "x.service": "x.socket"; "x@1.service": "x@.socket"; NULL if no unit is called so. */
static const char *socket_unit(struct arena *a, const struct keeper *k)
{
	static const char *const places[] = {
		"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib",
	};
	_cleanup_buf_ struct buf name = { 0 }, path = { 0 };
	size_t stem = strlen(k->name) - strlen(".service");
	const char *at = memchr(k->name, '@', stem);
	size_t i;

	if (at)
		return NULL;
	buf_put(&name, k->name, stem);
	buf_puts(&name, ".socket");
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		struct stat st;

		buf_reset(&path);
		buf_printf(&path, "%s/systemd/%s/%s", places[i],
			   k->kind == KEEPER_UNIT ? "system" : "user", buf_cstr(&name));
		if (stat(buf_cstr(&path), &st) == 0)
			return arena_strdup(a, buf_cstr(&name));
	}
	return NULL;
}

struct keeper occupant_keeper(struct arena *a, int32_t pid, const char *command)
{
	struct keeper k = procfile_keeper(a, pid);

	/* Within a container its control group may look like the root. */
	if (k.kind == KEEPER_NONE && is_systemd(command))
		k.kind = pid == 1 ? KEEPER_SYSTEMD : KEEPER_USER_SYSTEMD;
	if (k.kind == KEEPER_SYSTEMD && !is_systemd(command))
		k.kind = KEEPER_NONE;
	if (k.kind == KEEPER_NONE && pid == 1)
		k = (struct keeper){ .kind = KEEPER_INSIDE,
				     .name = in_first_pidns() ? NULL : "container" };
	if (k.of_user) {
		const struct passwd *pw = passwd_find(NULL, k.uid);

		k.user = pw ? arena_strdup(a, pw->pw_name) : NULL;
	}
	if (k.kind == KEEPER_UNIT || k.kind == KEEPER_USER_UNIT)
		k.socket = socket_unit(a, &k);
	return k;
}

struct halt occupant_halt(struct arena *a, int32_t pid)
{
	enum { LOOKS = 5, PAUSE_US = 10000 };
	struct halt halt = { 0 };
	int i;

	/* A moment in the kernel, or of a tracer, is none. */
	for (i = 0; i < LOOKS; i++) {
		halt = doing_halt(pid, a);
		if (halt.by != HALT_BLOCKED && halt.by != HALT_TRACED)
			break;
		usleep(PAUSE_US);
	}
	return halt;
}

static uint32_t uid_of(int32_t pid)
{
	struct stat st;
	char path[24];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) == 0 ? st.st_uid : 0;
}

static int32_t parent_of(int32_t pid)
{
	_cleanup_free_ char *text = NULL;
	uint64_t threads;
	int32_t parent = 0;
	char path[32], state;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = procfile_read(path);
	return text && processtext_task(text, &state, &parent, &threads) ? parent : 0;
}

static bool is_read(const struct occupant *v, size_t n, int32_t pid)
{
	while (n--)
		if (v[n].pid == pid)
			return true;
	return false;
}

struct occupants occupants_read(struct arena *a, const struct holder *h)
{
	struct occupant *v = arena_zalloc(a, MOST * sizeof(*v));
	size_t n = 0;

	for (; h && n < MOST; h = h->next)
		if (!is_read(v, n, h->pid))
			v[n++] = (struct occupant){
				.pid = h->pid,
				.parent = parent_of(h->pid),
				.command = arena_strdup(a, h->command),
				.uid = uid_of(h->pid),
				.keeper = occupant_keeper(a, h->pid, h->command),
				.halt = occupant_halt(a, h->pid),
			};
	return (struct occupants){ v, n };
}
