/* listen --to: where peers are passed on to, and why that fails. */
#pragma once

#include "cmd/endpoint/opts.h"
#include "cmd/endpoint/tell.h"
#include "model/cause/cause.h"
#include "model/icmp.h"
#include "net/role/forward.h"

struct relaying {
	struct forward_how how;
	struct target target;
	struct endpoint_list list;
	struct sockopt_list options; /* of connections to the target */
	struct teller *teller;
	struct session *s;
	const struct endpoint_config *c;
	struct arena arena;
	struct causes causes;	/* of the failure that is being told */
	struct icmp_error icmp; /* that came for the address that failed last, ... */
	int lost;		/* with this errno */
	int explained;		/* the errno that was explained last */
};

/* The address of --to. 0 or -EINVAL with a fault (of usage). */
int relaying_parse(struct relaying *g, struct teller *t, struct session *s,
		   const struct endpoint_config *c, struct fault *f);
/* Looks it up. 0 or -errno with a fault; *code is the exit code then. */
int relaying_resolve(struct relaying *g, int *code, struct fault *f);
/* Whether what arrives at local can be passed on: records as records, and not to local
 * itself. 0 or -EINVAL with a fault (of usage). */
int relaying_check(const struct relaying *g, const struct endpoint *local,
		   struct fault *f);
void relaying_free(struct relaying *g);
