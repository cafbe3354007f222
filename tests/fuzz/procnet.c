/*
 * /proc/net/tcp, udp, unix, where the kernel has no sock_diag: any text, through the
 * collection and every view. data[0]: the table, the view.
 */
#include "fuzz/lib/rows.h"
#include "kernel/read/collect_private.h"

#include "fuzz.h"

struct table {
	const uint8_t *data;
	size_t size;
	uint8_t proto;
};

static void begin(struct rows_show *show, const struct collect_sink *sink,
		  struct collect_result *result)
{
	static const struct collect_request req = { .protos = BIT(PROTO_COUNT) - 1,
						    .v4 = true,
						    .v6 = true,
						    .states = STATES_ALL };
	_cleanup_reader_ struct reader reader = { .threads = 1 };
	const struct table *t = show->ctx;
	struct collector c = { .r = &reader,
			       .req = &req,
			       .sink = sink,
			       .known = ~0u,
			       .all_attributes = true };
	char *text = exact_copy(t->data, t->size);
	FILE *file = fmemopen(text, t->size, "r");

	HOLDS(file);
	HOLDS(collect_procnet_file(&c, file, t->proto) == 0);
	fclose(file);
	free(text);
	seen_free(&c.seen);
	collect_drop_held(&c);
	result->complete = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t protos[] = { PROTO_TCP, PROTO_UDP, PROTO_UNIX_STREAM };
	struct table t = { .data = data + 1, .size = size - 1 };
	struct rows_show show = { .begin = begin, .ctx = &t };

	if (size < 2 || size > 1 << 16)
		return 0;
	t.proto = protos[(data[0] & 3) % 3];
	show.format = (enum view_format)((data[0] >> 2 & 3) % 3);
	show.ascii = data[0] >> 4 & 1;
	rows_show(&show);
	return 0;
}
