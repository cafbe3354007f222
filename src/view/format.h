/* One field of one socket as text; the unit decides how. */
#pragma once

#include "base/buf.h"
#include "model/field/field.h"

enum { FORMAT_NUMBER_MAX = 32 }; /* the longest number, with its unit */

/* Whether the unit is written by format_number(): ASCII, from one integer. */
bool format_is_number(enum unit unit);

/*
 * Writes a number of the unit backwards, ending before `end`; returns its first byte.
 * People's form: microseconds as 0.310ms, milliseconds as 4.200s, yes/no.
 */
char *format_number(char *end, enum unit unit, uint64_t value);

/* The blanks of b from `from` on become ':'; behind ';' they go. */
void format_one_word(struct buf *b, size_t from);

/*
 * Whether the table says more of the local end than the address: the interface that the
 * socket is bound to, "0.0.0.0%eth0:67", or that it takes both families, "*:81".
 */
bool format_is_marked(const struct sock *s);
void format_marked(struct buf *b, const struct sock *s);

/* People's form of any field: "-" when it is absent. Foreign text is escaped. One word
 * where b->words is set, and no bar. */
void format_cell(struct buf *b, const struct field *f, const struct sock *s, bool ascii);

/* Machine's form: plain integers in the field's own unit, \xNN escapes, "" when absent.
 */
void format_raw(struct buf *b, const struct field *f, const struct sock *s);

/* "java[812]; nginx[7]": the programs alone. */
void format_programs(struct buf *b, const struct holder *h);
