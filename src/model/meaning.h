/*
 * What an id means that is printed: a row of the table of its place, which is the one
 * source of these texts. Whole sentences; where a program or a port has to be put in, it
 * stands in capitals.
 */
#pragma once

struct meaning {
	const char *id;	     /* stable: "refused", "remnant" ... */
	const char *meaning; /* what it says, a sentence or two; the manual has it, too */
	const char *why;     /* how it comes about; of a finding, when it fires */
	const char *advice;  /* what to do, in general */
};
