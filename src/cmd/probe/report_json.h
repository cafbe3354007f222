/* Attempts and summaries as JSON Lines; view/schema.json describes them. */
#pragma once

#include "base/json.h"
#include "cmd/probe/job.h"

/* tried: the other addresses that were asked; NULL = there is one only. */
void report_json_attempt(struct buf *b, const char *target, uint64_t seq,
			 const struct probe_result *r, const char *note,
			 const struct tried_list *tried);
void report_json_summary(struct buf *b, const struct probe_job *job);
/* What it means that attempts came to different ends; nothing if they did not. */
void report_put_mixed(struct buf *b, const struct probe_job *j);
/* "addr" and "port", null where there is none. */
void report_json_address(struct json *j, const struct endpoint *ep);
/* "outcomes": how many of each; counts has OUTCOME_COUNT. */
void report_json_outcomes(struct json *j, const uint64_t *counts);
