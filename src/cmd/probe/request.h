/* The request of --http. */
#pragma once

#include "cmd/probe/job.h"

/* Of --http-header: adds arg to a struct strv. 0, or -EINVAL with a fault. */
int request_parse_header(const char *arg, void *headers, struct fault *f);
/* --http: the request for this job, into its how. */
void request_make(struct probe_job *j);
