#include "net/scan/syn_pace.h"

enum {
	TICK_US = 4 * 1000,	   /* between two looks at the pace, */
	TICK_MOST_US = 100 * 1000, /* or a round trip, or so long at most */
	TICK_BLIND_US = 10 * 1000, /* nothing has answered yet */
	LEAST_RATE = 5000,
	BLIND_RATE = 100000, /* nothing has answered yet: no loss would be noticed. Of all
				scans together. */
	MOST_RATE = 10 * 1000 * 1000,
	BURST_US = 5 * 1000,		/* what a late timer may catch up with */
	BLIND_PATIENCE_US = 500 * 1000, /* for a round of which nothing came */
	ROUND_PATIENCE_US = 100 * 1000, /* beyond three of the longest round trips */
	LAST_PATIENCE_US = 200 * 1000,	/* the same after the last round */
	LOST_US = 100 * 1000,		/* the same for the known port */
	QUEUEING_US = 30 * 1000,	/* slower than the fastest: queues fill up */
};

static void ask_known(struct syn_scan *syn, uint64_t now)
{
	uint8_t packet[SYN_PACKET_MAX];

	if (!syn->known)
		return;
	syn_template(packet, &syn->path);
	syn_aim(packet, &syn->path, syn->known, SYN_ROUNDS_MOST);
	syn->asked_known = syn_link_send(&syn->link, packet, 0, syn->packet_len, 1) == 1;
	syn->known_us = now;
}

static double blind_rate(const struct syn_scan *syn)
{
	return MAX((double)BLIND_RATE / (double)syn->s.how->share, (double)LEAST_RATE);
}

/* Looks back at the last few milliseconds. */
static void adapt(struct syn_scan *syn, uint64_t now)
{
	bool lost = syn->asked_known && now > syn->known_us + syn->rtt_us * 3 + LOST_US;

	if (syn_link_dropped(&syn->link) || lost ||
	    syn->tick_rtt_us > syn->rtt_us + QUEUEING_US)
		syn->trouble = true;
	if (syn->trouble)
		syn->rate = MAX(syn->rate / 2, (double)LEAST_RATE);
	else
		syn->rate = MIN(syn->rate * 2,
				syn->heard ? (double)MOST_RATE : blind_rate(syn));
	syn->trouble = false;
	syn->tick_rtt_us = 0;
	syn->looked_us = now;
	if (lost || !syn->asked_known)
		ask_known(syn, now);
}

/* Twice as fast once the answers to the pace before are in, no sooner. */
static uint64_t tick_us(const struct syn_scan *syn)
{
	return syn->heard
		       ? MIN(MAX((uint64_t)TICK_US, syn->rtt_us), (uint64_t)TICK_MOST_US)
		       : (uint64_t)TICK_BLIND_US;
}

void syn_fill_tokens(struct syn_scan *syn, uint64_t now)
{
	double most;

	if (syn->s.how->rate)
		syn->rate = (double)syn->s.how->rate;
	else if (now - syn->looked_us >= tick_us(syn))
		adapt(syn, now);
	most = MAX(syn->rate * BURST_US / 1e6, 1.0);
	syn->tokens += syn->rate * (double)(now - syn->filled_us) / 1e6;
	syn->tokens = MIN(syn->tokens, most);
	syn->filled_us = now;
}

uint64_t syn_patience(const struct syn_scan *syn)
{
	uint64_t wait = syn->heard ? syn->rtt_most_us * 3 + ROUND_PATIENCE_US
				   : (uint64_t)BLIND_PATIENCE_US;

	return MIN(wait, syn->s.how->timeout_us / 2);
}

uint64_t syn_last_moment(const struct syn_scan *syn, uint64_t now)
{
	uint64_t all = syn->first_end_us + syn->s.how->timeout_us;

	if (!syn->heard || syn->s.how->patient)
		return all;
	return MIN(all, now + syn->rtt_most_us * 3 + LAST_PATIENCE_US);
}
