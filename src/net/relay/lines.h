/*
 * Several peers whose bytes go to one output: a line of one is not torn by another.
 *
 * Who has an unfinished line on the output has the output: the others leave their bytes
 * in the kernel until the line ends, or for LINES_HOLD_US at the most. While others wait,
 * a turn ends with a line, and what comes behind it is held here, as long at the most. A
 * peer that nobody waits for has its bytes written at once. What is longer than
 * LINES_MOST is written in pieces.
 */
#pragma once

#include "net/relay/flow.h"

enum { LINES_HOLD_US = 100 * 1000, LINES_MOST = 1 << 16 };

struct conn;
struct line;

/* All who share an output. */
struct lines {
	struct loop *l;
	struct timer turn;
	struct line *owner;	   /* has an unfinished line there; or NULL */
	struct line *first, **end; /* those who wait, in the order of their coming */
	struct line *holders;	   /* those whose unfinished line is held here */
	size_t n, waiting;
	uint64_t held_since_us; /* somebody waits for the owner; 0 = nobody does */
};

void lines_init(struct lines *all, struct loop *l);

/* c writes its bytes with the others from now on: c->rx.to is set. wake is called when
 * c may write, or must. */
void lines_join(struct lines *all, struct conn *c, void (*wake)(struct conn *c));
/* What is held is written as far as it goes. Nothing where it never joined. */
void lines_leave(struct conn *c);

/* flow_step() of c->rx, in its turn; 0 where it waits for another. */
unsigned lines_step(struct conn *c);
bool lines_waits(const struct conn *c);
/* The connection is broken: its bytes are not to be left in the kernel any longer. */
void lines_hurry(struct conn *c);
