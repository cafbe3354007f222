/*
 * --background: the process goes on in a child, whose parent waits until that is ready.
 */
#pragma once

#include "cmd/endpoint/tell_out.h"

/*
 * Returns in the child. The parent ends with 0 when background_ready() is called with
 * *parent, or else with the child's code. Standard input and output are let go at once,
 * stderr then. 0 or -errno with a fault.
 */
int background_fork(int *parent, struct fault *f);
void background_ready(int *parent, struct tell_out *out);
