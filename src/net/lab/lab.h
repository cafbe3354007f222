/*
 * The laboratory: a TCP state made by both ends in this process, verified, and held until
 * told to end. A recipe is a row of a table; its steps are data, one system call each,
 * with the states that both ends must have after it.
 *
 *	start -> step, both ends seen in the states of that step -> ... -> ready
 *	ready -> (the kernel ended it) -> anew from the first step that is needed
 *	any   -> failed: fault says it, the loop is stopped
 *
 * Only loopback or another address of this host is involved; what remains in the end is
 * reset, but for a TIME_WAIT, which nobody can take back.
 */
#pragma once

#include "net/lab/step.h"

/* Makes the state; the first step is the loop's. 0 or -errno with a fault. */
int lab_start(struct lab *lab, struct session *s, const struct lab_how *how,
	      struct fault *f);
/* Resets what is open. Harmless on a lab of zeros that was never started. */
void lab_stop(struct lab *lab);

/* Who makes the call of a step. */
enum lab_doer { LAB_BY_US, LAB_BY_PEER, LAB_BY_OTHERS };
enum lab_doer lab_doer(const struct lab *lab, const struct lab_step *step);

/* The ends of the connection, ours first; false where there is none (a listener). */
bool lab_tuple(const struct lab *lab, struct addr *us, struct addr *peer);
/* How long the kernel holds it, in words. */
const char *lab_kept(const struct lab *lab);
