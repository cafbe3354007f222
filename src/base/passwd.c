#include "base/passwd.h"

#include <errno.h>
#include <stdio.h>

static bool is_it(const struct passwd *pw, const char *name, uid_t uid)
{
	return name ? streq(pw->pw_name, name) : pw->pw_uid == uid;
}

static struct passwd *find_in_file(const char *name, uid_t uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *pw;
	int err;

	if (!file) {
		errno = errno == ENOENT ? 0 : errno;
		return NULL;
	}
	do {
		errno = 0;
		pw = fgetpwent(file);
	} while (pw && !is_it(pw, name, uid));
	err = pw || errno == ENOENT ? 0 : errno;
	fclose(file);
	errno = err;
	return pw;
}

struct passwd *passwd_find(const char *name, uid_t uid)
{
	struct passwd *pw;

	errno = 0;
	pw = name ? getpwnam(name) : getpwuid(uid);
	/* getpwnam(3): these mean that there is none. But one source is asked after the
	 * other, and the last one's "none" hides that the file could not be read. */
	if (pw || (errno && errno != ENOENT && errno != ESRCH && errno != EPERM))
		return pw;
	return find_in_file(name, uid);
}
