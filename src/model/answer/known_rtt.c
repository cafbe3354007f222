#include "model/answer/known_rtt.h"

/* A round trip is never the same twice: a quarter more or less is near. */
enum { NEAR_PERCENT = 25 };

bool known_rtt_explains(const struct known_rtt *k, uint64_t waited_us)
{
	return k->us && k->us * (100 + NEAR_PERCENT) / 100 >= waited_us;
}

bool known_rtt_fits(const struct known_rtt *k, uint64_t took_us)
{
	return k->us && k->us >= took_us / 100 * (100 - NEAR_PERCENT);
}

void known_rtt_put(struct buf *b, const struct known_rtt *k)
{
	buf_puts(b, k->stands ? "another connection to it has a round trip of "
			      : "an earlier connection to it had a round trip of ");
	buf_put_time(b, k->us);
}

void known_rtt_put_slow(struct buf *b, const struct known_rtt *k)
{
	known_rtt_put(b, k);
	buf_puts(
		b,
		", so the path is probably slower than the time waited: try a longer -T");
}
