/*
 * The round trip to an address, as the kernel has it from other connections: those that
 * are open, else what ended ones have left in its tcp_metrics (ip-tcp_metrics(8)). No
 * privilege is needed.
 */
#pragma once

#include "model/addr.h"
#include "model/answer/known_rtt.h"

/* k->us = 0 where nothing is known, or it could not be asked. Of several open ones the
 * quickest counts. */
void known_rtt_ask(const struct addr *to, struct known_rtt *k);
