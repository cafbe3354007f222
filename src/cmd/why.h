/*
 * Why an address could not be bound or reached, and who listens at one: the explainer of
 * inspect --bindable, asked about the endpoints of the other commands.
 */
#pragma once

#include "kernel/explain/explain.h"
#include "kernel/explain/waits.h"
#include "net/socket/sockopt.h"

/*
 * The causes of a bind() or listen(), or of a connect(), that failed with err, in the
 *arena that they bring. Nothing is added where nothing is known, or where the address is
 *not of this host. options may be NULL; from: the source address that was asked for, or
 *NULL; icmp: the error that came for it, or NULL. Used as:
 *
 *	struct causes causes = { .arena = &arena };
 *	why_connect(&ep, NULL, ECONNREFUSED, NULL, &causes);
 *	... causes.v[i].summary, causes.next ...
 *	causes_free(&causes);
 */
void why_bind(const struct endpoint *ep, const struct sockopt_list *options, int err,
	      struct causes *causes);
void why_connect(const struct endpoint *ep, const struct endpoint *from, int err,
		 const struct icmp_error *icmp, struct causes *causes);

/* Who has reset a connection to ep that stood, where ep is of this host: by what rose
 * meanwhile. sent: something was sent to it. */
void why_reset(const struct endpoint *ep, const struct meanwhile *m, bool sent,
	       struct causes *causes);

/* Of a refusal by an address that this host does not have: whether somebody nearer has
 * refused it, or whom NAT of this host has sent it to. Sends one more SYN there. */
void why_nearby(const struct endpoint *ep, const struct endpoint *from,
		struct causes *causes);
/* The same of a connection that was made: a clause, or nothing. Connects once more. */
void why_taken(const struct endpoint *ep, const struct endpoint *from, struct buf *b);
/* Whether ep is of this host, whose loopback interface is down; then that is the cause.
 * Where it is not, a listener there that has lost its address is one. */
bool why_loopback_down(const struct endpoint *ep, struct causes *causes);

/* Where causes name the rules of nft: the tables of iptables-legacy too, if this host has
 * them. Those above have done it. */
void why_name_rules(const struct endpoint *ep, struct causes *causes);

/* The commands that list the rules of a family, each in quotes, for a sentence. */
void why_put_rules(struct buf *b, uint8_t family, const char *netns);

/* Who would take a connection to ep: nobody, where it is not of this host. */
struct listening why_listening(const struct endpoint *ep);
/* Whether it has taken the SYN that came from there. */
bool why_half_open(const struct endpoint *ep, const struct endpoint *from);

/* Who waits for accept() at ep, of this host: adds to causes, whose arena they bring.
 * held_us as of waits_look(), whose figures are in *f. */
void why_waits(struct accept_waits *w, const struct endpoint *ep, uint64_t held_us,
	       struct waiting *f, struct causes *causes);

/* Whether all that should accept at ep, of this host, are kept from running; *f, in the
 * arena, says who. */
bool why_halted(const struct endpoint *ep, struct arena *a, struct waiting *f);

/* How many local ports are used towards ep by the source that has used most of them, or
 * by this one: 0 or -errno. */
int why_ports_used(const struct endpoint *ep, const struct endpoint *from,
		   uint32_t *used);

/* The address as causes name it. */
void why_put_address(struct buf *b, const struct endpoint *ep);
