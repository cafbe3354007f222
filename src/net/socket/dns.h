/* Messages of the DNS (RFC 1035, 4), as far as telling what a server says of a name needs
 * them. Nothing is sent or received here. */
#pragma once

#include "model/addr.h"

enum { DNS_QUERY_MAX = 512, DNS_ANSWER_MAX = 1232 };

/* A question for the addresses of name of a family, AF_INET or AF_INET6; its length, 0 if
 * it is no name of the DNS. */
size_t dns_query(uint8_t query[DNS_QUERY_MAX], const char *name, int family);
/* The length of the same, len bytes, once it offers to take longer answers (EDNS0). */
size_t dns_offer_edns(uint8_t query[DNS_QUERY_MAX], size_t len);

/* The RCODE of an answer to this query, 0 to 15; -1 if it is none. query_len: without
 * EDNS0. */
int dns_rcode(const uint8_t *answer, size_t len, const uint8_t *query, size_t query_len);
/* Whether an answer with an RCODE is only the begin of one: the rest comes over TCP. */
bool dns_is_cut(const uint8_t *answer);

/* A line of resolv.conf(5): the address of a server, port 0. False if it names none. */
bool dns_server(const char *line, struct addr *a);
