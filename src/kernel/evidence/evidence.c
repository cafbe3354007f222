#include "kernel/evidence/gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/presence_ask.h"
#include "kernel/proc/counters_read.h"
#include "kernel/proc/path_filter.h"
#include "kernel/proc/procfile.h"
#include "kernel/proc/rights.h"
#include "model/proctext.h"
#include "model/rule/rules.h"

static void add_own(void *ctx, const struct addr *a, uint32_t ifindex)
{
	own_add(ctx, a, ifindex);
}

static void read_own(struct detect *d)
{
	int r = presence_own(add_own, &d->own);

	d->own.known = r == 0;
	/* A sandbox without rtnetlink has no addresses to tell. */
	if (r < 0 && r != -EAFNOSUPPORT && r != -EPROTONOSUPPORT && !d->unread)
		d->unread = -r;
}

void evidence_begin(struct detect *d)
{
	_cleanup_free_ char *reserved = NULL;

	d->unread = -procfile_port_range(&d->draw.lo, &d->draw.hi);
	reserved = procfile_reserved_ports(d->reserved);
	if (!reserved && !d->unread && errno != ENOENT && errno != EACCES)
		d->unread = errno;
	read_own(d);
	d->began_ms = clock_ms();
}

void evidence_free(struct evidence *e)
{
	counters_free(&e->texts[0]);
	counters_free(&e->texts[1]);
	arena_free(&e->arena);
	free(e->processes);
	*e = (struct evidence){ 0 };
}

/* Who waits for a unix listener is on this host, too. */
static void want_clients(struct hash_index *wanted, const struct listener_facts *l)
{
	const uint32_t *inodes = l->clients[0].data;
	size_t i;

	for (i = 0; l->suspect && i < l->clients[0].len / sizeof(*inodes); i++)
		if (inodes[i])
			hash_set_add(wanted, inodes[i]);
}

/* What is suspect; of what may grow all, for the young ones are no growth. */
static void want_connections(const struct suspects *list,
			     const struct connection_facts *v, struct hash_index *wanted)
{
	bool all = list->rule && list->rule->again == AGAIN_GROWTH &&
		   list->count >= list->rule->least;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (all || v[i].suspect)
			hash_set_add(wanted, v[i].row->inode);
}

/* The processes behind what is still suspect: one scan for their inodes. waiting_too: and
 * those of listeners in whose queue somebody waits, whose descriptors nobody else looks
 * at. */
static void read_owners(struct reader *r, const struct detect *d, struct evidence *e,
			bool name_listeners, bool waiting_too)
{
	struct hash_index wanted = { 0 };
	char remedy[REMEDY_MAX];
	size_t i, k;

	for (i = 0; i < e->n_listeners; i++)
		if (e->listeners[i].suspect || e->listeners[i].shadow || name_listeners ||
		    (waiting_too && e->listeners[i].row->recv_queue))
			hash_set_add(&wanted, e->listeners[i].row->inode);
	for (i = 0; i < e->n_listeners; i++)
		want_clients(&wanted, &e->listeners[i]);
	for (k = 0; k < RULES_MOST; k++) {
		want_connections(&d->suspects[k], e->connections[k], &wanted);
		evidence_want_listening(r, &d->suspects[k], &wanted);
	}
	evidence_want_stranded(e, &wanted);
	evidence_want_lost_files(e, &wanted);
	evidence_want_receivers(e, &wanted);
	if (!wanted.n)
		return;
	owners_scan(&r->owners, &wanted, NULL, 0, r->threads);
	hash_index_free(&wanted);
	e->unowned = owners_why_nobody(&r->owners);
	if (owner_is_unknown(e->unowned) && rights_to_know_owner(e->unowned, remedy)[0])
		e->owner_remedy = arena_strdup(&e->arena, remedy);
	if (r->owners.unseen_why[0])
		e->hidden_by = arena_strdup(&e->arena, r->owners.unseen_why);
	e->owners_error = r->owners.failed;
	evidence_lacks(e, e->owners_error);
	for (i = 0; i < e->n_listeners; i++) {
		e->listeners[i].holders = evidence_holders(r, e, e->listeners[i].row);
		if (e->listeners[i].suspect)
			evidence_unix_clients(r, e, &e->listeners[i]);
	}
	for (k = 0; k < RULES_MOST; k++)
		for (i = 0; i < d->suspects[k].n; i++) {
			struct connection_facts *c = &e->connections[k][i];

			c->holders = evidence_holders(r, e, c->row);
		}
	evidence_stranded_holders(r, e);
	evidence_judge_lost_files(r, e);
	for (k = 0; k < RULES_MOST; k++)
		evidence_listening(r, e, &d->suspects[k]);
	for (k = 0; k < RULES_MOST; k++)
		evidence_kin(e, &d->suspects[k], e->connections[k]);
	evidence_senders(r, e);
}

/*
 * The look that clears most candidates, at w->start. Says when a second reading is due
 * for what is left: READING_INTERVAL_MS or more after this one; of leaks alone, whose
 * first reading is the dump of all rows, after that.
 */
static void first_reading(struct reader *r, const struct detect *d, struct evidence *e,
			  struct watch *w)
{
	enum rule_again again;
	size_t i;

	evidence_suspect_listeners(d, e);
	evidence_stranded(d, e);
	evidence_lost_files(d, e);
	for (i = 0; i < RULES_MOST; i++)
		e->connections[i] = evidence_connections(e, &d->suspects[i]);
	w->listeners_ms = evidence_listeners(r, d, e);
	if (!r->dump.sock)
		return;
	for (i = 0; i < RULES_MOST; i++) {
		if (!d->suspects[i].n)
			continue;
		evidence_look(r, e, &d->suspects[i], e->connections[i]);
		evidence_far_ends(r, e, &d->suspects[i], e->connections[i], 0);
		evidence_ends(r, e, &d->suspects[i], e->connections[i]);
	}
	w->receivers_ms = evidence_receivers(r, d, e);
	again = rules_suspect(d, e);
	w->connections_ms = rules_watch(d, e);
	if (w->listeners_ms || w->receivers_ms || again == AGAIN_EACH)
		w->due = w->start + READING_INTERVAL_MS;
	else if (again == AGAIN_GROWTH)
		w->due = d->began_ms + READING_INTERVAL_MS;
}

static void find_strict_paths(struct evidence *e)
{
	uint64_t by;

	if (counters_grown(&e->texts[0], &e->texts[1], "TcpExt", "IPReversePathFilter",
			   &by) &&
	    by)
		strict_paths_read(&e->strict);
}

static void second_reading(struct reader *r, const struct detect *d, struct evidence *e,
			   const struct watch *w)
{
	bool holds_back = evidence_holds_back(d, e);
	uint64_t start = w->start;
	size_t i;

	counters_read(&e->texts[0]);
	if (w->connections_ms)
		evidence_pulse(e, 0);
	evidence_watch(r, d, e, w);
	if (w->connections_ms)
		evidence_pulse(e, 1);
	e->interval_ms = (uint32_t)(clock_ms() - start);
	procfile_counters(&e->counters[1]);
	evidence_suspect_again(d, e);
	evidence_listeners_again(r, d, e);
	evidence_receivers_again(r, e);
	for (i = 0; i < RULES_MOST; i++)
		if (d->suspects[i].n && d->suspects[i].rule->again == AGAIN_EACH) {
			evidence_look_again(r, e, &d->suspects[i], e->connections[i]);
			evidence_far_ends(r, e, &d->suspects[i], e->connections[i], 1);
		}
	procfile_counters(&e->counters[1]);
	if (d->whole_tcp)
		procfile_host(&e->host[1]);
	/* Since the middle of the dump, where its rows were read on average. */
	for (i = 0; i < RULES_MOST; i++)
		if (d->suspects[i].n && d->suspects[i].rule->again == AGAIN_GROWTH)
			evidence_growth(r, e, &d->suspects[i], e->connections[i],
					(d->began_ms + start) / 2);
	if (w->connections_ms)
		evidence_outlets(r, d, e);
	counters_read(&e->texts[1]);
	if (holds_back)
		evidence_ways_out(d, e);
	find_strict_paths(e);
}

void evidence_read(struct reader *r, const struct detect *d, struct evidence *e,
		   bool name_listeners, bool every_process)
{
	struct watch w = { .start = clock_ms() };
	/* What is hidden matters where it has a socket here. */
	bool hidden = every_process && (e->asked || name_listeners) && visible_hides();

	r->unanswered = 0;
	e->asker = geteuid();
	e->notes = name_listeners;
	procfile_limits(&e->limits, &d->draw, d->unread);
	procfile_counters(&e->counters[0]);
	if (d->whole_tcp)
		procfile_host(&e->host[0]);
	first_reading(r, d, e, &w);
	read_owners(r, d, e, name_listeners || hidden, !every_process);
	/* Before the sleep, which is the shorter by it. */
	evidence_options(d, e);
	evidence_descriptors(e, every_process);
	if (w.due)
		second_reading(r, d, e, &w);
	if (r->dump.sock)
		evidence_known_rtts(d, e);
	evidence_ports(r, d, e);
	evidence_acceptors(r, e);
	evidence_starved(r, e);
	evidence_gaps(r, d, e, hidden);
	evidence_lacks(e, d->unread);
	evidence_lacks(e, e->limits.unread);
	evidence_lacks(e, e->counters[0].unread);
	evidence_lacks(e, e->counters[1].unread);
	evidence_lacks(e, e->host[0].unread);
	evidence_lacks(e, e->host[1].unread);
	evidence_lacks(e, r->unanswered);
}
