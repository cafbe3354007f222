/*
 * The targets with many ports: their scans run side by side, each with its share of the
 * descriptors and of --rate, and one address is scanned once at a time. Each is told
 * when those before it are; what comes sooner is kept, and if that gets too much, those
 * whose turn it is not pause.
 */
#pragma once

#include "cmd/probe/job.h"

/* Looks up the names of run->turns. */
struct scans *scans_new(struct probe_run *run);
/* In run->l: as many as may be under way. Again when a job has begun or ended. */
void scans_start(struct scans *k);
/* Whether one is not told yet. */
bool scans_left(const struct scans *k);
/* The loop has ended, maybe by a signal: tells what there is, and *said is what belongs
 * on stderr. run->scans_verdict is how all of them weigh. */
void scans_end(struct scans *k, struct buf *said);
void scans_free(struct scans *k);
