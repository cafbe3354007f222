/* What a silence of this host means, from who listens there: facts as such, inferences as
 * such. */
#include "model/cause/silence.h"

#include <errno.h>

#include "unit/unit.h"

static struct listening listening_of(const uint32_t queues[][2], size_t n)
{
	struct listening l = { 0 };
	size_t i;

	for (i = 0; i < n; i++)
		listening_add(&l, &(struct sock){ .state = STATE_LISTEN,
						  .has = SOCK_HAS_QUEUES | SOCK_HAS_LIMIT,
						  .recv_queue = queues[i][0],
						  .send_queue = queues[i][1] });
	return l;
}

static void check(const struct listening *l, bool rejected, const char *id,
		  const char *summary, const char *next)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	cause_of_silence(l, "127.0.0.1:80", 80, rejected, &causes);
	CHECK_INT(causes.n, id != NULL);
	if (causes.n && id) {
		CHECK_STR(causes.v[0].id, id);
		CHECK_STR(causes.v[0].summary, summary);
	}
	CHECK_STR(causes.next ? causes.next : "", next);
	causes_free(&causes);
}

static void test_full(void)
{
	struct listening l = listening_of((const uint32_t[][2]){ { 3, 2 } }, 1);

	check(&l, false, "accept-queue-full",
	      "127.0.0.1:80: the accept queue is full (3/2): the program does not accept",
	      "\tsockctl inspect -p --port 80");
}

/* The kernel takes a member by the client's port: one that is full drops its share. */
static void test_group(void)
{
	struct listening l = listening_of(
		(const uint32_t[][2]){ { 0, 9 }, { 3, 2 }, { 1, 9 } }, 3);

	CHECK_INT(l.queue, 4);
	CHECK_INT(l.limit, 20);
	check(&l, false, "accept-queue-full",
	      "127.0.0.1:80: the accept queue of 1 of its 3 listeners is full (3/2): the "
	      "program does not accept",
	      "\tsockctl inspect -p --port 80");
}

static void test_room(void)
{
	struct listening l = listening_of((const uint32_t[][2]){ { 2, 2 } }, 1);

	check(&l, false, "filtered",
	      "127.0.0.1:80 is listened on and has room (2/2): most likely a firewall of "
	      "this host is in between",
	      "");
	/* An ICMP message no listener sends: that is known. */
	check(&l, true, "filtered",
	      "127.0.0.1:80 is listened on and has room (2/2): a firewall of this host is "
	      "in between",
	      "");
}

static void test_nothing(void)
{
	struct listening none = { 0 }, unread = { .err = EPERM };

	check(&none, false, NULL, NULL, "");
	check(&unread, false, "unknown",
	      "whether something here listens there is not known: the kernel's tables could "
	      "not be read (Operation not permitted)",
	      "");
}

int main(void)
{
	RUN(test_full, "a full queue is said, and where to look");
	RUN(test_group, "one full queue of a group is enough");
	RUN(test_room, "that a rule is in between is an inference, but for a rejection");
	RUN(test_nothing, "nobody listens, or nobody knows");
	return unit_done();
}
