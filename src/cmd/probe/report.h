/* What a probe tells: lines for people on stdout, or JSON Lines. */
#pragma once

#include "base/out.h"
#include "cmd/probe/job.h"

struct probe_report {
	struct out out;
	bool json, quiet, lines; /* lines: one for each change, as it comes */
	const struct term_style *style;
	bool terminal;
};

/* The colour of an outcome; a word always stands with it. */
const char *report_colour(const struct probe_report *p, enum outcome o);
void report_begin(struct probe_report *p, const struct probe_config *c);
/* The reason in words, in the outcome's colour unless all is well. */
void report_put_reason(struct probe_report *p, struct buf *b,
		       const struct probe_result *r);
/* ": 1 of 3 open; db:5432 refused, cache:6379 filtered": what --wait waits for. */
void report_put_missing(struct buf *b, const struct probe_run *run);
/* How many attempts are done, and what a single target said last. */
void report_put_asked(struct buf *b, const struct probe_run *run);
/* One attempt is over. */
void report_attempt(struct probe_report *p, struct probe_job *j);
/* All are. */
void report_end(struct probe_report *p, const struct probe_run *run);
