/* What the host as a whole, or a process, runs out of, which no socket shows. */
#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"

enum {
	CONNTRACK_PERCENT = 95, /* of nf_conntrack_max, with packets dropped there */
	FILES_PERCENT = 99, /* of file-max: each processor counts for itself a little */
};

/* The reading that tells how it is now. */
static int last_reading(const struct inquiry *q)
{
	return q->e->interval_ms ? 1 : 0;
}

/* Where only some rows were asked for, the host is not the subject. */
static const struct host_facts *host_now(const struct inquiry *q)
{
	return q->d->whole_tcp ? &q->e->host[last_reading(q)] : NULL;
}

static bool is_out_of_memory(const struct host_facts *h)
{
	return h->knows_tcp_memory && h->knows_tcp_mem && h->tcp_mem[2] &&
	       h->tcp_pages >= h->tcp_mem[2];
}

/* A level alone is none: the kernel may hold much and economize on nothing. */
static bool lacks_tcp_memory(const struct host_facts *h)
{
	return is_out_of_memory(h) || (h->knows_tcp_memory && h->tcp_pressed);
}

static bool suspect_tcp_memory(const struct inquiry *q)
{
	return q->d->whole_tcp && lacks_tcp_memory(&q->e->host[0]);
}

static void put_tcp_memory(struct inquiry *q, const struct host_facts *h)
{
	if (!h->knows_tcp_memory) {
		say(q, "TCP came under memory pressure.");
		return;
	}
	say(q, "TCP's sockets use %ju pages of memory, in all network namespaces",
	    (uintmax_t)h->tcp_pages);
	if (h->knows_tcp_mem)
		say(q, "; net.ipv4.tcp_mem is %ju %ju %ju", (uintmax_t)h->tcp_mem[0],
		    (uintmax_t)h->tcp_mem[1], (uintmax_t)h->tcp_mem[2]);
	say(q, ".\n%s",
	    is_out_of_memory(h)
		    ? "They may have no more: segments are dropped, and send() "
		      "waits or fails."
	    : h->tcp_pressed
		    ? "The kernel is under TCP memory pressure: buffers do not grow, and "
		      "windows become smaller."
		    : "The pressure has ended for now.");
}

static void judge_tcp_memory(struct inquiry *q)
{
	const struct host_facts *h = host_now(q);
	const struct net_counters *c = q->e->counters;
	bool twice = c[0].known && c[1].known && q->e->interval_ms;
	uint64_t began = twice ? c[1].tcp_pressures - c[0].tcp_pressures : 0;
	const struct advised who = { .uid = q->e->asker };
	uint64_t pruned = twice ? c[1].tcp_pruned - c[0].tcp_pruned : 0;
	struct finding *f;

	if (!h || (!lacks_tcp_memory(h) && !began))
		return;
	f = finding_add(q->fs, &rule_tcp_memory);
	if (is_out_of_memory(h))
		f->severity = SEVERITY_CRITICAL;
	f->where = "this host";
	put_tcp_memory(q, h);
	if (began || pruned)
		say(q,
		    "\nBetween two readings %u ms apart TCPMemoryPressures rose by %ju, and "
		    "PruneCalled, which counts receive queues that were squeezed, by %ju, in "
		    "this network namespace.",
		    q->e->interval_ms, (uintmax_t)began, (uintmax_t)pruned);
	f->summary = finding_text(q);
	advise(&q->text, ADVICE_INSPECT_MEMORY, who, "rmem_alloc:desc");
	advise(&q->text, ADVICE_INSPECT_MEMORY, who, "wmem_queued:desc");
	finding_advise(q, f);
	finding_figure(f, "tcp_memory_pages", h->tcp_pages, h->knows_tcp_memory);
	finding_figure(f, "tcp_memory_pressure_pages", h->tcp_mem[1], h->knows_tcp_mem);
	finding_figure(f, "tcp_memory_limit_pages", h->tcp_mem[2], h->knows_tcp_mem);
	finding_figure(f, "pressures_between_readings", began, twice);
	finding_figure(f, "pruned_between_readings", pruned, twice);
}

const struct rule rule_tcp_memory = {
	.id = "tcp-memory",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The memory for the buffers of all TCP sockets of the host runs out: the kernel makes "
		"windows smaller and drops what it has received; every connection becomes slow.",
	.advice =
		"See whose sockets hold the most (sorted by rmem_alloc, and by wmem_queued); raise "
		"net.ipv4.tcp_mem only if the load is real.",
	.threshold =
		"the kernel is under TCP memory pressure (press in /proc/net/protocols), "
		"TCPMemoryPressures rises between two readings, or the last number of tcp_mem is "
		"reached, which is critical",
	.suspect_host = suspect_tcp_memory,
	.judge = judge_tcp_memory,
};

static bool is_tracking_full(const struct host_facts *h)
{
	return h->knows_tracked && h->most_tracked && h->tracked >= h->most_tracked;
}

static bool is_tracking_nearly_full(const struct host_facts *h)
{
	return h->knows_tracked && h->most_tracked &&
	       h->tracked * 100 >= h->most_tracked * CONNTRACK_PERCENT;
}

static bool suspect_conntrack(const struct inquiry *q)
{
	return q->d->whole_tcp && is_tracking_nearly_full(&q->e->host[0]);
}

static uint64_t risen(uint64_t before, uint64_t now)
{
	/* The kernel counts in 32 bits a processor. */
	return now > before ? now - before : 0;
}

/* Those that found no room: an entry that was there already is another trouble, and
 * counted with them. */
static uint64_t no_room(const struct host_facts h[2])
{
	return risen(risen(h[0].track_failed, h[1].track_failed),
		     risen(h[0].track_drops, h[1].track_drops));
}

static void judge_conntrack(struct inquiry *q)
{
	const struct host_facts *now = host_now(q), *h = q->e->host;
	bool twice = q->e->interval_ms && h[0].knows_track_drops &&
		     h[1].knows_track_drops;
	uint64_t drops = twice ? no_room(h) : 0;
	uint64_t early = twice ? risen(h[0].track_early, h[1].track_early) : 0;
	struct finding *f;

	/* Entries make room for new ones in a full table only. */
	if (!now || !now->knows_tracked ||
	    (!is_tracking_full(now) && !early &&
	     !(drops && is_tracking_nearly_full(now) && is_tracking_nearly_full(&h[0]))))
		return;
	f = finding_add(q->fs, &rule_conntrack_full);
	if (drops)
		f->severity = SEVERITY_CRITICAL;
	f->where = "this network namespace";
	say(q,
	    "%ju connections are tracked, of at most %ju (net.netfilter.nf_conntrack_max).",
	    (uintmax_t)now->tracked, (uintmax_t)now->most_tracked);
	if (twice && (drops || early))
		say(q,
		    "\nBetween two readings %u ms apart %ju packets of new connections "
		    "found no room and were dropped (drop), and %ju entries were removed "
		    "early to make room (early_drop).",
		    q->e->interval_ms, (uintmax_t)drops, (uintmax_t)early);
	else if (twice)
		say(q, "\nBetween two readings %u ms apart no packet was dropped.",
		    q->e->interval_ms);
	f->summary = finding_text(q);
	advise(&q->text, ADVICE_CONNTRACK, (struct advised){ .uid = q->e->asker });
	finding_advise(q, f);
	finding_figure(f, "tracked", now->tracked, true);
	finding_figure(f, "tracked_limit", now->most_tracked, true);
	finding_figure(f, "drops_between_readings", drops, twice);
	finding_figure(f, "early_drops_between_readings", early, twice);
}

const struct rule rule_conntrack_full = {
	.id = "conntrack-full",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The table of connection tracking (NAT, stateful firewall rules) is full: packets that "
		"begin a connection are dropped, in both directions, and their clients wait.",
	.advice =
		"See the entries; raise net.netfilter.nf_conntrack_max in the initial network "
		"namespace, shorten nf_conntrack_tcp_timeout_established, or exempt "
		"traffic with a notrack rule.",
	.threshold =
		"nf_conntrack_max is reached, or early_drop of /proc/net/stat/nf_conntrack rises "
		"between two readings, or drop rises at # of nf_conntrack_max; critical where drop "
		"rises",
	.numbers = { PERCENT(CONNTRACK_PERCENT) },
	.suspect_host = suspect_conntrack,
	.judge = judge_conntrack,
};

static void judge_files(struct inquiry *q)
{
	const struct host_facts *h = host_now(q);
	struct finding *f;

	/* Mostly the limit is as good as none, and times 100 no number. */
	if (!h || !h->knows_files || !h->most_files ||
	    h->files < h->most_files - h->most_files / 100 * (100 - FILES_PERCENT))
		return;
	f = finding_add(q->fs, &rule_file_table_full);
	if (h->files >= h->most_files)
		f->severity = SEVERITY_CRITICAL;
	f->where = "this host";
	say(q,
	    "%ju files are open in all processes, of at most %ju (fs.file-max; the kernel "
	    "counts roughly).\nAt the limit only processes with CAP_SYS_ADMIN can open more.",
	    (uintmax_t)h->files, (uintmax_t)h->most_files);
	f->summary = finding_text(q);
	advise(&q->text, ADVICE_OPEN_FILES, (struct advised){ .uid = q->e->asker });
	finding_advise(q, f);
	finding_figure(f, "files", h->files, true);
	finding_figure(f, "files_limit", h->most_files, true);
}

const struct rule rule_file_table_full = {
	.id = "file-table-full",
	.severity = SEVERITY_WARNING,
	.meaning =
		"All processes of the host together have nearly as many open files as the kernel "
		"allows: then accept(), socket() and open() fail with ENFILE in every process without "
		"CAP_SYS_ADMIN.",
	.advice =
		"See which processes hold the most; raise fs.file-max if the load is real.",
	.threshold =
		"# of fs.file-max (/proc/sys/fs/file-nr); critical when it is reached",
	.numbers = { PERCENT(FILES_PERCENT) },
	.judge = judge_files,
};

/* Processes that have nearly all the descriptors they may have. */
enum {
	DESCRIPTORS_LEAST = 16, /* a process with fewer is not looked at by itself */
};

/* Whether a leak was told of this process, that holds half of its descriptors: one cause,
 * one finding. */
static bool told_as_leak(const struct inquiry *q, const struct process_facts *p)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++) {
		const struct finding *f = q->fs->v[i];

		if (f->rule == &rule_close_wait_leak && f->holders &&
		    f->holders->pid == p->pid && f->n_cookies * 2ull >= p->fds)
			return true;
	}
	return false;
}

/* Its owner may double the limit, if that leads not beyond the hard one. */
static const char *advice(struct inquiry *q, const struct process_facts *p)
{
	struct advised who = finding_advised(q, p->pid);
	unsigned pid = (unsigned)p->pid,
		 more = (unsigned)MIN(p->fd_limit * 2, (uint64_t)INT32_MAX);

	buf_puts(&q->text, "see what it holds, and raise the limit while it runs:");
	advise(&q->text, ADVICE_DESCRIPTORS, who, pid);
	if (p->fd_limit <= p->fd_most / 2)
		advise(&q->text, ADVICE_RAISE_NOFILE, who, pid, more);
	else
		advise(&q->text, ADVICE_RAISE_NOFILE_HARD, who, pid, more, more);
	return finding_text(q);
}

static void judge_descriptors(struct inquiry *q, const struct process_facts *p)
{
	struct finding *f;

	if (!finding_near_limit(p) || told_as_leak(q, p))
		return;
	f = finding_add(q->fs, &rule_descriptor_exhaustion);
	if (p->fds >= p->fd_limit)
		f->severity = SEVERITY_CRITICAL;
	buf_put_escaped(&q->text, p->command, strlen(p->command));
	say(q, "[%d]", p->pid);
	finding_put_unit(q, p);
	f->where = finding_text(q);
	say(q, "%ju of %ju descriptors are in use (RLIMIT_NOFILE).", (uintmax_t)p->fds,
	    (uintmax_t)p->fd_limit);
	finding_put_starved(q, p, f);
	f->summary = finding_text(q);
	f->advice = advice(q, p);
	f->holders = finding_holders(
		q, &(struct holder){ .pid = p->pid, .fd = -1, .command = p->command });
	finding_figure(f, "descriptors", p->fds, true);
	finding_figure(f, "descriptor_limit", p->fd_limit, true);
	finding_figure(f, "waiting", finding_starved(q, p), true);
}

static bool suspect_process(uint64_t fds, uint64_t fd_limit)
{
	return fds >= DESCRIPTORS_LEAST && finding_is_near(fds, fd_limit);
}

const struct rule rule_descriptor_exhaustion = {
	.id = "descriptor-exhaustion",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The process has nearly all the descriptors it may have: accept(), socket() and open() "
		"will fail with EMFILE.",
	.advice =
		"Find what it holds (ls -l /proc/PID/fd); raise RLIMIT_NOFILE (LimitNOFILE= of the "
		"unit) if the load is real.",
	.threshold =
		"# of RLIMIT_NOFILE; critical when none is left; not where close-wait-leak tells of "
		"half of them",
	.numbers = { PERCENT(FINDING_DESCRIPTORS_PERCENT) },
	.suspect_process = suspect_process,
	.judge_process = judge_descriptors,
};
