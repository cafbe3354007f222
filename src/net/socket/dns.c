#include "net/socket/dns.h"

#include <arpa/nameser.h>

enum {
	LABEL_MAX = 63,
	EDNS_SIZE = 11,
	FLAG_RESPONSE = 0x80, /* of byte 2 */
	FLAG_CUT = 0x02,      /* of byte 2 */
	OPCODE = 0x78,	      /* of byte 2; 0 = QUERY */
	RCODE = 0x0f,	      /* of byte 3 */
};

/* The two questions differ in their number, too: both go over one socket. */
size_t dns_query(uint8_t query[DNS_QUERY_MAX], const char *name, int family)
{
	const uint8_t type = family == AF_INET6 ? ns_t_aaaa : ns_t_a;
	const uint8_t head[NS_HFIXEDSZ] = { 0x53, 0x6a + type, 1, 0, 0, 1 };
	const uint8_t tail[] = { 0, 0, type, 0, ns_c_in };
	size_t n = sizeof(head), len;

	memcpy(query, head, sizeof(head));
	for (; *name; name += len + (name[len] == '.')) {
		len = strcspn(name, ".");
		if (!len || len > LABEL_MAX ||
		    n + len + 1 + sizeof(tail) + EDNS_SIZE > DNS_QUERY_MAX)
			return 0;
		query[n++] = (uint8_t)len;
		memcpy(query + n, name, len);
		n += len;
	}
	if (n == sizeof(head) || n + 1 - sizeof(head) > NS_MAXCDNAME)
		return 0;
	memcpy(query + n, tail, sizeof(tail));
	return n + sizeof(tail);
}

size_t dns_offer_edns(uint8_t query[DNS_QUERY_MAX], size_t len)
{
	/* of the root; its class is the size of an answer that is taken (RFC 6891) */
	static const uint8_t opt[EDNS_SIZE] = { 0, 0, ns_t_opt, DNS_ANSWER_MAX >> 8,
						DNS_ANSWER_MAX & 0xff };

	memcpy(query + len, opt, sizeof(opt));
	query[11] = 1;
	return len + sizeof(opt);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Names are compared without regard to case (RFC 4343). */
static bool same_question(const uint8_t *answer, const uint8_t *query, size_t len)
{
	size_t i;

	for (i = NS_HFIXEDSZ; i < len; i++)
		if (lower(answer[i]) != lower(query[i]))
			return false;
	return true;
}

int dns_rcode(const uint8_t *answer, size_t len, const uint8_t *query, size_t query_len)
{
	bool repeats;

	if (len < NS_HFIXEDSZ || memcmp(answer, query, 2) != 0 ||
	    !(answer[2] & FLAG_RESPONSE) || (answer[2] & OPCODE))
		return -1;
	/* Who could not read the question, or does not know what it is, leaves it out. */
	repeats = answer[4] || answer[5];
	if (repeats ? len < query_len || !same_question(answer, query, query_len)
		    : !(answer[3] & RCODE))
		return -1;
	return answer[3] & RCODE;
}

bool dns_is_cut(const uint8_t *answer)
{
	return answer[2] & FLAG_CUT;
}

bool dns_server(const char *line, struct addr *a)
{
	static const char word[] = "nameserver";
	const char *p = line + strspn(line, " \t");
	size_t blanks;

	if (!has_prefix(p, word))
		return false;
	p += sizeof(word) - 1;
	blanks = strspn(p, " \t");
	p += blanks;
	return blanks && addr_parse_ip(p, strcspn(p, " \t\r\n"), true, a) == 0;
}
