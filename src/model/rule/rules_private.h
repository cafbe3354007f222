/* Every rule: a new one is a name here, and its row in the file of its theme. */
#pragma once

#include "model/finding/rule.h"

/* clang-format off */
#define COUNT(n)   { NUMBER_COUNT, n }
#define PERCENT(n) { NUMBER_PERCENT, n }
#define MS(n)      { NUMBER_MS, n }
/* clang-format on */

/* A finding that another one covers comes after it. */
#define RULES(X)                 \
	X(accept_queue_full)     \
	X(accept_queue_filling)  \
	X(accept_stalled)        \
	X(accept_slow)           \
	X(accept_queue_overflow) \
	X(syn_queue_pressure)    \
	X(syn_ack_unanswered)    \
	X(close_wait_leak)       \
	X(fin_wait_silent)       \
	X(ephemeral_exhaustion)  \
	X(time_wait_overflow)    \
	X(stuck_sender)          \
	X(lossy_path)            \
	X(keepalive_unanswered)  \
	X(gap_in_stream)         \
	X(unread_requests)       \
	X(stuck_reader)          \
	X(unread_datagrams)      \
	X(slow_peer)             \
	X(slow_reader)           \
	X(window_limited)        \
	X(sndbuf_limited)        \
	X(nagle_delay)           \
	X(syn_sent_unanswered)   \
	X(orphans)               \
	X(deaf_listener)         \
	X(lost_address)          \
	X(unreachable_unix)      \
	X(rewritten)             \
	X(exposed_listener)      \
	X(shadowed_listener)     \
	X(backlog_zero)          \
	X(shared_port)           \
	X(descriptor_exhaustion) \
	X(udp_drops)             \
	X(tcp_memory)            \
	X(conntrack_full)        \
	X(file_table_full)       \
	X(counter_rising)

#define RULE_DECLARE(name) extern const struct rule rule_##name;
RULES(RULE_DECLARE)
