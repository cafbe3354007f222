/*
 * Sockets that have the name which leads to nothing here: their file is in another mount
 * namespace, was deleted, or has another name by now. The kernel keeps the name as it was
 * given to bind().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "kernel/explain/explain_private.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/netlink/uapi.h"
#include "kernel/path/in_root.h"
#include "kernel/proc/netns_each.h"
#include "kernel/proc/rights.h"

enum {
	MOST_NAMESAKES = 8,
	MOST_ALIKE = 32,
	MOST_HOLDERS = 8, /* of each that are looked at */
};

struct namesakes {
	const char *name; /* as asked, absolute; an abstract one without its NUL */
	size_t len;
	char *plain; /* the same without links, or NULL */
	const char *last;
	bool abstract, failed;
	uint8_t proto;
	struct kept same, alike;
};

/* A server of datagrams does not listen; a connection has its listener's name. */
static bool serves(const struct sock *s)
{
	return s->state == STATE_LISTEN ||
	       (s->proto == PROTO_UNIX_DGRAM && s->state == STATE_CLOSE);
}

static bool is_named(const struct sock *s, const char *name, size_t len)
{
	return name && s->path.len == len && memcmp(s->path.data, name, len) == 0;
}

static bool ends_alike(const struct namesakes *x, const struct sock *s)
{
	const char *name = s->path.data;
	size_t n = strlen(x->last);

	return n && s->path.len > n && name[0] == '/' &&
	       name[s->path.len - n - 1] == '/' &&
	       memcmp(name + s->path.len - n, x->last, n) == 0;
}

static bool is_abstract(const struct namesakes *x, const struct sock *s)
{
	const char *name = s->path.data;

	return s->proto == x->proto && s->path.len == x->len + 1 && !name[0] &&
	       memcmp(name + 1, x->name, x->len) == 0;
}

static int take_namesake(const struct nlmsghdr *h, void *ctx)
{
	struct namesakes *x = ctx;
	struct sock s;

	if (!unix_parse(h, &s) || !serves(&s) || !s.path.len)
		return 0;
	if (x->abstract
		    ? is_abstract(x, &s)
		    : is_named(&s, x->name, x->len) ||
			      (x->plain && is_named(&s, x->plain, strlen(x->plain)))) {
		if (x->same.n < MOST_NAMESAKES)
			kept_add(&x->same, &s);
	} else if (!x->abstract && x->alike.n < MOST_ALIKE && ends_alike(x, &s)) {
		kept_add(&x->alike, &s);
	}
	return 0;
}

static bool search(void *ctx)
{
	struct namesakes *x = ctx;
	struct nl nl;
	int err = nl_open(&nl, NULL);

	if (err == 0)
		err = unix_dump(&nl, BIT(STATE_LISTEN) | BIT(STATE_CLOSE),
				UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UAPI_UDIAG_SHOW_UID,
				take_namesake, x);
	nl_close(&nl);
	x->failed |= err < 0;
	return x->same.n < MOST_NAMESAKES;
}

/* The path with a root, and the same without links in its directory. */
static char *absolute(const char *path)
{
	_cleanup_free_ char *here = *path == '/' ? NULL : realpath(".", NULL);
	_cleanup_buf_ struct buf b = { 0 };

	if (*path != '/' && !here)
		return NULL;
	buf_printf(&b, "%s%s%s", here ? here : "", here ? "/" : "", path);
	return xstrdup(buf_cstr(&b));
}

static char *without_links(const char *path)
{
	const char *last = strrchr(path, '/');
	_cleanup_free_ char *parent = xstrndup(path,
					       MAX((size_t)(last - path), (size_t)1));
	_cleanup_free_ char *real = realpath(parent, NULL);
	_cleanup_buf_ struct buf b = { 0 };

	if (!real)
		return NULL;
	buf_printf(&b, "%s%s", streq(real, "/") ? "" : real, last);
	return xstrdup(buf_cstr(&b));
}

/* The looks at one row: in our own root, and in those of its holders. */
struct row_looks {
	struct in_root_look *v;
	size_t n;
	bool partial; /* it has more holders */
};

static void ask_row(struct row_looks *looks, const struct sock *row)
{
	const struct holder *h;
	int32_t last = 0;

	if (!in_root_ask(&looks->v[0], 0, row))
		return;
	looks->n = 1;
	for (h = row->holders; h; last = h->pid, h = h->next) {
		if (h->pid == last)
			continue;
		if (looks->n > MOST_HOLDERS)
			looks->partial = true;
		else
			in_root_ask(&looks->v[looks->n++], h->pid, row);
	}
}

static const char *path_of(struct arena *a, const struct in_root_look *look)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (!look->real[0])
		return NULL;
	if (look->apart)
		buf_printf(&b, "/proc/%d/root", look->pid);
	buf_puts(&b, look->real);
	/* Longer ones are no address. */
	return b.len < sizeof(((struct sockaddr_un *)0)->sun_path)
		       ? arena_strdup(a, buf_cstr(&b))
		       : NULL;
}

/* The file is somewhere: that is the answer. It is nowhere: only if each of its holders
 * could be looked at. */
static void judge_row(struct bind_namesake *x, struct arena *a,
		      const struct row_looks *looks)
{
	bool nothing = looks->n > 1 && !looks->partial, other = false;
	size_t i;

	x->where = NAMESAKE_UNKNOWN;
	for (i = 0; i < looks->n; i++) {
		const struct in_root_look *look = &looks->v[i];

		if (look->is == IN_ROOT_SAME) {
			x->where = look->apart ? NAMESAKE_APART : NAMESAKE_MOVED;
			x->real = path_of(a, look);
			return;
		}
		/* Of our own root nothing is known of another one's names. */
		nothing &= i == 0 || look->is != IN_ROOT_UNKNOWN;
		other |= i > 0 && look->is == IN_ROOT_OTHER;
	}
	if (nothing)
		x->where = other ? NAMESAKE_REPLACED : NAMESAKE_DELETED;
}

static void put_namesake(struct bind_facts *f, const struct bind_namesake *x)
{
	struct bind_namesake *v = f->namesakes;
	size_t i = f->n_namesakes++;

	/* Those that can be reached first, those of which nothing is known last. */
	for (; i > 0 && v[i - 1].where == NAMESAKE_UNKNOWN; i--)
		v[i] = v[i - 1];
	for (; i > 0 && x->where == NAMESAKE_APART && v[i - 1].where != NAMESAKE_APART;
	     i--)
		v[i] = v[i - 1];
	v[i] = *x;
}

/* All looks share one limit of time. */
static void look_at_same(const struct namesakes *x, struct row_looks *rows,
			 struct in_root_look *looks)
{
	size_t i, n = 0;

	for (i = 0; i < x->same.n; i++) {
		rows[i].v = looks + n;
		ask_row(&rows[i], x->same.v[i]);
		n += rows[i].n;
	}
	in_root(looks, n);
}

static void judge_same(struct namesakes *x, struct arena *a, struct bind_facts *f)
{
	_cleanup_free_ struct in_root_look *looks = xcalloc(
		MOST_NAMESAKES * (MOST_HOLDERS + 1), sizeof(*looks));
	struct row_looks rows[MOST_NAMESAKES] = { 0 };
	size_t i;

	if (!x->abstract)
		look_at_same(x, rows, looks);
	for (i = 0; i < x->same.n; i++) {
		struct bind_namesake one = { .found.holder.row = x->same.v[i],
					     .where = NAMESAKE_NETWORK };

		found_process(&one.found, a);
		if (!x->abstract)
			judge_row(&one, a, &rows[i]);
		put_namesake(f, &one);
	}
}

/* Sockets of another directory: a hint only where they can be reached. */
static void judge_alike(struct namesakes *x, struct arena *a, struct bind_facts *f)
{
	_cleanup_free_ struct in_root_look *looks = xcalloc(MOST_ALIKE, sizeof(*looks));
	size_t i;

	for (i = 0; i < x->alike.n; i++)
		in_root_ask(&looks[i], 0, x->alike.v[i]);
	in_root(looks, x->alike.n);
	for (i = 0; i < x->alike.n && f->n_namesakes < MOST_NAMESAKES; i++) {
		struct bind_namesake one = { .found.holder.row = x->alike.v[i],
					     .where = NAMESAKE_ALIKE };

		if (looks[i].is != IN_ROOT_SAME || !(one.real = path_of(a, &looks[i])))
			continue;
		found_process(&one.found, a);
		put_namesake(f, &one);
	}
}

static void judge_all(struct namesakes *x, struct arena *a, struct bind_facts *f)
{
	_cleanup_reader_ struct reader r = { 0 };
	struct kept *k = x->same.n ? &x->same : &x->alike;

	if (!k->n)
		return;
	f->namesakes = arena_zalloc(a, MOST_NAMESAKES * sizeof(*f->namesakes));
	kept_own(k, &r);
	f->owners_error = r.owners.failed;
	if (x->same.n)
		judge_same(x, a, f);
	else
		judge_alike(x, a, f);
}

void explain_namesakes(const struct bind_question *q, struct arena *a,
		       struct bind_facts *f)
{
	_cleanup_free_ char *whole = q->abstract ? NULL : absolute(q->name);
	_cleanup_free_ char *plain = whole ? without_links(whole) : NULL;
	struct namesakes x = { .name = q->abstract ? q->name : whole,
			       .len = q->abstract ? q->name_len
				      : whole	  ? strlen(whole)
						  : 0,
			       .plain = plain,
			       .last = whole ? strrchr(whole, '/') + 1 : "",
			       .abstract = q->abstract,
			       .proto = q->candidate.proto,
			       .same.arena = a,
			       .alike.arena = a };
	char remedy[REMEDY_MAX];
	size_t hidden = 0;

	if (!x.name)
		return;
	if (search(&x) && (netns_each(search, &x, &hidden) < 0 || hidden))
		f->enter_remedy = arena_strdup(a, rights_to_enter(remedy));
	judge_all(&x, a, f);
	kept_free(&x.same);
	kept_free(&x.alike);
}
