/*
 * What rises in this host's own counters while a target of it is asked: the drops of its
 * listener, which was full then, and connections that programs abort. Read only where an
 * end or a silence may come: a plain probe that is answered pays nothing.
 */
#pragma once

#include "cmd/probe/job.h"

/* Before the first packet, of an attempt that goes on after the handshake. */
void watch_begin(struct probe_job *j);
/* Early in a silence: the kernel will ask again. */
void watch_silence(struct probe_job *j);
/* What rose since, now that r is known: what this host did with the answers goes to r. */
void watch_end(struct probe_job *j, struct probe_result *r);
/* Of MPTCP: what became of it, whatever r is. Before watch_end(). */
void watch_multipath(struct probe_job *j, struct probe_result *r);
/* Lets go of what it has opened. */
void watch_stop(struct probe_job *j);
