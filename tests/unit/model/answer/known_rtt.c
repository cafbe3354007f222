/* What the round trip of other connections makes of a silence. */
#include "model/answer/known_rtt.h"

#include "unit/unit.h"

static void near(void)
{
	static const struct {
		uint64_t us, waited_us;
		bool explains, fits;
	} rows[] = {
		{ 0, 0, false, false },
		{ 0, 1000000, false, false },
		{ 1300000, 1000000, true, true },
		{ 1300000, 1600000, true, true },
		{ 1300000, 1700000, false, true },
		{ 1300000, 1800000, false, false },
		{ 20000, 1000000, false, false },
		{ 5000000, 1000000, true, true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct known_rtt k = { .us = rows[i].us };

		CHECK_INT(known_rtt_explains(&k, rows[i].waited_us), rows[i].explains);
		CHECK_INT(known_rtt_fits(&k, rows[i].waited_us), rows[i].fits);
	}
}

static void words(void)
{
	struct known_rtt k = { .us = 2500000, .stands = true };
	_cleanup_buf_ struct buf b = { 0 };

	known_rtt_put(&b, &k);
	CHECK_STR(buf_cstr(&b), "another connection to it has a round trip of 2.5 s");
	k.stands = false;
	buf_reset(&b);
	known_rtt_put_slow(&b, &k);
	CHECK_STR(buf_cstr(&b),
		  "an earlier connection to it had a round trip of 2.5 s, so the path is "
		  "probably slower than the time waited: try a longer -T");
}

int main(void)
{
	RUN(near, "which silence it explains, which late answer it fits");
	RUN(words, "in words");
	return unit_done();
}
