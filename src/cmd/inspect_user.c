/* A user that is named on the command line. */
#include <errno.h>
#include <pwd.h>

#include "cmd/inspect.h"

int inspect_find_user(const char *option, const char *name, struct inspect_user *user,
		      struct fault *f)
{
	struct passwd *pw;
	char shown[80];
	uint64_t uid;
	int err;

	errno = 0;
	pw = getpwnam(name);
	err = errno;
	if (pw) {
		*user = (struct inspect_user){ pw->pw_uid, pw->pw_gid };
		return 0;
	}
	escape_text(shown, sizeof(shown), name, strlen(name));
	/* A number needs no entry: containers have users that the host does not know. */
	if (num_parse_u64(name, UINT32_MAX - 1, &uid, NULL) == 0) {
		pw = getpwuid((uid_t)uid);
		*user = (struct inspect_user){ (uint32_t)uid,
					       pw ? pw->pw_gid : (gid_t)uid };
		return 0;
	}
	/* getpwnam(3): these mean that there is none; the others that it could not look.
	 */
	if (err == 0 || err == ENOENT || err == ESRCH)
		return fault_say(f, EINVAL, "%s: there is no user '%s'", option, shown);
	fault(f, err, "%s: look up the user '%s'", option, shown);
	fault_hint(f, "a number needs no look-up");
	return -err;
}
