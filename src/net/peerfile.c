#include "net/peerfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { NAME_MOST = 200 }; /* NAME_MAX is 255, and there is the number */

int peerfile_open(const char *dir, uint64_t id, const struct endpoint *peer, bool append,
		  struct fault *f)
{
	char name[4096], text[ENDPOINT_TEXT_MAX] = "";
	_cleanup_close_ int fd = -1;
	struct stat st;
	char *p;

	if (peer)
		endpoint_text(text, sizeof(text), peer);
	for (p = text; *p; p++)
		if (*p == '/')
			*p = '_';
	snprintf(name, sizeof(name), "%s/%06llu-%.*s", dir, (unsigned long long)id,
		 NAME_MOST, text);
	fd = open(name,
		  O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC) | O_CLOEXEC |
			  O_NOFOLLOW | O_NONBLOCK,
		  0666);
	if (fd < 0)
		return fault(f, errno, "create %s", name);
	if (fstat(fd, &st) != 0)
		return fault(f, errno, "create %s", name);
	if (!S_ISREG(st.st_mode))
		return fault_say(f, EEXIST,
				 "create %s: something is there that is no file", name);
	return take_fd(&fd);
}
