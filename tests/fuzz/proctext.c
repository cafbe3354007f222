/*
 * Texts of /proc: any text as any of them. What is found lies in the text; a text that is
 * not there is no number.
 */
#include "model/proctext.h"

#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "model/keeper.h"

static const uint64_t untouched = 0x5a5a5a5a5a5a5a5a;

static void check_number(bool found, uint64_t value)
{
	HOLDS(found || value == untouched);
}

static void check_numbers(const char *text)
{
	static const char *const names[] = { "InSegs", "ListenOverflows", "", "a" };
	uint64_t v = untouched, triple[3];
	bool pressed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++, v = untouched) {
		check_number(proctext_pair(text, "Tcp", names[i], &v), v);
		v = untouched;
		check_number(proctext_line(text, names[i], &v), v);
		v = untouched;
		check_number(proctext_keyed(text, "TCP", names[i], &v), v);
	}
	check_number(proctext_keyed(text, "TCP", "inuse", &v), v);
	v = untouched;
	check_number(proctext_number(text, &v), v);
	uint64_t hard = untouched;

	v = untouched;
	check_number(proctext_descriptor_limit(text, &v, &hard), hard);
	v = untouched;
	check_number(proctext_start(text, &v), v);
	proctext_one_pid(text);
	v = untouched;
	check_number(proctext_memory(text, "TCP", &v, &pressed), v);
	proctext_triple(text, triple);
	v = untouched;
	check_number(proctext_stat(text, "drop", &v), v);
}

static void check_ports(const char *text)
{
	_cleanup_free_ bool *held = xcalloc(65536, sizeof(*held));
	uint16_t lo = 0, hi = 0;

	if (proctext_range(text, &lo, &hi))
		HOLDS(lo <= hi);
	proctext_ports(text, held);
}

static void check_blob(const struct blob *b, const char *text, size_t size)
{
	const char *data = b->data;

	HOLDS(!b->len || (data >= text && b->len <= size - (size_t)(data - text)));
	HOLDS(!b->len || !memchr(data, '\n', b->len));
}

static void check_mount(const uint8_t *data, size_t size)
{
	char *line = exact_text(data, size);
	struct proctext_mount m;

	if (proctext_mount(line, &m)) {
		HOLDS(m.root >= line && m.root < line + size && m.root[0]);
		HOLDS(m.path > m.root && m.path < line + size && m.path[0]);
		HOLDS(m.type > m.path && m.type < line + size && m.type[0]);
	}
	free(line);
}

static void check_rows(const char *text, size_t size)
{
	struct sock s;

	if (proctext_inet_row(text, PROTO_UDP, &s)) {
		HOLDS(s.state && s.state < STATE_COUNT && s.proto == PROTO_UDP);
		HOLDS(s.family == AF_INET || s.family == AF_INET6);
		HOLDS(s.local.family == s.family && s.peer.family == s.family);
	}
	if (proctext_unix_row(text, &s)) {
		HOLDS(s.state < STATE_COUNT && s.family == AF_UNIX);
		HOLDS(s.proto < PROTO_COUNT && s.proto != PROTO_TCP &&
		      s.proto != PROTO_UDP);
		check_blob(&s.path, text, size);
	}
}

/* Each line may be any, in a block of its own size. */
static void check_ring(const uint8_t *data, size_t size)
{
	struct proctext_ring ring = { 0 };
	uint64_t n = untouched;
	char *text = exact_text(data, size);

	check_number(proctext_in_flight(text, &n), n);
	free(text);
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) + 1 : size;
		char *line = exact_text(data, len);

		proctext_ring_line(&ring, line);
		free(line);
		data += len;
		size -= len;
	}
	HOLDS(ring.listed || proctext_ring_may_hold(&ring));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena arena = { 0 };
	char *text, *link;
	struct keeper k;

	if (size > 1 << 14)
		return 0;
	text = exact_text(data, size);
	check_numbers(text);
	check_ports(text);
	k = keeper_of(&arena, text);
	HOLDS(!k.name || (k.name[0] && !strchr(k.name, '/') && !strchr(k.name, '\n')));
	check_mount(data, size);
	check_ring(data, size);
	check_rows(text, size);
	free(text);
	/* A link has no NUL behind it. */
	link = exact_copy(data, size);
	proctext_socket(link, size);
	free(link);
	return 0;
}
