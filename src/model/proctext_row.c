/* The tables of sockets below /proc/net. */
#include <stdio.h>

#include "model/proctext.h"

/* Words of hexadecimal digits, exactly so many. */
static bool take_hex(const char **p, int digits, uint32_t *value)
{
	uint32_t v = 0;
	int i;

	for (i = 0; i < digits; i++, ++*p) {
		char c = **p;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (uint32_t)(c - 'A' + 10);
		else
			return false;
	}
	*value = v;
	return true;
}

/* IPv4 is one, IPv6 four 32-bit words, each in host byte order. */
static bool read_addr(const char *text, struct addr *a)
{
	size_t words = strcspn(text, ":") / 8, i;
	uint32_t word, port;

	*a = (struct addr){ .family = words == 1 ? AF_INET : AF_INET6 };
	if (words != 1 && words != 4)
		return false;
	for (i = 0; i < words; i++) {
		if (!take_hex(&text, 8, &word))
			return false;
		memcpy(a->ip + 4 * i, &word, 4);
	}
	if (*text++ != ':' || !take_hex(&text, 4, &port) || *text)
		return false;
	a->port = (uint16_t)port;
	return true;
}

/*   sl  local rem st tx:rx tr:when retrnsmt uid timeout inode ... */
bool proctext_inet_row(const char *line, uint8_t proto, struct sock *s)
{
	unsigned state, tx, rx, timer, when, retrans, uid, inode;
	char local[64], peer[64];
	int at = 0;

	if (sscanf(line, " %*[0-9]: %63s %63s %X %X:%X %X:%X %X %u %*u %u%n", local, peer,
		   &state, &tx, &rx, &timer, &when, &retrans, &uid, &inode, &at) != 10)
		return false;
	*s = (struct sock){
		.proto = proto,
		.state = (uint8_t)(state == STATE_NEW_SYN_RECV ? STATE_SYN_RECV : state),
		.recv_queue = rx,
		.send_queue = tx,
		.timer = (uint8_t)timer,
		/* clock ticks of 1/100 s */
		.expires_ms = when <= UINT32_MAX / 10 ? when * 10 : UINT32_MAX,
		.retrans = (uint8_t)MIN(retrans, (unsigned)UINT8_MAX),
		.uid = uid,
		.inode = inode,
		.has = SOCK_HAS_TIMER
	};
	if (!state || state >= STATE_COUNT || timer > UINT8_MAX ||
	    !read_addr(local, &s->local) || !read_addr(peer, &s->peer) ||
	    s->local.family != s->peer.family)
		return false;
	s->family = s->local.family;
	if (s->state != STATE_TIME_WAIT && !(s->state == STATE_SYN_RECV && !inode))
		s->has |= SOCK_HAS_UID | SOCK_HAS_QUEUES | SOCK_IS_FULL;
	/* ... ref pointer drops */
	if (proto == PROTO_UDP && sscanf(line + at, " %*u %*X %u", &s->drops) == 1)
		s->has |= SOCK_HAS_DROPS;
	return true;
}

/* Num: RefCount Protocol Flags Type St Inode Path */
bool proctext_unix_row(const char *line, struct sock *s)
{
	enum { ACCEPTS = 0x10000, CONNECTED = 3 };
	unsigned flags, type, state, inode;
	const char *name;
	int at = 0;

	if (sscanf(line, " %*[0-9a-fA-F]: %*X %*X %X %X %X %u%n", &flags, &type, &state,
		   &inode, &at) != 4 ||
	    !at)
		return false;
	*s = (struct sock){ .family = AF_UNIX, .inode = inode, .has = SOCK_IS_FULL };
	s->proto = type == SOCK_DGRAM	    ? PROTO_UNIX_DGRAM
		   : type == SOCK_SEQPACKET ? PROTO_UNIX_SEQPACKET
					    : PROTO_UNIX_STREAM;
	s->state = flags & ACCEPTS	? STATE_LISTEN
		   : state == CONNECTED ? STATE_ESTABLISHED
					: STATE_CLOSE;
	/* One blank, the rest is the name: it may begin with blanks of its own. */
	name = line + at;
	if (*name == ' ' && name[1] != '\n' && name[1])
		s->path = (struct blob){ name + 1, (uint32_t)strcspn(name + 1, "\n") };
	return *name == ' ' || *name == '\n' || !*name;
}
