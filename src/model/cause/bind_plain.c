/* The sentences about causes that no socket has. */
#include <errno.h>

#include "model/cause/bind_say.h"

/* What is given in a user namespace counts in its own network namespaces only. */
static void say_privileged_outside(const struct bind_facts *f, struct buf *s,
				   struct buf *a)
{
	buf_printf(s,
		   "ports below %u need CAP_NET_BIND_SERVICE in the user namespace that "
		   "owns this network namespace, which is not the one of this process",
		   f->unprivileged_from);
	buf_puts(
		a,
		"Root, setcap and AmbientCapabilities of this user namespace do not "
		"count there. Run the server outside of it, or give it a network "
		"namespace of its own. As root outside, for every program of every user:");
	advise(a, ADVICE_LOW_PORTS, (struct advised){ 0 },
	       (unsigned)f->candidate.addr.port);
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
	buf_puts(a,
		 "Give it to the program (setcap), or to its unit "
		 "(AmbientCapabilities=CAP_NET_BIND_SERVICE). For every program of every "
		 "user, which is more than one server needs:");
	advise(a, ADVICE_LOW_PORTS, (struct advised){ .uid = f->asker },
	       (unsigned)f->candidate.addr.port);
}

static void say_exhausted(const struct bind_facts *f, struct buf *s, struct buf *a)
{
	buf_printf(s,
		   "all %zu ports that the kernel may choose from (%u to %u, without the "
		   "reserved ones) are held",
		   f->range_ports, f->range_lo, f->range_hi);
	if (f->range_holder) {
		if (f->range_held < f->range_ports)
			buf_printf(s, ", %zu of them by ", f->range_held);
		else
			buf_puts(s, ", all by ");
		put_process(s, f->range_holder);
	}
	buf_puts(a, bind_causes[CAUSE_EXHAUSTED].advice);
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
	else if (!f->range_read && !f->candidate.addr.port)
		buf_puts(s, "which ports the kernel may choose from is not known: "
			    "net.ipv4.ip_local_port_range could not be read");
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
	else if (f->bound_error)
		buf_printf(s,
			   "a socket that is bound and silent may hold the port: whether "
			   "this kernel lists them could not be tried (%s)",
			   strerror(f->bound_error));
	else
		buf_puts(s, "this kernel does not list sockets that are bound and silent "
			    "(Linux 6.8 does): one may hold the port");
	if (f->tried && f->trial_error == EADDRINUSE)
		buf_puts(
			a,
			"A socket that is neither listed nor of this network namespace's "
			"tables may hold it.");
}

static void say_place(const struct bind_facts *f, struct buf *s, struct buf *a)
{
	bind_put_place(f->place, f->device, s);
	if (f->others) {
		buf_printf(s, "; %s has it", f->others);
		buf_puts(a, "A server that listens on it has to run there.");
	} else {
		bind_advise_place(f->place, addr_unmapped(&f->candidate.addr).family, a);
	}
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
	} else if (cause == CAUSE_IPV6_OFF) {
		ipv6_put_off(&f->ipv6, &s);
	} else if (cause == CAUSE_NO_SCOPE) {
		buf_puts(&s, "a link-local address needs its interface");
		buf_puts(&a, bind_causes[cause].advice);
	} else if (cause == CAUSE_PRIVILEGED) {
		if (f->netns_is_above)
			say_privileged_outside(f, &s, &a);
		else
			say_privileged(f, &s, &a);
	} else if (cause == CAUSE_EXHAUSTED) {
		say_exhausted(f, &s, &a);
	} else if (cause == CAUSE_POLICY) {
		if (!f->tried)
			buf_puts(&s, "not even a port that the kernel chooses can be "
				     "bound here: ");
		policy_put(&s, &f->policy);
		policy_advise(&a, &f->policy);
	} else {
		say_unknown(f, &s, &a);
	}
	causes_add(causes, bind_causes[cause].id, &s, &a,
		   cause == CAUSE_EXHAUSTED ? f->range_holder : NULL);
}
