#include "net/socket/resolve.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "net/socket/lookup.h"
#include "net/socket/resolv_conf.h"

struct resolve {
	const struct target *t;
	struct resolve_how how;
	struct lookup *lookup; /* NULL: numeric */
	int err;	       /* the thread could not be started */
};

struct resolve *resolve_start(const struct target *t, const struct resolve_how *how)
{
	struct resolve *r = xcalloc(1, sizeof(*r));

	r->t = t;
	r->how = *how;
	if (t->host == TARGET_HOST_NAME)
		r->err = -lookup_start(&r->lookup, t->name, t->family, !how->no_family,
				       how->deadline_us);
	return r;
}

int resolve_fd(const struct resolve *r)
{
	return r->lookup ? lookup_fd(r->lookup) : -1;
}

void resolve_drop(struct resolve *r)
{
	if (r->lookup)
		lookup_release(r->lookup);
	free(r);
}

static void set_ip(struct endpoint_list *list, const struct target *t, struct addr a,
		   uint16_t port)
{
	struct endpoint *ep = endpoint_list_add(list);

	a.port = port;
	endpoint_from_addr(ep, t->proto, &a);
	if (t->proto == TARGET_RAW)
		ep->protocol = t->number;
}

static void add_empty(const struct target *t, enum resolve_empty empty, uint16_t port,
		      struct endpoint_list *list)
{
	struct addr any6 = { .family = AF_INET6 }, any4 = { .family = AF_INET };
	struct addr lo6 = { .family = AF_INET6 }, lo4 = { .family = AF_INET };
	bool v4 = t->family != AF_INET6, v6 = t->family != AF_INET;

	lo6.ip[15] = 1;
	memcpy(lo4.ip, (const uint8_t[]){ 127, 0, 0, 1 }, 4);
	switch (empty) {
	case RESOLVE_EMPTY_ANY:
		if (v6)
			set_ip(list, t, any6, port);
		if (v4)
			set_ip(list, t, any4, port);
		break;
	case RESOLVE_EMPTY_LOCALHOST:
		if (v6)
			set_ip(list, t, lo6, port);
		if (v4)
			set_ip(list, t, lo4, port);
		break;
	case RESOLVE_EMPTY_LOOPBACK4:
		set_ip(list, t, v4 ? lo4 : lo6, port);
		break;
	}
}

static void add_vsock(const struct target *t, struct endpoint_list *list)
{
	struct endpoint *ep = endpoint_list_add(list);
	struct sockaddr_vm *vm = (struct sockaddr_vm *)&ep->ss;

	endpoint_init(ep, t->proto, AF_VSOCK);
	vm->svm_cid = t->cid;
	vm->svm_port = t->vport ? t->vport : VMADDR_PORT_ANY;
	ep->len = sizeof(*vm);
}

/* Those that need no look-up. */
static void add_numeric(const struct resolve *r, uint16_t port,
			struct endpoint_list *list)
{
	const struct target *t = r->t;

	switch (t->host) {
	case TARGET_HOST_NONE:
		if (t->proto == TARGET_VSOCK)
			add_vsock(t, list);
		else
			add_empty(t, r->how.empty, port, list);
		break;
	case TARGET_HOST_ANY:
		add_empty(t,
			  r->how.empty == RESOLVE_EMPTY_LOCALHOST
				  ? RESOLVE_EMPTY_LOCALHOST
				  : RESOLVE_EMPTY_ANY,
			  port, list);
		break;
	case TARGET_HOST_IP:
		set_ip(list, t, t->ip, port);
		break;
	case TARGET_HOST_PATH:
	case TARGET_HOST_ABSTRACT:
		endpoint_from_unix(endpoint_list_add(list), t->proto, t->name,
				   t->host == TARGET_HOST_ABSTRACT);
		break;
	case TARGET_HOST_NAME:
		break;
	}
}

/* It was not asked: what is told is no word about the name. */
static int tell_lack(const struct resolve *r, int err, struct fault *f)
{
	char name[200];

	fault(f, err, "look up '%s'",
	      escape_text(name, sizeof(name), r->t->name, strlen(r->t->name)));
	if (err == EMFILE)
		fault_hint(f, "this process has no descriptor left: raise 'ulimit -n'");
	else if (err == EAGAIN)
		fault_hint(f, "no thread can be made: 'ulimit -u' and pids.max of the "
			      "cgroup limit them");
	/* -EAGAIN would be the name servers'. */
	return err == EAGAIN ? -ENOMEM : -err;
}

static int tell_failure(const struct resolve *r, const struct lookup_end *end,
			struct fault *f)
{
	const char *family = r->t->family == AF_INET	? " to IPv4"
			     : r->t->family == AF_INET6 ? " to IPv6"
							: "";
	_cleanup_buf_ struct buf servers = { 0 };
	char name[200];

	if (end->lacked)
		return tell_lack(r, end->lacked, f);
	escape_text(name, sizeof(name), r->t->name, strlen(r->t->name));
	if (end->result == EAI_SYSTEM)
		fault(f, end->err, "the name '%s' does not resolve%s", name, family);
	else
		fault_say(f, ENOENT, "the name '%s' does not resolve%s: %s", name, family,
			  gai_strerror(end->result));
	if (!lookup_is_theirs(end->result)) {
		if (nsswitch_has_dns() == 0)
			fault_hint(f,
				   "no name server is asked: 'hosts' in "
				   "/etc/nsswitch.conf has no 'dns'; /etc/hosts may name "
				   "it");
		else
			fault_hint(
				f,
				"check the spelling; 'getent ahosts %s' asks the same way",
				name);
		return -ENOENT;
	}
	lookup_put_servers(&servers, r->lookup);
	fault_hint(f, "%s", buf_cstr(&servers));
	return -EAGAIN;
}

static int wait_lookup(const struct resolve *r, struct fault *f)
{
	struct pollfd p = { .fd = lookup_fd(r->lookup), .events = POLLIN };
	_cleanup_buf_ struct buf servers = { 0 };
	uint64_t now;
	int ready, wait;

	do {
		wait = -1;
		if (r->how.deadline_us) {
			now = clock_us();
			wait = now >= r->how.deadline_us
				       ? 0
				       : (int)MIN((r->how.deadline_us - now + 999) / 1000,
						  (uint64_t)INT32_MAX);
		}
		ready = poll(&p, 1, wait);
	} while (ready < 0 && errno == EINTR);
	if (ready > 0)
		return 0;
	if (ready < 0)
		return fault(f, errno, "wait for the address of '%s'", r->t->name);
	fault_say(f, ETIMEDOUT, "the name '%s' did not resolve before the deadline",
		  r->t->name);
	lookup_put_servers(&servers, r->lookup);
	fault_hint(f, "%s", buf_cstr(&servers));
	return -ETIMEDOUT;
}

static void add_found(const struct resolve *r, const struct addrinfo *found,
		      uint16_t port, struct endpoint_list *list)
{
	const struct addrinfo *ai;
	size_t from = list->n, i;
	struct addr a, seen;

	for (ai = found; ai; ai = ai->ai_next) {
		if (!addr_from_sockaddr(&a, ai->ai_addr, ai->ai_addrlen))
			continue;
		/* /etc/hosts may name an address twice. */
		for (i = from; i < list->n; i++)
			if (endpoint_addr(&list->v[i], &seen) && addr_same_ip(&a, &seen))
				break;
		if (i == list->n)
			set_ip(list, r->t, a, port);
	}
}

int resolve_finish(struct resolve *r, uint16_t port, struct endpoint_list *list,
		   struct fault *f)
{
	size_t before = list->n, i;
	struct lookup_end end;
	int result = 0;

	if (r->err) {
		result = tell_lack(r, r->err, f);
	} else if (!r->lookup) {
		add_numeric(r, port, list);
	} else {
		result = wait_lookup(r, f);
		if (result == 0) {
			lookup_end(r->lookup, &end);
			if (r->how.took_us)
				*r->how.took_us = end.took_us;
			if (end.result == 0)
				add_found(r, end.list, port, list);
			else
				result = tell_failure(r, &end, f);
		}
	}
	for (i = before; i < list->n; i++)
		list->v[i].ifindex = r->t->ifindex;
	resolve_drop(r);
	return result;
}

bool resolve_says_no_name(int err)
{
	return err == -ENOENT || err == -EAGAIN || err == -ETIMEDOUT;
}

int resolve(const struct target *t, uint16_t port, const struct resolve_how *how,
	    struct endpoint_list *list, struct fault *f)
{
	return resolve_finish(resolve_start(t, how), port, list, f);
}
