/* The address of an endpoint as members of a JSON object. */
#pragma once

#include "base/json.h"
#include "net/socket/endpoint.h"

/* "local_addr", "local_port" or "path", and so on for "peer"; nothing for an unnamed
 * address. */
void endpoint_members(struct json *j, const char *prefix, const struct endpoint *ep);
