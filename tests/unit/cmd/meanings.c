/* What --explain knows: the rows of all tables, each once, and what is near a word. */
#include "unit/unit.h"

#include <ctype.h>
#include <errno.h>

#include "cmd/meanings.h"
#include "model/cause/bind_cause.h"
#include "model/cause/connect_cause.h"
#include "model/counter/counter_row.h"
#include "model/outcome.h"
#include "model/rule/rules.h"

/* A sentence, or several; nothing that a terminal would break. */
static bool is_prose(const char *text)
{
	size_t len = text ? strlen(text) : 0, i;

	for (i = 0; i < len; i++)
		if (!isprint((unsigned char)text[i]) ||
		    (text[i] == ' ' && text[i + 1] == ' '))
			return false;
	return len > 10 && text[len - 1] == '.';
}

static bool is_id(const char *id)
{
	return id && islower((unsigned char)id[0]) &&
	       !id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* As nstat spells it. */
static bool is_counter(const char *id)
{
	return id && isupper((unsigned char)id[0]) &&
	       !id[strspn(
		       id,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")];
}

static void every_row(void)
{
	_cleanup_explained_ struct explained x = { 0 };
	size_t n[5] = { 0 }, total = 0, rules, counters = 0;

	rules_list(&rules);
	while (counter_row_at(counters))
		counters++;
	while (explained_next(&x)) {
		CHECK(streq(x.place, "counter") ? is_counter(x.meaning.id)
						: is_id(x.meaning.id));
		CHECK(is_prose(x.meaning.meaning));
		CHECK(is_prose(x.meaning.advice));
		CHECK(streq(x.place, "finding") ? x.meaning.why[0] != '\0'
						: is_prose(x.meaning.why));
		CHECK(x.where.len > 0);
		n[streq(x.place, "bind")      ? 1
		  : streq(x.place, "connect") ? 2
		  : streq(x.place, "probe")   ? 3
		  : streq(x.place, "counter") ? 4
					      : 0]++;
		total++;
	}
	CHECK_INT(n[0], rules);
	CHECK_INT(n[1], CAUSES);
	CHECK_INT(n[2], CONNECT_CAUSES);
	CHECK_INT(n[3], OUTCOME_COUNT);
	CHECK_INT(n[4], counters);
	CHECK_INT(total, rules + CAUSES + CONNECT_CAUSES + OUTCOME_COUNT + counters);
	CHECK(!explained_next(&x));
}

/* What tells a counter is a finding. */
static void told_by_findings(void)
{
	const struct rule *const *rules;
	const struct counter_row *row;
	size_t n, i, k;

	rules = rules_list(&n);
	for (i = 0; (row = counter_row_at(i)); i++) {
		size_t found = 0, words = 0;
		const char *p;

		for (k = 0; k < n; k++)
			found += counter_has_word(row->told, rules[k]->id);
		for (p = row->told; p; p = strchr(p + 1, ' '))
			words++;
		CHECK_INT(found, words);
	}
}

/* The enumerations and their tables end together. */
static void whole_tables(void)
{
	size_t i;

	for (i = 0; i < CAUSES; i++)
		CHECK(bind_causes[i].id);
	CHECK(!bind_causes[CAUSES].id);
	for (i = 0; i < CONNECT_CAUSES; i++)
		CHECK(connect_causes[i].id);
	CHECK(!connect_causes[CONNECT_CAUSES].id);
}

/* What connect() meets at a unix path is said with the words of bind(). */
static void shared_ids(void)
{
	CHECK_STR(connect_causes[CONNECT_STALE].id, bind_causes[CAUSE_STALE].id);
	CHECK_STR(connect_causes[CONNECT_NO_SOCKET].id, bind_causes[CAUSE_NO_SOCKET].id);
	CHECK_STR(connect_causes[CONNECT_BOUND].id, bind_causes[CAUSE_BOUND].id);
	CHECK_STR(connect_causes[CONNECT_UNKNOWN].id, bind_causes[CAUSE_UNKNOWN].id);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

static void each_meaning(void)
{
	static const struct {
		const char *id;
		size_t n;
	} rows[] = { { "listener", 1 },	       { "filtered", 2 },
		     { "stale-unix", 3 },      { "unknown", 2 },
		     { "close-wait-leak", 1 }, { "TcpExtListenDrops", 1 },
		     { "ListenDrops", 1 },     { "InNoRoutes", 1 },
		     { "InCsumErrors", 5 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		struct fault f = FAULT_INIT;

		CHECK_INT(explain_id(&b, rows[i].id, 0, &f), 0);
		CHECK_INT(count(buf_cstr(&b), "\n  next:  "), rows[i].n);
		CHECK_INT(count(buf_cstr(&b), rows[i].id) >= rows[i].n, 1);
	}
}

static void near_ids(void)
{
	static const struct {
		const char *word, *hint;
	} rows[] = {
		{ "filterd", "did you mean 'filtered'? '--explain help' lists them all" },
		{ "REFUSED", "'--explain help' lists them all" },
		{ "-", "'--explain help' lists them all" },
		{ "", "'--explain help' lists them all" },
		{ "quite-another-word", "'--explain help' lists them all" },
		{ "ipv6",
		  "did you mean 'ipv6-disabled'? '--explain help' lists them all" },
		{ "-namespace",
		  "did you mean 'other-namespace' or 'other-mount-namespace'? '--explain help' lists them all" },
		{ "after-accept",
		  "did you mean 'closed-after-accept' or 'reset-after-accept'? "
		  "'--explain help' lists them all" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		struct fault f = FAULT_INIT;

		CHECK_INT(explain_id(&b, rows[i].word, 0, &f), -EINVAL);
		CHECK_STR(f.hint, rows[i].hint);
		CHECK_INT(b.len, 0);
	}
}

int main(void)
{
	RUN(every_row, "every row of every table is explained, in whole sentences");
	RUN(told_by_findings, "what tells a counter is a finding");
	RUN(whole_tables, "each cause has its row");
	RUN(shared_ids, "a cause that bind() and connect() share has one id");
	RUN(each_meaning, "an id is explained once for each place");
	RUN(near_ids, "an unknown id brings those that are near");
	return unit_done();
}
