/* What the files of the second look share. */
#pragma once

#include "kernel/read/reader.h"
#include "model/counter/counters.h"
#include "model/finding/evidence.h"

/* Who holds the row, as the reader's last scan says, in e's arena; each process becomes
 * one of e's. */
const struct holder *evidence_holders(struct reader *r, struct evidence *e,
				      const struct sock *row);

/* The same of a list of others. */
const struct holder *evidence_take_holders(struct evidence *e, const struct holder *h);

/* The listeners of d, of which some deserve a first reading. */
void evidence_suspect_listeners(const struct detect *d, struct evidence *e);
/* Those of which what changed since makes suspects. */
void evidence_suspect_again(const struct detect *d, struct evidence *e);
/* That reading, which clears most of them. For how long the others are watched, in ms. */
uint32_t evidence_listeners(struct reader *r, const struct detect *d, struct evidence *e);
/* Whether the oldest connection of one of them has not been accepted since; after so
 * long. */
bool evidence_listener_stands(struct reader *r, struct evidence *e, uint32_t watched_ms);
/* Their second reading, and what became of those that waited in the first. */
void evidence_listeners_again(struct reader *r, const struct detect *d,
			      struct evidence *e);

/* The unix listeners of e, in one dump: a reading of them, and who waits. */
void evidence_unix_listeners(struct reader *r, struct evidence *e, int turn);
/* Who holds the clients of its first reading, each process once. */
void evidence_unix_clients(struct reader *r, struct evidence *e,
			   struct listener_facts *l);
/* Whether one of those that waited for a suspect in the first reading still does, and it
 * is worth to watch it for longer. */
bool evidence_unix_waits(struct reader *r, struct evidence *e, uint32_t watched_ms);

/* The unix datagram sockets that have something to read, and who is connected to them: a
 * first look, and for how long they are watched at most. */
uint32_t evidence_receivers(struct reader *r, const struct detect *d, struct evidence *e);
/* After the scan for the owners: who holds them, and which of the senders wait. */
void evidence_want_receivers(const struct evidence *e, struct hash_index *wanted);
void evidence_senders(struct reader *r, struct evidence *e);
/* Whether one of these has not been woken up; the second look. */
bool evidence_sender_stands(struct evidence *e);
void evidence_receivers_again(struct reader *r, struct evidence *e);

/* The inodes of a dump of TCP sockets. */
struct inode_list {
	uint32_t *v;
	size_t n, cap;
};
int evidence_take_inode(const struct nlmsghdr *h, void *ctx);

/* Whether a process has the network of this one. */
bool evidence_same_netns(struct evidence *e, int32_t pid);
/* Of a process whose descriptors may not be counted: whether they may run out. */
void evidence_unreadable(struct evidence *e, int32_t pid);
/* When all is read: what could not be looked at. hidden: /proc hides processes, each of
 * which might be one that a finding is about. */
void evidence_gaps(const struct reader *r, const struct detect *d, struct evidence *e,
		   bool hidden);

/* Of the listeners that are still suspect: who is to accept, and what he does. */
void evidence_acceptors(struct reader *r, struct evidence *e);

/* Of the candidates of a rule with look_ends: has_listener and is_awaited; and which of
 * e's processes listen, after the scan for the owners. */
void evidence_ends(struct reader *r, struct evidence *e, const struct suspects *list,
		   struct connection_facts *v);
void evidence_want_listening(const struct reader *r, const struct suspects *list,
			     struct hash_index *wanted);
void evidence_listening(struct reader *r, struct evidence *e,
			const struct suspects *list);

/* What the rows of the candidates of a rule say. */
struct connection_facts *evidence_connections(struct evidence *e,
					      const struct suspects *list);
/* The first look at them, and the second. */
void evidence_look(struct reader *r, struct evidence *e, const struct suspects *list,
		   struct connection_facts *v);
void evidence_look_again(struct reader *r, struct evidence *e,
			 const struct suspects *list, struct connection_facts *v);
/* Of the candidates of a rule with LOOK_PLACE: place; after the scan for the owners, what
 * their processes are. */
void evidence_places(const struct evidence *e, const struct suspects *list,
		     struct connection_facts *v);
void evidence_kin(struct evidence *e, const struct suspects *list,
		  const struct connection_facts *v);
/* Of the candidates of a rule with LOOK_FAR_END: alone[turn]; of those the reading, too.
 */
void evidence_far_ends(struct reader *r, struct evidence *e, const struct suspects *list,
		       struct connection_facts *v, int turn);
/* A look at one TCP connection, by its cookie; turn 0 or 1. */
void evidence_connection(struct reader *r, struct connection_facts *c, int turn);

/* Of the suspects of rules with `options`: those of their sockets, as far as they may be
 * read; after the scan for the owners. */
void evidence_options(const struct detect *d, struct evidence *e);

/* Where a candidate may be unsent: what this host makes and sends, at first and after the
 * second reading, which asks for its address and its route, too. */
bool evidence_holds_back(const struct detect *d, const struct evidence *e);
void evidence_ways_out(const struct detect *d, struct evidence *e);
/* What other connections tell of the round trip to those that are not answered. */
void evidence_known_rtts(const struct detect *d, struct evidence *e);

/* What became of the addresses of d's stranded rows; who holds those that lost theirs. */
void evidence_stranded(const struct detect *d, struct evidence *e);
void evidence_want_stranded(const struct evidence *e, struct hash_index *wanted);
void evidence_stranded_holders(struct reader *r, struct evidence *e);

/* How long the second reading may wait for something to move (watch.c). */
struct watch {
	uint64_t start; /* of the first reading */
	uint64_t due;	/* the second, where nothing is watched; 0 = there is none */
	uint32_t listeners_ms, connections_ms, receivers_ms; /* after start */
};
/* Sleeps until then, but not on when all that is watched has moved. */
void evidence_watch(struct reader *r, const struct detect *d, struct evidence *e,
		    const struct watch *w);
/* Before and after it: whether the processes of what is watched run. */
void evidence_pulse(struct evidence *e, int turn);
/* What the processes of those that still stand have to send, and cannot. Reads the owners
 * anew. */
void evidence_outlets(struct reader *r, const struct detect *d, struct evidence *e);

/* How many sockets of the states in this list the processes hold by now, and where they
 * are more, a second after the middle of the dump. */
void evidence_growth(struct reader *r, struct evidence *e, const struct suspects *list,
		     const struct connection_facts *v, uint64_t middle);

/* Where ephemeral ports run out: how many are bound, and by whom they are held. */
void evidence_ports(struct reader *r, const struct detect *d, struct evidence *e);

/* The descriptors of e's processes; every_process: of all that live in this network
 * namespace and are near their limit. */
void evidence_descriptors(struct evidence *e, bool every_process);

/* Listeners in whose queue somebody waits, held by processes that have no descriptor to
 * accept with. Reads the owners anew. */
void evidence_starved(struct reader *r, struct evidence *e);

/* Unix servers whose path does not lead to them from here; those stay of which, once
 * their owners are known, it leads there in none of their roots either. */
void evidence_lost_files(const struct detect *d, struct evidence *e);
void evidence_want_lost_files(const struct evidence *e, struct hash_index *wanted);
void evidence_judge_lost_files(struct reader *r, struct evidence *e);
