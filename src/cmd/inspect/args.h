/* What was typed after `sockctl inspect`; const once it is parsed. */
#pragma once

#include "cmd/cmd.h"

enum {
	WHAT_TCP = BIT(0),
	WHAT_UDP = BIT(1),
	WHAT_UNIX = BIT(2),
	WHAT_V4 = BIT(3),
	WHAT_V6 = BIT(4),
	WHAT_PROTOS = WHAT_TCP | WHAT_UDP | WHAT_UNIX,
};

enum findings_mode { FINDINGS_OFF, FINDINGS_ON, FINDINGS_ALL, FINDINGS_AUTO };

struct inspect_args {
	struct common common;
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
	int format;	    /* enum view_format */
	int findings;	    /* enum findings_mode */
	uint64_t fail_fill; /* per cent; UINT64_MAX = not asked */
	bool fail_drops, allow_empty, until_gone;
	struct strv fail_if;
	uint64_t wait_us; /* UINT64_MAX = not asked */
	const char *bindable, *as_user;
	bool reuseaddr, reuseport, v6only, try_bind;
};

#define INSPECT_ARGS_INIT                                                                \
	{                                                                                \
		.limit = UINT64_MAX, .findings = FINDINGS_AUTO, .fail_fill = UINT64_MAX, \
		.wait_us = UINT64_MAX                                                    \
	}

enum { N_INSPECT_GROUPS = 7 };
extern const struct opt_group inspect_groups[N_INSPECT_GROUPS];

#define NO_OPTIONS_RECORDED \
	"a recorded dump does not have the options that only a descriptor of the socket tells"

/* Options that exclude each other. 0 or -EINVAL. */
int inspect_args_check(const struct inspect_args *c, struct fault *f);
void inspect_args_free(struct inspect_args *args);
