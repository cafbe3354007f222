/*
 * What the ids mean that the commands print: findings, causes, outcomes and counters.
 * Each place has a table of its own; here they are one list, for --explain and the
 * completions. An id may stand in several.
 */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "model/meaning.h"

struct explained {
	const char *place; /* for scripts: "finding", "bind", "connect", "probe",
			      "counter" */
	const char *label; /* what introduces meaning.why */
	const char *title; /* of the list of this place */
	struct buf where;  /* this row occurs */
	struct meaning meaning;
	const char *alias;     /* is explained, too; NULL = there is none */
	struct buf made, said; /* texts of meaning */
	size_t table, row;     /* that come next */
};

#define _cleanup_explained_ __attribute__((cleanup(explained_free)))

/* The first row of all tables for a zeroed x, then the next one; false behind the last.
 */
bool explained_next(struct explained *x);
void explained_free(struct explained *x);

/* --explain ID: each meaning, under where it occurs, or the list of all ids for "help".
 * 0, or -EINVAL with the ids that are near. */
int explain_id(struct buf *b, const char *id, size_t width, struct fault *f);

/* One line a meaning: id, place, meaning, why, advice; TAB between. */
void explain_tsv(struct buf *b);
