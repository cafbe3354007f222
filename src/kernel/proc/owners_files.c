/*
 * Sockets without a descriptor: a program may close it when it has registered the socket
 * with a ring of io_uring, or sent it in a message that nobody has received. What
 * /proc/PID/fdinfo says of the ring, and of the unix socket in whose queue the message
 * is, leads to them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "kernel/proc/owners_private.h"
#include "model/proctext.h"

/* Processes that may hold a socket that no line names. */
struct candidates {
	unsigned n, shown;
	int32_t last;
	char text[64];
};

struct files {
	struct owner_search at;
	struct candidates rings, queues;
};

static void add_candidate(struct files *s, struct candidates *c, int32_t pid)
{
	enum { SHOWN = 2 };
	struct owner_process p = { .pid = pid };
	size_t len = strlen(c->text);
	char command[32];

	if (pid == c->last)
		return;
	c->last = pid;
	if (++c->n > SHOWN)
		return;
	c->shown++;
	owners_read_command(s->at.proc_fd, &p);
	escape_text(command, sizeof(command), p.command, strlen(p.command));
	snprintf(c->text + len, sizeof(c->text) - len, "%s%s[%d]", len ? ", " : "",
		 command, pid);
}

static FILE *open_fdinfo(const struct files *s, int32_t pid, int32_t fd)
{
	char path[48];
	FILE *file;
	int info;

	snprintf(path, sizeof(path), "%d/fdinfo/%d", pid, fd);
	info = openat(s->at.proc_fd, path, O_RDONLY | O_CLOEXEC);
	file = info < 0 ? NULL : fdopen(info, "r");
	if (!file)
		close_fd(info);
	return file;
}

static void search_ring(struct files *s, int32_t pid, int32_t fd)
{
	struct proctext_ring ring = { 0 };
	FILE *file = open_fdinfo(s, pid, fd);
	char line[512];

	if (!file)
		return;
	/* No path has a blank, as they are printed: what is behind the end of a line that
	 * is too long is no place of the table. */
	while (!owner_search_late(&s->at) && fgets(line, sizeof(line), file)) {
		uint32_t inode = proctext_ring_line(&ring, line);

		if (owner_search_wants(&s->at, inode))
			owner_search_add(&s->at, pid, fd, inode);
	}
	if (proctext_ring_may_hold(&ring))
		add_candidate(s, &s->rings, pid);
	fclose(file);
}

static void search_queue(struct files *s, int32_t pid, int32_t fd)
{
	FILE *file = open_fdinfo(s, pid, fd);
	char text[512];
	uint64_t n;
	size_t len;

	if (!file)
		return;
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	if (proctext_in_flight(text, &n) && n)
		add_candidate(s, &s->queues, pid);
	fclose(file);
}

static void search_descriptor(struct files *s, int dir, int32_t pid, const char *name)
{
	static const char ring[] = "anon_inode:[io_uring]";
	char link[64];
	ssize_t len = readlinkat(dir, name, link, sizeof(link));

	if (len == sizeof(ring) - 1 && memcmp(link, ring, sizeof(ring) - 1) == 0)
		search_ring(s, pid, atoi(name));
	else if (len > 0 && proctext_socket(link, (size_t)len))
		search_queue(s, pid, atoi(name));
}

static void search_process(struct files *s, int32_t pid)
{
	struct dirent *d;
	char path[32];
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(s->at.proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		close_fd(fd);
		return;
	}
	while (!owner_search_late(&s->at) && (d = readdir(dir)))
		search_descriptor(s, fd, pid, d->d_name);
	closedir(dir);
}

static void put_candidates(char *text, const struct candidates *c, const char *what)
{
	size_t len = strlen(text);
	char more[24] = "";

	if (c->n > c->shown)
		snprintf(more, sizeof(more), " and %u more", c->n - c->shown);
	if (c->n)
		snprintf(text + len, VISIBLE_WHY - len, "%s%s %s%s", len ? "; " : "",
			 what, c->text, more);
}

/* Only where all else was searched in vain: a process that is hidden, or may not be read,
 * is likelier to have it. */
static void tell_candidates(struct files *s, struct owners *o)
{
	if (o->unseen != OWNER_INVISIBLE || o->unreadable || !(s->rings.n + s->queues.n))
		return;
	o->unseen = OWNER_CANDIDATES;
	o->unseen_why[0] = '\0';
	put_candidates(o->unseen_why, &s->queues, "in flight to");
	put_candidates(o->unseen_why, &s->rings, "in an io_uring of");
}

void owners_search_files(struct owners *o, const struct hash_index *wanted)
{
	struct files s = { 0 };
	struct dirent *d;
	DIR *dir;

	if (o->failed || o->unseen == OWNER_NO_PROC ||
	    !owner_search_begin(&s.at, o, wanted))
		return;
	dir = s.at.proc_fd < 0 ? NULL : opendir("/proc");
	while (dir && !owner_search_late(&s.at) && (d = readdir(dir)))
		if (*d->d_name >= '1' && *d->d_name <= '9')
			search_process(&s, atoi(d->d_name));
	if (dir)
		closedir(dir);
	owner_search_end(&s.at, "descriptors were not all searched");
	tell_candidates(&s, o);
}
