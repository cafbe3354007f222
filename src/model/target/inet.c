/* Hosts and ports: the addresses of TCP and UDP. */
#include <errno.h>
#include <net/if.h>

#include "base/mem.h"
#include "model/target/target_private.h"

static int parse_port(struct target_parser *p)
{
	int r;

	if (!*p->at) {
		r = target_refuse(p, p->at, "a port is missing after the colon");
		fault_hint(p->f, "write '%.200s80'%s", p->text,
			   p->flags & TARGET_PORT_OF_PEER
				   ? ""
				   : ", or '...:0' to let the kernel choose");
		return r;
	}
	r = target_remark(p, p->at, num_parse_ports(p->at, &p->t->ports, p->f));
	if (r < 0)
		return r;
	if ((p->flags & TARGET_PORT_OF_PEER) && port_set_has(&p->t->ports, 0)) {
		r = target_refuse(p, p->at, "nothing can listen on port 0");
		fault_hint(p->f, "ports are 1 to 65535");
		return r;
	}
	if (!(p->flags & TARGET_PORT_LIST) &&
	    (p->t->ports.n > 1 || p->t->ports.v[0].lo != p->t->ports.v[0].hi)) {
		r = target_refuse(p, p->at, "one port is wanted here, not several");
		fault_hint(p->f, "give the one to use");
		return r;
	}
	p->t->port = p->t->ports.v[0].lo;
	return 0;
}

static int check_family(struct target_parser *p, const char *at)
{
	struct target *t = p->t;

	if ((t->family == AF_INET || t->family == AF_INET6) && t->family != t->ip.family)
		return target_refuse(p, at,
				     t->family == AF_INET
					     ? "IPv4 was asked for, this is IPv6"
					     : "IPv6 was asked for, this is IPv4");
	t->family = t->ip.family;
	t->host = TARGET_HOST_IP;
	return 0;
}

static int refuse_device(struct target_parser *p, const char *at)
{
	target_refuse(p, at, "there is no such interface");
	fault_hint(p->f, "'ip link' lists them");
	return -ENODEV;
}

/* An interface by name or number. */
static int take_device(struct target_parser *p, const char *at, size_t len)
{
	char name[IF_NAMESIZE];
	uint64_t number = 0;

	if (!len || len >= sizeof(name))
		return refuse_device(p, at);
	memcpy(name, at, len);
	name[len] = '\0';
	p->t->ifindex = if_nametoindex(name);
	if (!p->t->ifindex && num_parse_u64(name, INT32_MAX, &number, NULL) == 0)
		p->t->ifindex = (uint32_t)number;
	return p->t->ifindex ? 0 : refuse_device(p, at);
}

/* Of an address that means something on one link only, the interface is a part; any other
 * is one that the socket is bound to. */
static void place_device(struct target *t)
{
	bool link = addr_is_of_link(&t->ip);

	if (link && t->ifindex) {
		t->ip.scope = t->ifindex;
		t->ifindex = 0;
	} else if (!link && t->ip.scope) {
		t->ifindex = t->ip.scope;
		t->ip.scope = 0;
	}
}

int target_take_ip(struct target_parser *p, const char *at, size_t len)
{
	const char *percent = memchr(at, '%', len);
	int r = addr_parse_ip(at, len, false, &p->t->ip);

	if (r == -ENODEV)
		return refuse_device(p, percent ? percent + 1 : at);
	/* IPv4 has no scopes of its own. */
	if (r < 0 && percent &&
	    addr_parse_ip(at, (size_t)(percent - at), false, &p->t->ip) == 0) {
		r = take_device(p, percent + 1, (size_t)(at + len - percent) - 1);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	place_device(p->t);
	return check_family(p, at);
}

static int parse_bracketed(struct target_parser *p)
{
	const char *open = p->at, *close = strchr(open, ']');
	int r;

	if (!close) {
		r = target_refuse(p, open, "the bracket is not closed");
		fault_hint(p->f, "IPv6 with a port looks like [::1]:80");
		return r;
	}
	r = target_take_ip(p, open + 1, (size_t)(close - open - 1));
	if (r < 0 && !(p->f && p->f->err))
		r = target_refuse(p, open + 1, "no IPv6 address stands in the brackets");
	if (r < 0)
		return r;
	p->at = close + 1;
	if (*p->at == '%') {
		size_t len = strcspn(p->at + 1, ":");

		r = take_device(p, p->at + 1, len);
		if (r < 0)
			return r;
		place_device(p->t);
		p->at += 1 + len;
	}
	if (!*p->at && (p->flags & TARGET_PORT_OPTIONAL))
		return 0;
	if (*p->at != ':') {
		r = target_refuse(p, p->at, "a port is missing");
		fault_hint(p->f, "write '%.*s:PORT'", (int)MIN(close + 1 - p->text, 200),
			   p->text);
		return r;
	}
	p->at++;
	return parse_port(p);
}

/* Two colons or more without brackets: where the address ends cannot be told. */
static int refuse_bare_ip6(struct target_parser *p)
{
	size_t word = strspn(p->at, "abcdefghijklmnopqrstuvwxyz-");
	const char *last = strrchr(p->at, ':');
	struct addr ignored;
	int r;

	/* "sctp:host:80"; a word of hexadecimal digits may be an address. */
	if (p->at == p->text && p->at[word] == ':' && strspn(p->at, "abcdef") < word) {
		r = target_refuse(p, p->at, "no protocol has this name here");
		fault_hint(p->f, "the protocols are tcp, udp, unix, mptcp, vsock");
		return r;
	}
	r = target_refuse(p, p->at, "an IPv6 address wants brackets before its port");

	if (last > p->at && last[1] &&
	    strspn(last + 1, "0123456789") == strlen(last + 1) &&
	    addr_parse_ip(p->at, (size_t)(last - p->at), false, &ignored) == 0)
		fault_hint(p->f, "write '%.*s[%.*s]%s'", (int)(p->at - p->text), p->text,
			   (int)MIN(last - p->at, 100), p->at, last);
	else if (addr_parse_ip(p->at, strlen(p->at), false, &ignored) == 0)
		fault_hint(p->f, "write '%.*s[%.100s]:PORT'", (int)(p->at - p->text),
			   p->text, p->at);
	else
		fault_hint(p->f, "IPv6 with a port looks like [::1]:80");
	return r;
}

static int refuse_portless(struct target_parser *p, size_t len)
{
	bool digits = len && strspn(p->at, "0123456789") == len;
	int prefix = (int)(p->at - p->text), r;

	r = target_refuse(p, p->at + len,
			  digits ? "is it a port? then a colon is missing"
				 : "a port is missing");
	if (digits)
		fault_hint(p->f, "write '%.*s:%.100s'", prefix, p->text, p->at);
	else
		fault_hint(p->f, "write '%.*s%.*s:PORT', or './%.*s' for a unix socket",
			   prefix, p->text, (int)MIN(len, (size_t)100), p->at,
			   (int)MIN(len, (size_t)60), p->at);
	return r;
}

static int check_name(struct target_parser *p, size_t len)
{
	size_t good = 0;

	/* Letters of any script may stand in a name; blanks and delimiters may not. */
	while (good < len && ((unsigned char)p->at[good] > ' ') &&
	       !strchr("/?#@[]\\\"'<>()", p->at[good]) && p->at[good] != 0x7f)
		good++;
	if (good < len)
		return target_refuse(p, p->at + good,
				     "a host name has no such character");
	return 0;
}

int target_take_host(struct target_parser *p, size_t len)
{
	struct target *t = p->t;
	int r;

	if (len == 0)
		return 0;
	if (len == 1 && *p->at == '*') {
		t->host = TARGET_HOST_ANY;
		return 0;
	}
	if (len > 1 && has_prefix(p->at, "*%")) {
		t->host = TARGET_HOST_ANY;
		return take_device(p, p->at + 2, len - 2);
	}
	r = target_take_ip(p, p->at, len);
	if (r == 0 || (p->f && p->f->err))
		return r;
	r = check_name(p, len);
	if (r < 0)
		return r;
	/* "1.2.3" and "300.1.1.1" are no names: the resolver would read them as
	 * something else. */
	if (strspn(p->at, "0123456789.") == len)
		return target_refuse(p, p->at, "neither an IPv4 address nor a name");
	t->host = TARGET_HOST_NAME;
	t->name = xstrndup(p->at, len);
	return 0;
}

int target_parse_inet(struct target_parser *p)
{
	size_t len = strcspn(p->at, ":"), blank = strcspn(p->at, " \t");
	int r;

	if (*p->at == '[')
		return parse_bracketed(p);
	if (p->at[blank] && p->at[blank + 1]) {
		r = target_refuse(p, p->at + blank, "there is a blank in it");
		fault_hint(p->f, "write '%.*s:%.60s'", (int)MIN(blank, (size_t)100),
			   p->at, p->at + blank + 1);
		return r;
	}
	if (p->at[len] && strchr(p->at + len + 1, ':')) {
		if (!(p->flags & TARGET_PORT_OPTIONAL) ||
		    addr_parse_ip(p->at, strlen(p->at), false, &p->t->ip) < 0)
			return refuse_bare_ip6(p);
		return target_take_ip(p, p->at, strlen(p->at));
	}
	if (!p->at[len] && (!(p->flags & TARGET_PORT_OPTIONAL) || !len))
		return refuse_portless(p, len);
	r = target_take_host(p, len);
	if (r < 0 || !p->at[len])
		return r;
	p->at += len + 1;
	return parse_port(p);
}
