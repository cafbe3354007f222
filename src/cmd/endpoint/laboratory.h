/* --lab of listen and connect: a TCP state is made, each step told, and held until told
 * to end. */
#pragma once

#include "cmd/endpoint/role.h"

/* The address is the listener's, 127.0.0.1:0 where there is none. Returns the exit code.
 */
int endpoint_lab(const struct endpoint_role *role, const struct command *cmd,
		 struct endpoint_config *c, const struct opt_operands *words);
/* The table of the laboratory, one state a line: name, sides, meaning, recipe, how long
 * it is kept, recipe with --strict, how long that is; TAB between. */
void endpoint_lab_tsv(struct buf *b);
