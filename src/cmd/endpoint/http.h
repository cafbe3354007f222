/* listen --http: what is answered, of the command line. */
#pragma once

#include "cmd/endpoint/opts.h"
#include "net/relay/http_how.h"

/* Of --http-header: adds arg to a struct strv. 0, or -EINVAL with a fault. */
int endpoint_parse_header(const char *arg, void *headers, struct fault *f);
/* The answer, into http and, where it is a text, how->text. Both live as long as c. 0 or
 * -errno with a fault (of usage). */
int endpoint_fill_http(const struct endpoint_config *c, struct conn_how *how,
		       struct http_how *http, struct fault *f);
