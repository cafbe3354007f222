/* One address of which many ports are asked, and what is told of it. */
#pragma once

#include "cmd/probe/job.h"
#include "cmd/probe/unasked.h"
#include "net/scan/scan.h"

struct scanning {
	struct probe_run *run;
	const struct probe_turn *t;
	struct scan *scan; /* NULL once it is over */
	struct scan_how how;
	struct endpoint to;
	struct scan_totals totals; /* filled when it is over */
	struct unasked unasked;
	struct buf text; /* not written yet */
	bool over;
	void *owner;
};

/* How the ports of to are asked. */
void scanning_init(struct scanning *g, struct probe_run *run, const struct probe_turn *t,
		   const struct endpoint *to, const struct scan_ops *ops);
/* A port has been told: a line, or a record, unless it is only counted. */
void scanning_put_port(struct scanning *g, const struct probe_result *r);
/* The scan is over. The verdict of the whole: any open port is a yes. */
enum verdict scanning_put_totals(struct scanning *g);
/* There is no address to scan. *said: errors, of a quiet run. */
enum verdict scanning_put_nameless(struct scanning *g, struct buf *said);
void scanning_free(struct scanning *g);
