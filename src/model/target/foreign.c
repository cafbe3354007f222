/* Addresses as socat spells them, which are taken for names of hosts otherwise. */
#include <errno.h>
#include <string.h>

#include "model/target/target_private.h"

enum foreign_rest {
	REST,	   /* any text */
	HOST_PORT, /* two parts; "TCP:80" is the port of a host called TCP */
	NO_REST,   /* it is a word of its own */
};

struct foreign {
	const char *word;
	enum foreign_rest rest;
	/* The hint; the rest of the address stands between the two, if there are two. */
	const char *before, *after;
};

const char target_no_tls[] = "sockctl has no TLS: 'openssl s_client -quiet -connect "
			     "HOST:PORT', or 'ncat --ssl HOST PORT'";
const char target_no_proxy[] =
	"sockctl has no proxy client: 'ncat --proxy PROXY:PORT HOST PORT'";
static const char commands[] = "'sockctl listen --exec CMD ADDR' runs a command";
static const char lines[] = "'sockctl listen --sh LINE ADDR' runs a shell command";
static const char both_ends[] = "stdin and stdout are the other end already";

static const struct foreign foreign[] = {
	{ "TCP", HOST_PORT, "write '", "'" },
	{ "TCP4", HOST_PORT, "write 'tcp4:", "'" },
	{ "TCP6", HOST_PORT, "write 'tcp6:", "'" },
	{ "TCP-CONNECT", REST, "write '", "'" },
	{ "TCP4-CONNECT", REST, "write 'tcp4:", "'" },
	{ "TCP6-CONNECT", REST, "write 'tcp6:", "'" },
	{ "TCP-LISTEN", REST, "write 'sockctl listen :", "'" },
	{ "TCP-L", REST, "write 'sockctl listen :", "'" },
	{ "TCP4-LISTEN", REST, "write 'sockctl listen -4 :", "'" },
	{ "TCP6-LISTEN", REST, "write 'sockctl listen -6 :", "'" },
	{ "UDP", HOST_PORT, "write 'udp:", "'" },
	{ "UDP4", HOST_PORT, "write 'udp4:", "'" },
	{ "UDP6", HOST_PORT, "write 'udp6:", "'" },
	{ "UDP-CONNECT", REST, "write 'udp:", "'" },
	{ "UDP-SENDTO", REST, "write 'udp:", "'" },
	{ "UDP-DATAGRAM", REST, "write 'udp:", "'" },
	{ "UDP-LISTEN", REST, "write 'sockctl listen -u :", "'" },
	{ "UDP-RECV", REST, "write 'sockctl listen -u :", "'" },
	{ "UDP-RECVFROM", REST, "write 'sockctl listen -u :", "'" },
	{ "UDP4-LISTEN", REST, "write 'sockctl listen -u4 :", "'" },
	{ "UDP6-LISTEN", REST, "write 'sockctl listen -u6 :", "'" },
	{ "UNIX", REST, "write 'unix:", "'" },
	{ "UNIX-CLIENT", REST, "write 'unix:", "'" },
	{ "UNIX-CONNECT", REST, "write 'unix:", "'" },
	{ "UNIX-LISTEN", REST, "write 'sockctl listen unix:", "'" },
	{ "UNIX-SENDTO", REST, "write 'unix-dgram:", "'" },
	{ "UNIX-RECV", REST, "write 'sockctl listen unix-dgram:", "'" },
	{ "UNIX-RECVFROM", REST, "write 'sockctl listen unix-dgram:", "'" },
	{ "ABSTRACT", REST, "write '@", "'" },
	{ "ABSTRACT-CLIENT", REST, "write '@", "'" },
	{ "ABSTRACT-CONNECT", REST, "write '@", "'" },
	{ "ABSTRACT-LISTEN", REST, "write 'sockctl listen @", "'" },
	{ "VSOCK-CONNECT", REST, "write 'vsock:", "'" },
	{ "VSOCK-LISTEN", REST, "write 'sockctl listen vsock::", "'" },
	{ "FD", REST, "write 'fd:", "'" },
	{ "OPENSSL", HOST_PORT, target_no_tls, NULL },
	{ "OPENSSL-CONNECT", REST, target_no_tls, NULL },
	{ "OPENSSL-LISTEN", REST, target_no_tls, NULL },
	{ "SSL", HOST_PORT, target_no_tls, NULL },
	{ "PROXY", HOST_PORT, target_no_proxy, NULL },
	{ "SOCKS4", HOST_PORT, target_no_proxy, NULL },
	{ "SOCKS4A", HOST_PORT, target_no_proxy, NULL },
	{ "SOCKS5", HOST_PORT, target_no_proxy, NULL },
	{ "EXEC", REST, commands, NULL },
	{ "SYSTEM", REST, lines, NULL },
	{ "SHELL", REST, lines, NULL },
	{ "STDIO", NO_REST, both_ends, NULL },
	{ "STDIN", NO_REST, both_ends, NULL },
	{ "STDOUT", NO_REST, both_ends, NULL },
};

static bool is_form(const struct foreign *f, const char *text, size_t word)
{
	const char *rest = text + word + 1;

	if (f->rest == NO_REST || !text[word])
		return f->rest == NO_REST && !text[word];
	if (f->rest == HOST_PORT)
		return strchr(rest, ':') != NULL;
	/* "UNIX:80": a host may be called so. */
	return *rest &&
	       (strchr(f->word, '-') || strspn(rest, "0123456789") < strlen(rest));
}

static const struct foreign *find(const char *text)
{
	size_t word = strcspn(text, ":"), i;

	for (i = 0; i < ARRAY_SIZE(foreign); i++)
		if (strlen(foreign[i].word) == word &&
		    memcmp(foreign[i].word, text, word) == 0 &&
		    is_form(&foreign[i], text, word))
			return &foreign[i];
	return NULL;
}

bool target_foreign(const char *text, struct fault *f)
{
	const struct foreign *row = find(text);
	const char *rest = text + strcspn(text, ":");
	char shown[120], kept[120];
	size_t len;

	if (!row)
		return false;
	rest += *rest == ':';
	len = strcspn(rest, ",!"); /* options follow a comma */
	fault_say(f, EINVAL, "'%s' is an address for socat",
		  escape_text(shown, sizeof(shown), text, strlen(text)));
	fault_mark(f, text, 0);
	if (row->after)
		fault_hint(f, "%s%s%s%s", row->before,
			   escape_text(kept, sizeof(kept), rest, len), row->after,
			   rest[len] ? "; '-O help' lists the socket options" : "");
	else
		fault_hint(f, "%s", row->before);
	return true;
}
