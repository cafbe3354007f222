/* The sentences about causes that no socket has, and what to do next. */
#include <errno.h>

#include "model/cause/bind_say.h"

static void say_place(const struct bind_facts *f, struct buf *s, struct buf *a)
{
	if (f->place == PLACE_TENTATIVE) {
		buf_puts(s,
			 "the address is tentative: duplicate address detection has not "
			 "ended");
		buf_puts(a, "Wait a second or two, or set IPV6_FREEBIND.");
		return;
	}
	buf_puts(s, "no interface of this network namespace has the address");
	buf_puts(a, "'ip address' lists them; IP_FREEBIND or net.ipv4.ip_nonlocal_bind "
		    "lets a server bind it anyway.");
}

static void say_privileged(const struct bind_facts *f, struct buf *s, struct buf *a)
{
	buf_printf(s, "ports below %u need CAP_NET_BIND_SERVICE, which ",
		   f->unprivileged_from);
	if (f->user) {
		buf_putc(s, '\'');
		buf_put_escaped(s, f->user, strlen(f->user));
		buf_puts(s, "' lacks");
	} else {
		buf_puts(s, "this process lacks");
	}
	buf_printf(a,
		   "setcap cap_net_bind_service=+ep on the program, "
		   "AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit, or sysctl -w "
		   "net.ipv4.ip_unprivileged_port_start=%u.",
		   f->candidate.addr.port);
}

static void say_exhausted(const struct bind_facts *f, struct buf *s, struct buf *a)
{
	buf_printf(s,
		   "all %zu ports that the kernel may choose from (%u to %u, without the "
		   "reserved ones) are held",
		   f->range_ports, f->range_lo, f->range_hi);
	buf_puts(a, "Widen net.ipv4.ip_local_port_range, or name a port outside of it.");
}

static void say_unknown(const struct bind_facts *f, struct buf *s, struct buf *a)
{
	if (f->tried)
		buf_printf(s, "a trial bind failed (%s), and no table says why",
			   strerror(f->trial_error));
	else if (f->dump_error)
		buf_printf(s, "not all sockets could be read: %s",
			   strerror(f->dump_error));
	else if (f->place == PLACE_UNKNOWN)
		buf_puts(s, "the kernel does not say whether the address is its own");
	else if (f->unprivileged_error && !f->privileged && f->candidate.addr.port)
		buf_printf(s,
			   "whether port %u needs CAP_NET_BIND_SERVICE is not known: "
			   "net.ipv4.ip_unprivileged_port_start could not be read (%s)",
			   f->candidate.addr.port, strerror(f->unprivileged_error));
	else if (!f->candidate.addr.port)
		buf_printf(s,
			   "only %zu of the %zu ports that the kernel chooses from is "
			   "free, and its search may miss it",
			   f->range_free, f->range_ports);
	else
		buf_puts(s, "this kernel does not list sockets that are bound and silent "
			    "(Linux 6.8 does): one may hold the port");
	if (f->tried && f->trial_error == EADDRINUSE)
		buf_puts(
			a,
			"A socket that is neither listed nor of this network namespace's "
			"tables may hold it.");
}

void bind_say_plain(const struct bind_facts *f, enum bind_cause cause,
		    struct causes *causes)
{
	struct buf s = { 0 }, a = { 0 };

	if (cause == CAUSE_NOT_LOCAL) {
		say_place(f, &s, &a);
	} else if (cause == CAUSE_LOOPBACK_DOWN) {
		buf_puts(&s,
			 "the loopback interface of this network namespace is down, and "
			 "has the address only once it is up");
	} else if (cause == CAUSE_NO_SCOPE) {
		buf_puts(&s, "a link-local address needs its interface");
		buf_puts(&a, "Write it as [fe80::1%eth0]:80.");
	} else if (cause == CAUSE_PRIVILEGED) {
		say_privileged(f, &s, &a);
	} else if (cause == CAUSE_EXHAUSTED) {
		say_exhausted(f, &s, &a);
	} else if (cause == CAUSE_POLICY) {
		buf_printf(&s, "a security policy forbids it (%s)",
			   strerror(f->trial_error));
		buf_puts(
			&a,
			"A cgroup's BPF program, SELinux, AppArmor, Landlock or seccomp: "
			"no socket table shows which.");
	} else {
		say_unknown(f, &s, &a);
	}
	causes_add(causes, bind_cause_ids[cause], &s, &a, NULL);
}

static enum bind_cause cause_by_id(const char *id)
{
	unsigned i = 0;

	while (bind_cause_ids[i] && !streq(bind_cause_ids[i], id))
		i++;
	return (enum bind_cause)i;
}

/* The same question with other options. */
static void put_command(const struct bind_facts *f, struct buf *b, bool reuseaddr,
			bool reuseport, bool try)
{
	buf_puts(b, "sockctl inspect --bindable ");
	buf_put_shell_word(b, f->asked);
	if (f->candidate.v6only && f->candidate.addr.family == AF_INET6)
		buf_puts(b, " --v6only");
	if (reuseaddr)
		buf_puts(b, " --reuseaddr");
	if (reuseport)
		buf_puts(b, " --reuseport");
	if (f->user) {
		_cleanup_buf_ struct buf user = { 0 };

		buf_put_escaped(&user, f->user, strlen(f->user));
		buf_puts(b, " --as-user ");
		buf_put_shell_word(b, buf_cstr(&user));
	}
	if (try)
		buf_puts(b, " --try");
}

static const struct bind_found *found_of(const struct bind_facts *f,
					 const struct cause *cause)
{
	size_t i;

	for (i = 0; i < f->n_found && cause->processes; i++)
		if (f->found[i].holder.row->holders == cause->processes)
			return &f->found[i];
	return NULL;
}

static void put_stop(const struct bind_facts *f, struct buf *b, const struct cause *cause)
{
	const struct bind_found *x = f->taken ? f->taken : found_of(f, cause);

	buf_puts(b, "stop ");
	put_process(b, cause->processes);
	if (x && x->unit) {
		buf_puts(b, " (systemctl stop ");
		buf_put_escaped(b, x->unit, strlen(x->unit));
		buf_putc(b, ')');
	} else {
		buf_printf(b, " (kill %d)", cause->processes->pid);
	}
}

/* Until the last remnant is forgotten; false if one of them has no end. */
static bool put_wait(const struct bind_facts *f, struct buf *b)
{
	uint32_t ms = 0;
	size_t i;

	for (i = 0; i < f->n_found; i++) {
		const struct sock *row = f->found[i].holder.row;

		if (row->inode || row->state == STATE_LISTEN)
			continue;
		if (row->timer != TIMER_REMNANT)
			return false;
		ms = MAX(ms, row->expires_ms);
	}
	if (!ms)
		return false;
	buf_puts(b, "wait ");
	put_span(b, ms);
	return true;
}

static void next_for_remnant(const struct bind_facts *f, struct buf *b)
{
	if (f->candidate.proto == PROTO_TCP && !f->tried)
		put_command(f, b, true, f->candidate.reuseport, true);
	else if (!put_wait(f, b))
		buf_puts(
			b,
			"choose another port, or wait until the kernel gives up on them");
}

/* "another port", or what an address has in its place. */
static const char *another(const struct bind_facts *f)
{
	return f->candidate.addr.family ? "port" : *f->address == '@' ? "name" : "path";
}

/* How to learn who holds what is in the way, or NULL. */
static const char *unnamed_remedy(const struct bind_facts *f)
{
	size_t i;

	if (f->taken && f->taken->remedy)
		return f->taken->remedy;
	for (i = 0; i < f->n_found; i++)
		if (f->found[i].remedy)
			return f->found[i].remedy;
	return NULL;
}

static void next_for_culprit(const struct bind_facts *f, struct buf *b,
			     const struct cause *cause)
{
	const char *remedy;

	if (!cause->processes) {
		remedy = f->owners_error == EMFILE ? "after 'ulimit -n' was raised"
						   : unnamed_remedy(f);
		if (remedy) {
			put_command(f, b, f->candidate.reuseaddr, f->candidate.reuseport,
				    false);
			buf_printf(b, " (%s: it names the owner), or ", remedy);
		}
		buf_printf(b, "choose another %s", another(f));
		return;
	}
	put_stop(f, b, cause);
	buf_printf(b, ", or choose another %s", another(f));
}

void bind_say_next(const struct bind_facts *f, enum bind_verdict verdict,
		   struct causes *causes)
{
	const struct cause *first = causes->n ? &causes->v[0] : NULL;
	struct buf b = { 0 };

	if (!first)
		return;
	if (verdict == BIND_CANNOT_TELL && f->candidate.proto == PROTO_TCP && !f->tried) {
		put_command(f, &b, f->candidate.reuseaddr, f->candidate.reuseport, true);
		if (f->cannot_try)
			buf_puts(&b, " (as root)");
		causes_next(causes, &b);
		return;
	}
	switch (cause_by_id(first->id)) {
	case CAUSE_REUSEPORT:
		if (!f->candidate.reuseport) {
			put_command(f, &b, f->candidate.reuseaddr, true, false);
			break;
		}
		next_for_culprit(f, &b, first);
		break;
	case CAUSE_LISTENER:
	case CAUSE_CHILDREN:
	case CAUSE_BOUND:
	case CAUSE_LIVE:
	case CAUSE_ABSTRACT:
		next_for_culprit(f, &b, first);
		break;
	case CAUSE_REMNANT:
		next_for_remnant(f, &b);
		break;
	case CAUSE_OUTGOING:
		if (first->processes)
			next_for_culprit(f, &b, first);
		else
			next_for_remnant(f, &b);
		break;
	case CAUSE_STALE:
		buf_puts(&b, "rm ");
		buf_put_shell_word(&b, f->address);
		break;
	case CAUSE_KERNEL:
		buf_puts(&b, "choose another port");
		break;
	case CAUSE_EXHAUSTED:
		buf_puts(&b, "sysctl net.ipv4.ip_local_port_range");
		break;
	case CAUSE_PRIVILEGED:
		buf_printf(&b, "sysctl -w net.ipv4.ip_unprivileged_port_start=%u",
			   f->candidate.addr.port);
		break;
	case CAUSE_LOOPBACK_DOWN:
		buf_puts(&b, LOOPBACK_UP);
		break;
	case CAUSE_NOT_LOCAL:
	case CAUSE_NO_SCOPE:
		buf_puts(&b, "ip address");
		break;
	case CAUSE_NO_SOCKET:
		buf_puts(&b, "choose another path");
		break;
	case CAUSE_NO_DIRECTORY:
		buf_puts(&b, "mkdir -p \"$(dirname ");
		buf_put_shell_word(&b, f->address);
		buf_puts(&b, ")\"");
		break;
	case CAUSE_POLICY:
	case CAUSE_UNKNOWN:
	case CAUSES:
		break;
	}
	causes_next(causes, &b);
}
