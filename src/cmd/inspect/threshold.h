/* --fail-...: what a script does not accept. Parsed once, fed each row, told at the end.
 */
#pragma once

#include "cmd/cmd.h"
#include "kernel/read/collect.h"

/* --fail-if: rows that match, or their number compared with one. */
struct threshold {
	const char *text;
	const struct filter_node *filter;
	enum filter_op op; /* FILTER_EQ ... FILTER_GE */
	uint64_t limit;
};

struct thresholds {
	uint64_t fill; /* per cent; UINT64_MAX = not asked */
	bool drops;
	struct threshold *v; /* of the arena */
	size_t n;
};

/* What rows were counted for each. */
struct threshold_count {
	uint64_t rows;
	/* Rows more, if processes that may not be read hold them, or if a column that is
	 * missing is as the expression says. */
	uint64_t unsure;
	const struct field *missing; /* such a column; NULL = there is none */
	unsigned guesses;
};

struct threshold_counts {
	const struct thresholds *of;
	struct threshold_count *v;
	bool hit;		     /* by a row alone */
	const struct field *missing; /* column of --fail-fill or --fail-drops that a row
					lacks; NULL = none */
};

int thresholds_parse(struct thresholds *t, struct arena *a, const struct strv *texts,
		     const struct filter_env *env, struct fault *f);
bool thresholds_any(const struct thresholds *t);
/* Union of the needs of all of --fail-if. */
uint32_t thresholds_needs(const struct thresholds *t);
/* The states that their expressions name: mask of 1 << state. */
uint32_t thresholds_named_states(const struct thresholds *t);

void threshold_begin(struct threshold_counts *counts, const struct thresholds *of);
void threshold_row(struct threshold_counts *counts, const struct command *cmd,
		   struct reader *reader, const struct sock *s);
/* A sentence about a --fail-if that neither was hit nor was not, for want of the right to
 * read. False if there is none. */
bool threshold_unsure(const struct threshold_counts *counts, struct fault *f);
/* Says which was hit; true if any was. */
bool threshold_failed(const struct threshold_counts *counts, const struct command *cmd);
void threshold_end(struct threshold_counts *counts);
