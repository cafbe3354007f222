#include "model/icmp.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

struct icmp_row {
	uint8_t family, type, code;
	enum outcome outcome;
	const char *name;
};

static const struct icmp_row icmp_rows[] = {
	{ AF_INET, 3, 0, OUTCOME_UNREACHABLE, "network unreachable" },
	{ AF_INET, 3, 1, OUTCOME_UNREACHABLE, "host unreachable" },
	{ AF_INET, 3, 2, OUTCOME_REFUSED_ICMP, "protocol unreachable" },
	{ AF_INET, 3, 3, OUTCOME_REFUSED_ICMP, "port unreachable" },
	{ AF_INET, 3, 4, OUTCOME_UNREACHABLE, "fragmentation needed" },
	{ AF_INET, 3, 5, OUTCOME_UNREACHABLE, "source route failed" },
	{ AF_INET, 3, 6, OUTCOME_UNREACHABLE, "network unknown" },
	{ AF_INET, 3, 7, OUTCOME_UNREACHABLE, "host unknown" },
	{ AF_INET, 3, 9, OUTCOME_REJECTED, "network prohibited" },
	{ AF_INET, 3, 10, OUTCOME_REJECTED, "host prohibited" },
	{ AF_INET, 3, 11, OUTCOME_UNREACHABLE, "network unreachable for this service" },
	{ AF_INET, 3, 12, OUTCOME_UNREACHABLE, "host unreachable for this service" },
	{ AF_INET, 3, 13, OUTCOME_REJECTED, "administratively prohibited" },
	{ AF_INET, 11, 0, OUTCOME_UNREACHABLE, "time to live exceeded" },
	{ AF_INET, 12, 0, OUTCOME_UNREACHABLE, "parameter problem" },
	{ AF_INET6, 1, 0, OUTCOME_UNREACHABLE, "no route" },
	{ AF_INET6, 1, 1, OUTCOME_REJECTED, "administratively prohibited" },
	{ AF_INET6, 1, 2, OUTCOME_UNREACHABLE, "beyond scope of source address" },
	{ AF_INET6, 1, 3, OUTCOME_UNREACHABLE, "address unreachable" },
	{ AF_INET6, 1, 4, OUTCOME_REFUSED_ICMP, "port unreachable" },
	{ AF_INET6, 1, 5, OUTCOME_REJECTED, "source address failed policy" },
	{ AF_INET6, 1, 6, OUTCOME_REJECTED, "reject route" },
	{ AF_INET6, 3, 0, OUTCOME_UNREACHABLE, "hop limit exceeded" },
	{ AF_INET6, 4, 0, OUTCOME_UNREACHABLE, "parameter problem" },
	{ AF_INET6, 4, 1, OUTCOME_REFUSED_ICMP, "next header not recognised" },
};

static const struct icmp_row *icmp_row(const struct icmp_error *icmp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(icmp_rows); i++)
		if (icmp_rows[i].family == icmp->family &&
		    icmp_rows[i].type == icmp->type && icmp_rows[i].code == icmp->code)
			return &icmp_rows[i];
	return NULL;
}

const char *icmp_name(const struct icmp_error *icmp)
{
	const struct icmp_row *row = icmp_row(icmp);

	return row ? row->name : NULL;
}

enum outcome icmp_outcome(const struct icmp_error *icmp)
{
	const struct icmp_row *row = icmp_row(icmp);

	return row ? row->outcome : OUTCOME_UNREACHABLE;
}

void icmp_find_own(struct icmp_error *icmp, const struct addr *local,
		   const struct addr *peer)
{
	struct addr a = addr_unmapped(local);

	/* 0.0.0.0 and :: lead to this host, too. */
	icmp->own = icmp->family && addr_same_ip(&a, &icmp->from) &&
		    !addr_same_ip(&a, peer) && !addr_is_any(peer);
}

bool icmp_says_no_host(const struct icmp_error *icmp)
{
	return icmp->own &&
	       (icmp->family == AF_INET ? icmp->type == 3 && icmp->code == 1
					: icmp->type == 1 && icmp->code == 3);
}

void icmp_put(struct buf *b, const struct icmp_error *icmp)
{
	const char *name = icmp_name(icmp);

	buf_printf(b, "%s %s (%u/%u) from ", icmp->family == AF_INET ? "ICMP" : "ICMPv6",
		   name ? name : "error", icmp->type, icmp->code);
	addr_put_ip(b, &icmp->from);
}

void icmp_put_own(struct buf *b, const struct icmp_error *icmp)
{
	buf_puts(b, "this host's own firewall rejects it: ");
	icmp_put(b, icmp);
}

bool icmp_is_used_up(const struct icmp_error *icmp)
{
	return icmp->code == 0 &&
	       ((icmp->family == AF_INET && icmp->type == ICMP_TIME_EXCEEDED) ||
		(icmp->family == AF_INET6 && icmp->type == ICMP6_TIME_EXCEEDED));
}

/* No way in the Internet is nearly as long as the TTL that hosts begin with. */
void icmp_put_used_up(struct buf *b, const struct icmp_error *icmp)
{
	enum { LOOP_TTL = 60 };

	if (icmp->sent_ttl)
		buf_printf(b, "; the TTL of %u was used up on the way%s", icmp->sent_ttl,
			   icmp->sent_ttl >= LOOP_TTL
				   ? ": a routing loop ('probe --hops' shows the routers)"
				   : "");
}

bool icmp_passes(const struct icmp_error *icmp)
{
	uint8_t code = icmp->code;

	if (icmp->family == AF_INET)
		return icmp->type == ICMP_TIME_EXCEEDED ||
		       (icmp->type == ICMP_DEST_UNREACH &&
			(code == ICMP_NET_UNREACH || code == ICMP_HOST_UNREACH ||
			 code == ICMP_SR_FAILED || code == ICMP_NET_UNR_TOS ||
			 code == ICMP_HOST_UNR_TOS));
	return icmp->type == ICMP6_TIME_EXCEEDED ||
	       (icmp->type == ICMP6_DST_UNREACH &&
		(code == ICMP6_DST_UNREACH_NOROUTE ||
		 code == ICMP6_DST_UNREACH_BEYONDSCOPE ||
		 code == ICMP6_DST_UNREACH_ADDR));
}
