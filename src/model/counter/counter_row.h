/*
 * What a counter of /proc/net/snmp, snmp6 or netstat says when it rises: one row for each
 * that counts what was refused, dropped, damaged or given up. All others are listed as
 * harmless. A name in neither list is of a kernel that this version does not know.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Up to which rate a healthy host has it. */
struct counter_healthy {
	enum { HEALTHY_NONE, HEALTHY_PER_SECOND, HEALTHY_PERCENT } kind;
	uint32_t most;
	/* HEALTHY_PERCENT: of which counter; fewer than `least` are never told. */
	const char *of_table, *of_name;
	uint32_t least;
};

struct counter_row {
	const char *id; /* as nstat spells it: the table and the name, of snmp6 the name
			 */
	const char *table, *name;
	/* A clause: '#' is the number, '*' the s of a plural; "this host dropped #
	 * packet* without a route". */
	const char *clause;
	const char *look;   /* which sockets or settings to look at, a sentence */
	const char *advice; /* what to do, a sentence */
	struct counter_healthy healthy;
	const char *parts; /* ids of counters that count some of the same, or NULL */
	const char *told;  /* ids of findings that say it, or NULL */
};

/* One by one, in the order of the tables; NULL behind the last. */
const struct counter_row *counter_row_at(size_t i);
/* NULL: it is not judged. */
const struct counter_row *counter_row_of(const char *table, const char *name);

/* Patterns of what says nothing of the kind; '*' stands for the rest of the name. NULL
 * behind the last. */
struct counter_harmless {
	const char *table, *names; /* words */
};
const struct counter_harmless *counter_harmless_at(size_t i);
bool counter_is_harmless(const char *table, const char *name);

/* The file below /proc/net that has it: "snmp", "snmp6", "netstat". */
const char *counter_file(const struct counter_row *row);

/* "this host dropped 4 packets without a route" */
void counter_put_clause(struct buf *b, const struct counter_row *row, uint64_t n);
/* "This host dropped packets without a route." */
void counter_put_meaning(struct buf *b, const struct counter_row *row);
/* "none", "up to 10 a second", "up to 3 % of TcpOutSegs" */
void counter_put_healthy(struct buf *b, const struct counter_row *row);
/* Whether `word` is one of `words`, which a space separates; words may be NULL. */
bool counter_has_word(const char *words, const char *word);
