#include "kernel/proc/counters_read.h"

#include <errno.h>

#include "kernel/proc/procfile.h"

static char *read_one(const char *path, int *unread)
{
	char *text = procfile_read(path);

	if (!text && !*unread)
		*unread = errno;
	return text;
}

void counters_read(struct counters *c)
{
	int no_ipv6 = 0;

	*c = (struct counters){ 0 };
	c->snmp = read_one("/proc/thread-self/net/snmp", &c->unread);
	c->netstat = read_one("/proc/thread-self/net/netstat", &c->unread);
	c->snmp6 = read_one("/proc/thread-self/net/snmp6", &no_ipv6);
	if (no_ipv6 != ENOENT && !c->unread)
		c->unread = no_ipv6;
}
