/* The recipes. Measured on Linux 6.18; each is verified again whenever it is cooked. */
#include <ctype.h>
#include <errno.h>

#include "base/opt.h"
#include "model/names.h"
#include "net/lab/recipes.h"

enum {
	NONE,
	LISTENS = STATE_LISTEN,
	EST = STATE_ESTABLISHED,
	SENT = STATE_SYN_SENT,
	RECV = STATE_SYN_RECV,
	FW1 = STATE_FIN_WAIT1,
	FW2 = STATE_FIN_WAIT2,
	TW = STATE_TIME_WAIT,
	CW = STATE_CLOSE_WAIT,
	LA = STATE_LAST_ACK,
	CLG = STATE_CLOSING,
	CLO = STATE_CLOSE,
};

/* Small buffers fill soon; a size that was set does not grow by itself. */
#define SMALL "rcvbuf=4k,sndbuf=32k"
/* SYNs, or SYN-ACKs, go on for about three hours: 1, 2, 4 ... 64, then 120 s apart. */
#define PATIENT "syn-count=100"

#define BOUND                                                       \
	{                                                           \
		LAB_BIND, LAB_LISTENER, NONE, NONE,                 \
			"the port is taken; nobody can connect yet" \
	}
#define LISTENING                                                        \
	{                                                                \
		LAB_LISTEN, LAB_LISTENER, NONE, NONE,                    \
			"from here on the kernel answers SYNs by itself" \
	}
#define CONNECTED                                                                         \
	{                                                                                 \
		LAB_CONNECT, LAB_PEER, EST, EST,                                          \
			"SYN, SYN-ACK, ACK: both ends are up, and nobody called accept()" \
	}
#define UP                                                                         \
	BOUND, LISTENING, CONNECTED,                                               \
	{                                                                          \
		LAB_ACCEPT, LAB_LISTENER, EST, EST,                                \
			"a new socket for this peer; the listener carries no data" \
	}
#define STUCK                                                                        \
	{                                                                            \
		LAB_SEND, LAB_US, EST, EST,                                          \
			"the peer does not read: its window is shut, our bytes wait" \
	}
#define PEER_DEAF                                                 \
	{                                                         \
		LAB_DROP_ALL, LAB_PEER, EST, EST,                 \
			"whatever we send the peer never arrives" \
	}
#define DONE                  \
	{                     \
		.op = LAB_END \
	}

static const struct lab_step bound[] = {
	{ LAB_BIND, LAB_US, CLO, NONE, "the port is ours; who connects is refused" },
	DONE,
};

static const struct lab_step listening[] = {
	BOUND,
	{ LAB_LISTEN, LAB_US, LISTENS, NONE,
	  "from here on the kernel answers SYNs by itself" },
	DONE,
};

static const struct lab_step full[] = {
	BOUND,
	{ LAB_LISTEN, LAB_US, LISTENS, NONE,
	  "from here on the kernel answers SYNs by itself" },
	{ LAB_FILL_QUEUE, LAB_PEER, LISTENS, NONE,
	  "a backlog of N holds N+1; the next SYN is dropped" },
	DONE,
};

static const struct lab_step syn_recv[] = {
	BOUND,
	LISTENING,
	{ LAB_CONNECT, LAB_PEER, RECV, EST,
	  "the client is silent: its ACK alone is put off by TCP_DEFER_ACCEPT" },
	DONE,
};

static const struct lab_step syn_recv_strict[] = {
	BOUND,
	{ LAB_ONLY_SYN, LAB_LISTENER, NONE, NONE,
	  "SYNs come in, the ACK that ends a handshake does not" },
	LISTENING,
	{ LAB_CONNECT, LAB_PEER, RECV, EST,
	  "the client has its SYN-ACK; its ACK was dropped here" },
	DONE,
};

static const struct lab_step syn_sent[] = {
	BOUND,
	LISTENING,
	{ LAB_FILL_QUEUE, LAB_PEER, NONE, NONE,
	  "nobody accepts, and a backlog of 0 holds one: full" },
	{ LAB_CONNECT, LAB_US, SENT, NONE,
	  "our SYN is dropped by the full queue, and is sent again and again" },
	DONE,
};

static const struct lab_step syn_sent_strict[] = {
	BOUND,
	{ LAB_DROP_ALL, LAB_LISTENER, NONE, NONE,
	  "a silent port: it listens and hears nothing" },
	LISTENING,
	{ LAB_CONNECT, LAB_US, SENT, NONE, "our SYN is dropped, and is sent again" },
	DONE,
};

static const struct lab_step queued[] = { BOUND, LISTENING, CONNECTED, DONE };

static const struct lab_step queued_ended[] = {
	BOUND,
	LISTENING,
	CONNECTED,
	{ LAB_SHUT, LAB_PEER, CW, FW2,
	  "the peer's FIN came; it waits for accept() all the same" },
	DONE,
};

static const struct lab_step established[] = { UP, DONE };

static const struct lab_step close_wait[] = {
	UP,
	{ LAB_SHUT, LAB_PEER, CW, FW2,
	  "the peer's FIN came, the kernel acknowledged it" },
	{ LAB_READ_END, LAB_US, CW, FW2,
	  "we know that it ended, and never close: a leak" },
	DONE,
};

static const struct lab_step fin_wait1[] = {
	UP,
	STUCK,
	{ LAB_SHUT, LAB_US, FW1, EST, "our FIN stands behind the bytes that wait" },
	DONE,
};

static const struct lab_step fin_wait1_strict[] = {
	UP,
	PEER_DEAF,
	{ LAB_SHUT, LAB_US, FW1, EST,
	  "our FIN is sent again and again, nobody hears it" },
	DONE,
};

static const struct lab_step fin_wait2[] = {
	UP,
	{ LAB_SHUT, LAB_US, FW2, CW,
	  "our FIN is acknowledged; the peer does not end its side" },
	DONE,
};

static const struct lab_step closing[] = {
	UP,
	STUCK,
	{ LAB_SHUT, LAB_US, FW1, EST, "our FIN stands behind the bytes that wait" },
	{ LAB_SHUT, LAB_PEER, CLG, FW2,
	  "the peer's FIN came before ours was acknowledged" },
	DONE,
};

static const struct lab_step closing_strict[] = {
	UP,
	PEER_DEAF,
	{ LAB_SHUT, LAB_US, FW1, EST, "our FIN is lost on its way" },
	{ LAB_SHUT, LAB_PEER, CLG, FW1,
	  "its FIN came, ours is not acknowledged; our ACK is lost too" },
	DONE,
};

static const struct lab_step last_ack[] = {
	UP,
	STUCK,
	{ LAB_SHUT, LAB_PEER, CW, FW2, "the peer ended first" },
	{ LAB_SHUT, LAB_US, LA, FW2, "our FIN stands behind the bytes that wait" },
	DONE,
};

static const struct lab_step last_ack_strict[] = {
	UP,
	{ LAB_SHUT, LAB_PEER, CW, FW2, "the peer ended first" },
	{ LAB_DROP_ALL, LAB_PEER, CW, FW2, "whatever we send the peer never arrives" },
	{ LAB_SHUT, LAB_US, LA, FW2, "our FIN is sent, its ACK never comes" },
	DONE,
};

static const struct lab_step time_wait[] = {
	UP,
	{ LAB_SHUT, LAB_US, FW2, CW, "we end first: TIME_WAIT will be ours" },
	{ LAB_CLOSE, LAB_PEER, TW, NONE,
	  "both FINs are acknowledged; who ended first waits" },
	{ LAB_CLOSE, LAB_US, TW, NONE,
	  "no descriptor is left: the kernel keeps the remnant alone" },
	DONE,
};

static const struct lab_step closed[] = {
	BOUND,
	LISTENING,
	{ LAB_CONNECT_BOUND, LAB_US, EST, EST,
	  "from a port that we bound, so that it stays ours" },
	{ LAB_ACCEPT, LAB_PEER, EST, EST, "the peer takes it" },
	{ LAB_RESET, LAB_PEER, CLO, NONE,
	  "an RST: no FIN, no TIME_WAIT; a descriptor that is good for nothing" },
	DONE,
};

#define BOTH_SIDES  (LAB_SIDE_LISTEN | LAB_SIDE_CONNECT)
#define FOR_EVER    "for ever"
#define WHILE_OPEN  "for ever: the descriptors stay open"
#define WHILE_SHUT  "for ever: the shut window is probed, and the peer answers"
#define RETRIES	    "about 15 minutes (tcp_retries2), then it is made anew"
#define THREE_HOURS "about 3 h, then it is made anew"

#define STATE(named, on, meaning, ...)                                    \
	{                                                                 \
		.name = named, .sides = on, .means = meaning, __VA_ARGS__ \
	}
#define WAY(recipe, how_long, ...)                                    \
	{                                                             \
		.how = recipe, .kept = how_long, .steps = __VA_ARGS__ \
	}
#define PLAIN(...)  .plain = WAY(__VA_ARGS__)
#define STRICT(...) .strict = WAY(__VA_ARGS__)

static const struct lab_recipe recipes[] = {
	STATE("LISTEN", LAB_SIDE_LISTEN, "waits for connections",
	      PLAIN("bind, listen", FOR_EVER, listening), .of_listener = true),
	STATE("LISTEN-full", LAB_SIDE_LISTEN,
	      "the accept queue is full, SYNs are dropped",
	      PLAIN("backlog 2 (--backlog), nobody accepts, three clients", FOR_EVER,
		    full),
	      .of_listener = true, .holds = 3),
	STATE("BOUND_INACTIVE", LAB_SIDE_LISTEN,
	      "bound, does not listen: refused, and held",
	      PLAIN("bind, no listen", FOR_EVER, bound), .of_listener = true),
	STATE("SYN_RECV", LAB_SIDE_LISTEN, "the handshake has not ended",
	      PLAIN("TCP_DEFER_ACCEPT and a client that says nothing", THREE_HOURS,
		    syn_recv, .options = "defer-accept=3h"),
	      STRICT("a filter lets only SYNs in: the client's ACK is lost", THREE_HOURS,
		     syn_recv_strict, .options = PATIENT)),
	STATE("SYN_SENT", LAB_SIDE_CONNECT, "our SYN is out, no answer came",
	      PLAIN("the listener's queue is full", THREE_HOURS, syn_sent,
		    .options = PATIENT),
	      .holds = 1,
	      STRICT("a filter drops all: a silent port", THREE_HOURS, syn_sent_strict,
		     .options = PATIENT)),
	STATE("ESTABLISHED", BOTH_SIDES, "both ends are up, nothing moves",
	      PLAIN("connect, accept, nothing more", FOR_EVER, established)),
	STATE("ESTABLISHED-unaccepted", LAB_SIDE_LISTEN,
	      "up, but still in the accept queue",
	      PLAIN("connect, no accept", FOR_EVER, queued)),
	STATE("FIN_WAIT1", BOTH_SIDES, "our FIN is not acknowledged",
	      PLAIN("the peer never reads: our FIN is stuck behind data", WHILE_SHUT,
		    fin_wait1, .options = SMALL),
	      STRICT("a filter: the peer hears nothing of us", RETRIES,
		     fin_wait1_strict)),
	STATE("FIN_WAIT2", BOTH_SIDES, "our FIN is acknowledged, the peer's is due",
	      PLAIN("we end, the peer does not", WHILE_OPEN, fin_wait2)),
	STATE("CLOSING", BOTH_SIDES, "both have ended, ours is not acknowledged",
	      PLAIN("our FIN is stuck behind data, then the peer ends", WHILE_SHUT,
		    closing, .options = SMALL),
	      STRICT("a filter: FINs cross, the peer hears nothing of us", RETRIES,
		     closing_strict)),
	STATE("TIME_WAIT", BOTH_SIDES,
	      "both have ended, we first: late segments are waited out",
	      PLAIN("we end, then the peer", "60 s, then it is made anew", time_wait)),
	STATE("CLOSE_WAIT", BOTH_SIDES, "the peer has ended, we have not closed",
	      PLAIN("the peer ends, we read it and keep the descriptor", WHILE_OPEN,
		    close_wait)),
	STATE("CLOSE_WAIT-unaccepted", LAB_SIDE_LISTEN,
	      "the peer ended while it waited for accept()",
	      PLAIN("connect, no accept, the peer ends", WHILE_OPEN, queued_ended)),
	STATE("LAST_ACK", BOTH_SIDES,
	      "the peer ended, then we: our FIN is not acknowledged",
	      PLAIN("the peer ends; our FIN is stuck behind data", WHILE_SHUT, last_ack,
		    .options = SMALL),
	      STRICT("a filter: the peer hears nothing of us", RETRIES, last_ack_strict)),
	STATE("CLOSE", LAB_SIDE_CONNECT, "a descriptor without a connection",
	      PLAIN("the peer resets it", "for ever: shown as BOUND_INACTIVE", closed)),
};

const struct lab_recipe *lab_recipes(size_t *n)
{
	*n = ARRAY_SIZE(recipes);
	return recipes;
}

const char *lab_sides_text(unsigned sides)
{
	static const char *const texts[] = { "", "listen", "connect", "listen,connect" };

	return texts[sides & BOTH_SIDES];
}

static bool same_state_name(const char *name, const char *word)
{
	for (; *name && *word; name++, word++) {
		int a = *name == '_' ? '-' : tolower((unsigned char)*name);
		int b = *word == '_' ? '-' : tolower((unsigned char)*word);

		if (a != b)
			return false;
	}
	return *name == *word;
}

static const struct lab_recipe *by_name(const char *word)
{
	uint32_t mask = state_parse(word, strlen(word));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(recipes); i++)
		if (same_state_name(recipes[i].name, word))
			return &recipes[i];
	/* "estab", "fin_wait_1": another word for one state. */
	for (i = 0; i < ARRAY_SIZE(recipes); i++)
		if (mask && state_parse(recipes[i].name, strlen(recipes[i].name)) == mask)
			return &recipes[i];
	return NULL;
}

const struct lab_recipe *lab_find(const char *name, enum lab_side side, struct fault *f)
{
	const struct lab_recipe *r = by_name(name);
	const char *names[ARRAY_SIZE(recipes)], *nearest;
	char shown[64];
	size_t i, n = 0;

	if (r && (r->sides & side))
		return r;
	if (r) {
		fault_say(f, EINVAL, "%s is no state of the end that %ss", r->name,
			  lab_sides_text(side));
		fault_hint(f, "sockctl %s --lab %s", lab_sides_text(r->sides), r->name);
		return NULL;
	}
	for (i = 0; i < ARRAY_SIZE(recipes); i++)
		if (recipes[i].sides & side)
			names[n++] = recipes[i].name;
	nearest = opt_nearest(name, names, n);
	fault_say(f, EINVAL, "--lab: there is no recipe for '%s'",
		  escape_text(shown, sizeof(shown), name, strlen(name)));
	if (nearest)
		fault_hint(f, "did you mean '%s'? '--lab help' lists them", nearest);
	else
		fault_hint(f, "'--lab help' lists them");
	return NULL;
}
