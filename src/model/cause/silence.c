#include "model/cause/silence.h"

#include <string.h>

#include "model/advice.h"

void listening_add(struct listening *l, const struct sock *listener)
{
	l->n++;
	l->queue += listener->recv_queue;
	l->limit += listener->send_queue;
	if (!sock_is_queue_full(listener))
		return;
	l->n_full++;
	l->full_queue = listener->recv_queue;
	l->full_limit = listener->send_queue;
}

/* Of a group one full queue is enough: the kernel chooses the member by the client. */
static void say_full(const struct listening *l, const char *address, uint16_t port,
		     struct causes *causes)
{
	struct buf b = { 0 }, next = { 0 };

	buf_printf(&b, "%s: the accept queue ", address);
	if (l->n > 1)
		buf_printf(&b, "of %zu of its %zu listeners ", l->n_full, l->n);
	buf_printf(&b, "is full (%u/%u): the program does not accept", l->full_queue,
		   l->full_limit);
	causes_add(causes, "accept-queue-full", &b, NULL, NULL);
	if (!port)
		return;
	advise(&next, ADVICE_INSPECT_PORT, (struct advised){ 0 }, (unsigned)port);
	causes_next(causes, &next);
}

void cause_of_silence(const struct listening *l, const char *address, uint16_t port,
		      bool rejected, struct causes *causes)
{
	struct buf b = { 0 };

	if (l->err) {
		causes_add_unread(causes, "whether something here listens there", l->err);
	} else if (l->n_full) {
		say_full(l, address, port, causes);
	} else if (l->n) {
		/* No table shows a rule: a queue may have been full until a moment ago.
		 */
		buf_printf(&b,
			   "%s is listened on and has room (%llu/%llu): %sa firewall of "
			   "this host is in between",
			   address, (unsigned long long)l->queue,
			   (unsigned long long)l->limit, rejected ? "" : "most likely ");
		causes_add(causes, "filtered", &b, NULL, NULL);
	}
}
