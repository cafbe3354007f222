#include "net/unixfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static const char *path_of(const struct endpoint *ep)
{
	return ((const struct sockaddr_un *)&ep->ss)->sun_path;
}

static int refuse(const struct endpoint *ep, struct fault *f, const char *why,
		  const char *hint)
{
	char text[ENDPOINT_TEXT_MAX];

	fault(f, EADDRINUSE, "bind %s", endpoint_text(text, sizeof(text), ep));
	if (f) {
		size_t n = strlen(f->what);

		snprintf(f->what + n, sizeof(f->what) - n, " (%s)", why);
	}
	fault_hint(f, "%s", hint);
	return -EADDRINUSE;
}

enum life { LIFE_LIVE, LIFE_STALE, LIFE_OTHER_KIND, LIFE_UNKNOWN };

/* Whether a line of /proc/net/unix names our file. A relative name was bound by a process
 * in some other directory: the same last part is enough to be careful. */
static bool names_file(const char *name, const char *path, const struct stat *ours)
{
	const char *base = strrchr(path, '/'), *last = strrchr(name, '/');
	struct stat st;

	if (*name == '@')
		return false;
	if (streq(name, path))
		return true;
	if (*name == '/')
		return lstat(name, &st) == 0 && st.st_ino == ours->st_ino &&
		       st.st_dev == ours->st_dev;
	return streq(last ? last + 1 : name, base ? base + 1 : path);
}

/* A bound socket that does not listen refuses connections just like a stale file, and a
 * connection to a live one would disturb it: ask the kernel's list first. It covers this
 * network namespace only. */
static bool bound_here(const char *path, const struct stat *ours)
{
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	FILE *file = fopen("/proc/net/unix", "re");
	bool found = false;

	if (!file)
		return false;
	while (!found && getline(&line, &cap, file) > 0) {
		char *name = line;
		int field;

		/* "Num RefCount Protocol Flags Type St Inode Path": a path may hold
		 * blanks. */
		for (field = 0; field < 7 && *name; field++) {
			name += strspn(name, " ");
			name += strcspn(name, " \n");
		}
		name += *name == ' ';
		name[strcspn(name, "\n")] = '\0';
		found = *name && names_file(name, path, ours);
	}
	fclose(file);
	return found;
}

static enum life probe(const struct endpoint *ep, const struct stat *ours)
{
	_cleanup_close_ int fd = -1;

	if (bound_here(path_of(ep), ours))
		return LIFE_LIVE;
	/* Paths are shared across network namespaces, the list is not: only a live
	 * listener (or a full one) of another namespace takes a connection. */
	fd = socket(AF_UNIX, ep->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return LIFE_UNKNOWN;
	if (connect(fd, (const struct sockaddr *)&ep->ss, ep->len) == 0)
		return LIFE_LIVE;
	switch (errno) {
	case EAGAIN:
	case EINPROGRESS:
		return LIFE_LIVE;
	case EPROTOTYPE:
		return LIFE_OTHER_KIND;
	case ECONNREFUSED:
		return LIFE_STALE;
	default:
		return LIFE_UNKNOWN;
	}
}

static int replace_stale(int fd, const struct endpoint *ep, struct fault *f)
{
	struct stat before, now;

	if (lstat(path_of(ep), &before) != 0)
		return fault(f, errno, "stat %s", path_of(ep));
	if (!S_ISSOCK(before.st_mode))
		return refuse(ep, f, "a file that is not a socket is there",
			      "remove it yourself if it is not needed");
	switch (probe(ep, &before)) {
	case LIFE_LIVE:
		return refuse(ep, f, "a live socket has this path",
			      "stop the program that holds it, or choose another path");
	case LIFE_OTHER_KIND:
		return refuse(ep, f, "a live socket of another type has this path",
			      "stop the program that holds it, or choose another path");
	case LIFE_UNKNOWN:
		return refuse(ep, f, "cannot tell whether it is still in use",
			      "remove it yourself if it is not needed");
	case LIFE_STALE:
		break;
	}
	if (lstat(path_of(ep), &now) != 0 || now.st_ino != before.st_ino ||
	    now.st_dev != before.st_dev)
		return refuse(ep, f, "somebody else just made it", "try again");
	if (unlink(path_of(ep)) != 0)
		return fault(f, errno, "remove the stale socket %s", path_of(ep));
	if (bind(fd, (const struct sockaddr *)&ep->ss, ep->len) != 0)
		return fault(f, errno, "bind %s", path_of(ep));
	return 0;
}

int unixfile_bind(int fd, const struct endpoint *ep, struct unix_file *made,
		  struct fault *f)
{
	struct stat st;
	int r = 0;

	if (bind(fd, (const struct sockaddr *)&ep->ss, ep->len) != 0) {
		if (errno != EADDRINUSE) {
			r = fault(f, errno, "bind %s", path_of(ep));
			if (r == -ENOENT)
				fault_hint(f, "its directory does not exist");
			return r;
		}
		r = replace_stale(fd, ep, f);
	}
	if (r == 0 && made && lstat(path_of(ep), &st) == 0)
		*made = (struct unix_file){ true, st.st_dev, st.st_ino };
	return r;
}

void unixfile_remove(const struct endpoint *ep, const struct unix_file *made)
{
	struct stat st;

	if (lstat(path_of(ep), &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_ino == made->ino && st.st_dev == made->dev)
		unlink(path_of(ep));
}
