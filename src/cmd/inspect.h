/* What the parts of `sockctl inspect` share: the config the option table fills, and the
 * steps. */
#pragma once

#include "cmd/cmd.h"
#include "cmd/columns.h"
#include "kernel/collect.h"
#include "view/view.h"

enum {
	WHAT_TCP = BIT(0),
	WHAT_UDP = BIT(1),
	WHAT_UNIX = BIT(2),
	WHAT_V4 = BIT(3),
	WHAT_V6 = BIT(4),
};

struct inspect_config {
	struct common common;
	/* as the command line says */
	uint32_t what;
	const char *netns, *from, *record;
	struct port_set ports;
	uint32_t states;
	bool listen;
	struct strv pids, src, dst;
	const char *process, *user;
	struct strv columns;
	bool processes, count, summary, no_headings, ascii;
	const char *sort, *group, *output;
	uint64_t limit, threads;
	int format; /* enum view_format */
	/* what follows from it, by inspect_prepare() */
	struct arena arena;
	struct columns shown;
	const struct field *sort_field, *group_field;
	bool sort_descending;
	struct collect_request request;
};

/* Turns options and EXPRESSION into columns and a request. 0 or -errno; ENXIO: a name is
 * unknown. */
int inspect_prepare(struct inspect_config *c, const struct strv *expressions,
		    struct fault *f);
void inspect_config_free(struct inspect_config *c);

/* Collects and shows; tells what went wrong. Returns an exit code. */
int inspect_show(const struct command *cmd, struct inspect_config *c,
		 struct reader *reader);
