#include "model/answer/stall.h"

#include <sys/socket.h>

#include "model/advice.h"
#include "model/cause/connect_cause.h"

enum {
	BRIEF_MS = 900,	    /* of a second, less what waking up takes */
	BRIEF_RTTS = 3,	    /* a segment, that it is missed, and its second try */
	RETRANSMITS = 2,    /* the second after twice the time */
	SHUT_OUT_TRIES = 3, /* 1.4 s at least: a SYN-ACK would have come again */
	HEADERS_V4 = 28,    /* of IP and ICMP */
	HEADERS_V6 = 48,
};

static bool has_gap(const struct stall_look *l)
{
	return l->known && l->overtook && l->memory && !l->unread;
}

bool stall_is_shut_out(const struct stall_look *l)
{
	return l->acked <= 1 && !l->received && l->answers == 1 && l->mss &&
	       l->unacked >= l->mss && l->retransmits >= SHUT_OUT_TRIES;
}

static bool is_lost(const struct stall_look *l)
{
	return l->known && l->unacked && l->retransmits >= RETRANSMITS &&
	       (l->sacked || stall_is_shut_out(l));
}

bool stall_between(const struct stall_look *first, const struct stall_look *second,
		   struct stall *s)
{
	uint64_t ms = (second->at_us - first->at_us) / 1000;

	*s = (struct stall){ 0 };
	if (!first->known || !second->known)
		return false;
	if (has_gap(first) && has_gap(second) && first->received == second->received)
		s->side = STALL_TOWARDS_US;
	else if (first->unacked && is_lost(second) && first->acked == second->acked)
		s->side = STALL_TOWARDS_PEER;
	else
		return false;
	s->for_ms = (uint32_t)MIN(ms, (uint64_t)UINT32_MAX);
	s->brief = ms < BRIEF_MS || ms < (uint64_t)second->rtt_us * BRIEF_RTTS / 1000;
	s->memory = second->memory;
	s->retransmits = second->retransmits;
	s->sacked = second->sacked;
	s->mss = second->mss;
	s->pmtu = second->pmtu;
	return true;
}

#define TOO_LARGE(side, who)                                                       \
	"a path whose MTU towards " side " is smaller than " who                   \
	" assumes (packets of that size are lost, and the ICMP messages that say " \
	"so, too), or "

const char *stall_reasons(enum stall_side side, bool others)
{
	if (side == STALL_TOWARDS_US)
		return TOO_LARGE("this host", "the peer") "a path that loses this "
							  "segment again and again";
	return others ? TOO_LARGE("the peer", "this host") "a path that loses this "
							   "segment again and again"
		      : TOO_LARGE("the peer", "this host") "a firewall that drops what "
							   "carries data";
}

void stall_put_advice(struct buf *next, const struct addr *peer, uint32_t pmtu, bool asks)
{
	struct addr ip = addr_unmapped(peer);
	uint32_t headers = ip.family == AF_INET ? HEADERS_V4 : HEADERS_V6;
	_cleanup_buf_ struct buf to = { 0 }, port = { 0 };

	addr_put_ip(&to, &ip);
	addr_put(&port, &ip);
	if (pmtu > headers) {
		advise_in_words(next,
				"whether packets of this size arrive, and which do:");
		advise(next, ADVICE_PING_SIZE, (struct advised){ 0 }, pmtu - headers,
		       buf_cstr(&to));
	}
	if (!asks)
		return;
	advise_in_words(next, "whether smaller segments arrive (if so, it is the MTU):");
	advise(next, ADVICE_CONNECT_SMALL, (struct advised){ 0 }, buf_cstr(&port));
}

static void put_facts(struct buf *b, const struct stall *s)
{
	if (s->side == STALL_TOWARDS_US) {
		buf_printf(b,
			   "segments of the answer wait behind one that does not arrive "
			   "(%u bytes of memory, for at least ",
			   s->memory);
		buf_put_time(b, s->for_ms * UINT64_C(1000));
		buf_puts(b, ")");
		return;
	}
	buf_printf(b,
		   "a segment of what was sent was retransmitted %u times and did not "
		   "arrive, though the peer has ",
		   s->retransmits);
	if (s->sacked)
		buf_printf(b, "confirmed %u behind it", s->sacked);
	else
		buf_puts(b, "the end of the handshake (its SYN-ACK is not sent again)");
	buf_printf(b, ": segments of up to %u bytes do not arrive", s->mss);
}

void cause_of_stall(const struct stall *s, const struct addr *peer, struct causes *causes)
{
	enum connect_cause cause = s->side == STALL_TOWARDS_US ? CONNECT_GAP
							       : CONNECT_STUCK;
	struct buf b = { 0 }, next = { 0 };

	if (s->side == STALL_NONE)
		return;
	put_facts(&b, s);
	buf_printf(&b, "; possible are %s", stall_reasons(s->side, s->sacked));
	if (s->brief)
		buf_puts(&b, "; or it was lost once, and a longer wait sees it come");
	stall_put_advice(&next, peer, s->pmtu, true);
	causes_add(causes, connect_causes[cause].id, &b, &next, NULL);
}
