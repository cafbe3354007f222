#include "kernel/read/collect_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/proc/rights.h"

enum {
	/* What a row cannot carry when it leaves the kernel. */
	NEEDS_ADDED = NEED_OWNERS | NEED_PEER_OWNERS | NEED_CGROUP | NEED_USER |
		      NEED_DEVICE | NEED_WAITERS | NEED_LISTENER | NEED_WAIT_TIME |
		      NEED_SOCKOPTS | NEED_UNIX_PEER,
	NEEDS_OWNERS = NEED_OWNERS | NEED_PEER_OWNERS,
};

/* Whose options are asked for must be found first. */
static uint32_t with_owners(uint32_t needs)
{
	return needs & NEED_SOCKOPTS_TOO ? needs | NEED_SOCKOPTS | NEED_OWNERS : needs;
}

/* They are looked up after the dump when some of the filter can be decided without
 * them. */
static bool owners_later(const struct collect_request *req)
{
	uint32_t narrow = STATES_DEFAULT & ~(1u << STATE_ESTABLISHED);

	if (req->filter && (with_owners(filter_needs(req->filter)) & NEEDS_OWNERS) == 0)
		return true;
	return (req->states & narrow) == req->states;
}

struct collect_how collect_how(const struct collect_request *req)
{
	struct collect_how how = { .needs = req->needs | filter_needs(req->filter) };

	if (req->from) {
		/* What only a question to the kernel tells. */
		how.needs &= ~(uint32_t)(NEED_WAIT_TIME | NEED_SOCKOPTS);
		how.added = how.needs & NEEDS_ADDED;
		return how;
	}
	how.needs = with_owners(how.needs);
	if (how.needs & NEEDS_OWNERS) {
		how.owners_later = owners_later(req);
		how.owners_first = !how.owners_later;
	}
	how.added = how.needs & NEEDS_ADDED;
	return how;
}

static int release_deferred(struct collector *c)
{
	struct owners *o = &c->r->owners;
	struct hash_index wanted = { 0 };
	size_t n_failed = o->n_failed;
	int failed = c->deferred ? 0 : o->failed;
	size_t i;
	int r = 0;

	for (i = 0; i < c->n_rows; i++)
		hash_set_add(&wanted, c->rows[i]->inode);
	/* Peers are found by request, row by row: any socket may turn out to be one. */
	if (wanted.n || (c->needs & NEED_PEER_OWNERS))
		owners_scan(o, c->needs & NEED_PEER_OWNERS ? NULL : &wanted, NULL, 0,
			    c->r->threads);
	if (c->needs & NEED_PEER_OWNERS) {
		owners_search_threads(&c->r->owners, NULL, NULL, 0);
		owners_search_files(&c->r->owners, &wanted);
	}
	hash_index_free(&wanted);
	/* Of the first reading there are rows without owners already. */
	if (failed && !o->failed) {
		o->failed = failed;
		o->n_failed = n_failed;
	}
	for (i = 0; i < c->n_rows && r == 0; i++)
		r = collect_finish(c, c->rows[i]);
	return r;
}

static void put_note(const struct collector *c, const char *id, const char *text)
{
	if (c->sink->note)
		c->sink->note(c->sink->ctx, id, text);
}

/* No descriptors, no memory, no /proc: then who is missing cannot be told from who is not
 * there. */
static void note_failed(struct collector *c, const struct owners *o)
{
	const char *next = o->failed == EMFILE && !c->req->from ? " (raise 'ulimit -n')"
								: "";
	const char *when = c->req->from ? " when this was recorded" : "";
	char text[256];

	if (o->n_failed)
		snprintf(text, sizeof(text),
			 "%zu of %zu processes could not be read%s: owners among them "
			 "are unknown: %s%s",
			 o->n_failed, MAX(o->n_processes, o->n_failed), when,
			 strerror(o->failed), next);
	else
		snprintf(text, sizeof(text),
			 "the processes in /proc could not be listed%s: owners are "
			 "unknown: %s%s",
			 when, strerror(o->failed), next);
	c->complete = false;
	put_note(c, "owners-incomplete", text);
}

/* A row has no holder, and not every process is visible. */
static void note_unseen(struct collector *c, const struct owners *o)
{
	char text[640], remedy[REMEDY_MAX];

	if (o->unseen == OWNER_CANDIDATES) {
		snprintf(text, sizeof(text),
			 "no descriptor shows who holds some sockets: they may be %s",
			 o->unseen_why);
		put_note(c, "owners-not-visible", text);
		return;
	}
	rights_to_know_owner(o->unseen, remedy);
	snprintf(text, sizeof(text),
		 "some processes are not visible (%s): who holds some sockets is "
		 "unknown%s%s%s",
		 o->unseen_why, *remedy ? " (" : "", remedy, *remedy ? ")" : "");
	put_note(c, "owners-not-visible", text);
}

/* The same of a recorded dump: no right that one has now is of any help. */
static void note_unseen_then(struct collector *c, const struct owners *o)
{
	char text[400];

	if (o->unseen == OWNER_NOT_RECORDED) {
		snprintf(text, sizeof(text),
			 "the recorded dump does not say who holds its sockets (%s)",
			 o->unseen_why);
		put_note(c, "owners-not-recorded", text);
		return;
	}
	snprintf(text, sizeof(text),
		 "some processes were not visible when this was recorded (%s): who "
		 "holds some sockets is unknown",
		 o->unseen_why);
	put_note(c, "owners-not-visible", text);
}

static void note_refused(struct collector *c, size_t n)
{
	char text[320], remedy[REMEDY_MAX];

	if (c->req->from)
		snprintf(text, sizeof(text),
			 "%zu process%s could not be read when this was recorded, for "
			 "want of permission: owners among them are unknown",
			 n, n == 1 ? "" : "es");
	else
		snprintf(text, sizeof(text),
			 "%zu process%s may not be read: owners among them are unknown "
			 "(%s)",
			 n, n == 1 ? "" : "es", rights_to_trace(remedy));
	put_note(c, "owners-unreadable", text);
}

static void note_unreadable(struct collector *c)
{
	const struct owners *o = &c->r->owners;

	if (o->unreadable + o->unnamed)
		note_refused(c, o->unreadable + o->unnamed);
	if (o->failed)
		note_failed(c, o);
	if (!owner_is_unseen(o->unseen) || !(c->r->unowned & BIT(o->unseen)))
		return;
	if (c->req->from)
		note_unseen_then(c, o);
	else
		note_unseen(c, o);
}

static void note_cgroups(struct collector *c)
{
	int denied = c->req->from ? c->r->recorded.cgroups_denied : c->r->cgroups.missed;
	char text[160];

	if (!denied)
		return;
	snprintf(text, sizeof(text),
		 "not every control group %s be read%s: some are unknown: %s",
		 c->req->from ? "could" : "may",
		 c->req->from ? " when this was recorded" : "", strerror(denied));
	put_note(c, "cgroups-unreadable", text);
}

/* What is looked up for single rows. */
static void note_unanswered(struct collector *c)
{
	char text[256];

	if (!c->r->unanswered)
		return;
	snprintf(text, sizeof(text),
		 "not all could be looked up: times of waiting, listeners, other ends, "
		 "options, users or control groups are missing: %s",
		 strerror(c->r->unanswered));
	c->complete = false;
	put_note(c, "answers-missing", text);
}

int collect_run(struct reader *r, const struct collect_request *req,
		const struct collect_sink *sink, struct collect_result *result,
		struct fault *f)
{
	struct collect_how how = collect_how(req);
	struct collector c = { .r = r,
			       .req = req,
			       .sink = sink,
			       .needs = how.needs,
			       .known = ~(uint32_t)NEEDS_ADDED,
			       .added = how.added,
			       .deferred = how.owners_later,
			       .owners_first = how.owners_first,
			       .all_attributes = true,
			       .complete = true };
	int err;

	r->unanswered = 0;
	r->look++;
	r->unowned = 0;
	c.euid = geteuid();
	if (req->bound_unless_listening)
		c.listening = xcalloc(UINT16_MAX / 64 + 1, sizeof(*c.listening));
	if (c.owners_first)
		owners_scan(&r->owners, NULL, NULL, 0, r->threads);
	c.every_row = c.added & ~(uint32_t)(NEED_LISTENER | NEED_WAIT_TIME |
					    NEED_WAITERS | NEED_UNIX_PEER | NEED_DEVICE);
	c.filter_again = filter_needs(req->filter) & NEEDS_ADDED;
	err = req->from ? collect_replay(&c, f) : collect_live(&c, f);
	/* Sockets that were made since the owners were read, too. */
	c.owners_first = false;
	if (err == 0 && (c.deferred || c.n_rows))
		err = release_deferred(&c);
	/* Where the sink had enough, what it got may lack something all the same. */
	if ((err == 0 || c.sink_error) && (c.needs & NEEDS_OWNERS))
		note_unreadable(&c);
	if (err == 0 || c.sink_error) {
		note_unanswered(&c);
		note_cgroups(&c);
	}
	result->complete = c.complete;
	result->rows_missing = c.rows_missing;
	memcpy(result->hidden, c.hidden, sizeof(c.hidden));
	result->hidden_field = c.hidden_field;
	if (req->from && r->recorded.meta.origin.known)
		result->origin = &r->recorded.meta.origin;
	seen_free(&c.seen);
	arena_free(&c.arena);
	free(c.rows);
	free(c.listening);
	return err;
}
