/* Answers of name servers, names that are asked for, lines of resolv.conf and
 * nsswitch.conf. */
#include "net/socket/dns.h"

#include <string.h>

#include "fuzz.h"
#include "net/socket/resolv_conf.h"

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
	uint8_t query[DNS_QUERY_MAX], query6[DNS_QUERY_MAX];
	uint8_t *answer = exact_copy(data, size);
	size_t len = dns_query(query, name, AF_INET);
	size_t len6;
	int r;

	r = dns_rcode(answer, size, query, len);
	HOLDS(r >= -1 && r <= 15);
	HOLDS(r < 0 || (size >= 12 && (answer[3] & 15) == r && (answer[2] & 0x80)));
	HOLDS(r || size >= len);
	HOLDS(r < 0 || dns_is_cut(answer) == !!(answer[2] & 2));
	/* An answer to one question is none to the other. */
	len6 = dns_query(query6, name, AF_INET6);
	HOLDS(len6 == len && (r < 0 || dns_rcode(answer, size, query6, len6) == -1));
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
	struct resolv_conf conf = { 0 };
	struct addr a = { 0 };
	bool has_dns;
	char *text;
	size_t len;

	check_answer(data, size);
	text = exact_text(data, size);
	len = dns_query(query, text, AF_INET6);
	if (len) {
		check_query(query, len);
		HOLDS(dns_offer_edns(query, len) <= DNS_QUERY_MAX);
	}
	resolv_conf_line(&conf, text);
	HOLDS(conf.n <= 1 && conf.timeout_s <= 30 &&
	      strnlen(conf.search, sizeof(conf.search)) < sizeof(conf.search));
	nsswitch_line_is_hosts(text, &has_dns);
	if (dns_server(text, &a))
		HOLDS((a.family == AF_INET || a.family == AF_INET6) && !a.port);
	free(text);
	return 0;
}
