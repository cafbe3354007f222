/* What became of the clients of a unix listener between two readings. */
#include "model/finding/pace.h"

#include "unit/unit.h"

enum { MOST = 6 };

static const struct row {
	uint32_t before[MOST], now[MOST];
	size_t n, m;
	uint32_t accepted, still;
} rows[] = {
	/* Nobody; nobody moves; new ones come. */
	{ { 0 }, { 0 }, 0, 0, 0, 0 },
	{ { 1, 2, 3 }, { 1, 2, 3 }, 3, 3, 0, 3 },
	{ { 1, 2, 3 }, { 1, 2, 3, 4, 5 }, 3, 5, 0, 3 },
	/* One is accepted, all are, and as many come. */
	{ { 1, 2, 3 }, { 2, 3 }, 3, 2, 1, 2 },
	{ { 1, 2, 3 }, { 0 }, 3, 0, 3, 0 },
	{ { 1, 2, 3 }, { 2, 3, 4 }, 3, 3, 1, 2 },
	{ { 1, 2, 3 }, { 4, 5, 6 }, 3, 3, 3, 0 },
	/* Who closes keeps his place: he is not accepted. */
	{ { 1, 2, 3 }, { 0, 2, 3 }, 3, 3, 0, 3 },
	{ { 1, 2, 3 }, { 0, 0, 0 }, 3, 3, 0, 3 },
	{ { 1, 2, 3 }, { 0, 0, 0, 4 }, 3, 4, 0, 3 },
	{ { 1, 2, 3 }, { 0, 3 }, 3, 2, 1, 2 },
	{ { 0, 2, 3 }, { 2, 3 }, 3, 2, 1, 2 },
	{ { 0, 0, 3 }, { 0, 0, 3, 4 }, 3, 4, 0, 3 },
	/* One that had closed is not there again. */
	{ { 0, 2 }, { 9, 2 }, 2, 2, 2, 0 },
};

static void fates(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct blob a = { r->before, (uint32_t)(r->n * sizeof(uint32_t)) },
			    b = { r->now, (uint32_t)(r->m * sizeof(uint32_t)) };
		uint32_t still = 99;

		CHECK_INT(pace_of_unix(&a, &b, &still), r->accepted);
		CHECK_INT(still, r->still);
	}
}

int main(void)
{
	RUN(fates, "accepted from the front; who closes stays in his place");
	return unit_done();
}
