/* Where an address is that cannot be bound: not here, or here and not usable. */
#include "model/cause/bind_say.h"

static const char *device_of(const char *device)
{
	return device ? device : "its interface";
}

static void advise_foreign(uint8_t family, struct buf *a)
{
	bool six = family == AF_INET6;

	buf_printf(a,
		   "%s or net.%s.ip_nonlocal_bind lets a server bind an address that "
		   "comes later, as with a failover; nothing reaches it before.",
		   six ? "IPV6_FREEBIND" : "IP_FREEBIND", six ? "ipv6" : "ipv4");
}

void bind_put_place(enum bind_place place, const char *device, struct buf *s)
{
	switch (place) {
	case PLACE_TENTATIVE:
		buf_puts(s, "the address is tentative: duplicate address detection has "
			    "not ended");
		break;
	case PLACE_DOWN:
		buf_puts(s, "the address is tentative: duplicate address detection "
			    "cannot begin, ");
		buf_put_escaped(s, device_of(device), strlen(device_of(device)));
		buf_puts(s, " is down");
		break;
	case PLACE_NO_CARRIER:
		buf_puts(s, "the address is tentative: duplicate address detection "
			    "cannot begin, ");
		buf_put_escaped(s, device_of(device), strlen(device_of(device)));
		buf_puts(s, " has no carrier");
		break;
	case PLACE_DUPLICATE:
		buf_puts(s, "another host has the address too: duplicate address "
			    "detection found it there, so this host does not use it");
		break;
	case PLACE_UNKNOWN:
	case PLACE_LOCAL:
	case PLACE_FOREIGN:
	case PLACE_NO_SCOPE:
		buf_puts(s, "no interface of this network namespace has the address");
		break;
	}
}

bool bind_place_is_unusable(enum bind_place place)
{
	return place > PLACE_LOCAL && place < PLACE_FOREIGN;
}

void bind_put_unusable(const struct addr *a, enum bind_place place, const char *device,
		       struct buf *s)
{
	struct addr ip = addr_unmapped(a);

	ip.port = 0;
	addr_put_ip(s, &ip);
	buf_puts(s, " is an address of this host that cannot be used now: ");
	bind_put_place(place, device, s);
}

void bind_advise_place(enum bind_place place, uint8_t family, struct buf *a)
{
	switch (place) {
	case PLACE_TENTATIVE:
		buf_puts(a,
			 "Wait until it has, a second or two with the usual settings.");
		break;
	case PLACE_DOWN:
		buf_puts(a, "It can be used a second or two after the interface is up.");
		break;
	case PLACE_NO_CARRIER:
		buf_puts(a,
			 "It can be used a second or two after the line is connected.");
		break;
	case PLACE_DUPLICATE:
		buf_puts(a,
			 "Give one of the two hosts another address. If it stays here, "
			 "delete it and add it again once the other host has given it "
			 "up. IPV6_FREEBIND makes a server that nobody can reach.");
		break;
	case PLACE_UNKNOWN:
	case PLACE_LOCAL:
	case PLACE_FOREIGN:
	case PLACE_NO_SCOPE:
		advise_foreign(family, a);
		break;
	}
}

void bind_next_place(enum bind_place place, const char *device, struct advised who,
		     struct buf *b)
{
	if (place == PLACE_DUPLICATE)
		advise(b, ADVICE_DADFAILED, who);
	else if (place == PLACE_TENTATIVE)
		advise(b, ADVICE_TENTATIVE, who);
	else if (place == PLACE_DOWN && device)
		advise(b, ADVICE_LINK_UP, who, device);
	else
		advise(b, ADVICE_ADDRESSES, who);
}
