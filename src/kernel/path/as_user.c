#include "kernel/path/as_user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

#include "base/passwd.h"
#include "kernel/proc/process.h"

enum { GROUPS_MOST = 65536 }; /* NGROUPS_MAX */

/* The system calls themselves: they change this thread only, libc's all of them. */
static int set_groups(const uint32_t *groups, size_t n)
{
	return syscall(SYS_setgroups, n, groups) == 0 ? 0 : -errno;
}

static uid_t fsuid_now(void)
{
	return (uid_t)setfsuid((uid_t)-1);
}

static int own_groups(struct access_ids *ids, struct arena *a)
{
	int n = getgroups(0, NULL);
	gid_t *v = n < 0 ? NULL : arena_zalloc(a, ((size_t)n + 1) * sizeof(*v));

	n = n > 0 ? getgroups(n, v) : n;
	ids->groups = v;
	ids->n_groups = n > 0 ? (size_t)n : 0;
	return n < 0 ? -errno : 0;
}

int as_user_groups(struct access_ids *ids, const char *user, struct arena *a)
{
	int n = 64;

	while (n <= GROUPS_MOST) {
		int room = n;
		gid_t *v = arena_zalloc(a, (size_t)room * sizeof(*v));

		if (getgrouplist(user, ids->gid, v, &n) >= 0) {
			ids->groups = v;
			ids->n_groups = (size_t)n;
			return 0;
		}
		n = MAX(n, room * 2);
	}
	return -E2BIG;
}

static void restore(const struct access_ids *own)
{
	setfsuid(own->uid);
	setfsgid(own->gid);
	set_groups(own->groups, own->n_groups);
}

/* Whether the thread is that user now, without rights of its own left. */
static int become(const struct access_ids *ids, const struct access_ids *own)
{
	int r = set_groups(ids->groups, ids->n_groups);

	if (r < 0)
		return r;
	setfsgid(ids->gid);
	setfsuid(ids->uid);
	if (fsuid_now() == ids->uid &&
	    (!ids->uid || !process_has_capability(CAP_DAC_OVERRIDE)))
		return 0;
	restore(own);
	return -EPERM;
}

static int own_ids(struct access_ids *ids, struct arena *a)
{
	*ids = (struct access_ids){
		.uid = geteuid(),
		.gid = getegid(),
		.overrides = process_has_capability(CAP_DAC_OVERRIDE),
		.searches = process_has_capability(CAP_DAC_READ_SEARCH),
	};
	return own_groups(ids, a);
}

int as_user_prepare(struct as_user *who, const char *user, uint32_t uid, struct arena *a)
{
	struct access_ids own = { 0 };
	struct passwd *pw;
	int r = own_ids(&own, a);

	*who = (struct as_user){ .ids = own, .own = !user || uid == own.uid };
	if (r < 0 || who->own)
		return r;
	pw = passwd_find(NULL, uid);
	who->ids = (struct access_ids){ .uid = uid,
					.gid = pw ? pw->pw_gid : (gid_t)uid,
					.overrides = !uid,
					.searches = !uid };
	r = as_user_groups(&who->ids, user, a);
	if (r < 0)
		return r;
	who->before = own;
	who->by_mode = become(&who->ids, &own) < 0;
	if (!who->by_mode)
		restore(&own);
	return 0;
}

static int ask(int dir, const char *name, int mode)
{
	return faccessat(dir, name, mode, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0 ? 0
										 : -errno;
}

int as_user_access(const struct as_user *who, int dir, const char *name, int mode)
{
	int r;

	if (who->own)
		return ask(dir, name, mode);
	if (who->by_mode)
		return ask(dir, name, mode) == -EROFS ? -EROFS : -EACCES;
	r = become(&who->ids, &who->before);
	if (r < 0)
		return r;
	r = ask(dir, name, mode);
	restore(&who->before);
	return r;
}
