/* What this protocol, or a client that measures, cannot do. */
#pragma once

#include "cmd/endpoint/role.h"

/* Who refuses an option: see struct exclusion. */
enum endpoint_mark {
	MARK_LISTEN_DATAGRAMS = BIT(0),
	MARK_CONNECT_DATAGRAMS = BIT(1),
	MARK_ECHO_DATAGRAMS = BIT(2),
	MARK_ECHO_CLIENT = BIT(3),    /* of any protocol */
	MARK_ECHO_THREADS = BIT(4),   /* of connections */
	MARK_LISTEN_COMMAND = BIT(5), /* --exec and --sh, of connections */
	MARK_ECHO_SERVER = BIT(6),    /* of any protocol */
	MARK_RECV_ONLY = BIT(7),
	MARK_MUTE = BIT(8),
	MARK_HTTP = BIT(9),
	MARK_RELAY = BIT(10),  /* --to */
	MARK_NO_IP = BIT(11),  /* unix sockets, vsock */
	MARK_STREAM = BIT(12), /* bytes without an end of each */
	MARK_SERVER_DATAGRAMS = MARK_LISTEN_DATAGRAMS | MARK_ECHO_DATAGRAMS,
	MARK_ALL_DATAGRAMS = MARK_SERVER_DATAGRAMS | MARK_CONNECT_DATAGRAMS,
};

/* 0 or -EINVAL with a fault. */
int endpoint_check(const struct endpoint_role *role, const struct endpoint_config *c,
		   enum target_proto proto, struct fault *f);
