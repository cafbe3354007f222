/* What the host as a whole runs out of, which no socket shows. */
#include "model/finding/inquiry_private.h"
#include "model/finding/rules_private.h"

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
		"sockctl inspect -p -o +rmem_alloc,wmem_queued --sort rmem_alloc:desc (or "
		"wmem_queued:desc) shows whose sockets hold the most; raise net.ipv4.tcp_mem only if "
		"the load is real.",
	.threshold =
		"the kernel is under TCP memory pressure (press in /proc/net/protocols), "
		"TCPMemoryPressures rises between two readings, or the last number of tcp_mem is "
		"reached, which is critical",
	.suspect_host = suspect_tcp_memory,
	.judge = judge_tcp_memory,
};
