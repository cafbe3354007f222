#include "kernel/read/recorder.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/passwd.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/owners_kept.h"
#include "kernel/proc/procfile.h"
#include "kernel/read/record_private.h"

/* Numbers, each once, in the order in which they came. */
struct numbers {
	uint64_t *v;
	size_t n, cap;
	struct hash_index index;
};

struct recorder {
	struct nl_record nl; /* first: what the sockets know of it */
	struct out *out;
	struct buf later; /* what is of TCP and comes behind the first NLMSG_DONE */
	uint32_t protos;
	uint8_t proto;
	bool tcp, beside;
	struct numbers cookies; /* of the TCP sockets that were written */
	struct hash_index inodes;
	struct numbers users, devices, cgroups;
};

static bool numbers_add(struct numbers *x, uint64_t v)
{
	uint32_t hash = hash_u64(&x->index, v), step = 0;
	size_t at;

	while ((at = hash_index_next(&x->index, hash, &step)) != SIZE_MAX)
		if (x->v[at] == v)
			return false;
	x->v = array_grow(x->v, x->n, &x->cap, sizeof(*x->v));
	hash_index_add(&x->index, hash, x->n);
	x->v[x->n++] = v;
	return true;
}

static void numbers_free(struct numbers *x)
{
	free(x->v);
	hash_index_free(&x->index);
}

/* ---- what is written ---- */

static void put_message(struct buf *b, const struct nlmsghdr *h)
{
	buf_put(b, h, h->nlmsg_len);
	buf_pad(b, '\0', NLMSG_ALIGN(h->nlmsg_len) - h->nlmsg_len);
}

/* A message of ours; its attributes follow, and end_message(). Returns where it is. */
static size_t begin_message(struct buf *b, uint8_t kind)
{
	struct record_head head = { .h = { .nlmsg_type = NLMSG_NOOP },
				    .magic = RECORD_MAGIC,
				    .kind = kind,
				    .version = RECORD_VERSION };
	size_t at = b->len;

	buf_put(b, &head, sizeof(head));
	return at;
}

static void end_message(struct recorder *w, size_t at)
{
	struct buf *b = &w->out->b;
	uint32_t len = (uint32_t)(b->len - at);

	memcpy(b->data + at, &len, sizeof(len));
	out_maybe_flush(w->out);
}

static void put_attribute(struct buf *b, uint16_t type, const void *data, size_t len)
{
	size_t most = UINT16_MAX - NLA_HDRLEN;
	struct nlattr a = { .nla_type = type };

	len = MIN(len, most);
	a.nla_len = (uint16_t)(NLA_HDRLEN + len);
	buf_put(b, &a, sizeof(a));
	buf_put(b, data, len);
	buf_pad(b, '\0', NLA_ALIGN(a.nla_len) - a.nla_len);
}

static void put_text(struct buf *b, uint16_t type, const char *text)
{
	if (text && *text)
		put_attribute(b, type, text, strlen(text));
}

static void put_u32(struct buf *b, uint16_t type, uint32_t v)
{
	put_attribute(b, type, &v, sizeof(v));
}

static void put_u64(struct buf *b, uint16_t type, uint64_t v)
{
	put_attribute(b, type, &v, sizeof(v));
}

/* ---- what the kernel says ---- */

static void note_row(struct recorder *w, const struct sock *s)
{
	hash_set_add(&w->inodes, s->inode);
	if (s->has & SOCK_HAS_UID)
		numbers_add(&w->users, s->uid);
	if (s->ifindex)
		numbers_add(&w->devices, s->ifindex);
	if (s->has & SOCK_HAS_CGROUP)
		numbers_add(&w->cgroups, s->cgroup_id);
}

/* ss shows what is in front, whatever it is, and each message of it. */
static bool is_of_front(struct recorder *w, const struct sock *s)
{
	return s->state != STATE_BOUND_INACTIVE &&
	       (!s->cookie || numbers_add(&w->cookies, s->cookie));
}

static void take_message(struct recorder *w, const struct nlmsghdr *h)
{
	bool is_unix = w->proto >= PROTO_UNIX_STREAM;
	struct sock s;

	if (is_unix ? unix_parse(h, &s) : inet_parse(h, w->proto, &s))
		note_row(w, &s);
	else if (w->tcp)
		return;
	if (w->tcp && (w->beside || !is_of_front(w, &s)))
		put_message(&w->later, h);
	else
		put_message(&w->out->b, h);
}

/* The dump of a table has an end of its own, of which only an error matters. */
static void take_end(struct recorder *w, const struct nlmsghdr *h)
{
	int32_t err = 0;

	if (!w->tcp) {
		put_message(&w->out->b, h);
		return;
	}
	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	if (err < 0)
		put_message(&w->later, h);
}

static void take_messages(struct nl_record *r, const void *data, size_t len)
{
	struct recorder *w = (void *)r;
	const char *p = data, *end = p + len;

	while (end - p >= (ptrdiff_t)sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const void *)p;

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > end - p)
			break;
		p += MIN((ptrdiff_t)NLMSG_ALIGN(h->nlmsg_len), end - p);
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			take_end(w, h);
		else if (h->nlmsg_type >= NLMSG_MIN_TYPE)
			take_message(w, h);
	}
	out_maybe_flush(w->out);
}

static void take_failure(struct nl_record *r, int err)
{
	struct recorder *w = (void *)r;
	struct {
		struct nlmsghdr h;
		int32_t err;
	} m = { .h = { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_ERROR }, .err = err };

	put_message(w->tcp ? &w->later : &w->out->b, &m.h);
}

/* What was only read beside the tables, because it came after them or left them before,
 * is a socket like others. Further readings are of use where they are of a queue. */
static void bring_to_front(struct recorder *w)
{
	_cleanup_buf_ struct buf kept = { 0 };
	const char *p = w->later.data, *end = p + w->later.len;
	struct sock s;

	while (p < end) {
		const struct nlmsghdr *h = (const void *)p;
		bool row = h->nlmsg_type >= NLMSG_MIN_TYPE &&
			   inet_parse(h, PROTO_TCP, &s);

		if (row && is_of_front(w, &s))
			put_message(&w->out->b, h);
		else if (!row || s.state == STATE_BOUND_INACTIVE ||
			 record_is_of_queue(&s))
			put_message(&kept, h);
		p += NLMSG_ALIGN(h->nlmsg_len);
	}
	buf_reset(&w->later);
	buf_put(&w->later, kept.data, kept.len);
}

/* ---- what it does not say ---- */

static uint64_t netns_inode(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) == 0 ? st.st_ino : 0;
}

/* 0 or -errno: the host is not known then. */
static int put_meta(struct recorder *w, int lists_bound)
{
	struct buf *b = &w->out->b;
	size_t at = begin_message(b, RECORD_META);
	_cleanup_free_ char *boot = procfile_read("/proc/sys/kernel/random/boot_id");
	struct utsname u = { 0 };
	uint64_t netns = netns_inode();
	uint8_t lists = lists_bound > 0;
	int err = uname(&u) < 0 ? -errno : 0;

	put_text(b, META_PROGRAM, SOCKCTL_VERSION);
	put_text(b, META_HOST, u.nodename);
	if (boot)
		put_attribute(b, META_BOOT_ID, boot, strcspn(boot, "\n"));
	put_text(b, META_KERNEL, u.release);
	put_text(b, META_MACHINE, u.machine);
	put_u64(b, META_TIME, clock_wall_us());
	if (netns)
		put_u64(b, META_NETNS, netns);
	put_u32(b, META_UID, geteuid());
	put_u32(b, META_PROTOS, w->protos);
	if (lists_bound >= 0)
		put_attribute(b, META_LISTS_BOUND, &lists, sizeof(lists));
	end_message(w, at);
	return err;
}

static void put_owners(struct recorder *w, const struct owners *o, int cgroups_denied)
{
	struct buf *b = &w->out->b;
	size_t at = begin_message(b, RECORD_OWNERS);

	put_text(b, OWNERS_UNSEEN, owner_words(o->unseen)->key);
	put_text(b, OWNERS_WHY, o->unseen_why);
	if (o->failed) {
		put_u32(b, OWNERS_FAILED, (uint32_t)o->failed);
		put_u64(b, OWNERS_N_FAILED, o->n_failed);
	}
	if (cgroups_denied)
		put_u32(b, OWNERS_CGROUPS_DENIED, (uint32_t)cgroups_denied);
	end_message(w, at);
}

/* In parts, for the length of an attribute has 16 bits. */
static void put_process(const struct kept_process *p, void *ctx)
{
	enum { MOST_FDS = 4096 };
	struct recorder *w = ctx;
	struct buf *b = &w->out->b;
	size_t done = 0;

	do {
		size_t at = begin_message(b, RECORD_PROCESS);
		size_t n = MIN(p->n_fds - done, (size_t)MOST_FDS);

		put_u32(b, PROCESS_PID, (uint32_t)p->pid);
		put_text(b, PROCESS_COMMAND, p->command);
		if (p->err)
			put_u32(b, PROCESS_ERR, (uint32_t)p->err);
		if (p->name_err)
			put_u32(b, PROCESS_NAME_ERR, (uint32_t)p->name_err);
		put_attribute(b, PROCESS_FDS, p->fds + done, n * sizeof(*p->fds));
		end_message(w, at);
		done += n;
	} while (done < p->n_fds);
}

static void put_name(struct recorder *w, uint8_t kind, uint64_t id, const char *text)
{
	struct buf *b = &w->out->b;
	size_t at = begin_message(b, kind);

	put_u64(b, NAME_ID, id);
	put_text(b, NAME_TEXT, text);
	end_message(w, at);
}

/* A look-up that failed is none: the name stays unknown. */
static void put_users(struct recorder *w)
{
	size_t i;

	for (i = 0; i < w->users.n; i++) {
		struct passwd *pw = passwd_find(NULL, (uint32_t)w->users.v[i]);

		if (pw || !errno)
			put_name(w, RECORD_USER, w->users.v[i], pw ? pw->pw_name : NULL);
	}
}

static void put_devices(struct recorder *w)
{
	char name[IF_NAMESIZE];
	size_t i;

	for (i = 0; i < w->devices.n; i++) {
		const char *text = if_indextoname((uint32_t)w->devices.v[i], name);

		if (text || errno == ENXIO || errno == ENODEV)
			put_name(w, RECORD_DEVICE, w->devices.v[i], text);
	}
}

static int put_cgroups(struct recorder *w, struct cgroups *cgroups)
{
	size_t i;

	for (i = 0; i < w->cgroups.n; i++) {
		const char *path = cgroups_path(cgroups, w->cgroups.v[i]);

		if (path || !(cgroups->failed || cgroups->denied))
			put_name(w, RECORD_CGROUP, w->cgroups.v[i], path);
	}
	return cgroups->denied ? cgroups->denied : cgroups->failed;
}

/* ---- the whole ---- */

struct recorder *recorder_new(struct out *out, uint32_t protos)
{
	struct recorder *w = xcalloc(1, sizeof(*w));

	*w = (struct recorder){ .nl = { .messages = take_messages,
					.failed = take_failure },
				.out = out,
				.protos = protos,
				.proto = PROTO_TCP,
				.tcp = true };
	return w;
}

void recorder_free(struct recorder *w)
{
	if (!w)
		return;
	buf_free(&w->later);
	numbers_free(&w->cookies);
	hash_index_free(&w->inodes);
	numbers_free(&w->users);
	numbers_free(&w->devices);
	numbers_free(&w->cgroups);
	free(w);
}

struct nl_record *recorder_listener(struct recorder *w)
{
	return &w->nl;
}

void recorder_beside(struct recorder *w, bool beside)
{
	if (w)
		w->beside = beside;
}

int recorder_end_tcp(struct recorder *w, int lists_bound)
{
	struct record_done done = { .h = { .nlmsg_len = sizeof(done),
					   .nlmsg_type = NLMSG_DONE,
					   .nlmsg_flags = NLM_F_MULTI },
				    .magic = RECORD_MAGIC };

	bring_to_front(w);
	put_message(&w->out->b, &done.h);
	buf_put(&w->out->b, w->later.data, w->later.len);
	buf_free(&w->later);
	w->tcp = false;
	return put_meta(w, lists_bound);
}

void recorder_storage(struct recorder *w, const struct sock *s)
{
	struct buf *b = &w->out->b;
	size_t at = begin_message(b, RECORD_STORAGE);

	put_u64(b, STORAGE_COOKIE, s->cookie);
	put_attribute(b, STORAGE_DATA, s->bpf_storages.data, s->bpf_storages.len);
	end_message(w, at);
}

void recorder_has_storages(struct recorder *w)
{
	end_message(w, begin_message(&w->out->b, RECORD_STORAGES));
}

void recorder_section(struct recorder *w, uint8_t proto)
{
	if (!w)
		return;
	w->proto = proto;
	end_message(w, begin_message(&w->out->b, proto));
}

void recorder_end(struct recorder *w, struct cgroups *cgroups, unsigned threads)
{
	struct owners o = { 0 };
	int denied;

	owners_scan(&o, &w->inodes, NULL, 0, threads);
	denied = put_cgroups(w, cgroups);
	put_owners(w, &o, denied);
	owners_each(&o, put_process, w);
	put_users(w);
	put_devices(w);
	end_message(w, begin_message(&w->out->b, RECORD_END));
	owners_free(&o);
}
