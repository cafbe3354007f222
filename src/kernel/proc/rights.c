#include "kernel/proc/rights.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/proc/process.h"
#include "model/advice.h"
#include "model/owner_status.h"

/* One of several capabilities does; its name as --cap-add takes it. */
struct wanted {
	const char *name;
	unsigned caps[2];
};

/* The first lists and reads links, the second opens directories of other users. */
static const struct wanted to_trace[] = {
	{ "SYS_PTRACE", { CAP_SYS_PTRACE, CAP_SYS_PTRACE } },
	{ "DAC_READ_SEARCH", { CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE } },
};
static const struct wanted to_enter[] = {
	{ "SYS_ADMIN", { CAP_SYS_ADMIN, CAP_SYS_ADMIN } },
};

static bool looks_like_container(void)
{
	const ino_t first_pid_namespace = 0xEFFFFFFC; /* include/linux/proc_ns.h */
	struct stat st;

	return access("/.dockerenv", F_OK) == 0 ||
	       access("/run/.containerenv", F_OK) == 0 ||
	       (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != first_pid_namespace);
}

/* "CAP_A is missing", and for a container how it gets it. False if none is. */
static bool name_missing(const struct wanted *v, size_t n, char *text)
{
	const char *names[2];
	size_t missing = 0, i;
	int len;

	for (i = 0; i < n; i++)
		if (!process_has_capability(v[i].caps[0]) &&
		    !process_has_capability(v[i].caps[1]))
			names[missing++] = v[i].name;
	if (!missing)
		return false;
	len = snprintf(text, REMEDY_MAX, "CAP_%s%s%s %s missing", names[0],
		       missing > 1 ? " and CAP_" : "", missing > 1 ? names[1] : "",
		       missing > 1 ? "are" : "is");
	if (looks_like_container())
		snprintf(text + len, REMEDY_MAX - (size_t)len,
			 ": start the container with --cap-add %s%s%s", names[0],
			 missing > 1 ? " --cap-add " : "", missing > 1 ? names[1] : "");
	return true;
}

static const char *remedy(const struct wanted *v, size_t n, char *text)
{
	if (geteuid() != 0) {
		snprintf(text, REMEDY_MAX,
			 prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
				 ? "no_new_privs is set, so sudo does not work here: ask "
				   "outside of this sandbox"
				 : TRY_SUDO);
		return text;
	}
	if (name_missing(v, n, text))
		return text;
	snprintf(
		text, REMEDY_MAX,
		process_in_first_userns()
			? "a security module of this host forbids it"
			: "root of this user namespace has no right over it: ask as root "
			  "of the host");
	return text;
}

const char *rights_to_trace(char text[static REMEDY_MAX])
{
	return remedy(to_trace, ARRAY_SIZE(to_trace), text);
}

const char *rights_to_enter(char text[static REMEDY_MAX])
{
	return remedy(to_enter, ARRAY_SIZE(to_enter), text);
}

const char *rights_to_know_owner(uint8_t status, char text[static REMEDY_MAX])
{
	text[0] = '\0';
	if (status == OWNER_PERMISSION || status == OWNER_HIDEPID)
		return rights_to_trace(text);
	if (status == OWNER_PID_NAMESPACE)
		snprintf(
			text, REMEDY_MAX,
			"start the container with --pid=host or hostPID: true, or ask on "
			"the host");
	else if (status == OWNER_NO_PROC)
		snprintf(text, REMEDY_MAX,
			 "mount it (mount -t proc proc /proc), or ask outside of this "
			 "chroot");
	return text;
}
