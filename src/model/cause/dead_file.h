/* What is at the path of a connect() has no listener: a file, a mount, a directory. */
#pragma once

#include "model/cause/connect_facts.h"

/* Of facts whose file is stale or no socket: why, and what a client can do about it. */
void dead_file_cause(const struct connect_facts *f, struct causes *causes);
