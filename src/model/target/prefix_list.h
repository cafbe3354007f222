/* Which peers are let in: lists of address prefixes, as on a command line. */
#pragma once

#include "model/addr.h"

struct prefix_list {
	struct addr *v; /* each with its prefix; IPv4 ones never as ::ffff:a.b.c.d */
	size_t n;
};

/* Adds "10.0.0.0/8,::1,..." to the struct prefix_list at list: addresses with or without
 * a length in bits, separated by commas. 0 or -EINVAL with a fault; after an error some
 * of them may have been added. */
int prefix_list_parse(const char *text, void *list, struct fault *f);
void prefix_list_free(struct prefix_list *list);

struct peer_rules {
	struct prefix_list allow; /* empty = all */
	struct prefix_list deny;  /* wins */
};

bool peer_rules_given(const struct peer_rules *rules);
/* Whether this peer is let in. IPv4 prefixes are matched with ::ffff:a.b.c.d as well,
 * IPv6 ones never with such a peer. */
bool peer_rules_admit(const struct peer_rules *rules, const struct addr *peer);
