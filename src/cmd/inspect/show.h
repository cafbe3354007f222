/* Rows to the reader: streamed, sorted, grouped or counted; then what must be said about
 * them. */
#pragma once

#include "cmd/inspect/plan.h"

/* The files of -O, without it stdout, and of --record, opened before anything is read.
 * 0 or -errno with a fault. */
struct inspect_files {
	struct out out, record;
};
#define _cleanup_inspect_files_ __attribute__((cleanup(inspect_files_free)))
int inspect_open_files(const struct inspect_args *args, struct inspect_files *files,
		       struct fault *f);
void inspect_files_free(struct inspect_files *files);

/* Collects and shows; tells what went wrong. Returns an exit code. */
int inspect_show(const struct command *cmd, const struct inspect_plan *plan,
		 struct reader *reader, struct inspect_files *files);
