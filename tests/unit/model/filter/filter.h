/* What the tests of the filter share: sockets, and names that are known. */
#pragma once

#include <errno.h>

#include "model/filter/filter.h"
#include "unit/unit.h"

static struct arena arena;

static inline int fake_resolve(void *ctx, const char *name, struct arena *a,
			       struct addr **addrs, size_t *n, struct fault *f)
{
	(void)ctx;
	if (strcmp(name, "two") != 0)
		return fault_say(f, ENOENT, "no such host");
	*addrs = arena_zalloc(a, 2 * sizeof(**addrs));
	*n = 2;
	addr_parse_ip("10.0.0.5", 8, false, &(*addrs)[0]);
	addr_parse_ip("fec0::5", 7, false, &(*addrs)[1]);
	return 0;
}

static inline int fake_cgroup(const char *path, uint64_t *id, struct fault *f)
{
	if (strcmp(path, "/web") != 0)
		return fault_say(f, ENOENT, "no such cgroup");
	*id = 4711;
	return 0;
}

static const struct filter_env env = { .resolve = fake_resolve,
				       .cgroup_id = fake_cgroup,
				       .ephemeral_lo = 32768,
				       .ephemeral_hi = 60999 };

static inline const struct filter_node *parse(const char *text)
{
	struct fault f = FAULT_INIT;
	const struct filter_node *n = NULL;

	if (filter_parse(&arena, text, &env, &n, &f) < 0) {
		printf("# '%s': %s\n", text, f.what);
		return NULL;
	}
	return n;
}

static inline struct sock tcp(const char *local, unsigned lport, const char *peer,
			      unsigned pport, enum sock_state state)
{
	struct sock s = { .proto = PROTO_TCP,
			  .state = (uint8_t)state,
			  .inode = 123,
			  .uid = 33,
			  .has = SOCK_HAS_UID | SOCK_HAS_QUEUES | SOCK_IS_FULL |
				 SOCK_HAS_COOKIE };

	addr_parse_ip(local, strlen(local), false, &s.local);
	addr_parse_ip(peer, strlen(peer), false, &s.peer);
	s.family = s.local.family;
	s.local.port = (uint16_t)lport;
	s.peer.port = (uint16_t)pport;
	return s;
}
