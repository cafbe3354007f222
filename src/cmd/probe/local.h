/* The other side of a refusal, where it is on this host: the kernel's own tables. */
#pragma once

#include "cmd/probe/job.h"

/*
 * What sock_diag says about a silence on an address of this host: a full accept queue,
 * ports used. Quick; may sharpen r->outcome. Returns a sentence (malloc'ed) or NULL.
 */
char *probe_local_cause(struct probe_result *r, const struct meanwhile *m,
			const char *netns);
/* Whether something listens at an address of this host that refused: then a rule did. */
bool probe_local_listened(const struct probe_result *r);
/* Of a refusal by another host: whether somebody nearer has refused it, or NAT of this
 * host sends it elsewhere. Then that is the reason, and what to do is returned
 * (malloc'ed) or NULL. Sends one more SYN: of no more than so many targets. */
enum { PROBE_NEARBY_MOST = 8 };
char *probe_local_nearby(const char *netns, struct probe_result *r);
/* The same of a connection that was made. */
void probe_local_taker(struct probe_result *r);
/* Of a silence, or where no way leads to it: whether it is an address of this host, which
 * then is the reason if it cannot be used. May set the remedy of the job. */
void probe_local_own(struct probe_job *j, struct probe_result *r);
/* Of a source address that could not be bound: why. May set the remedy of the job. */
void probe_local_unbound(struct probe_job *j, struct probe_result *r);
/* Why an address of this host refused, or reset: who listens where instead, and who did
 * it; or who should accept what fills a queue. May set the remedy of the job. Reads all
 * of /proc, so only when nothing is being timed. */
char *probe_local_why(struct probe_job *j);
/* Fits probe_accepted_fn. */
enum known probe_local_accepted(const struct probe_result *r, int fd);
/* What waits in the accept queue of a target of this host that took the connection: sets
 * the note of the job, its remedy and its figures, where it matters. */
struct accept_waits;
void probe_local_waits(struct probe_job *j, struct accept_waits *w);
/* Why nothing came back from elsewhere, where this host's own counters tell: a sentence
 * (malloc'ed) or NULL. */
char *probe_local_drops(const struct probe_run *run, const struct probe_result *r);
/* Of a silence, or an answer that may be late: what other connections tell of the path.
 */
void probe_local_known_rtt(struct probe_result *r);
/* Of answers that were seen to arrive, and did not reach the socket: the note of the job,
 * and its remedy. */
void probe_local_unheard(struct probe_job *j, const struct probe_result *r);
/* The same of an answer, or a request, whose segments do not arrive. */
void probe_local_stall(struct probe_job *j, const struct probe_result *r);
/* Of a connection or a silence that MPTCP explains: the note of the job, if there is one,
 * and its remedy. */
void probe_local_multipath(struct probe_job *j, const struct probe_result *r);
/* Those, or what this host's counters say of packets that arrived, or what else it
 * counted as dropped, damaged or given up meanwhile: the first that there is (malloc'ed)
 * or NULL.
 */
char *probe_local_lost(const struct probe_run *run, const struct probe_result *r);
/* Fits probe_source_fn. */
bool probe_local_no_source(const struct probe_result *r, uint32_t ifindex, uint32_t mark,
			   struct buf *why);
/* Fits probe_neighbour_fn. */
bool probe_local_no_neighbour(const struct addr *to, uint32_t ifindex, uint32_t mark,
			      uint64_t waited_us, struct silent_hop *hop);
