/* Rows of TCP as a dump would have them, and where the rules keep what they say of them.
 */
#pragma once

#include <netinet/in.h>

#include "model/rule/rules.h"
#include "unit/unit.h"

enum { MINUTE_MS = 60000 };

/* Where detect and evidence have what belongs to a rule. */
static inline size_t place_of(const char *id)
{
	const struct rule *const *rules;
	size_t n, i;

	rules = rules_list(&n);
	for (i = 0; i < n; i++)
		if (streq(rules[i]->id, id))
			return i;
	printf("Bail out! no rule %s\n", id);
	exit(1);
}

static inline struct suspects *suspects(struct detect *d, const char *id)
{
	return &d->suspects[place_of(id)];
}

/* The i-th threshold of a rule. */
static inline uint32_t threshold(const char *id, size_t i)
{
	size_t n;

	return rules_list(&n)[place_of(id)]->numbers[i].value;
}

static inline struct addr ip4(uint8_t last, uint16_t port)
{
	struct addr a = { .family = AF_INET, .port = port };
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_addr.s_addr = htonl(0x0a000000u | last);
	in.sin_port = htons(port);
	addr_from_sockaddr(&a, (const struct sockaddr *)&in, sizeof(in));
	return a;
}

static inline struct sock row(enum sock_state state, struct addr local, struct addr peer)
{
	static uint64_t cookie;

	cookie++;
	return (struct sock){ .proto = PROTO_TCP,
			      .family = local.family,
			      .state = (uint8_t)state,
			      .local = local,
			      .peer = peer,
			      .inode = (uint32_t)cookie + 1000,
			      .cookie = cookie,
			      .has = SOCK_IS_FULL | SOCK_HAS_QUEUES | SOCK_HAS_LIMIT };
}

static inline void begin(struct detect *d)
{
	*d = (struct detect){ .draw = { .lo = 32768, .hi = 60999 } };
	rules_begin(d);
}

/* The same of a dual-stack socket. */
static inline struct addr mapped(struct addr a)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = htons(a.port) };

	in.sin6_addr.s6_addr[10] = in.sin6_addr.s6_addr[11] = 0xff;
	memcpy(in.sin6_addr.s6_addr + 12, a.ip, 4);
	addr_from_sockaddr(&a, (const struct sockaddr *)&in, sizeof(in));
	return a;
}

/* What the rules find, by id; NULL ends. */
static inline void check_found(const struct detect *d, const struct evidence *e,
			       const char *want, enum severity severity)
{
	struct findings fs = { 0 };

	rules_judge(d, e, &fs);
	CHECK_INT(fs.n, want ? 1 : 0);
	if (fs.n && want) {
		CHECK_STR(fs.v[0]->rule->id, want);
		CHECK_INT(fs.v[0]->severity, severity);
	}
	findings_free(&fs);
}

/* A figure of the only finding; -1 if it is not known. */
static inline int64_t figure(const struct detect *d, const struct evidence *e,
			     const char *key)
{
	struct findings fs = { 0 };
	int64_t value = -1;
	size_t i;

	rules_judge(d, e, &fs);
	CHECK_INT(fs.n, 1);
	for (i = 0; fs.n && i < fs.v[0]->n_figures; i++)
		if (streq(fs.v[0]->figures[i].key, key) && fs.v[0]->figures[i].known)
			value = (int64_t)fs.v[0]->figures[i].value;
	findings_free(&fs);
	return value;
}
