/* A datagram from elsewhere, which a socket that is connected never gets. */
#pragma once

#include "model/cause/cause.h"

/* One sentence. */
void elsewhere_put(struct buf *b, const struct addr *asked, const struct addr *from);
/* The same as a cause. */
void cause_of_elsewhere(const struct addr *asked, const struct addr *from,
			struct causes *causes);
