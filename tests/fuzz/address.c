/* Numeric addresses with scope and prefix: what is accepted is written back the same. */
#include "model/addr.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct addr a, again;

	if (addr_parse_ip((const char *)data, size, true, &a) < 0)
		return 0;
	HOLDS(a.prefix <= (a.family == AF_INET ? 32 : 128));
	HOLDS(addr_in_prefix(&a, &a));
	addr_put_ip(&b, &a);
	HOLDS(addr_parse_ip(b.data, b.len, false, &again) == 0);
	HOLDS(addr_same_ip(&a, &again));
	return 0;
}
