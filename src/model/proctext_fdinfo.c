/*
 * /proc/PID/fdinfo: what descriptors lead to beyond what they are. Source:
 * io_uring/fdinfo.c of Linux 5.1 to 6.18, net/unix/af_unix.c.
 */
#include <ctype.h>

#include "model/proctext.h"

static bool starts(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* A place of the table, "    1: socket:[123]": what is behind the number; or NULL. */
static const char *entry_of(const char *line)
{
	const char *p = line;

	while (*p == ' ')
		p++;
	if (p == line && !isdigit((unsigned char)*p))
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p > line && isdigit((unsigned char)p[-1]) && starts(p, ": ") ? p + 2
									    : NULL;
}

/* Whether it is a path, or another thing that names itself: "pipe:[5]",
 * "anon_inode:[eventfd]". */
static bool names_itself(const char *file, size_t len)
{
	return *file == '/' || (memmem(file, len, ":[", 2) && file[len - 1] == ']');
}

uint32_t proctext_ring_line(struct proctext_ring *r, const char *line)
{
	const char *file = r->in_table ? entry_of(line) : NULL;
	uint32_t inode;
	size_t len;

	if (!file) {
		r->in_table = proctext_line(line, "UserFiles:", &r->size);
		r->listed |= r->in_table;
		r->settled |= starts(line, "PollList:");
		return 0;
	}
	r->has_entry = true;
	len = strcspn(file, "\n");
	inode = proctext_socket(file, len);
	if (!inode && !starts(file, "<none>") && !names_itself(file, len))
		r->unnamed = true;
	return inode;
}

/* A ring that is busy while its text is made leaves out what it would have to look at. */
bool proctext_ring_may_hold(const struct proctext_ring *r)
{
	return !r->listed || r->unnamed || (r->size && !r->has_entry && !r->settled);
}

bool proctext_in_flight(const char *text, uint64_t *n)
{
	return proctext_line(text, "scm_fds:", n);
}
