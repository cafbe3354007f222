/*
 * The paths of an expression as files: a server that bound /run/x.sock is found by
 * /var/run/x.sock, too. They are looked up when the expression is parsed, and once more
 * whenever filter_files_look() is called: what is at a path may be another file by then.
 */
#pragma once

#include "base/mem.h"
#include "model/file_id.h"

enum { FILTER_BASE_MOST = 108 }; /* sun_path */

struct filter_file {
	const char *path; /* as it was typed, without "unix:" */
	bool there;	  /* something is at the path; then */
	struct file_id id;
	char base[FILTER_BASE_MOST]; /* the last component of what it leads to; "" = not
					known */
	struct filter_file *next;
};

/* Zero-initialise but for look, which fills there, id and base of a file. */
struct filter_files {
	void (*look)(struct filter_file *file);
	struct filter_file *first;
};

struct filter_file *filter_files_add(struct filter_files *files, struct arena *a,
				     const char *path);
void filter_files_look(struct filter_files *files);

/*
 * Whether a socket with this name, bound to this file, has the path; has: SOCK_HAS_VFS,
 * or 0 where its source tells no files. A name alone is unsure if it ends in the same
 * component.
 */
enum file_is filter_file_is(const struct filter_file *file, const struct blob *name,
			    uint32_t has, uint32_t inode, uint32_t dev);
