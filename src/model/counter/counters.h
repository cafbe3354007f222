/* The counters of a network namespace, as they were at one time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The texts of /proc/net/snmp, snmp6 and netstat; each NULL where it could not be read,
 * as errno `unread` says (the first of them; 0 = all were read). */
struct counters {
	char *snmp, *snmp6, *netstat;
	int unread;
};

/* One counter, by its table and its name: "Ip", "Icmp", "Tcp", "Udp", "TcpExt", "IpExt",
 * "MPTcpExt", and "snmp6" for those of IPv6 ("Ip6InReceives"). False where this kernel
 * does not have it, or it could not be read. */
bool counters_value(const struct counters *c, const char *table, const char *name,
		    uint64_t *value);

/* By how much it rose between two readings; 0 where it was set back. False as above. */
bool counters_grown(const struct counters *before, const struct counters *after,
		    const char *table, const char *name, uint64_t *by);

void counters_free(struct counters *c);

/* Each counter of a reading, one by one, for a zeroed cursor; false behind the last. */
struct counter_cursor {
	char table[16], name[48];
	unsigned text;
	const char *line, *at;
};
bool counters_next(const struct counters *c, struct counter_cursor *at);
