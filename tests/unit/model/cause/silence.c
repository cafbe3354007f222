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

static void check_silence(const struct silence *f, const char *id, const char *summary,
			  const char *next)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	cause_of_silence(f, &causes);
	CHECK_INT(causes.n, id != NULL);
	if (causes.n && id) {
		CHECK_STR(causes.v[0].id, id);
		CHECK_STR(causes.v[0].summary, summary);
	}
	CHECK_STR(causes.next ? causes.next : "", next);
	causes_free(&causes);
}

static void check(const struct listening *l, bool rejected, const char *id,
		  const char *summary, const char *next)
{
	check_silence(&(struct silence){ .listening = l,
					 .address = "127.0.0.1:80",
					 .port = 80,
					 .rejected = rejected },
		      id, summary, next);
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

	/* Nobody looked meanwhile: it may have been full. */
	check(&l, false, "filtered",
	      "127.0.0.1:80 is listened on and has room (2/2) by now: its queue was full "
	      "until a moment ago, or a rule of this host drops the packets, see 'nft list "
	      "ruleset'",
	      "");
	/* An ICMP message no listener sends: that is known. */
	check(&l, true, "filtered",
	      "127.0.0.1:80 is listened on and has room (2/2): a firewall of this host is "
	      "in between",
	      "");
}

/* What rose meanwhile decides. */
static void test_meanwhile(void)
{
	struct listening l = listening_of((const uint32_t[][2]){ { 0, 2 } }, 1);
	struct silence f = { .listening = &l,
			     .address = "127.0.0.1:80",
			     .meanwhile = { .known = true } };

	check_silence(
		&f, "filtered",
		"127.0.0.1:80 is listened on and has room (0/2), and dropped nothing "
		"meanwhile: the packets are lost before it, or its answers behind it; "
		"'nft list ruleset' and 'iptables-save' show rules that drop, 'tc "
		"filter show' and 'bpftool net' other filters",
		"");
	f.meanwhile.drops = 2;
	check_silence(
		&f, "filtered",
		"127.0.0.1:80 is listened on and has room (0/2), and dropped 2 packets "
		"meanwhile for another reason: its queue of half-open connections, a "
		"socket filter or TCP-MD5",
		"");
	f.meanwhile.overflows = 2;
	check_silence(&f, "accept-queue-full",
		      "127.0.0.1:80: the accept queue was full when it was asked: 2 "
		      "packets were dropped meanwhile; it has room by now (0/2)",
		      "");
	/* The queue of another was full, and what was dropped came again. */
	f.meanwhile.half_open = true;
	CHECK(!was_full(&f.meanwhile, false));
	check_silence(
		&f, "filtered",
		"127.0.0.1:80 is listened on and has room (0/2), and has this "
		"connection half-open: it got the SYN, and its SYN-ACKs are lost on the "
		"way back; 'nft list ruleset' and 'iptables-save' show rules that drop, "
		"'tc filter show' and 'bpftool net' other filters",
		"");
	f.meanwhile.half_open = false;
	/* Those of another listener. */
	f.meanwhile.drops = 0;
	CHECK(!was_full(&f.meanwhile, false));
	f.meanwhile.known = false;
	f.meanwhile.drops = 2;
	CHECK(!was_full(&f.meanwhile, false));
}

static void check_reset(struct meanwhile m, bool sent, const char *words)
{
	_cleanup_buf_ struct buf b = { 0 };

	put_who_reset(&b, &m, sent);
	CHECK_STR(buf_cstr(&b), words);
	CHECK_INT(was_full(&m, true), m.known && m.overflows && !m.unread && !m.lingered);
}

static void test_reset(void)
{
	check_reset((struct meanwhile){ .known = true, .unread = 1 }, true,
		    "closed it before it had read all that was sent");
	check_reset((struct meanwhile){ .known = true, .lingered = 1 }, false,
		    "closed it with SO_LINGER and a time of 0");
	check_reset(
		(struct meanwhile){ .known = true, .lingered = 1 }, true,
		"closed it with SO_LINGER and a time of 0, or before what was sent had "
		"come");
	check_reset((struct meanwhile){ .known = true, .lingered = 1, .unread = 1 }, true,
		    "closed it with unread data or with SO_LINGER and a time of 0");
	/* Nothing was sent that could be unread: others had it. */
	check_reset(
		(struct meanwhile){ .known = true, .unread = 1 }, false,
		"has not aborted it: a listener that was closed with it in its queue, "
		"'ss -K', or a firewall rule that rejects with a reset did");
	check_reset(
		(struct meanwhile){ .known = true, .overflows = 3 }, true,
		"has not aborted it: a listener that was closed with it in its queue, "
		"'ss -K', or a firewall rule that rejects with a reset did");
	check_reset((struct meanwhile){ 0 }, true,
		    "closed it with unread data or with SO_LINGER and a time of 0, or a "
		    "firewall rule rejects with a reset");
	check_reset(
		(struct meanwhile){ 0 }, false,
		"closed it with SO_LINGER and a time of 0, or a firewall rule rejects "
		"with a reset");
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
	RUN(test_room,
	    "that a rule is in between is one of several, but for a rejection");
	RUN(test_meanwhile, "what the listener dropped meanwhile decides");
	RUN(test_reset, "who reset a connection, by what rose meanwhile");
	RUN(test_nothing, "nobody listens, or nobody knows");
	return unit_done();
}
