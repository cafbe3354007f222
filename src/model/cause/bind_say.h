/* The sentences about the causes of a bind(), and what those of a connect() share with
 * them. */
#pragma once

#include "model/cause/bind_cause.h"
#include "model/cause/bind_facts.h"

/* Holders that are told as one: of one cause, one process and one verdict. */
struct bind_group {
	enum bind_cause cause;
	enum bind_verdict verdict;
	const struct bind_found *first;
	const struct bind_found **members;
	size_t n;
};

/* That the owners are not all known, if reading the processes failed with this errno. */
void bind_say_owners(int err, struct causes *causes);
/* Who holds it: a process, or why there is none to name. */
void bind_put_owner(struct buf *b, const struct bind_found *x);
/* ", up for 3 days, unit nginx.service" */
void bind_put_age_and_unit(struct buf *b, const struct bind_found *x);
/* "127.0.0.1:80", "[::]:80": as an address to bind, also with port 0. */
void bind_put_address(struct buf *b, const struct addr *a);

/* Of one of this host that cannot be used: not PLACE_LOCAL, _FOREIGN, _NO_SCOPE. */
bool bind_place_is_unusable(enum bind_place place);
/* That it is one, and why; device as below. */
void bind_put_unusable(const struct addr *a, enum bind_place place, const char *device,
		       struct buf *s);

/* Why an address cannot be used, what that means for a server, and what to run. device:
 * the interface that has it, or NULL. */
void bind_put_place(enum bind_place place, const char *device, struct buf *s);
void bind_advise_place(enum bind_place place, uint8_t family, struct buf *a);
void bind_next_place(enum bind_place place, const char *device, struct advised who,
		     struct buf *b);

void bind_say_group(const struct bind_facts *f, const struct bind_group *g,
		    struct causes *causes);
void bind_say_plain(const struct bind_facts *f, enum bind_cause cause,
		    struct causes *causes);
void bind_say_unix(const struct bind_facts *f, enum bind_cause cause,
		   struct causes *causes);
/* Which component of the path denies it, or which one could not be judged. */
void bind_say_access(const struct bind_facts *f, struct causes *causes);
/* "not all namespaces were searched (61 were)". */
void bind_put_searched(size_t searched, struct buf *b);
/* The same behind "; ", where the bound of the search left some out. */
void bind_put_cut(const struct other_netns *o, struct buf *b);
/* The note on listeners of other namespaces. */
void bind_say_elsewhere(const struct bind_facts *f, struct causes *causes);
/* The note that SO_REUSEPORT which is off now may count all the same. */
void bind_say_remembered(const struct bind_facts *f, struct causes *causes);
/* The one thing to do or run now, from the first cause. */
void bind_say_next(const struct bind_facts *f, enum bind_verdict verdict,
		   struct causes *causes);
