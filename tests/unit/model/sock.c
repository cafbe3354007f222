/* What the row of a listener says of its accept queue. */
#include "unit/unit.h"

#include "model/sock.h"

static void accept_queues(void)
{
	static const struct {
		uint32_t queued, limit;
		bool full;
		uint64_t percent;
	} rows[] = {
		{ 0, 0, false, 0 },	   /* a backlog of 0 holds one */
		{ 1, 0, true, 100 },	   /* and no second one */
		{ 4, 4, false, 80 },	   /* as many as the backlog: one more goes in */
		{ 5, 4, true, 100 },	   /* one more than the backlog */
		{ 127, 128, false, 98 },   /* rounded down */
		{ 4096, 128, true, 3175 }, /* listen() was called again, with less */
		{ UINT32_MAX, UINT32_MAX, false, 99 },
	};
	const uint32_t known = SOCK_HAS_QUEUES | SOCK_HAS_LIMIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sock s = { .state = STATE_LISTEN,
				  .has = known,
				  .recv_queue = rows[i].queued,
				  .send_queue = rows[i].limit };

		CHECK_INT(accept_queue_percent(rows[i].queued, rows[i].limit),
			  rows[i].percent);
		CHECK_INT(sock_is_queue_full(&s), rows[i].full);
		s.has = SOCK_HAS_QUEUES; /* /proc/net does not say the backlog */
		CHECK_INT(sock_is_queue_full(&s), false);
		s.has = known;
		s.state = STATE_ESTABLISHED; /* bytes, not connections */
		CHECK_INT(sock_is_queue_full(&s), false);
	}
}

static void memory(void)
{
	const uint32_t numbers[] = { 1, 2, 3 };
	struct sock s = { .skmem = { numbers, sizeof(numbers) } };
	uint32_t v = 0;

	CHECK(sock_mem_u32(&s, SOCK_MEM_WMEM, &v));
	CHECK_INT(v, 3);
	CHECK(!sock_mem_u32(&s, SOCK_MEM_SNDBUF, &v)); /* an older kernel sends fewer */
	s.skmem.len--;
	CHECK(!sock_mem_u32(&s, SOCK_MEM_WMEM, &v));
}

int main(void)
{
	RUN(accept_queues, "a listener of backlog N is full with N + 1, and not before");
	RUN(memory, "of the socket's memory what this kernel sent");
	return unit_done();
}
