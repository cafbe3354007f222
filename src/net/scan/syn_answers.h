/* What comes back in a scan by SYNs, and what is told of each port. */
#pragma once

#include "net/scan/syn_private.h"

/* This port is done: the result is told. */
void syn_tell(struct syn_scan *syn, uint16_t port);
/* Reads what has come. */
void syn_take_answers(struct syn_scan *syn);
/* Those that have not answered are told so. */
void syn_tell_silent(struct syn_scan *syn);
