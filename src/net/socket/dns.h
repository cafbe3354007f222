/* Messages of the DNS (RFC 1035, 4), as far as telling what a server says of a name needs
 * them. Nothing is sent or received here. */
#pragma once

#include "model/addr.h"

enum { DNS_QUERY_MAX = 512 };

/* A question for the IPv4 address of name; its length, 0 if it is no name of the DNS. */
size_t dns_query(uint8_t query[DNS_QUERY_MAX], const char *name);

/* The RCODE of an answer to this query, 0 to 15; -1 if it is none. */
int dns_rcode(const uint8_t *answer, size_t len, const uint8_t *query, size_t query_len);

/* A line of resolv.conf(5): the address of a server, port 0. False if it names none. */
bool dns_server(const char *line, struct addr *a);
