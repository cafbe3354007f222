/* Sentences about sockets that were bound to a name which does not lead to them here. */
#pragma once

#include "model/cause/connect_facts.h"

/* Adds why the path or abstract name does not reach them; what they tell takes the place
 * of "there is no such path". False if they tell nothing. */
bool namesake_cause(const struct connect_facts *f, struct causes *causes);

/* There is no such path, and which socket may be meant. */
void namesake_none(const struct connect_facts *f, struct causes *causes);

/* For who wants to bind the name: none of them is in the way. */
void namesake_note(const struct bind_facts *f, struct causes *causes);
