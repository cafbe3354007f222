#include "model/names.h"

#define WORD(w)                  \
	{                        \
		w, sizeof(w) - 1 \
	}

const struct state_word state_words_padded[STATE_COUNT] = {
	[0] = WORD("UNKNOWN"),
	[STATE_ESTABLISHED] = WORD("ESTABLISHED"),
	[STATE_SYN_SENT] = WORD("SYN_SENT"),
	[STATE_SYN_RECV] = WORD("SYN_RECV"),
	[STATE_FIN_WAIT1] = WORD("FIN_WAIT1"),
	[STATE_FIN_WAIT2] = WORD("FIN_WAIT2"),
	[STATE_TIME_WAIT] = WORD("TIME_WAIT"),
	[STATE_CLOSE] = WORD("CLOSE"),
	[STATE_CLOSE_WAIT] = WORD("CLOSE_WAIT"),
	[STATE_LAST_ACK] = WORD("LAST_ACK"),
	[STATE_LISTEN] = WORD("LISTEN"),
	[STATE_CLOSING] = WORD("CLOSING"),
	[STATE_NEW_SYN_RECV] = WORD("SYN_RECV"),
	[STATE_BOUND_INACTIVE] = WORD("BOUND_INACTIVE"),
};

static const char *const words[] = {
	"established", "syn_sent",  "syn_recv",	    "fin_wait1",
	"fin_wait2",   "time_wait", "close",	    "close_wait",
	"last_ack",    "listen",    "closing",	    "bound_inactive",
	"estab",       "unconn",    "closed",	    "bound",
	"all",	       "connected", "synchronized", "bucket",
	"big",	       "listening", "fin_wait_1",   "fin_wait_2",
	"unconnected",
};

static const uint32_t word_states[] = {
	1 << STATE_ESTABLISHED,
	1 << STATE_SYN_SENT,
	STATES_SYN_RECV,
	1 << STATE_FIN_WAIT1,
	1 << STATE_FIN_WAIT2,
	1 << STATE_TIME_WAIT,
	1 << STATE_CLOSE,
	1 << STATE_CLOSE_WAIT,
	1 << STATE_LAST_ACK,
	1 << STATE_LISTEN,
	1 << STATE_CLOSING,
	1 << STATE_BOUND_INACTIVE,
	1 << STATE_ESTABLISHED,
	1 << STATE_CLOSE,
	1 << STATE_CLOSE,
	1 << STATE_BOUND_INACTIVE,
	STATES_ALL,
	STATES_CONNECTED,
	STATES_SYNCHRONIZED,
	STATES_BUCKET,
	STATES_DEFAULT & ~STATES_BUCKET,
	1 << STATE_LISTEN,
	1 << STATE_FIN_WAIT1,
	1 << STATE_FIN_WAIT2,
	1 << STATE_CLOSE,
};

_Static_assert(ARRAY_SIZE(words) == ARRAY_SIZE(word_states), "one mask a word");

const char *state_name(unsigned state)
{
	return state_words_padded[state < STATE_COUNT ? state : 0].text;
}

const char *state_shown(unsigned proto, unsigned state)
{
	return state == STATE_CLOSE && proto != PROTO_TCP ? "UNCONN" : state_name(state);
}

const char *sock_state_text(const struct sock *s)
{
	return state_shown(s->proto, s->state);
}

static bool same_word(const char *name, const char *word, size_t len)
{
	size_t i;

	if (strlen(name) != len)
		return false;
	for (i = 0; i < len; i++) {
		char c = word[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		else if (c == '-')
			c = '_';
		if (c != name[i])
			return false;
	}
	return true;
}

uint32_t state_parse(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (same_word(words[i], word, len))
			return word_states[i];
	return 0;
}

const char *const *state_words(size_t *n)
{
	*n = ARRAY_SIZE(words);
	return words;
}

const char *proto_name(unsigned proto)
{
	static const char *const names[PROTO_COUNT] = {
		[PROTO_TCP] = "tcp",
		[PROTO_UDP] = "udp",
		[PROTO_UNIX_STREAM] = "unix",
		[PROTO_UNIX_DGRAM] = "unix-dgram",
		[PROTO_UNIX_SEQPACKET] = "unix-seqpacket",
	};

	return proto < PROTO_COUNT ? names[proto] : "unknown";
}

const char *family_name(unsigned family)
{
	switch (family) {
	case AF_INET:
		return "inet";
	case AF_INET6:
		return "inet6";
	case AF_UNIX:
		return "unix";
	default:
		return "unknown";
	}
}

const char *timer_name(unsigned timer)
{
	static const char *const names[] = { [TIMER_NONE] = "none",
					     [TIMER_RETRANSMIT] = "retransmit",
					     [TIMER_KEEPALIVE] = "keepalive",
					     [TIMER_REMNANT] = "timewait",
					     [TIMER_WINDOW_PROBE] = "probe" };

	return timer < ARRAY_SIZE(names) ? names[timer] : "unknown";
}

const char *ca_state_name(unsigned ca)
{
	static const char *const names[] = { "open", "disorder", "cwr", "recovery",
					     "loss" };

	return ca < ARRAY_SIZE(names) ? names[ca] : "unknown";
}

const char *shutdown_name(unsigned directions)
{
	static const char *const names[] = { "none", "recv", "send", "both" };

	return directions < ARRAY_SIZE(names) ? names[directions] : "unknown";
}

static const char *name_from(const char *const *names, size_t n, unsigned first,
			     unsigned code)
{
	return code >= first && code - first < n ? names[code - first] : "unknown";
}

/* The codes of the IANA registry. */
const char *tls_cipher_name(unsigned cipher)
{
	static const char *const names[] = { "aes-gcm-128",  "aes-gcm-256",
					     "aes-ccm-128",  "chacha20-poly1305",
					     "sm4-gcm",	     "sm4-ccm",
					     "aria-gcm-128", "aria-gcm-256" };

	return name_from(names, ARRAY_SIZE(names), TLS_CIPHER_FIRST, cipher);
}

const char *tls_worker_name(unsigned worker)
{
	static const char *const names[] = { "none", "software", "device",
					     "device-record" };

	return name_from(names, ARRAY_SIZE(names), TLS_WORKER_FIRST, worker);
}

const char *tls_version_name(unsigned minor)
{
	static const char *const names[] = { "1.0", "1.1", "1.2", "1.3" };

	return name_from(names, ARRAY_SIZE(names), TLS_VERSION_FIRST, minor);
}
