/* The probe command: its config, one job a target, and what all of them share. */
#pragma once

#include "cmd/cmd.h"
#include "cmd/overhearing.h"
#include "cmd/probe/progress.h"
#include "kernel/proc/procfile.h"
#include "model/cause/silence.h"
#include "model/spread.h"
#include "net/probe/attempt.h"
#include "net/socket/fastopen.h"
#include "net/socket/resolve.h"

struct probe_config {
	struct common common;
	/* what */
	int family; /* AF_INET, AF_INET6, 0 */
	int proto;  /* TARGET_TCP, TARGET_UDP; see target_chosen() */
	bool path;
	struct strv target_files;
	bool all_addresses, syn;
	const char *netns, *source;
	struct sockopt_list options;
	/* when */
	uint64_t timeout_us;
	bool timeout_given; /* filled after parsing */
	uint64_t attempts, interval_us, parallel, rate;
	uint64_t wait_us;
	uint64_t wait_until_us; /* filled after parsing: on clock_us() */
	bool any, down;
	/* the answer */
	const char *send, *expect, *http;
	struct strv http_headers;
	bool banner, verify, graceful;
	uint64_t stable_us;
	/* more */
	bool negotiated, backlog, yes, hops, closed;
	uint64_t max;
	bool json;
	char *const *command; /* after "--"; NULL = none */
};

#define PROBE_UNSET UINT64_MAX

#define PROBE_CONFIG_INIT                                                     \
	{                                                                     \
		.timeout_us = 3000000, .attempts = 1, .interval_us = 1000000, \
		.parallel = PROBE_UNSET, .wait_us = PROBE_UNSET, .max = 4096  \
	}

/* What this host's tables and counters said before an attempt, or early in it. */
struct local_watch {
	bool ends_known, drops_known;
	struct end_counters ends;
	struct endpoint to; /* whose listeners they are */
	uint64_t drops;
	bool multipath;		/* it asks for MPTCP: */
	struct counters before; /* as they were then */
};

/* An answer after the SYN was sent again, of which it is not known whether it was late.
 */
struct probe_late {
	uint64_t rtt_us, connect_us; /* 0 = there is none that is not counted yet */
};

struct probe_job {
	struct probe_run *run;
	char *text;  /* the target as one address, "db:5432" */
	char *named; /* with --all-addresses: the name that text is an address of */
	struct target *target;
	uint16_t port;
	size_t fixed_at;	      /* 1-based, of the list of --all-addresses */
	const struct endpoint *fixed; /* the same; NULL = look it up */
	uint64_t fixed_us;	      /* so long took that look-up */
	struct fault *unnamed; /* why --all-addresses found none, for the first attempt */
	int unnamed_err;
	/* in flight */
	struct resolve *lookup;
	struct watch lookup_w;
	struct timer next;
	uint64_t started_us, name_us, retry_us;
	uint64_t path_us; /* the last round trip; 0 = none yet */
	struct endpoint_list list;
	struct attempt attempt;
	struct attempt_how how;
	bool begun, over;
	struct local_watch watch;
	struct unheard_watch unheard;
	struct meanwhile meanwhile; /* what rose until the last answer */
	/* so far */
	uint64_t done, counts[OUTCOME_COUNT], late;
	struct spread *rtt, *connect;
	struct probe_result results[2]; /* one of them is last, one is asked for */
	struct probe_result *last;
	uint64_t turns; /* how often the kind of outcome changed (net/probe/mixed.h) */
	unsigned kind;	/* the last; 0 = none yet */
	struct endpoint heard_at; /* where the last answer came from, and what it was */
	enum probe_heard heard;
	struct probe_late slow; /* the last that may be slow, or have lost a packet */
	bool changed;	  /* last differs from the one before, in outcome or address */
	char *note;	  /* what the kernel's own tables add to it */
	char *remedy;	  /* what to do about that, as advice.h has it; or NULL */
	uint32_t waiting; /* clients in the accept queue that were not accepted, */
	uint32_t longest_wait_ms; /* and how long one of them has waited; 0 = not told */
	struct tried_list tried;  /* addresses that the last attempt asked, too */
	bool down;		  /* --down has what it waits for */
	unsigned silences;	  /* attempts in a row that nothing answered */
	uint64_t silent_since_us; /* when the first of them began */
	enum fastopen fastopen;
};

/* A target whose ports are scanned, or the way to it or its queue is measured. */
struct probe_turn {
	const struct target *target;
	const char *text;
	/* What became of its name: addresses, or -errno with a fault. */
	struct endpoint_list list;
	uint64_t name_us;
	int err;
	struct fault fault;
};

struct probe_run {
	const struct command *cmd;
	const struct probe_config *c;
	struct attempt_how how;
	struct loop l;
	sigset_t old_mask;
	int signo;
	struct probe_job *jobs;
	size_t n_jobs, started, in_flight, left;
	size_t overhearing; /* jobs that look for answers which this host drops */
	struct probe_turn *turns;
	size_t n_turns, cap_turns;
	struct scans *scans;
	enum verdict scans_verdict;
	struct timer end, pace, tell;
	struct out_counters out4, out6; /* when it began */
	struct progress progress;
	uint64_t next_start_us;
	bool waited; /* --wait is fulfilled */
	struct probe_report *report;
	/* texts that `how` points to */
	struct buf send, expect, http;
	regex_t regex;
	bool has_regex;
};

/* Whether the job is where --wait shall have it. */
bool probe_job_fulfilled(const struct probe_job *j);
/* An exit code. */
int probe_code_of_run(const struct probe_run *run);
void probe_run_free(struct probe_run *run);
