/* What this host does with the packets that arrive: its counters and reverse path
 * filters. */
#pragma once

#include "model/answer/unheard.h"
#include "model/counter/counters.h"

/* What rose since `before`: *u has its peer and udp. */
void explain_arrivals(struct unheard *u, const struct counters *before, uint32_t ms);

/* How packets that arrive through an interface are judged, and where those to u->peer
 * leave. ifindex: where answers arrived, 0 = not known; routed: the socket has neither a
 * mark nor an interface of its own. */
void explain_unheard(struct unheard *u, uint32_t ifindex, bool routed);
