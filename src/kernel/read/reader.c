#include "kernel/read/reader.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/passwd.h"
#include "kernel/netlink/bytecode.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/fdsteal.h"
#include "model/field/field.h"

const struct bytecode_caps reader_caps = { .net_admin = true, .ifindex = if_nametoindex };

int reader_open(struct reader *r, struct fault *f)
{
	unsigned threads = r->threads;

	*r = (struct reader){ .threads = threads };
	r->no_diag = -nl_open(&r->dump, f);
	return -r->no_diag;
}

bool reader_has_fallback(int err)
{
	return err == -EPROTONOSUPPORT || err == -ENOENT || err == -EAFNOSUPPORT ||
	       err == -EPERM || err == -EACCES;
}

void reader_close(struct reader *r)
{
	nl_close(&r->dump);
	nl_close(&r->exact);
	owners_free(&r->owners);
	owners_free(&r->peers_scratch);
	cgroups_free(&r->cgroups);
	arena_free(&r->arena);
	listeners_free(&r->listeners);
	recorded_free(&r->recorded);
	free(take_ptr(&r->users.v));
	free(take_ptr(&r->devices.v));
}

/* That a socket is gone, or is another one by now, is an answer. Without sock_diag there
 * are none, as a note of its own says. */
static int keep_failure(struct reader *r, int err)
{
	if (err < 0 && err != -ENOENT && err != -ESTALE && !r->unanswered && r->dump.sock)
		r->unanswered = -err;
	return err;
}

int reader_side_socket(struct reader *r)
{
	return r->exact.sock ? 0 : nl_open(&r->exact, NULL);
}

int reader_exact(struct reader *r, const struct sock *key, uint32_t ext,
		 struct sock *answer)
{
	int err = reader_side_socket(r);

	if (err == 0)
		err = inet_exact(&r->exact, &key->local, &key->peer, key->ifindex,
				 key->cookie, ext, answer);
	return keep_failure(r, err);
}

int reader_listeners(struct reader *r, uint32_t ext)
{
	return listeners_read(&r->dump, ext, &r->listeners);
}

bool reader_listener_of(struct reader *r, const struct sock *s,
			const struct sock **listener, uint32_t *members)
{
	/* Asked for in the middle of a dump: on the other socket. */
	if (!r->listeners.read) {
		int err = reader_side_socket(r);

		if (err == 0)
			err = listeners_read(&r->exact, 0, &r->listeners);
		keep_failure(r, err);
	}
	return listeners_find(&r->listeners, s, listener, members);
}

static struct reader_name *names_find(const struct reader_names *names, uint32_t id)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (names->v[i].id == id)
			return &names->v[i];
	return NULL;
}

static const char *names_add(struct reader *r, struct reader_names *names, uint32_t id,
			     const char *text)
{
	const char *copy = text ? arena_strdup(&r->arena, text) : NULL;

	names->v = array_grow(names->v, names->n, &names->cap, sizeof(*names->v));
	names->v[names->n++] = (struct reader_name){ id, r->look, copy };
	return copy;
}

/* Names by number, remembered; NULL if there is none. */
static const char *user_of(struct reader *r, uint32_t uid)
{
	const struct reader_name *known = names_find(&r->users, uid);
	struct passwd *pw;

	if (known)
		return known->text;
	pw = passwd_find(NULL, uid);
	if (!pw &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO))
		keep_failure(r, -errno);
	return names_add(r, &r->users, uid, pw ? pw->pw_name : NULL);
}

static const char *device_of(struct reader *r, uint32_t ifindex)
{
	struct reader_name *known = names_find(&r->devices, ifindex);
	char name[IF_NAMESIZE];
	const char *now;

	if (!ifindex)
		return NULL;
	if (known && known->look == r->look)
		return known->text;
	now = if_indextoname(ifindex, name);
	if (!known)
		return names_add(r, &r->devices, ifindex, now);
	known->look = r->look;
	if (!now || !known->text || !streq(now, known->text))
		known->text = now ? arena_strdup(&r->arena, now) : NULL;
	return known->text;
}

/* The name that a file has for a number. Where it has none the fact is lacking, for this
 * machine may have another one. */
static const char *name_then(const struct recorded_names *names, uint64_t id,
			     struct sock *s, enum sock_has lack)
{
	const struct recorded_name *name = recorded_name(names, id);

	if (!name)
		s->has |= lack;
	return name ? name->text : NULL;
}

static void add_names_then(struct reader *r, struct sock *s, uint32_t needs)
{
	const struct recorded *of = &r->recorded;

	if ((needs & NEED_USER) && (s->has & SOCK_HAS_UID))
		s->user = name_then(&of->users, s->uid, s, SOCK_LACKS_USER);
	if ((needs & NEED_DEVICE) && s->ifindex)
		s->device = name_then(&of->devices, s->ifindex, s, SOCK_LACKS_DEVICE);
	if ((needs & NEED_CGROUP) && (s->has & SOCK_HAS_CGROUP))
		s->cgroup = name_then(&of->cgroups, s->cgroup_id, s, SOCK_LACKS_CGROUP);
}

static void add_names(struct reader *r, struct sock *s, uint32_t needs)
{
	if (needs & NEED_USER)
		s->user = (s->has & SOCK_HAS_UID) ? user_of(r, s->uid) : NULL;
	if (needs & NEED_DEVICE)
		s->device = device_of(r, s->ifindex);
	if (needs & NEED_CGROUP) {
		s->cgroup = (s->has & SOCK_HAS_CGROUP)
				    ? cgroups_path(&r->cgroups, s->cgroup_id)
				    : NULL;
		keep_failure(r, -r->cgroups.failed);
	}
}

/* The age of a queued or half-closed connection, from its own tcp_info, for one exact
 * request. */
static void add_tcp_info(struct reader *r, struct sock *s)
{
	struct sock fresh;

	if (s->tcp_info.len || !sock_is_unaccepted(s))
		return;
	if (reader_exact(r, s, EXT_BIT(INET_DIAG_INFO), &fresh) < 0 ||
	    fresh.cookie != s->cookie || fresh.tcp_info.len > sizeof(r->info_copy))
		return;
	if (fresh.tcp_info.len)
		memcpy(r->info_copy, fresh.tcp_info.data, fresh.tcp_info.len);
	s->tcp_info = (struct blob){ r->info_copy, fresh.tcp_info.len };
}

static void add_listener(struct reader *r, struct sock *s)
{
	const struct sock *found;
	struct listener_ref *ref;
	uint32_t members;

	if (!sock_is_unaccepted(s) || !reader_listener_of(r, s, &found, &members))
		return;
	ref = arena_zalloc(&r->listeners.arena, sizeof(*ref));
	*ref = (struct listener_ref){ found->local, found->cookie, members };
	s->listener = ref;
}

/* Whether the kernel holds it for a tunnel; read once a look, and only where a socket has
 * no holder though all processes are visible. */
static bool is_of_tunnel(struct reader *r, const struct sock *s)
{
	if (s->proto != PROTO_UDP || r->replays)
		return false;
	if (r->tunnels_look != r->look + 1) {
		tunnels_read(&r->tunnels);
		r->tunnels_look = r->look + 1;
	}
	return tunnels_find(&r->tunnels, s->local.port);
}

static __attribute__((noinline)) uint8_t why_nobody(struct reader *r,
						    const struct sock *s)
{
	uint8_t why = owners_why_nobody(&r->owners);

	if ((why == OWNER_INVISIBLE || why == OWNER_CANDIDATES || why == OWNER_THREADS) &&
	    is_of_tunnel(r, s))
		return OWNER_KERNEL;
	return why;
}

static void add_owners(struct reader *r, struct sock *s)
{
	s->holders = owners_find(&r->owners, s->inode);
	if (s->holders)
		s->owner_status = OWNER_FOUND;
	else
		s->owner_status = s->inode ? why_nobody(r, s) : OWNER_NONE;
	r->unowned |= BIT(s->owner_status);
}

static bool ask_peer(struct reader *r, const struct sock *s, uint32_t ifindex,
		     struct sock *answer)
{
	struct sock key = { .local = s->peer, .peer = s->local, .ifindex = ifindex };

	return reader_exact(r, &key, 0, answer) == 0 && !sock_is_listener(answer) &&
	       answer->peer.port == s->local.port && answer->local.port == s->peer.port;
}

/* The inode at the other end of a connection on this host: by the reversed tuple, or the
 * unix peer. An end that is bound to a device is found only by that device's index;
 * what this host sends to itself comes in by the loopback device. */
static uint32_t peer_inode(struct reader *r, const struct sock *s)
{
	enum { LOOPBACK_IFINDEX = 1 }; /* include/net/flow.h: in every namespace */
	struct sock answer;

	if (sock_is_unix(s))
		return s->peer_inode;
	if (s->proto != PROTO_TCP || !s->peer.port)
		return 0;
	if (r->replays)
		return recorded_peer_inode(&r->recorded, s);
	if (ask_peer(r, s, s->ifindex, &answer) ||
	    (!s->ifindex && addr_is_loopback(&s->peer) &&
	     ask_peer(r, s, LOOPBACK_IFINDEX, &answer)))
		return answer.inode;
	return 0;
}

/* Only a row that is shown, or decides the filter, is worth a look into its owner. */
static void add_options(struct reader *r, struct sock *s)
{
	int err = s->holders ? fdsteal_options_of(s, &r->options) : 0;

	if (s->holders && err == 0)
		s->owner_options = (struct blob){ &r->options, sizeof(r->options) };
	/* No right, an older kernel, or it was closed meanwhile: nothing went wrong. */
	if (err != -EPERM && err != -EACCES && err != -ENOSYS && err != -ESRCH &&
	    err != -EBADF)
		keep_failure(r, err);
}

/* The same table with a list of its own, so that the holders of both ends live side by
 * side. */
static void add_peer_owners(struct reader *r, struct sock *s)
{
	struct owners view = r->owners;
	uint32_t inode = peer_inode(r, s);

	view.scratch = r->peers_scratch.scratch;
	view.scratch_cap = r->peers_scratch.scratch_cap;
	s->peer_holders = owners_find(&view, inode);
	r->peers_scratch.scratch = view.scratch;
	r->peers_scratch.scratch_cap = view.scratch_cap;
	if (s->peer_holders)
		s->peer_owner_status = OWNER_FOUND;
	else
		s->peer_owner_status = inode ? owners_why_nobody(&view) : OWNER_NONE;
	r->unowned |= BIT(s->peer_owner_status);
}

void reader_annotate(struct reader *r, struct sock *s, uint32_t needs)
{
	if (needs & NEED_WAIT_TIME)
		add_tcp_info(r, s);
	if (needs & NEED_LISTENER)
		add_listener(r, s);
	if (needs & NEED_OWNERS)
		add_owners(r, s);
	if (needs & NEED_SOCKOPTS)
		add_options(r, s);
	/* Where nobody can be named, the control group may say whose it is. */
	if (s->owner_status > OWNER_NONE)
		needs |= NEED_CGROUP;
	if (r->replays)
		add_names_then(r, s, needs);
	else
		add_names(r, s, needs);
	if (needs & NEED_PEER_OWNERS)
		add_peer_owners(r, s);
}
