#include "net/probe/mixed.h"

enum {
	SERVED = 1,
	CUT_SHORT = 2, /* taken, and not as asked for */
	REFUSED = 4,
	SILENT = 8,
	NO_WAY = 16,
};

unsigned probe_mixed_kind(enum outcome o)
{
	static const uint8_t kinds[OUTCOME_COUNT] = {
		[OUTCOME_OPEN] = SERVED,
		[OUTCOME_CLOSED_AFTER_ACCEPT] = CUT_SHORT,
		[OUTCOME_RESET_AFTER_ACCEPT] = CUT_SHORT,
		[OUTCOME_UNEXPECTED] = CUT_SHORT,
		[OUTCOME_SILENT] = CUT_SHORT,
		[OUTCOME_REFUSED] = REFUSED,
		[OUTCOME_REFUSED_ICMP] = REFUSED,
		[OUTCOME_REJECTED] = REFUSED,
		[OUTCOME_FILTERED] = SILENT,
		[OUTCOME_OPEN_OR_FILTERED] = SILENT,
		[OUTCOME_GHOST] = SILENT,
		[OUTCOME_QUEUE_FULL] = SILENT,
		[OUTCOME_UNREACHABLE] = NO_WAY,
	};

	return kinds[o];
}

bool probe_was_taken(enum outcome o)
{
	return o == OUTCOME_GHOST || (probe_mixed_kind(o) & (SERVED | CUT_SHORT));
}

/* What may make a difference between attempts: where one of `any` and one of `with`,
 * which is another, was seen. once, often: the place in the list where the kind changed
 * but once, and where it went to and fro; 0 = it is none. */
static const struct {
	unsigned any, with, once, often;
	const char *text;
} causes[] = {
	{ SERVED | CUT_SHORT, REFUSED | CUT_SHORT | NO_WAY, 1, 0,
	  "the server began, ended or was restarted in between" },
	{ ~0u, ~0u, 5, 1, "more than one server behind " },
	{ SERVED | CUT_SHORT, ~0u, 2, 2, "a limit of connections or of their rate" },
	{ REFUSED, SILENT, 2, 2, "a limit of the rate of refusals" },
	{ SILENT, ~0u, 3, 3, "lost packets, or an accept queue that is full at times" },
	{ NO_WAY, ~0u, 4, 4, "a path that comes and goes" },
	{ SERVED | CUT_SHORT, REFUSED | CUT_SHORT | NO_WAY, 0, 5,
	  "a restart in between" },
};

enum { PLACES = 5 };

static bool may_be(size_t cause, unsigned kinds)
{
	unsigned any = kinds & causes[cause].any, with = kinds & causes[cause].with;

	return any && with && __builtin_popcount(any | with) > 1;
}

static void put_counts(struct buf *b, const uint64_t counts[OUTCOME_COUNT])
{
	const char *comma = "";
	size_t o;

	for (o = 0; o < OUTCOME_COUNT; o++) {
		if (!counts[o] || !probe_mixed_kind((enum outcome)o))
			continue;
		buf_printf(b, "%s%llu %s", comma, (unsigned long long)counts[o],
			   outcome_name((enum outcome)o));
		comma = ", ";
	}
}

void probe_put_mixed(struct buf *b, const uint64_t counts[OUTCOME_COUNT], uint64_t turns,
		     const char *what)
{
	const char *before = ": ";
	unsigned kinds = 0, place;
	size_t o, i;

	for (o = 0; o < OUTCOME_COUNT; o++)
		kinds |= counts[o] ? probe_mixed_kind((enum outcome)o) : 0;
	if (__builtin_popcount(kinds) < 2)
		return;
	put_counts(b, counts);
	for (place = 1; place <= PLACES; place++)
		for (i = 0; i < ARRAY_SIZE(causes); i++) {
			if ((turns > 1 ? causes[i].often : causes[i].once) != place ||
			    !may_be(i, kinds))
				continue;
			buf_printf(b, "%s%s%s", before, causes[i].text,
				   causes[i].any == ~0u ? what : "");
			before = "; or ";
		}
}
