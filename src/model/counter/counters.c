#include "model/counter/counters.h"

#include <stdlib.h>
#include <string.h>

#include "model/proctext.h"

bool counters_value(const struct counters *c, const char *table, const char *name,
		    uint64_t *value)
{
	if (!strcmp(table, "snmp6"))
		return c->snmp6 && proctext_line(c->snmp6, name, value);
	return (c->snmp && proctext_pair(c->snmp, table, name, value)) ||
	       (c->netstat && proctext_pair(c->netstat, table, name, value));
}

bool counters_grown(const struct counters *before, const struct counters *after,
		    const char *table, const char *name, uint64_t *by)
{
	uint64_t then, now;

	if (!counters_value(before, table, name, &then) ||
	    !counters_value(after, table, name, &now))
		return false;
	*by = now > then ? now - then : 0;
	return true;
}

void counters_free(struct counters *c)
{
	free(c->snmp);
	free(c->snmp6);
	free(c->netstat);
	*c = (struct counters){ 0 };
}
