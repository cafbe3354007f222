/*
 * inspect --wait: until something matches, or nothing does any more. The kernel tells of
 * sockets that end, not of those that begin or change their state, so this looks again
 * and again: cheaply, because a look asks only for the states and ports in question and
 * ends at the first row. Where everything that could end the wait is told, it only looks
 * then, and seldom in between, for news can be lost.
 */
#pragma once

#include "cmd/inspect/plan.h"

/* Until deadline_us, on clock_us(). EXIT_YES when it is time to show, EXIT_DEADLINE or
 * EXIT_CANNOT after saying why. */
int inspect_wait(const struct command *cmd, const struct inspect_plan *plan,
		 struct reader *reader, uint64_t deadline_us);
