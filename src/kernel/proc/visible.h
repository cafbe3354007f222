/*
 * Whether /proc shows every process there is: it may be mounted with hidepid, belong to a
 * pid namespace that has only some, or not be there. Source: proc(5), pid_namespaces(7).
 */
#pragma once

#include "model/owner_status.h"

enum { VISIBLE_WHY = 224 };

/*
 * OWNER_INVISIBLE if it does; else why a holder may be among those it does not show, and
 * in why (VISIBLE_WHY bytes) what that is in so many words: "hidepid=2 on /proc". Or
 * -errno. proc_fd: /proc, or the -errno of opening it.
 */
int visible_processes(int proc_fd, bool may_trace, char *why);

/* Whether it shows only some of the processes to this one; also where it is not there. */
bool visible_hides(void);
