#include "net/socket/unixfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "model/advice.h"
#include "net/socket/unixlist.h"

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

/* Only a live listener (or a full one) takes a connection: the last question, after the
 * lists, for it disturbs whoever is there. */
static enum life connect_to(const struct endpoint *ep)
{
	_cleanup_close_ int fd = socket(AF_UNIX, ep->type | SOCK_CLOEXEC | SOCK_NONBLOCK,
					0);

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

static int refuse_unknown(const struct endpoint *ep, struct fault *f, const char *why)
{
	_cleanup_buf_ struct buf command = { 0 }, path = { 0 };
	struct advised who = { .uid = geteuid() };
	char hint[sizeof(f->hint)];
	struct stat st;

	if (lstat(path_of(ep), &st) == 0)
		who.owner = st.st_uid;
	buf_put_escaped(&path, path_of(ep), strlen(path_of(ep)));
	snprintf(hint, sizeof(hint), "if nothing needs it any more: %s",
		 advise_within(&command, ADVICE_REMOVE, who, buf_cstr(&path)));
	return refuse(ep, f, why, hint);
}

/* 0 if nobody has it any more. */
static int judge_file(const struct endpoint *ep, const struct stat *st, struct fault *f)
{
	struct fault list = FAULT_INIT;
	char why[sizeof(list.what) + 64];
	int r;

	if (!S_ISSOCK(st->st_mode))
		return refuse(ep, f, "a file that is not a socket is there",
			      "remove it yourself if it is not needed");
	r = unixlist_bound(path_of(ep), st, &list);
	if (r < 0) {
		snprintf(why, sizeof(why),
			 "cannot tell whether it is still in use: %.300s", list.what);
		return refuse_unknown(ep, f, why);
	}
	switch (r ? LIFE_LIVE : connect_to(ep)) {
	case LIFE_LIVE:
		return refuse(ep, f, "a live socket has this path",
			      "stop the program that holds it, or choose another path");
	case LIFE_OTHER_KIND:
		return refuse(ep, f, "a live socket of another type has this path",
			      "stop the program that holds it, or choose another path");
	case LIFE_UNKNOWN:
		return refuse_unknown(ep, f, "cannot tell whether it is still in use");
	case LIFE_STALE:
		break;
	}
	return 0;
}

/* What was judged goes, not what has its name by then. */
static int remove_stale(const struct endpoint *ep, const struct unix_file *at,
			const struct stat *st, struct fault *f)
{
	char aside[ENTRY_FRESH_MAX], hint[ENTRY_FRESH_MAX + 64];
	int r;

	entry_fresh(aside);
	r = entry_remove(at->dir, at->name, aside, st->st_dev, st->st_ino);
	if (r == 0 || r == -ENOENT)
		return 0;
	if (r == -ESTALE)
		return refuse(ep, f, "somebody else just made it", "try again");
	if (r == -EEXIST) {
		snprintf(hint, sizeof(hint), "one of them is %s beside it now", aside);
		return refuse(ep, f, "two others just made it", hint);
	}
	return fault(f, -r, "remove the stale socket %s", path_of(ep));
}

static int replace_stale(int fd, const struct endpoint *ep, const struct unix_file *at,
			 struct fault *f)
{
	/* Held open, so that its number cannot become another file's. */
	_cleanup_close_ int old = openat(at->dir, at->name,
					 O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (old < 0 || fstat(old, &st) != 0)
		return fault(f, errno, "look at %s", path_of(ep));
	r = judge_file(ep, &st, f);
	if (r == 0)
		r = remove_stale(ep, at, &st, f);
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&ep->ss, ep->len) == 0)
		return 0;
	return errno == EADDRINUSE
		       ? refuse(ep, f, "somebody else just made it", "try again")
		       : fault(f, errno, "bind %s", path_of(ep));
}

/* The directory and the name in it. */
static int locate(const struct endpoint *ep, struct unix_file *at, struct fault *f)
{
	const char *path = path_of(ep), *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1] = ".";

	if (slash) {
		size_t len = MAX((size_t)(slash - path), (size_t)1);

		memcpy(dir, path, len);
		dir[len] = '\0';
	}
	snprintf(at->name, sizeof(at->name), "%s", slash ? slash + 1 : path);
	at->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at->dir >= 0)
		return 0;
	fault(f, errno, "bind %s", path);
	if (f && f->err == ENOENT)
		fault_hint(f, "its directory does not exist");
	return -errno;
}

int unixfile_bind(int fd, const struct endpoint *ep, struct unix_file *made,
		  struct fault *f)
{
	struct unix_file at = { .dir = -1 };
	struct stat st;
	int r = locate(ep, &at, f);

	if (r == 0 && bind(fd, (const struct sockaddr *)&ep->ss, ep->len) != 0)
		r = errno == EADDRINUSE ? replace_stale(fd, ep, &at, f)
					: fault(f, errno, "bind %s", path_of(ep));
	if (r < 0 || !made || fstatat(at.dir, at.name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		close_fd(at.dir);
		return r;
	}
	*made = at;
	made->made = true;
	/* The socket holds its inode for as long as it is open. */
	leave_file(&made->leaving, made->dir, made->name, &st);
	return 0;
}

void unixfile_remove(struct unix_file *made)
{
	if (!made || !made->made)
		return;
	leave_remove(&made->leaving);
	close_fd(made->dir);
	made->made = false;
}
