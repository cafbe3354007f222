/* What a server says of a name, out of the bytes that it sends. */
#include "net/socket/dns.h"

#include "base/mem.h"
#include "unit/unit.h"

static int rcode(const char *name, const char *answer, size_t len)
{
	uint8_t query[DNS_QUERY_MAX], *copy;
	size_t n = dns_query(query, name, AF_INET);
	int r;

	CHECK(n);
	/* A block of exactly this size, so that a byte too far is found. */
	copy = xmalloc(len);
	memcpy(copy, answer, len);
	r = dns_rcode(copy, len, query, n);
	free(copy);
	return r;
}

#define RCODE(answer)  rcode("ab.c", (answer), sizeof(answer) - 1)
#define REST	       "\0\0\0\0\0\0"
#define QUESTION(name) "\0\1" REST name "\0\0\1\0\1"
#define REPEATED       QUESTION("\2ab\1c")

static void answers(void)
{
	CHECK_INT(RCODE("Sk\x81\x83" REPEATED), 3);
	CHECK_INT(RCODE("Sk\x81\x80" REPEATED), 0);
	CHECK_INT(RCODE("Sk\x81\x82" REPEATED "\xc0\x0c\0\1"), 2);
	CHECK_INT(RCODE("Sk\x81\x83" QUESTION("\2aB\1C")), 3);
	/* FORMERR and NOTIMP leave the question out. */
	CHECK_INT(RCODE("Sk\x81\x81\0\0" REST), 1);
	CHECK_INT(RCODE("Sk\x81\x84\0\0" REST), 4);
}

static void no_answers(void)
{
	static const char whole[] = "Sk\x81\x83" REPEATED;
	size_t n;

	CHECK_INT(RCODE("Sk\x81\x80\0\0" REST), -1); /* of which question? */
	CHECK_INT(RCODE("Sl\x81\x83" REPEATED), -1);
	CHECK_INT(RCODE("Sk\x01\x03" REPEATED), -1); /* a question itself */
	CHECK_INT(RCODE("Sk\xa9\x83" REPEATED), -1); /* of another kind */
	CHECK_INT(RCODE("Sk\x81\x83" QUESTION("\2ac\1c")), -1);
	CHECK_INT(RCODE("Sk\x81\x83" QUESTION("\1x\2yz")), -1);
	for (n = 0; n < sizeof(whole) - 1; n++)
		CHECK_INT(rcode("ab.c", whole, n), -1);
}

static void cut_answers(void)
{
	CHECK(dns_is_cut((const uint8_t *)"Sk\x83\x80" REPEATED));
	CHECK(!dns_is_cut((const uint8_t *)"Sk\x81\x80" REPEATED));
	/* It still belongs to its question. */
	CHECK_INT(RCODE("Sk\x83\x80" REPEATED), 0);
}

static size_t query_of(size_t labels, size_t each)
{
	uint8_t query[DNS_QUERY_MAX];
	char name[1024] = "";
	size_t n = 0, i;

	for (i = 0; i < labels; i++) {
		memset(name + n, 'a', each);
		n += each;
		name[n++] = '.';
	}
	name[n] = '\0';
	return dns_query(query, name, AF_INET);
}

static void queries(void)
{
	uint8_t query[DNS_QUERY_MAX], other[DNS_QUERY_MAX];

	CHECK_INT(dns_query(query, "ab.c", AF_INET), 12 + 3 + 2 + 5);
	CHECK_INT(dns_query(query, "ab.c.", AF_INET), 12 + 3 + 2 + 5);
	/* The other family: another type, another number, the same question beside that.
	 */
	dns_query(query, "ab.c", AF_INET);
	CHECK_INT(dns_query(other, "ab.c", AF_INET6), 12 + 3 + 2 + 5);
	CHECK(memcmp(query, other, 2) != 0);
	CHECK(memcmp(query + 2, other + 2, 16) == 0);
	CHECK_INT(query[19], 1);
	CHECK_INT(other[19], 28);
	/* EDNS0 stands behind the question, and is counted in the head. */
	CHECK_INT(dns_offer_edns(other, 22), 33);
	CHECK(memcmp(other + 22, "\0\0\51\4\320\0\0\0\0\0\0", 11) == 0);
	CHECK_INT(other[11], 1);
	CHECK_INT(dns_query(query, "", AF_INET), 0);
	CHECK_INT(dns_query(query, ".", AF_INET), 0);
	CHECK_INT(dns_query(query, "a..b", AF_INET), 0);
	CHECK_INT(dns_query(query, ".a", AF_INET), 0);
	CHECK(query_of(1, 63));
	CHECK(!query_of(1, 64));
	/* 255 bytes with the length bytes and that of the root, RFC 1035, 2.3.4 */
	CHECK(query_of(127, 1));
	CHECK(!query_of(128, 1));
	CHECK(!query_of(4, 63));
	CHECK(!query_of(8, 63));
}

static void servers(void)
{
	struct addr a = { 0 };

	CHECK(dns_server("nameserver 10.0.0.1\n", &a));
	CHECK_INT(a.family, AF_INET);
	CHECK(dns_server(" nameserver\tfe80::1%1 # x\n", &a));
	CHECK_INT(a.scope, 1);
	CHECK(!dns_server("nameserver10.0.0.1\n", &a));
	CHECK(!dns_server("nameserver\n", &a));
	CHECK(!dns_server("nameserver x\n", &a));
	CHECK(!dns_server("#nameserver 10.0.0.1\n", &a));
	CHECK(!dns_server("", &a));
}

int main(void)
{
	RUN(answers, "an answer says how the question went");
	RUN(no_answers, "what is cut, of others or another question is no answer");
	RUN(cut_answers, "an answer that is cut says so");
	RUN(queries, "a question is of a name of the DNS, or there is none");
	RUN(servers, "lines of resolv.conf");
	return unit_done();
}
