/* What the rules share when they judge. */
#pragma once

#include "model/finding/evidence.h"
#include "model/occupant.h"

struct inquiry {
	const struct detect *d;
	const struct evidence *e;
	struct findings *fs;
	struct buf text; /* scratch */
};

/* The rows that a rule begins with, as far as they were kept; all that were seen. */
struct candidates {
	const struct connection_facts *v;
	size_t n;
	uint64_t seen;
};
struct candidates finding_candidates(const struct inquiry *q, const struct rule *rule);

/* Writes to the scratch. */
#define say(q, ...) buf_printf(&(q)->text, __VA_ARGS__)

/* The scratch as a string in the findings' arena; resets it. */
const char *finding_text(struct inquiry *q);

/* Who asks, for a command about this process. */
struct advised finding_advised(const struct inquiry *q, int32_t pid);
/* The process, for what ends it or lets it go on. */
struct occupant finding_occupant(const struct process_facts *p);
/* The advice of the rule behind the commands that were written to the scratch. */
void finding_advise(struct inquiry *q, struct finding *f);
/* How to see whether the peer answers: without port by ping. ghost: it may not have the
 * connection, while it answers others. */
void finding_advise_peer(struct inquiry *q, const struct addr *peer, bool ghost);
/* How to start anew what keeps the process running, if something does; "why: " first. */
void finding_put_restart(struct inquiry *q, int32_t pid, const char *why);

/* The address without port. */
void finding_put_ip(struct inquiry *q, const struct addr *a);

/* Why no owner of a socket can be named. */
const char *finding_no_owner(const struct inquiry *q);
/* "java[812] fd 12, 40-90, 95 and 206 more up to 400", or why there is no name. */
void finding_put_holders(struct inquiry *q, const struct holder *h);
/* "java[812]", or "nginx[12], nginx[13] and 5 more"; returns how many processes they
 * are. */
size_t finding_put_processes(struct inquiry *q, const struct holder *h);

/* What n in the time between the two readings is a second; as text, if that is any. */
uint64_t finding_per_second(const struct inquiry *q, uint64_t n);
void finding_put_rate(struct inquiry *q, uint64_t n);

/* Holders copied into the findings' arena, so that they outlive the evidence. */
const struct holder *finding_holders(struct inquiry *q, const struct holder *h);
const struct holder *finding_holders_and(struct inquiry *q, const struct holder *h,
					 const struct holder *more);

/* Those of several lists, by pid and descriptor. */
const struct holder *
finding_all_holders(struct inquiry *q, const struct holder *const *lists, size_t n_lists);

void finding_cookies(struct inquiry *q, struct finding *f, const uint64_t *cookies,
		     size_t n);

/* The listener of this host whose full queue leaves the client's SYN without an answer.
 */
const struct listener_facts *finding_full_listener(const struct inquiry *q,
						   const struct sock *client);

/* A new finding about a listener, or a connection: where it is, who has it. */
struct finding *finding_of_listener(struct inquiry *q, const struct rule *rule,
				    const struct listener_facts *l);
struct finding *finding_of_connection(struct inquiry *q, const struct rule *rule,
				      const struct connection_facts *c);

/*
 * Suspects that have one cause: of the same kind, held by the same processes, opened to
 * the same address and port, or accepted by the same port from the same host (groups.c).
 * A rule makes one finding of a group.
 */
struct place {
	struct addr addr; /* as IPv4 where it is; without port if they were accepted */
	uint32_t n;
};
struct group {
	unsigned kind;
	uint16_t listener; /* the port that accepted them, 0 if the process opened them */
	const struct connection_facts **v, *oldest;
	size_t n;
	struct place *places; /* one, unless there are many; the most frequent first */
	size_t n_places;
	const struct holder *holders; /* of all, by pid and descriptor */
};
struct grouping {
	/* Those of another kind are in another group, those of kind 0 in none. */
	unsigned (*kind)(struct inquiry *q, const struct connection_facts *c);
	uint32_t (*age)(
		const struct connection_facts *c); /* of which there is an oldest */
	/* The same processes with more places than that are one group; 0 = never. */
	size_t most_places;
	bool anywhere;	/* the processes alone make a group, wherever the peers are */
	bool of_anyone; /* the place alone makes a group, whoever holds them */
	bool of_hosts;	/* a place is a host, whatever its port, and whoever opened */
	size_t least;	/* a smaller group is not told */
	void (*tell)(struct inquiry *q, const struct group *g);
};
/* Makes groups of the rule's candidates, and a finding of each. */
void finding_judge_groups(struct inquiry *q, const struct rule *rule,
			  const struct grouping *by);
/* "10.0.0.1:80", "10.0.0.1:80 (12), 10.0.0.2:80 (3)" */
void finding_put_places(struct inquiry *q, const struct group *g);
/* "200 connections to 10.0.0.1:80, java[812] fd 12-211"; of one as
 * finding_of_connection(). */
struct finding *finding_of_group(struct inquiry *q, const struct rule *rule,
				 const struct group *g);
/* Whether a listener accepted it, rather than that a process of this host opened it. */
bool finding_was_accepted(const struct inquiry *q, const struct sock *s);

/* "[::]:80, nginx[1] fd 3", without those that do not accept. */
void finding_put_listener(struct inquiry *q, const struct listener_facts *l);
/* The holders that are to accept, or of a unix datagram socket to read; all, where they
 * are not told apart. */
const struct holder *finding_actors(const struct listener_facts *l);
/* That none of them can run, as the first sentence; what each does, and who is none. */
void finding_put_all_halted(struct inquiry *q, const struct listener_facts *l);
void finding_put_acceptors(struct inquiry *q, const struct listener_facts *l);
/* How many are to accept; of these, how many cannot run. */
size_t finding_count_actors(const struct inquiry *q, const struct listener_facts *l,
			    bool stopped);
/* The next step, where the owner of a queue is known: to let it go on, or to look at what
 * it does. */
void finding_not_accepted(struct inquiry *q, struct finding *f,
			  const struct listener_facts *l);

/* Whether its program took a connection off the queue between the two readings; how many
 * of those of the first, at least (pace.c). */
enum pace { PACE_UNKNOWN, PACE_STANDS, PACE_MOVES };
enum pace finding_pace(const struct inquiry *q, const struct listener_facts *l);
uint32_t finding_accepted(const struct inquiry *q, const struct listener_facts *l);
void finding_put_pace(struct inquiry *q, const struct listener_facts *l);

/* Descriptors: whether the process is near its limit; ", unit x.service"; how
 * many connections wait for one that has none left, and "accept() on ... must be failing
 * with EMFILE". */
enum { FINDING_DESCRIPTORS_PERCENT = 90 }; /* of RLIMIT_NOFILE */
bool finding_is_near(uint64_t fds, uint64_t limit);
bool finding_near_limit(const struct process_facts *p);
void finding_put_unit(struct inquiry *q, const struct process_facts *p);
uint32_t finding_starved(const struct inquiry *q, const struct process_facts *p);
void finding_put_starved(struct inquiry *q, const struct process_facts *p,
			 struct finding *f);

/* A finding about the queue: who waits, since when, what was dropped (queues.c). */
struct finding *finding_of_queue(struct inquiry *q, const struct listener_facts *l,
				 const struct rule *rule);
/* How many connections of the namespace found a full queue between the readings. */
uint64_t finding_overflows(const struct inquiry *q);
/* One of a SO_REUSEPORT group that does not accept while others do (listeners.c). */
bool finding_is_lazy(const struct inquiry *q, const struct listener_facts *l);

/* Members of a SO_REUSEPORT group have one place; what is said of all is said of the
 * first. */
bool finding_same_place(const struct sock *a, const struct sock *b);
bool finding_is_first(const struct inquiry *q, const struct listener_facts *l);

/* Whether there were two readings, and it is in both. */
bool finding_read_twice(const struct inquiry *q, const struct listener_facts *l);
/* Full in this reading; in all there were. */
bool finding_full_in(const struct listener_facts *l, int turn);
bool finding_is_full(const struct inquiry *q, const struct listener_facts *l);
/* Nearly full in both (queues.c). */
bool finding_is_filling(const struct inquiry *q, const struct listener_facts *l);

/* Whether the address of a connection is gone, which is a finding of its own. */
bool finding_lost_address(const struct inquiry *q, const struct sock *s);

/* A docker-proxy passes on what it gets: the next step of each finding about one leads to
 * the container behind it (container.c). */
void findings_name_containers(struct inquiry *q);
