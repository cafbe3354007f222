/*
 * --delay of an echo: each piece of what the peer sent goes back its time after it came,
 * however many come meanwhile. At most DELAYED_MOST bytes are kept, then the peer waits.
 */
#pragma once

#include "base/util.h"

enum { DELAYED_MOST = 1 << 20 };

struct conn;
struct delayed;

/* c->rx goes back so late from now on. wake is called when something is due. */
void delayed_begin(struct conn *c, uint64_t delay_us, void (*wake)(struct conn *c));
/* Nothing where it never began. */
void delayed_end(struct conn *c);

/* flow_step() of c->rx; it ends when all has gone. */
unsigned delayed_step(struct conn *c);
/* Bytes that have not gone yet. */
size_t delayed_len(const struct conn *c);
