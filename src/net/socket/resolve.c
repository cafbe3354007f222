#include "net/socket/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "net/socket/nameserver.h"

enum { ASK_AGAIN_US = 250 * 1000 };

/* Shared by the caller and the thread; whoever lets go last frees it. */
struct lookup {
	pthread_mutex_t lock;
	int holders;
	int done_in;  /* readable once the fields below are final ... */
	int done_out; /* ... for then the thread closes this: unlike a write, it cannot
			 fail */
	char *name;
	int family;
	int result; /* EAI_... */
	int err;    /* errno beside EAI_SYSTEM */
	int lacked; /* errno of what this process had not enough of to ask; 0 = none */
	struct buf why; /* beside EAI_AGAIN: what the name servers say */
	struct addrinfo *list;
};

struct resolve {
	const struct target *t;
	struct resolve_how how;
	struct lookup *lookup; /* NULL: numeric */
	int err;	       /* the thread could not be started */
};

static void lookup_release(struct lookup *k)
{
	bool last;

	pthread_mutex_lock(&k->lock);
	last = --k->holders == 0;
	pthread_mutex_unlock(&k->lock);
	if (!last)
		return;
	if (k->list)
		freeaddrinfo(k->list);
	pthread_mutex_destroy(&k->lock);
	close_fd(k->done_in);
	close_fd(k->done_out);
	buf_free(&k->why);
	free(k->name);
	free(k);
}

/*
 * getaddrinfo() without a descriptor for the files and sockets that it needs says that
 * the name does not exist, and leaves in errno why. Where that was used for something
 * else since, a descriptor of our own tells.
 */
static int what_it_lacked(int result, int err)
{
	int fd;

	if (result == 0)
		return 0;
	if (result == EAI_MEMORY)
		return ENOMEM;
	if (!endpoint_is_shortage(err)) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		err = fd < 0 ? errno : 0;
		close_fd(fd);
	}
	return err;
}

static void *lookup_run(void *arg)
{
	struct lookup *k = arg;
	struct addrinfo hints = { .ai_family = k->family, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct buf why = { 0 };
	int r, err, lacked;

	errno = 0;
	r = getaddrinfo(k->name, NULL, &hints, &list);
	err = errno;
	lacked = what_it_lacked(r, err);
	if (r == EAI_AGAIN && !lacked)
		nameserver_tell(&why, k->name, ASK_AGAIN_US);
	pthread_mutex_lock(&k->lock);
	k->result = r;
	k->err = err;
	k->lacked = lacked;
	k->list = r == 0 ? list : NULL;
	k->why = why;
	close_fd(take_fd(&k->done_out));
	pthread_mutex_unlock(&k->lock);
	lookup_release(k);
	return NULL;
}

static int lookup_start(struct resolve *r, const char *name, int family)
{
	struct lookup *k = xcalloc(1, sizeof(*k));
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int err, ends[2];

	k->name = xstrdup(name);
	k->family = family;
	k->holders = 2;
	k->done_in = k->done_out = -1;
	pthread_mutex_init(&k->lock, NULL);
	if (pipe2(ends, O_CLOEXEC) != 0) {
		err = errno;
		k->holders = 1;
		lookup_release(k);
		return -err;
	}
	k->done_in = ends[0];
	k->done_out = ends[1];
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* Signals belong to the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, &attr, lookup_run, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (err) {
		k->holders = 1;
		lookup_release(k);
		return -err;
	}
	r->lookup = k;
	return 0;
}

struct resolve *resolve_start(const struct target *t, const struct resolve_how *how)
{
	struct resolve *r = xcalloc(1, sizeof(*r));

	r->t = t;
	r->how = *how;
	if (t->host == TARGET_HOST_NAME)
		r->err = -lookup_start(r, t->name, t->family);
	return r;
}

int resolve_fd(const struct resolve *r)
{
	return r->lookup ? r->lookup->done_in : -1;
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

static int tell_failure(const struct resolve *r, struct fault *f)
{
	const struct lookup *k = r->lookup;
	const char *family = r->t->family == AF_INET	? " to IPv4"
			     : r->t->family == AF_INET6 ? " to IPv6"
							: "";
	char name[200];

	if (k->lacked)
		return tell_lack(r, k->lacked, f);
	escape_text(name, sizeof(name), r->t->name, strlen(r->t->name));
	if (k->result == EAI_SYSTEM)
		fault(f, k->err, "the name '%s' does not resolve%s", name, family);
	else
		fault_say(f, ENOENT, "the name '%s' does not resolve%s: %s", name, family,
			  gai_strerror(k->result));
	if (k->result == EAI_AGAIN)
		fault_hint(f, "%s (/etc/resolv.conf)", buf_cstr(&r->lookup->why));
	else
		fault_hint(f, "check the spelling; 'getent ahosts %s' asks the same way",
			   name);
	return k->result == EAI_AGAIN ? -EAGAIN : -ENOENT;
}

static int wait_lookup(const struct resolve *r, struct fault *f)
{
	struct lookup *k = r->lookup;
	struct pollfd p = { .fd = k->done_in, .events = POLLIN };
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
	nameserver_list(&servers);
	fault_hint(f, "%s (/etc/resolv.conf)", buf_cstr(&servers));
	return -ETIMEDOUT;
}

static void add_found(const struct resolve *r, uint16_t port, struct endpoint_list *list)
{
	const struct addrinfo *ai;
	size_t from = list->n, i;
	struct addr a, seen;

	for (ai = r->lookup->list; ai; ai = ai->ai_next) {
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
	int result = 0;
	bool done;

	if (r->err) {
		result = tell_lack(r, r->err, f);
	} else if (!r->lookup) {
		add_numeric(r, port, list);
	} else {
		result = wait_lookup(r, f);
		if (result == 0) {
			pthread_mutex_lock(&r->lookup->lock);
			done = r->lookup->result == 0;
			pthread_mutex_unlock(&r->lookup->lock);
			if (done)
				add_found(r, port, list);
			else
				result = tell_failure(r, f);
		}
	}
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
