/* A bind() or connect() that failed, told with its causes: in words, or as JSON. */
#pragma once

#include "cmd/endpoint/tell.h"
#include "model/cause/cause.h"
#include "model/icmp.h"
#include "net/socket/sockopt.h"

/* A bind() or listen() that failed, with its causes. options may be NULL. */
void tell_why_bind(struct teller *t, const struct endpoint *ep,
		   const struct sockopt_list *options, const struct fault *f);

/* Before the socket of a connect() to ep that failed is closed: the ICMP error that came
 * for it, or zeroes. at_once: connect() itself said it. */
void tell_why_icmp(int fd, const struct endpoint *ep, bool at_once,
		   struct icmp_error *icmp);

/* What is known of a connect() that failed, of why_connect(); the failure itself was
 * told. */
void tell_why_connect(struct teller *t, const struct causes *causes);
