/* Answers of name servers, names that are asked for, lines of resolv.conf. */
#include "net/socket/dns.h"

#include <string.h>

#include "fuzz.h"

/* Labels of 1 to 63 bytes, the root behind them, type and class: nothing else. */
static void check_query(const uint8_t *query, size_t len)
{
	size_t at = 12;

	HOLDS(len > 12 + 5 && len <= DNS_QUERY_MAX);
	while (at < len && query[at]) {
		HOLDS(query[at] <= 63);
		at += query[at] + 1u;
	}
	HOLDS(at + 5 == len);
	HOLDS(at - 12 + 1 <= 255);
}

static void check_answer(const uint8_t *data, size_t size)
{
	static const char name[] = "ab.example";
	uint8_t query[DNS_QUERY_MAX], *answer = exact_copy(data, size);
	size_t len = dns_query(query, name);
	int r;

	r = dns_rcode(answer, size, query, len);
	HOLDS(r >= -1 && r <= 15);
	HOLDS(r < 0 || (size >= 12 && (answer[3] & 15) == r && (answer[2] & 0x80)));
	HOLDS(r || size >= len);
	/* A query is no answer, whatever it asks. */
	HOLDS(dns_rcode(query, len, query, len) == -1);
	/* The same made one. */
	if (size >= 12) {
		memcpy(answer, query, 2);
		answer[2] = 0x81;
		answer[4] = 0;
		answer[5] = 0;
		r = dns_rcode(answer, size, query, len);
		HOLDS(r == ((answer[3] & 15) ? (answer[3] & 15) : -1));
	}
	free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t query[DNS_QUERY_MAX];
	struct addr a = { 0 };
	char *text;
	size_t len;

	check_answer(data, size);
	text = exact_text(data, size);
	len = dns_query(query, text);
	if (len)
		check_query(query, len);
	if (dns_server(text, &a))
		HOLDS((a.family == AF_INET || a.family == AF_INET6) && !a.port);
	free(text);
	return 0;
}
