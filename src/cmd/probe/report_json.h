/* Attempts and summaries as JSON Lines; view/schema.json describes them. */
#pragma once

#include "cmd/probe/job.h"

void report_json_attempt(struct buf *b, const char *target, uint64_t seq,
			 const struct probe_result *r, const char *note);
void report_json_summary(struct buf *b, const struct probe_job *job);
