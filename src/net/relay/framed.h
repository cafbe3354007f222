/*
 * --records: the records of connections, each with what marks it off, on an output that
 * they share. One is written whole before another one begins.
 */
#pragma once

#include "net/relay/session.h"

/* c->rx.put of a connection of a session whose ops have frame. */
ssize_t framed_put(struct flow *f, const char *data, size_t len);
/* c ends: what it had begun on the shared output is written by whoever comes next. */
void framed_leave(struct framed *all, const struct conn *c);
/* What goes is written. */
void framed_end(struct framed *all, struct stream *out);
