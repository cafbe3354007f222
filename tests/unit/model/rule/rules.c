/* The table of rules: each row is whole, and its prose has its numbers. */
#include "unit/unit.h"

#include <ctype.h>

#include "model/rule/rules.h"

static void whole_rows(void)
{
	const struct rule *const *rules;
	size_t n, i, k;

	rules = rules_list(&n);
	CHECK(n > 0);
	for (i = 0; i < n; i++) {
		const struct rule *r = rules[i];
		bool reads = r->look != LOOK_NONE || r->suspect ||
			     r->again != AGAIN_NEVER;

		CHECK(r->id && r->meaning && r->advice && r->threshold);
		CHECK(r->judge || r->judge_listener || r->judge_suspect ||
		      r->judge_process);
		CHECK(r->severity <= SEVERITY_CRITICAL);
		for (k = 0; r->id[k]; k++)
			CHECK(islower((unsigned char)r->id[k]) || r->id[k] == '-');
		for (k = 0; k < i; k++)
			CHECK(!streq(rules[k]->id, r->id));
		/* The way from row to suspect is there as a whole, or not at all. */
		CHECK(!r->candidate == !r->rows);
		CHECK(r->candidate || !(reads || r->queued || r->most || r->least));
		CHECK(r->candidate || !r->judge_suspect);
		CHECK(!r->worth_again || r->again != AGAIN_NEVER);
		/* Rows of TCP and of UDP are read in different ways. */
		CHECK(!(r->rows & ROWS_UDP) || r->rows == ROWS_UDP);
		/* Only these say how many more there are. */
		CHECK(r->again != AGAIN_GROWTH || r->least);
	}
}

/* Finds number with its unit as a word of text. */
static bool has_number(const char *text, const struct rule_number *number)
{
	_cleanup_buf_ struct buf want = { 0 };
	const char *p;

	switch (number->kind) {
	case NUMBER_PERCENT:
		buf_printf(&want, "%u %%", number->value);
		break;
	case NUMBER_MS:
		if (number->value % 1000)
			buf_printf(&want, "%u ms", number->value);
		else
			buf_printf(&want, "%u s", number->value / 1000);
		break;
	case NUMBER_NONE:
	case NUMBER_COUNT:
		buf_printf(&want, "%u", number->value);
		break;
	}
	for (p = text; (p = strstr(p, buf_cstr(&want))); p++)
		if ((p == text || !isalnum((unsigned char)p[-1])) &&
		    !isalnum((unsigned char)p[want.len]))
			return true;
	return false;
}

/* A word of digits, which nobody would keep right; an address or "N + 1" is none. */
static bool is_typed_number(const char *text, const char *p)
{
	return isdigit((unsigned char)*p) && (p == text || p[-1] == ' ') &&
	       !has_prefix(p, "0.0.0.0") && !(p > text + 4 && has_prefix(p - 4, "N + "));
}

static void prose(void)
{
	const struct rule *const *rules;
	size_t n, i, k;

	rules = rules_list(&n);
	for (i = 0; i < n; i++) {
		const struct rule *r = rules[i];
		_cleanup_buf_ struct buf text = { 0 };
		size_t places = 0, numbers = 0;
		const char *p;

		for (p = r->threshold; *p; p++) {
			places += *p == '#';
			CHECK(!is_typed_number(r->threshold, p));
		}
		rule_put_threshold(&text, r);
		for (k = 0; k < RULE_NUMBERS && r->numbers[k].kind != NUMBER_NONE; k++) {
			numbers++;
			CHECK(r->numbers[k].value);
			CHECK(has_number(buf_cstr(&text), &r->numbers[k]));
		}
		for (; k < RULE_NUMBERS; k++)
			CHECK_INT(r->numbers[k].value, 0);
		CHECK_INT(places, numbers);
		CHECK(!strchr(buf_cstr(&text), '#'));
	}
}

static bool never(const struct sock *s)
{
	(void)s;
	return false;
}

/* Each kind of number, from a row that is none of ours. */
static void numbers(void)
{
	static const struct rule r = {
		.threshold = "# of #, for # or #",
		.numbers = { { NUMBER_PERCENT, 80 },
			     { NUMBER_COUNT, 1000 },
			     { NUMBER_MS, 200 },
			     { NUMBER_MS, 3000 } },
	};
	_cleanup_buf_ struct buf b = { 0 };

	rule_put_threshold(&b, &r);
	CHECK_STR(buf_cstr(&b), "80 % of 1000, for 200 ms or 3 s");
}

static bool always(const struct sock *s)
{
	(void)s;
	return true;
}

/* A rule that nothing else knows gets its candidates, and no others. */
static void new_rule(void)
{
	static const struct rule idle = { .candidate = always,
					  .rows = BIT(STATE_ESTABLISHED),
					  .most = 2 };
	static const struct rule queued = { .candidate = always,
					    .rows = BIT(STATE_ESTABLISHED) |
						    BIT(STATE_CLOSE_WAIT),
					    .queued = true };
	static const struct rule udp = { .candidate = always, .rows = ROWS_UDP };
	static const struct rule none = { .candidate = never,
					  .rows = BIT(STATE_ESTABLISHED) };
	static const struct rule *const rules[] = { &queued, &idle, &udp, &none };
	struct detect d = { 0 };
	struct sock s = { .proto = PROTO_TCP, .state = STATE_ESTABLISHED };
	int i;

	detect_begin(&d, rules, ARRAY_SIZE(rules));
	for (i = 0; i < 3; i++)
		detect_row(&d, &s);
	CHECK_INT(d.suspects[1].n, 2);
	CHECK_INT(d.suspects[1].count, 3);
	CHECK_INT(d.suspects[0].n, 0);
	s.send_queue = 1;
	detect_row(&d, &s);
	s.state = STATE_CLOSE_WAIT;
	detect_row(&d, &s);
	CHECK_INT(d.suspects[0].n, 2);
	CHECK_INT(d.suspects[1].count, 4);
	CHECK_INT(d.suspects[2].n, 0);
	s.proto = PROTO_UDP;
	s.state = STATE_ESTABLISHED;
	detect_row(&d, &s);
	CHECK_INT(d.suspects[2].n, 1);
	CHECK_INT(d.suspects[0].n, 2);
	s.proto = PROTO_UNIX_STREAM;
	detect_row(&d, &s);
	CHECK_INT(d.suspects[0].count + d.suspects[1].count + d.suspects[2].count, 7);
	CHECK_INT(d.suspects[3].count, 0);
	detect_free(&d);
}

int main(void)
{
	RUN(whole_rows, "each rule is whole and has a name of its own");
	RUN(prose, "the prose of a rule has each of its thresholds, and no other number");
	RUN(numbers, "a threshold stands with its unit");
	RUN(new_rule, "a rule gets the rows it asks for");
	return unit_done();
}
