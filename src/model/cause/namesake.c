#include "model/cause/namesake.h"

#include "model/cause/bind_say.h"
#include "model/cause/connect_cause.h"
#include "model/names.h"

static void put_who(struct buf *b, const struct bind_namesake *x, const char *verb)
{
	const struct sock *row = x->found.holder.row;

	bind_put_owner(b, &x->found);
	buf_printf(b, " %s", verb);
	buf_puts(b, row->state == STATE_LISTEN ? "listens on " : "receives on ");
}

static void put_more(const struct bind_facts *file, struct buf *b)
{
	size_t i, n = 0;

	for (i = 1; i < file->n_namesakes; i++)
		n += file->namesakes[i].where == file->namesakes[0].where;
	if (n)
		buf_printf(b, " (and %zu more do%s)", n, n == 1 ? "es" : "");
}

/* As a command line takes it: with the type, where that is not the usual one. */
static void put_target(struct buf *b, const struct bind_namesake *x)
{
	uint8_t proto = x->found.holder.row->proto;

	if (proto != PROTO_UNIX_STREAM)
		buf_printf(b, "%s:", proto_name(proto));
	buf_put_escaped(b, x->real, strlen(x->real));
}

static void advise_path(const struct connect_facts *f, const struct bind_namesake *x,
			struct causes *causes)
{
	struct buf next = { 0 };
	_cleanup_buf_ struct buf target = { 0 };
	bool apart = x->where == NAMESAKE_APART;

	if (!x->real || causes->next)
		return;
	put_target(&target, x);
	advise(&next, apart ? ADVICE_CONNECT_ROOT : ADVICE_CONNECT,
	       (struct advised){ .uid = f->asker, .owner = x->found.holder.row->uid },
	       buf_cstr(&target));
	causes_next(causes, &next);
}

/* By what keeps it running, or in words. */
static void advise_restart(const struct connect_facts *f, const struct bind_namesake *x,
			   struct causes *causes)
{
	const struct sock *row = x->found.holder.row;
	struct advised who = { .uid = f->asker, .owner = row->uid };
	_cleanup_buf_ struct buf process = { 0 };
	struct keeper keeper = occupants_keeper(&x->found.occupants);
	struct buf next = { 0 };

	if (causes->next || !row->holders)
		return;
	if (!keeper_advise_restart(&next, &keeper, who)) {
		put_process(&process, row->holders);
		advise_in_words(&next, "restart %s", buf_cstr(&process));
	}
	causes_next(causes, &next);
}

static void add(struct causes *causes, enum connect_cause cause, struct buf *b,
		const char *advice, const struct bind_namesake *x)
{
	struct buf a = { 0 };

	if (advice)
		buf_puts(&a, advice);
	causes_add(causes, connect_causes[cause].id, b, &a, x->found.holder.row->holders);
}

static void say_apart(const struct connect_facts *f, const struct bind_namesake *x,
		      struct causes *causes)
{
	struct buf b = { 0 };

	put_who(&b, x, "");
	buf_printf(&b, "%s in another mount namespace, which has other files there",
		   f->address);
	put_more(&f->file, &b);
	bind_put_age_and_unit(&b, &x->found);
	add(causes, CONNECT_OTHER_MOUNT, &b,
	    "A unit with PrivateTmp= has a /tmp of its own, a container all its files: let "
	    "both use a directory that they share.",
	    x);
	advise_path(f, x, causes);
}

static void say_moved(const struct connect_facts *f, const struct bind_namesake *x,
		      struct causes *causes)
{
	struct buf b = { 0 };

	put_who(&b, x, "");
	buf_printf(&b, "a socket that was bound to %s", f->address);
	if (x->real) {
		buf_puts(&b, ", and is ");
		buf_put_escaped(&b, x->real, strlen(x->real));
		buf_puts(&b, " now");
	}
	add(causes, CONNECT_OTHER_PATH, &b, NULL, x);
	advise_path(f, x, causes);
}

static void say_gone(const struct connect_facts *f, const struct bind_namesake *x,
		     struct causes *causes)
{
	struct buf b = { 0 };

	put_who(&b, x, "still ");
	buf_printf(&b,
		   x->where == NAMESAKE_REPLACED
			   ? "%s, but another file has taken the place of its own"
			   : "%s, but the file was deleted",
		   f->address);
	put_more(&f->file, &b);
	bind_put_age_and_unit(&b, &x->found);
	add(causes, CONNECT_DELETED, &b,
	    "No client can reach it until it binds the path again.", x);
	advise_restart(f, x, causes);
}

static void say_network(const struct connect_facts *f, const struct bind_namesake *x,
			struct causes *causes)
{
	const struct holder *h = x->found.holder.row->holders;
	struct buf b = { 0 }, next = { 0 };

	put_who(&b, x, "");
	buf_printf(&b, "%s, but in another network namespace", f->address);
	put_more(&f->file, &b);
	if (h && !causes->next) {
		advise(&next, ADVICE_CONNECT_IN, (struct advised){ .uid = f->asker },
		       (unsigned)h->pid, f->address);
		causes_next(causes, &next);
	}
	add(causes, CONNECT_OTHER_NAMESPACE, &b, NULL, x);
}

bool namesake_cause(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_namesake *x = f->file.namesakes;

	if (!f->file.n_namesakes)
		return false;
	switch (x->where) {
	case NAMESAKE_APART:
		say_apart(f, x, causes);
		return true;
	case NAMESAKE_MOVED:
		say_moved(f, x, causes);
		return true;
	case NAMESAKE_REPLACED:
	case NAMESAKE_DELETED:
		say_gone(f, x, causes);
		return true;
	case NAMESAKE_NETWORK:
		say_network(f, x, causes);
		return true;
	case NAMESAKE_UNKNOWN:
	case NAMESAKE_ALIKE:
		break;
	}
	return false;
}

void namesake_none(const struct connect_facts *f, struct causes *causes)
{
	const struct bind_namesake *x = f->file.n_namesakes ? f->file.namesakes : NULL;
	struct buf b = { 0 }, a = { 0 };

	if (f->file.link_to)
		buf_printf(&b, "%s is a symbolic link to %s, which is not there",
			   f->address, f->file.link_to);
	else
		buf_printf(&b, "there is no %s", f->address);
	if (x && x->where == NAMESAKE_UNKNOWN) {
		buf_puts(&b, "; ");
		put_who(&b, x, "");
		buf_puts(&b, "a socket of that name: its file is in another mount "
			     "namespace, or was deleted");
	} else if (x) {
		buf_puts(&b, "; ");
		put_who(&b, x, "");
		buf_put_escaped(&b, x->real, strlen(x->real));
		advise_path(f, x, causes);
	} else if (f->file.enter_remedy) {
		buf_printf(&a, "Not every other namespace could be looked into: %s.",
			   f->file.enter_remedy);
	}
	causes_add(causes, connect_causes[CONNECT_NOT_LISTENING].id, &b, &a,
		   x ? x->found.holder.row->holders : NULL);
}

void namesake_note(const struct bind_facts *f, struct causes *causes)
{
	static const char *const says[] = {
		[NAMESAKE_UNKNOWN] = "a socket of that name, whose file cannot be seen "
				     "from here",
		[NAMESAKE_APART] = "that path in another mount namespace, which is no "
				   "conflict",
		[NAMESAKE_MOVED] = "a socket that was bound to that path and has another "
				   "name now",
		[NAMESAKE_REPLACED] =
			"that path, but another file has taken the place of its own: "
			"no client can reach it",
		[NAMESAKE_DELETED] = "that path, but its file was deleted: no client can "
				     "reach it",
		[NAMESAKE_NETWORK] =
			"that name in another network namespace, which is no "
			"conflict",
	};
	const struct bind_namesake *x = f->namesakes;
	struct buf b = { 0 };

	if (!f->n_namesakes || x->where == NAMESAKE_ALIKE)
		return;
	put_who(&b, x, "");
	buf_puts(&b, says[x->where]);
	put_more(f, &b);
	causes_note(causes, &b);
}
