/* A bind() or connect() that failed, told with its causes: in words, or as JSON. */
#pragma once

#include "cmd/endpoint/tell.h"
#include "model/cause/cause.h"
#include "net/socket/sockopt.h"

/* A bind() or listen() that failed, with its causes. options may be NULL. */
void tell_why_bind(struct teller *t, const struct endpoint *ep,
		   const struct sockopt_list *options, const struct fault *f);

/* What is known of a connect() that failed, of why_connect(); the failure itself was
 * told. */
void tell_why_connect(struct teller *t, const struct causes *causes);
