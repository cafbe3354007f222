/* What to do where a right is missing: a remedy that works for who asks. */
#pragma once

#include "base/util.h"

enum { REMEDY_MAX = 160 };

/* To look into processes of other users, and to enter a network namespace. The text is a
 * clause such as "try sudo". */
const char *rights_to_trace(char text[static REMEDY_MAX]);
const char *rights_to_enter(char text[static REMEDY_MAX]);

/* The same for a socket whose holder is unknown for this reason (enum owner_status); ""
 * where nothing helps. */
const char *rights_to_know_owner(uint8_t status, char text[static REMEDY_MAX]);
