/* Which of the processes that hold a listener is the one to accept from it. */
#pragma once

#include "model/finding/evidence.h"

/* Decides who is a bystander, by what each waits for and who started whom, and lists the
 * others in l->actors. */
void acceptors_judge(struct evidence *e, struct listener_facts *l);
