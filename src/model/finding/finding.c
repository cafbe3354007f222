#include "model/finding/finding.h"

#include <stdlib.h>

static const struct rule rules[RULE_COUNT] = {
	[RULE_ACCEPT_QUEUE_FULL] = {
		"accept-queue-full", SEVERITY_CRITICAL,
		"More connections wait for accept() than listen() allowed. The kernel drops further "
		"SYNs and the last ACK of handshakes: clients see timeouts, or believe in connections "
		"that the server does not have.",
		"Find out what the program does instead of accept(); a larger backlog only hides it "
		"for a while, unless the load comes in bursts.",
		"queued > limit (a backlog of N holds N + 1)",
	},
	[RULE_ACCEPT_QUEUE_FILLING] = {
		"accept-queue-filling", SEVERITY_WARNING,
		"The accept queue is nearly full and stays so: the program accepts more slowly than "
		"clients arrive.",
		"See what the accepting thread waits for; raise the backlog if load comes in bursts.",
		"at least 80 % of the capacity in both of two readings 200 ms apart",
	},
	[RULE_SYN_QUEUE_PRESSURE] = {
		"syn-queue-pressure", SEVERITY_WARNING,
		"Many handshakes stay half-open: clients do not answer the SYN-ACK, or the accept "
		"queue behind it is full.",
		"Look at where the SYNs come from; if they are real clients, raise the backlog "
		"(it caps the SYN queue too) and net.ipv4.tcp_max_syn_backlog.",
		"half-open connections at 80 % of what the SYN queue holds, at least 8",
	},
	[RULE_CLOSE_WAIT_LEAK] = {
		"close-wait-leak", SEVERITY_WARNING,
		"The peers closed, the program did not. The kernel keeps these sockets until the "
		"program calls close(): each holds a descriptor, for ever. A peer that has only ended "
		"its own direction and waits for a slow answer looks the same from outside.",
		"Find the code path that reads the end of a connection (recv() returns 0) or fails, "
		"and does not close it.",
		"16 accepted sockets of one process in CLOSE_WAIT, each for at least 1 s; critical "
		"when 90 % of the process's descriptors are in use",
	},
	[RULE_EPHEMERAL_EXHAUSTION] = {
		"ephemeral-exhaustion", SEVERITY_WARNING,
		"Nearly all ephemeral ports towards one destination are in use; then connect() fails "
		"with EADDRNOTAVAIL.",
		"Reuse connections (keep-alive, a pool), widen net.ipv4.ip_local_port_range, or add "
		"addresses on either side.",
		"80 % of ip_local_port_range minus ip_local_reserved_ports and the ports of listeners; "
		"critical from 95 %; TIME_WAIT that tcp_tw_reuse gives back is not counted",
	},
	[RULE_TIME_WAIT_OVERFLOW] = {
		"time-wait-overflow", SEVERITY_WARNING,
		"TIME_WAIT is normal: it lasts 60 s and costs little. But the kernel's table for it is "
		"full, and connections skip it: late segments may reach a new connection.",
		"Let the clients close first, reuse connections, or raise net.ipv4.tcp_max_tw_buckets.",
		"90 % of tcp_max_tw_buckets, or TCPTimeWaitOverflow rises between two readings",
	},
	[RULE_STUCK_SENDER] = {
		"stuck-sender", SEVERITY_WARNING,
		"Data waits to be sent and nothing is acknowledged: the peer's window is closed "
		"because its program does not read, or segments are retransmitted without an answer.",
		"With a closed window look at the program at the other end; with retransmissions at "
		"the path to it.",
		"SEND-Q unchanged over two readings, with 2 retransmissions, or a window closed for "
		"1 s; not where the program that does not read is on this host and told itself",
	},
	[RULE_STUCK_READER] = {
		"stuck-reader", SEVERITY_WARNING,
		"The receive buffer is full and the program does not read: the window is closed, the "
		"peer cannot send.",
		"See what the program waits for instead of reading.",
		"80 % of the receive buffer or a closed window, at least 1024 bytes, nothing read "
		"between two readings, no data for 1 s",
	},
	[RULE_SYN_SENT_UNANSWERED] = {
		"syn-sent-unanswered", SEVERITY_WARNING,
		"A connect() gets no answer at all: a firewall drops the packets, the host is down, "
		"or the server's accept queue is full.",
		"sockctl probe HOST:PORT tells which.",
		"one SYN was sent again: no answer for at least a second; not where accept-queue-full "
		"tells of the listener",
	},
	[RULE_ORPHANS] = {
		"orphans", SEVERITY_WARNING,
		"Connections that no program owns any more still hold data the peer does not take, or "
		"wait for an acknowledgment that does not come.",
		"The kernel gives up by itself (net.ipv4.tcp_orphan_retries); look at the peers if "
		"they are many.",
		"an ownerless FIN_WAIT1, CLOSING or LAST_ACK after 2 retransmissions or with a window "
		"closed for 1 s, or 80 % of tcp_max_orphans",
	},
	[RULE_EXPOSED_LISTENER] = {
		"exposed-listener", SEVERITY_NOTE,
		"The listener takes connections on every address, but all its peers are on this host.",
		"Bind it to 127.0.0.1 or [::1] if other hosts have no business with it.",
		"a wildcard address with connections, all of them over loopback",
	},
	[RULE_SHADOWED_LISTENER] = {
		"shadowed-listener", SEVERITY_WARNING,
		"Two listeners share a port and the more specific one takes its connections away from "
		"the other, or one of a SO_REUSEPORT group does not accept its share.",
		"Give them ports of their own, or stop the one that is not meant.",
		"a specific and a wildcard address, or [::] and 0.0.0.0, of different owners; a group "
		"member whose queue stands while another's is empty and the oldest waits for 1 s. "
		"Of one process or unit it is a note.",
	},
	[RULE_DESCRIPTOR_EXHAUSTION] = {
		"descriptor-exhaustion", SEVERITY_WARNING,
		"The process has nearly all the descriptors it may have: accept(), socket() and open() "
		"will fail with EMFILE.",
		"Find what it holds (ls -l /proc/PID/fd); raise RLIMIT_NOFILE (LimitNOFILE= of the "
		"unit) if the load is real.",
		"90 % of RLIMIT_NOFILE; critical when none is left; not where close-wait-leak tells of "
		"half of them",
	},
	[RULE_UDP_DROPS] = {
		"udp-drops", SEVERITY_WARNING,
		"Datagrams arrive faster than the program reads them; the kernel drops what does not "
		"fit into the receive buffer.",
		"See what the program waits for; a larger SO_RCVBUF (net.core.rmem_max) helps only "
		"against bursts.",
		"the receive buffer is 80 % full and datagrams were dropped, or drops rise between two "
		"readings, and with them RcvbufErrors or MemErrors",
	},
};

const struct rule *rule_get(enum rule_id id)
{
	return &rules[id];
}

const struct rule *rule_find(const char *id)
{
	size_t i;

	for (i = 0; i < RULE_COUNT; i++)
		if (streq(rules[i].id, id))
			return &rules[i];
	return NULL;
}

const char *severity_name(enum severity s)
{
	static const char *const names[] = { "note", "warning", "critical" };

	return names[s];
}

struct finding *finding_add(struct findings *fs, enum rule_id rule)
{
	struct finding *f = arena_zalloc(&fs->arena, sizeof(*f));

	f->rule = rule;
	f->severity = rules[rule].severity;
	f->advice = rules[rule].advice;
	fs->v = array_grow(fs->v, fs->n, &fs->cap, sizeof(*fs->v));
	fs->v[fs->n++] = f;
	return f;
}

void finding_figure(struct finding *f, const char *key, uint64_t value, bool known)
{
	if (f->n_figures < FINDING_FIGURES)
		f->figures[f->n_figures++] = (struct figure){ key, value, known };
}

static int by_gravity(const void *a, const void *b)
{
	const struct finding *x = *(struct finding *const *)a,
			     *y = *(struct finding *const *)b;

	if (x->severity != y->severity)
		return (int)y->severity - (int)x->severity;
	return (int)x->rule - (int)y->rule;
}

void findings_sort(struct findings *fs)
{
	if (fs->n)
		qsort(fs->v, fs->n, sizeof(*fs->v), by_gravity);
}

void findings_free(struct findings *fs)
{
	arena_free(&fs->arena);
	free(take_ptr(&fs->v));
	fs->n = fs->cap = 0;
}
