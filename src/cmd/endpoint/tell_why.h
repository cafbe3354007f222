/* A bind() or connect() that failed, told with its causes: in words, or as JSON. */
#pragma once

#include "cmd/endpoint/tell.h"
#include "net/socket/sockopt.h"

/* A bind() or listen() that failed, with its causes. options may be NULL. */
void tell_why_bind(struct teller *t, const struct endpoint *ep,
		   const struct sockopt_list *options, const struct fault *f);

/* What is known of a connect() to ep that failed with err; the failure itself was told.
 * from: the source address that was asked for, or NULL. */
void tell_why_connect(struct teller *t, const struct endpoint *ep,
		      const struct endpoint *from, int err);
