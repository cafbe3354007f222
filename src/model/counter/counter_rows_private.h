/* The rows, a table for each group of protocols. */
#pragma once

#include "base/util.h"
#include "model/counter/counter_row.h"

struct counter_rows {
	const struct counter_row *v;
	size_t n;
};

extern const struct counter_rows counter_rows_ip, counter_rows_icmp, counter_rows_udp,
	counter_rows_tcp, counter_rows_tcp_ext, counter_rows_mptcp;

/* clang-format off */
#define OF(t, n) .id = t n, .table = t, .name = n
#define OF6(n)   .id = n, .table = "snmp6", .name = n
#define NONE     .healthy = { HEALTHY_NONE, 0, NULL, NULL, 0 }
#define PER_SECOND(n) .healthy = { HEALTHY_PER_SECOND, n, NULL, NULL, 0 }
#define PERCENT(n, t, name, least) .healthy = { HEALTHY_PERCENT, n, t, name, least }
#define ROWS(name, rows) const struct counter_rows name = { rows, ARRAY_SIZE(rows) }
/* clang-format on */
