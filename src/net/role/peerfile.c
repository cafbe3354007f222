#include "net/role/peerfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "model/advice.h"

enum { NAME_MOST = 200 }; /* NAME_MAX is 255, and there is the number */

static void hint_make(const char *path, struct fault *f)
{
	_cleanup_buf_ struct buf command = { 0 }, shown = { 0 };

	buf_put_escaped(&shown, path, strlen(path));
	fault_hint(f, "make it first: %s",
		   advise_within(&command, ADVICE_MAKE_DIRECTORY, (struct advised){ 0 },
				 buf_cstr(&shown)));
}

int peerfile_dir(const char *path, struct fault *f)
{
	_cleanup_close_ int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		fault(f, errno, "open the directory %s", path);
		if (errno == ENOENT)
			hint_make(path, f);
		return -f->err;
	}
	if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return fault(f, errno, "make files in the directory %s", path);
	return take_fd(&dir);
}

int peerfile_open(const struct peerfile_place *place, uint64_t id,
		  const struct endpoint *peer, bool append, struct fault *f)
{
	char name[NAME_MOST + 32], text[ENDPOINT_TEXT_MAX] = "";
	_cleanup_close_ int fd = -1;
	struct stat st;
	char *p;

	if (peer)
		endpoint_text(text, sizeof(text), peer);
	for (p = text; *p; p++)
		if (*p == '/')
			*p = '_';
	snprintf(name, sizeof(name), "%06llu-%.*s", (unsigned long long)id, NAME_MOST,
		 text);
	/* It is emptied only when it is known to be a file. */
	fd = openat(place->dir, name,
		    O_WRONLY | O_CREAT | (append ? O_APPEND : 0) | O_CLOEXEC |
			    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		    0666);
	if (fd < 0 || fstat(fd, &st) != 0)
		return fault(f, errno, "create %s/%s", place->path, name);
	if (!S_ISREG(st.st_mode))
		return fault_say(f, EEXIST,
				 "create %s/%s: something is there that is no file",
				 place->path, name);
	if (!append && st.st_size && ftruncate(fd, 0) != 0)
		return fault(f, errno, "empty %s/%s", place->path, name);
	return take_fd(&fd);
}
