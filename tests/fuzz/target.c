/* The address grammar: whatever is accepted is written back as text that means the same.
 */
#include "model/target/target.h"

#include "base/mem.h"
#include "fuzz.h"

/* Names that are escaped when shown are not read back: target_put() is also for messages.
 */
static bool shown_as_is(const char *name)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (!name)
		return true;
	buf_put_escaped(&b, name, strlen(name));
	return strcmp(buf_cstr(&b), name) == 0;
}

static void round_trip(const struct target *t, unsigned flags)
{
	const struct target_how how = { .flags = flags };
	_cleanup_buf_ struct buf first = { 0 }, second = { 0 };
	_cleanup_target_ struct target again;
	struct fault f = FAULT_INIT;

	target_put(&first, t);
	if (target_parse(buf_cstr(&first), &how, &again, &f) < 0) {
		fprintf(stderr, "'%s': %s\n", buf_cstr(&first), f.what);
		abort();
	}
	HOLDS(again.proto == t->proto && again.host == t->host && again.port == t->port);
	HOLDS(addr_same_ip(&again.ip, &t->ip));
	target_put(&second, &again);
	if (strcmp(buf_cstr(&first), buf_cstr(&second)) != 0) {
		fprintf(stderr, "%s, then %s\n", buf_cstr(&first), buf_cstr(&second));
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target_how how = { 0 };
	struct fault f = FAULT_INIT;
	struct target t;
	char *text;

	if (size < 1 || size > 512)
		return 0;
	how.flags = data[0] & 3;
	how.proto = (data[0] >> 2 & 15) % (TARGET_FD + 1);
	text = xstrndup((const char *)data + 1, size - 1);
	if (target_parse(text, &how, &t, &f) == 0) {
		if (shown_as_is(t.name))
			round_trip(&t, how.flags);
		target_free(&t);
	} else {
		HOLDS(f.what[0]);
		HOLDS(f.mark < 0 || (size_t)f.mark <= strlen(f.text));
	}
	free(text);
	return 0;
}
