#include "model/cause/dead_file.h"

#include "model/cause/connect_cause.h"
#include "model/cause/namesake.h"

/* Another mount namespace changes nothing about this file; a server that has lost its
 * file to this one does. */
static bool is_replaced(const struct bind_facts *file)
{
	return file->n_namesakes && file->namesakes->where == NAMESAKE_REPLACED;
}

static void say_mount(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_facts *file = &f->file;
	struct buf b = { 0 }, a = { 0 }, next = { 0 };

	if (file->mounts_deleted)
		buf_printf(&b,
			   "%s is mounted here, and the file was deleted where it comes "
			   "from: its server listens on a new one, or on none",
			   f->address);
	else
		buf_printf(&b, "%s is mounted here, and is %s", f->address,
			   file->file == FILE_STALE
				   ? "the file of a socket that no program holds any more"
				   : file->file_kind);
	buf_puts(&a,
		 "A mount stays with the file that it began with: mount the directory "
		 "of the socket instead.");
	advise_in_words(&next,
			"start the server, then restart the container that has this "
			"mount");
	causes_next(causes, &next);
	causes_add(causes, connect_causes[CONNECT_MOUNT].id, &b, &a, NULL);
}

static void say_no_socket(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_facts *file = &f->file;
	struct buf b = { 0 }, a = { 0 }, next = { 0 };
	struct advised who = { .uid = f->asker,
			       .owner = file->may_change ? f->asker : 0 };

	buf_printf(&b, "%s is %s", f->address, file->file_kind);
	if (file->is_empty) {
		buf_puts(&a,
			 "A container runtime makes such a directory where the socket "
			 "that it has to mount is missing.");
		advise(&next, ADVICE_REMOVE_DIRECTORY, who, f->address);
		advise_in_words(&next, "and start the server, which makes the socket");
	} else {
		advise(&next, ADVICE_INSPECT_UNIX, (struct advised){ 0 });
		advise_in_words(&next, "which shows the paths that programs listen on");
	}
	causes_next(causes, &next);
	causes_add(causes, connect_causes[CONNECT_NO_SOCKET].id, &b, &a, NULL);
}

void dead_file_cause(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_facts *file = &f->file;
	struct buf b = { 0 };

	if (file->is_mount) {
		say_mount(f, causes);
	} else if (file->file == FILE_OTHER) {
		say_no_socket(f, causes);
	} else if (is_replaced(file)) {
		namesake_cause(f, causes);
	} else {
		buf_printf(&b,
			   "%s is the file of a socket that no program holds any more",
			   f->address);
		causes_add(causes, connect_causes[CONNECT_STALE].id, &b, NULL, NULL);
		if (file->n_namesakes && file->namesakes->where == NAMESAKE_APART)
			namesake_cause(f, causes);
	}
}
