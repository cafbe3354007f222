/* Rules that nft does not list, named beside those that it does. */
#include "model/legacy_rules.h"

#include <sys/socket.h>

#include "unit/unit.h"

static void forms(void)
{
	static const struct {
		struct legacy_rules l;
		uint8_t family;
		uint32_t asker;
		const char *text, *want;
	} rows[] = {
		{ { LEGACY_NONE, LEGACY_NONE },
		  0,
		  0,
		  "look:\n\tnft list ruleset\n\tip rule",
		  "look:\n\tnft list ruleset\n\tip rule" },
		{ { LEGACY_SOME, LEGACY_NONE },
		  0,
		  0,
		  "look:\n\tnft list ruleset\n\tip rule",
		  "look:\n\tnft list ruleset\n\tiptables-legacy -S\n\tip rule" },
		{ { LEGACY_SOME, LEGACY_SOME },
		  AF_INET6,
		  7,
		  "\tsudo nft list ruleset",
		  "\tsudo nft list ruleset\n\tsudo ip6tables-legacy -S" },
		{ { LEGACY_SOME, LEGACY_NONE },
		  AF_INET6,
		  7,
		  "\tsudo nft list ruleset",
		  "\tsudo nft list ruleset" },
		{ { LEGACY_UNKNOWN, LEGACY_UNKNOWN },
		  AF_INET,
		  7,
		  "\tsudo nft list ruleset\n\tsudo iptables-save\nwhere it is lost:\n\tmtr x",
		  "\tsudo nft list ruleset\n\tsudo iptables-save\n"
		  "if there are rules of iptables-legacy:\n\tsudo iptables-legacy -S\n"
		  "where it is lost:\n\tmtr x" },
		{ { LEGACY_UNKNOWN, LEGACY_SOME },
		  0,
		  0,
		  "\tnft list ruleset",
		  "\tnft list ruleset\n\tip6tables-legacy -S\n"
		  "if there are rules of iptables-legacy:\n\tiptables-legacy -S" },
		{ { LEGACY_SOME, LEGACY_NONE },
		  0,
		  0,
		  "\tnft list ruleset\n\tiptables -t nat -S",
		  "\tnft list ruleset\n\tiptables-legacy -t nat -S\n"
		  "\tiptables -t nat -S" },
		{ { LEGACY_SOME, LEGACY_NONE },
		  0,
		  7,
		  "'nft list ruleset' and 'iptables-save' show the rules",
		  "'nft list ruleset', 'iptables-legacy -S' and 'iptables-save' show the "
		  "rules" },
		{ { LEGACY_UNKNOWN, LEGACY_NONE },
		  AF_INET,
		  7,
		  "see 'sudo nft list ruleset'",
		  "see 'sudo nft list ruleset', 'sudo iptables-legacy -S' (if it has "
		  "rules)" },
		{ { LEGACY_SOME, LEGACY_SOME },
		  0,
		  0,
		  "the rules (nft list ruleset) of it",
		  "the rules (nft list ruleset, iptables-legacy -S, ip6tables-legacy -S) of "
		  "it" },
		{ { LEGACY_SOME, LEGACY_SOME },
		  0,
		  0,
		  "ip rule\n\tip rule\n",
		  "ip rule\n\tip rule" },
		{ { LEGACY_SOME, LEGACY_SOME },
		  0,
		  0,
		  "nft list ruleset",
		  "nft list ruleset, iptables-legacy -S, ip6tables-legacy -S" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		legacy_put(&b, rows[i].text, &rows[i].l, rows[i].family, rows[i].asker);
		CHECK_STR(buf_cstr(&b), rows[i].want);
	}
}

static void what_it_is_asked_for(void)
{
	CHECK(legacy_matters("\tsudo nft list ruleset\n"));
	CHECK(!legacy_matters("\tnft list tables"));
	CHECK(!legacy_matters(NULL));
}

int main(void)
{
	RUN(forms, "commands and sentences, where the tables are there or may be");
	RUN(what_it_is_asked_for, "only what lists the rules of nft is completed");
	return unit_done();
}
