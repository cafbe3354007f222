/* Rules of iptables-legacy, which 'nft list ruleset' does not show: they are in tables of
 * their own. What names the one names the other where there are such tables. */
#pragma once

#include "base/buf.h"

enum legacy {
	LEGACY_NONE,
	LEGACY_SOME,	/* a table is there, with or without rules */
	LEGACY_UNKNOWN, /* only root may read which */
};

struct legacy_rules {
	enum legacy v4, v6;
};

/* Whether the text advises to list the rules. */
bool legacy_matters(const char *text);
/*
 * A text as advice.h has it, or a sentence: each 'nft list ruleset' with the commands for
 * the legacy tables of the family, 0 = of both. asker: who would run them.
 */
void legacy_put(struct buf *b, const char *text, const struct legacy_rules *l,
		uint8_t family, uint32_t asker);
