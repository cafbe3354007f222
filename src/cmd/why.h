/*
 * Why an address could not be bound or reached: the same explainer as that of inspect
 * --bindable, behind the failures of the other commands.
 */
#pragma once

#include "cmd/endpoint/tell.h"
#include "model/cause/cause.h"
#include "net/socket/sockopt.h"

/* A bind() or listen() that failed, with its causes. options may be NULL. */
void cmd_explain_bind(struct teller *t, const struct endpoint *ep,
		      const struct sockopt_list *options, const struct fault *f);

/* What is known of a connect() to ep that failed with err; the failure itself was told.
 * from: the source address that was asked for, or NULL. */
void cmd_explain_connect(struct teller *t, const struct endpoint *ep,
			 const struct endpoint *from, int err);

/*
 * The same for those who tell it in their own way: the causes, in the arena that they
 * bring. Nothing is added where nothing is known, or where the address is not of this
 * host. Used as:
 *
 *	struct causes causes = { .arena = &arena };
 *	explain_endpoint(&ep, NULL, ECONNREFUSED, &causes);
 *	... causes.v[i].summary, causes.next ...
 *	causes_free(&causes);
 */
void explain_endpoint(const struct endpoint *ep, const struct endpoint *from, int err,
		      struct causes *causes);
