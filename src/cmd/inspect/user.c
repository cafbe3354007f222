#include "cmd/inspect/user.h"

#include <errno.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/passwd.h"

int inspect_find_user(const char *option, const char *name, struct inspect_user *user,
		      struct fault *f)
{
	struct passwd *pw;
	char shown[80];
	uint64_t uid;
	int err;

	pw = passwd_find(name, 0);
	err = errno;
	if (pw) {
		*user = (struct inspect_user){ pw->pw_uid, pw->pw_gid };
		return 0;
	}
	escape_text(shown, sizeof(shown), name, strlen(name));
	/* A number needs no entry: containers have users that the host does not know. */
	if (num_parse_u64(name, UINT32_MAX - 1, &uid, NULL) == 0) {
		pw = passwd_find(NULL, (uid_t)uid);
		*user = (struct inspect_user){ (uint32_t)uid,
					       pw ? pw->pw_gid : (gid_t)uid };
		return 0;
	}
	if (err == 0)
		return fault_say(f, EINVAL, "%s: there is no user '%s'", option, shown);
	fault(f, err, "%s: look up the user '%s'", option, shown);
	fault_hint(f, "a number needs no look-up");
	return -err;
}
