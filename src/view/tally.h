/* Rows counted instead of shown: by state, or by the value of a column. */
#pragma once

#include "base/hash.h"
#include "base/mem.h"
#include "base/out.h"
#include "view/view.h"

struct tally_entry;

/* Zero-initialise; set field to count by its values, or leave it NULL to count by
 * protocol and state. */
struct tally {
	const struct field *field;
	uint64_t limit;	 /* of values that are shown */
	uint32_t protos; /* that are counted: those without a row stand there with 0 */
	bool words;	 /* values: each is one word */
	bool ascii;	 /* values: nothing outside ASCII */
	uint64_t rows;
	uint64_t unknown; /* ... whose value their source did not give, or nobody may read
			   */
	uint64_t states[PROTO_COUNT][STATE_COUNT];
	struct arena arena;
	struct tally_entry *entries;
	size_t n, cap;
	struct hash_index index; /* of entries by text */
};

/* What must be read to count by a field, and to say whose a process is. */
uint32_t tally_needs(const struct field *f);
void tally_add(struct tally *t, const struct sock *s);
/* Whether the limit left out some. */
bool tally_show(struct tally *t, const struct view_options *opt, struct out *out);
void tally_free(struct tally *t);
