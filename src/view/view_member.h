/* Members of JSON objects that several views and commands write alike. */
#pragma once

#include "base/json.h"
#include "model/sock.h"

/* "key":"fe80::1%eth0": an address without its port. */
void view_member_ip(struct json *j, const char *key, const struct addr *a);

/* An address and its port, as two members. */
void view_member_end(struct json *j, const char *addr_key, const char *port_key,
		     const struct addr *a);

/* "key":[{"pid":812,"command":"java","fd":12}]: who holds a socket, the list from h on;
 * empty where h is NULL. The fd is null for a process that matters for another reason
 * than a descriptor. */
void view_member_holders(struct json *j, const char *key, const struct holder *h);
