/* Filters that are put together, run by the kernel itself on what a socket pair carries.
 */
#include "base/packet_filter.h"

#include <errno.h>
#include <sys/socket.h>

#include "unit/unit.h"

/* How many bytes the filter lets pass of these; -1 none, -errno below that. */
static int passed(struct packet_filter *p, uint32_t snap, const void *data, size_t len)
{
	_cleanup_close_ int in = -1, out = -1;
	uint8_t got[256];
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0)
		return -errno;
	in = ends[0];
	out = ends[1];
	r = packet_filter_attach(p, out, snap);
	if (r < 0)
		return r;
	if (send(in, data, len, 0) < 0 && errno != EPERM)
		return -errno;
	return (int)recv(out, got, sizeof(got), 0);
}

#define PASSED(p, snap, text) passed(&(p), snap, text, sizeof(text) - 1)

static struct packet_filter begins_with(char c)
{
	struct packet_filter p = { .n = 0 };

	packet_filter_load(&p, BPF_B, 0);
	packet_filter_is(&p, (uint8_t)c, PACKET_DROP);
	return p;
}

static void one_step(void)
{
	struct packet_filter p = begins_with('a'), q = begins_with('a'),
			     r = begins_with('a');

	CHECK_INT(PASSED(p, 128, "abc"), 3);
	CHECK_INT(PASSED(q, 2, "abc"), 2);
	CHECK_INT(PASSED(r, 128, "bac"), -1);
}

/* "a", or "bc", or "b" and a third byte of which the lowest bit is set. */
static struct packet_filter labelled(void)
{
	enum { NOT_A = PACKET_LABEL, THIRD };
	struct packet_filter p = { .n = 0 };

	packet_filter_load(&p, BPF_B, 0);
	packet_filter_jump(&p, BPF_JMP | BPF_JEQ | BPF_K, 'a', PACKET_TAKE, NOT_A);
	packet_filter_label(&p, NOT_A);
	packet_filter_is(&p, 'b', PACKET_DROP);
	packet_filter_load(&p, BPF_B, 1);
	packet_filter_jump(&p, BPF_JMP | BPF_JEQ | BPF_K, 'c', PACKET_TAKE, THIRD);
	packet_filter_label(&p, THIRD);
	packet_filter_load(&p, BPF_B, 2);
	packet_filter_jump(&p, BPF_JMP | BPF_JSET | BPF_K, 1, PACKET_NEXT, PACKET_DROP);
	return p;
}

static void labels(void)
{
	static const struct {
		const char *text;
		int passes;
	} rows[] = {
		{ "axx", 3 }, { "bcx", 3 }, { "bdc", 3 }, { "bdb", -1 }, { "cca", -1 }
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct packet_filter p = labelled();

		CHECK_INT(passed(&p, 128, rows[i].text, strlen(rows[i].text)),
			  rows[i].passes);
	}
}

static void bytes(void)
{
	static const char *const rows[] = { "01234567", "0123456x", "012x4567",
					    "x1234567" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct packet_filter p = { .n = 0 };

		packet_filter_is_bytes(&p, 0, (const uint8_t *)rows[0], 8, PACKET_DROP);
		CHECK_INT(passed(&p, 128, rows[i], 8), i ? -1 : 8);
	}
}

/* The byte behind the IP header. */
static void behind(void)
{
	uint8_t data[64] = { [0] = 0x46, [24] = 'y', [40] = 'z' };
	struct packet_filter p = { .n = 0 }, q = { .n = 0 };

	packet_filter_x_head(&p, true);
	packet_filter_load_behind(&p, BPF_B, 0);
	packet_filter_is(&p, 'y', PACKET_DROP);
	CHECK_INT(passed(&p, 128, data, sizeof(data)), (int)sizeof(data));
	packet_filter_x_head(&q, false);
	packet_filter_load_behind(&q, BPF_B, 0);
	packet_filter_is(&q, 'z', PACKET_DROP);
	CHECK_INT(passed(&q, 128, data, sizeof(data)), (int)sizeof(data));
}

static void broken(void)
{
	struct packet_filter nowhere = { .n = 0 }, back = { .n = 0 }, twice = { .n = 0 },
			     far = { .n = 0 }, full = { .n = 0 };
	size_t i;

	packet_filter_is(&nowhere, 1, PACKET_LABEL);
	CHECK_INT(packet_filter_end(&nowhere, 1), -EOVERFLOW);

	packet_filter_label(&back, PACKET_LABEL);
	packet_filter_is(&back, 1, PACKET_LABEL);
	CHECK_INT(packet_filter_end(&back, 1), -EOVERFLOW);

	packet_filter_label(&twice, PACKET_LABEL);
	packet_filter_label(&twice, PACKET_LABEL);
	CHECK_INT(packet_filter_end(&twice, 1), -EOVERFLOW);

	/* 255 steps are left out at most. */
	packet_filter_is(&far, 1, PACKET_LABEL);
	for (i = 0; i < 256; i++)
		packet_filter_load(&far, BPF_B, 0);
	packet_filter_label(&far, PACKET_LABEL);
	CHECK_INT(packet_filter_end(&far, 1), -EOVERFLOW);

	for (i = 0; i < PACKET_FILTER_STEPS; i++)
		packet_filter_load(&full, BPF_B, 0);
	CHECK_INT(packet_filter_end(&full, 1), -EOVERFLOW);
}

static void far_enough(void)
{
	struct packet_filter p = { .n = 0 };
	size_t i;

	packet_filter_load(&p, BPF_B, 0);
	packet_filter_is(&p, 'a', PACKET_LABEL);
	for (i = 0; i < 254; i++)
		packet_filter_load(&p, BPF_B, 0);
	packet_filter_put(&p, BPF_RET | BPF_K, 1);
	packet_filter_label(&p, PACKET_LABEL);
	CHECK_INT(PASSED(p, 128, "bcd"), 3);
}

int main(void)
{
	RUN(one_step, "what does not fit is dropped, what fits is cut to size");
	RUN(labels, "jumps lead to their labels");
	RUN(bytes, "each of the bytes counts");
	RUN(behind, "the header of IP has its length");
	RUN(broken, "a filter that does not fit is none");
	RUN(far_enough, "a jump leaves out 255 steps");
	return unit_done();
}
