/*
 * One netlink message of sock_diag, parsed as inet_diag and as unix_diag: every field is
 * read, compared with itself and copied; the copy says the same.
 */
#include <stdlib.h>

#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/diag_unix.h"
#include "model/field/field.h"

#include "fuzz.h"

static void read_fields(const struct sock *s)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct sock *copy = sock_dup(&a, s);
	size_t n, i;
	const struct field *table = field_table(&n);

	for (i = 0; i < n; i++) {
		struct value v, w;
		bool known = field_value(&table[i], s, &v);

		HOLDS(known == (v.kind != VALUE_ABSENT));
		HOLDS(field_value(&table[i], copy, &w) == known);
		HOLDS(value_compare(&v, &w) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t len = (uint32_t)size;
	struct nlmsghdr *h;
	struct sock s;

	if (size < sizeof(*h) || size > 1 << 16)
		return 0;
	/* A block of exactly this size, so that a byte too far is found. */
	h = xmalloc(size);
	memcpy(h, data, size);
	h->nlmsg_len = len;
	if (size >= NLMSG_LENGTH(sizeof(uint32_t))) {
		if (inet_parse(h, data[size - 1] & 1 ? PROTO_TCP : PROTO_UDP, &s))
			read_fields(&s);
		if (unix_parse(h, &s))
			read_fields(&s);
	}
	free(h);
	return 0;
}
