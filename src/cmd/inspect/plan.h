/*
 * What `sockctl inspect` does, made from what was typed by one pure function and const
 * afterwards: which rows are asked for, what must be known of them, and what happens to
 * each.
 */
#pragma once

#include "cmd/inspect/args.h"
#include "cmd/inspect/columns.h"
#include "cmd/inspect/threshold.h"
#include "kernel/read/collect.h"
#include "view/view.h"

enum inspect_rows {
	ROWS_SHOWN,   /* as they come */
	ROWS_SORTED,  /* kept until all are there */
	ROWS_COUNTED, /* --count, --summary, --group */
	ROWS_NOTED,   /* -q: is there one? */
};

/* What had to be looked up before. */
struct inspect_facts {
	struct filter_env names;   /* what an expression may name */
	struct filter_files files; /* its paths */
	uint32_t uid;		   /* of --user */
	bool terminal;		   /* the rows go to one */
	bool utf8;		   /* the terminal shows more than ASCII */
};

struct inspect_plan {
	const struct inspect_args *args; /* for what passes unchanged */
	struct arena arena;
	struct collect_request request; /* all but the file of --record */
	uint32_t shown_protos;	    /* of request.protos; the others are judged only */
	struct filter_files *files; /* of facts; NULL = rows have none that are here */
	const struct filter_node *ports_only; /* for the nearest thing that --wait saw */
	enum inspect_rows rows;
	bool reads_all; /* does not stop at --limit, or at the first row of -q */
	bool needs_one; /* exit code 1 where nothing matched */
	const struct field *sort, *group;
	bool descending;
	struct columns columns;
	struct view_options view;    /* all but what the terminal decides */
	enum findings_mode findings; /* not FINDINGS_AUTO */
	bool whole_tcp, whole_ports; /* what is seen of them is all: struct detect */
	struct thresholds thresholds;
};

/* Of a process that may not be read: "name[pid]". */
#define INSPECT_HIDDEN "%s is unknown"

/* 0 or -errno, also what facts->names returned; then, too, plan must be freed. It keeps
 * pointers to args and into expressions. */
int inspect_plan_make(const struct inspect_args *args, const struct strv *expressions,
		      const struct inspect_facts *facts, struct inspect_plan *plan,
		      struct fault *f);
void inspect_plan_free(struct inspect_plan *plan);
