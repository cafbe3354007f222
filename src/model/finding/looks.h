/* What one look at a connection adds to struct looks. */
#pragma once

#include "model/finding/evidence.h"

/* After a reading of turn 0 or 1 was taken; several may be of turn 1. */
void looks_add(struct connection_facts *c, int turn);

/* Bytes on the way to the peer. */
uint32_t looks_flight(const struct connection_facts *c, int turn);
