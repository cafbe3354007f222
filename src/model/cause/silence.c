#include "model/cause/silence.h"

#include <string.h>

#include "model/advice.h"
#include "model/cause/connect_cause.h"

void listening_add(struct listening *l, const struct sock *listener)
{
	uint32_t drops;

	l->n++;
	l->queue += listener->recv_queue;
	l->limit += listener->send_queue;
	if (sock_mem_u32(listener, SOCK_MEM_DROPS, &drops)) {
		l->drops += drops;
		l->n_drops++;
	}
	if (!sock_is_queue_full(listener))
		return;
	l->n_full++;
	l->full_queue = listener->recv_queue;
	l->full_limit = listener->send_queue;
}

bool was_full(const struct meanwhile *m, bool reset)
{
	/* A reset is a program's, where one aborted a connection meanwhile. */
	return m->known && m->overflows && !m->half_open &&
	       (reset ? !m->unread && !m->lingered : m->drops != 0);
}

/* Of a group one full queue is enough: the kernel chooses the member by the client. */
static void say_full(const struct silence *f, struct causes *causes)
{
	const struct listening *l = f->listening;
	struct buf b = { 0 }, next = { 0 }, who = { 0 }, advice = { 0 };
	bool halted = l->n_full && f->waiting &&
		      waiting_put_halted(f->waiting, &who, &advice);

	buf_printf(&b, "%s: the accept queue ", f->address);
	if (l->n > 1 && l->n_full)
		buf_printf(&b, "of %zu of its %zu listeners ", l->n_full, l->n);
	if (l->n_full)
		buf_printf(&b, "is full (%u/%u): %s", l->full_queue, l->full_limit,
			   halted ? buf_cstr(&who) : "the program does not accept");
	else
		buf_printf(&b,
			   "was full when it was asked: %llu packet%s dropped "
			   "meanwhile; it has room by now (%llu/%llu)",
			   (unsigned long long)f->meanwhile.drops,
			   f->meanwhile.drops == 1 ? " was" : "s were",
			   (unsigned long long)l->queue, (unsigned long long)l->limit);
	causes_add(causes, connect_causes[CONNECT_QUEUE_FULL].id, &b, &advice,
		   halted ? f->waiting->found[0].holder.row->holders : NULL);
	buf_free(&who);
	if (!f->port || halted)
		return;
	advise(&next, ADVICE_INSPECT_PORT, (struct advised){ 0 }, (unsigned)f->port);
	causes_next(causes, &next);
}

/* No table shows a rule. What is known is that the listener had room, or nothing. */
static void put_before_listener(struct buf *b, const struct silence *f)
{
	const struct meanwhile *m = &f->meanwhile;

	if (f->rejected)
		buf_puts(b, ": a firewall of this host is in between");
	else if (m->half_open)
		buf_puts(b,
			 ", and has this connection half-open: it got the SYN, and its "
			 "SYN-ACKs are lost on the way back; 'nft list ruleset' and "
			 "'iptables-save' show rules that drop, 'tc filter show' and "
			 "'bpftool net' other filters");
	else if (m->known && m->drops)
		buf_printf(b,
			   ", and dropped %llu packets meanwhile for another reason: its "
			   "queue of half-open connections, a socket filter or TCP-MD5",
			   (unsigned long long)m->drops);
	else if (m->known)
		buf_puts(b,
			 ", and dropped nothing meanwhile: the packets are lost before "
			 "it, or its answers behind it; 'nft list ruleset' and "
			 "'iptables-save' show rules that drop, 'tc filter show' and "
			 "'bpftool net' other filters");
	else
		buf_puts(b,
			 " by now: its queue was full until a moment ago, or a rule of "
			 "this host drops the packets, see 'nft list ruleset'");
}

void cause_of_silence(const struct silence *f, struct causes *causes)
{
	const struct listening *l = f->listening;
	struct buf b = { 0 };

	if (l->err) {
		causes_add_unread(causes, "whether something here listens there", l->err);
	} else if ((l->n_full && !f->meanwhile.half_open) ||
		   (l->n && !f->rejected && was_full(&f->meanwhile, false))) {
		say_full(f, causes);
	} else if (l->n) {
		buf_printf(&b, "%s is listened on and has room (%llu/%llu)", f->address,
			   (unsigned long long)l->queue, (unsigned long long)l->limit);
		put_before_listener(&b, f);
		causes_add(causes, connect_causes[CONNECT_FILTERED].id, &b, NULL, NULL);
	} else if (f->own && !f->rejected) {
		buf_printf(&b,
			   "%s is an address of this host, and nothing listens there: a "
			   "rule of this host drops the packets, or its NAT sends them "
			   "elsewhere, see 'nft list ruleset'",
			   f->address);
		causes_add(causes, connect_causes[CONNECT_FILTERED].id, &b, NULL, NULL);
	}
}

void put_who_reset(struct buf *b, const struct meanwhile *m, bool sent)
{
	/* Where nothing was sent, what is unread was another's. */
	bool unread = m->unread && sent;

	if (m->known && !unread && !m->lingered) {
		buf_puts(b,
			 "has not aborted it: a listener that was closed with it in its "
			 "queue, 'ss -K', or a firewall rule that rejects with a reset "
			 "did");
		return;
	}
	if (m->known && unread && !m->lingered)
		buf_puts(b, "closed it before it had read all that was sent");
	else if (m->known && !sent)
		buf_puts(b, "closed it with SO_LINGER and a time of 0");
	else if (m->known && !unread)
		buf_puts(b,
			 "closed it with SO_LINGER and a time of 0, or before what was "
			 "sent had come");
	else
		buf_printf(b, "closed it with %sSO_LINGER and a time of 0",
			   sent ? "unread data or with " : "");
	if (!m->known)
		buf_puts(b, ", or a firewall rule rejects with a reset");
}
