/* What the parts of judgement share. */
#pragma once

#include "model/finding/evidence.h"

struct judge {
	const struct detect *d;
	const struct evidence *e;
	struct findings *fs;
	struct buf text; /* scratch */
};

/* The scratch as a string in the findings' arena; resets it. */
const char *judge_text(struct judge *j);

/* "[::]:8080" */
void judge_put_addr(struct judge *j, const struct addr *a);

/* The same without port. */
void judge_put_ip(struct judge *j, const struct addr *a);

/* Whether both are one address and port: a dual-stack socket has an IPv4 address mapped.
 */
bool judge_same_end(const struct addr *a, const struct addr *b);

/* Why no owner of a socket can be named. */
const char *judge_no_owner(const struct judge *j);
/* "java[812] fd 12, 40, 41 and 206 more", or why there is no name. */
void judge_put_holders(struct judge *j, const struct holder *h);

/* What n in the time between the two readings is a second; as text, if that is any. */
uint64_t judge_per_second(const struct judge *j, uint64_t n);
void judge_put_rate(struct judge *j, uint64_t n);

/* Holders copied into the findings' arena, so that they outlive the evidence. */
const struct holder *judge_holders(struct judge *j, const struct holder *h);
const struct holder *judge_holders_and(struct judge *j, const struct holder *h,
				       const struct holder *more);

void judge_cookies(struct judge *j, struct finding *f, const uint64_t *cookies, size_t n);

/* The listener of this host whose full queue leaves the client's SYN without an answer.
 */
const struct listener_facts *judge_full_listener(const struct judge *j,
						 const struct sock *client);

/* Of a listener: its address and owner, as text; the same as the finding's culprit and
 * socket; what to look at in its owner, or NULL; whether it was read twice. */
void judge_put_listener(struct judge *j, const struct listener_facts *l);
void judge_of_listener(struct judge *j, struct finding *f,
		       const struct listener_facts *l);
const char *judge_listener_next(struct judge *j, const struct listener_facts *l);
bool judge_read_twice(const struct judge *j, const struct listener_facts *l);

/* Members of a SO_REUSEPORT group have one place; what is said of all is said of the
 * first. */
bool judge_same_place(const struct sock *a, const struct sock *b);
bool judge_is_first(const struct judge *j, size_t i);

/* One of a group that does not accept its share. */
void judge_member(struct judge *j, const struct listener_facts *l);

/* The rules, by what they look at. */
void judge_queues(struct judge *j);    /* accept and SYN queues */
void judge_listeners(struct judge *j); /* shadowed and exposed ones */
void judge_leaks(struct judge *j);     /* CLOSE_WAIT, descriptors */
void judge_orphans(struct judge *j);
/* Stuck ends, unanswered SYNs, ports, TIME_WAIT, UDP. */
void judge_traffic(struct judge *j);
