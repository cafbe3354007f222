#include "model/cause/access.h"

#include "model/advice.h"

static bool is_member(const struct access_ids *ids, uint32_t gid)
{
	size_t i;

	for (i = 0; i < ids->n_groups; i++)
		if (ids->groups[i] == gid)
			return true;
	return ids->gid == gid;
}

/* Capabilities count only for files whose owner and group the namespace knows. */
static bool may_override(const struct access_ids *ids, const struct access_facts *f)
{
	return ids->overrides ||
	       (ids->searches && f->directory && f->wanted == ACCESS_SEARCH);
}

/* As the kernel does: acl_permission_check() and generic_permission() in fs/namei.c. */
enum access_kind access_judge(const struct access_ids *ids, enum known list,
			      struct access_facts *f)
{
	bool able = may_override(ids, f), unmapped = f->uid_unmapped || f->gid_unmapped;
	unsigned bits = f->mode;

	f->owns = ids->uid == f->uid && !f->uid_unmapped;
	f->powerless = !ids->uid && !able;
	f->missing = 0;
	if (able && !unmapped)
		return ACCESS_ALLOWED;
	if (f->owns)
		bits = f->mode >> 6;
	else if (list != KNOWN_OFF && (f->mode & 070))
		return ACCESS_LIST;
	else if (is_member(ids, f->gid))
		bits = f->mode >> 3;
	f->missing = f->wanted & ~bits;
	if (!f->missing)
		return ACCESS_ALLOWED;
	return able ? ACCESS_UNMAPPED : ACCESS_MODE;
}

bool access_denies(const struct access_facts *f)
{
	return f->kind > ACCESS_ALLOWED && f->kind < ACCESS_UNKNOWN;
}

/* "search it or create files in it" */
static void put_deed(struct buf *b, const struct access_facts *f, unsigned bits)
{
	if (!f->directory) {
		buf_puts(b, "connect to it");
		return;
	}
	if (bits & ACCESS_SEARCH)
		buf_puts(b, "search it");
	if (bits == (ACCESS_SEARCH | ACCESS_WRITE))
		buf_puts(b, " or ");
	if (bits & ACCESS_WRITE)
		buf_puts(b, "create files in it");
}

static void put_user(struct buf *b, const struct access_facts *f)
{
	buf_printf(b, "user %s%s", f->user,
		   f->powerless ? ", without CAP_DAC_OVERRIDE," : "");
}

/* "/run/app is 0750 root:www-data" */
static void put_mode(struct buf *b, const struct access_facts *f)
{
	buf_printf(b, "%s is %04o %s:%s", f->path, f->mode & 07777,
		   f->uid_unmapped ? "(not mapped)" : f->owner,
		   f->gid_unmapped ? "(not mapped)" : f->group);
}

static void say_mode(const struct access_facts *f, struct buf *b)
{
	put_mode(b, f);
	buf_puts(b, ": ");
	if (!f->directory)
		buf_puts(b, "connecting needs write permission, which ");
	put_user(b, f);
	if (!f->directory) {
		buf_puts(b, " does not have");
	} else {
		buf_puts(b, " cannot ");
		put_deed(b, f, f->missing);
	}
}

static void say_unknown(const struct access_facts *f, struct buf *b)
{
	if (!f->list) {
		buf_printf(b, "%s could not be looked at: %s", f->path, strerror(f->err));
		return;
	}
	buf_printf(b, "%s has an access control list, or may have one: whether it lets ",
		   f->path);
	put_user(b, f);
	buf_putc(b, ' ');
	put_deed(b, f, f->wanted);
	buf_puts(b, " is not known");
}

static void say(const struct access_facts *f, struct buf *b)
{
	switch (f->kind) {
	case ACCESS_MODE:
		say_mode(f, b);
		break;
	case ACCESS_LIST:
		buf_printf(b, "the access control list of %s does not let ", f->path);
		put_user(b, f);
		buf_putc(b, ' ');
		put_deed(b, f, f->wanted);
		break;
	case ACCESS_UNMAPPED:
		put_mode(b, f);
		buf_puts(b, ": this user namespace does not map its owner or group, so "
			    "that its capabilities do not count there");
		break;
	case ACCESS_READ_ONLY:
		buf_printf(b, "%s is on a file system that is mounted read-only",
			   f->path);
		break;
	case ACCESS_IMMUTABLE:
		buf_printf(b,
			   "%s is immutable (chattr +i): no files can be created in it",
			   f->path);
		break;
	case ACCESS_STICKY_LINK:
		buf_printf(b,
			   "%s is a symbolic link of user %s in a sticky directory that "
			   "everybody can write to: with fs.protected_symlinks, only %s "
			   "can follow it",
			   f->path, f->owner, f->owner);
		break;
	case ACCESS_PROC_LINK:
		buf_printf(b, "%s can be followed only by who may trace that process",
			   f->path);
		break;
	case ACCESS_OTHER:
		buf_printf(b, "the permissions of %s let ", f->path);
		put_user(b, f);
		buf_putc(b, ' ');
		put_deed(b, f, f->wanted);
		buf_printf(b,
			   ", and yet the kernel refuses it (%s): a security module, or "
			   "the server of a network or FUSE file system",
			   strerror(f->err));
		break;
	case ACCESS_UNKNOWN:
		say_unknown(f, b);
		break;
	case ACCESS_NOT_WALKED:
	case ACCESS_ALLOWED:
		break;
	}
}

/* "wx" */
static const char *letters(unsigned bits)
{
	static const char *const all[] = { "", "x", "w", "wx" };

	return all[bits & 3];
}

/* The group of root gives more than one directory. */
static bool group_helps(const struct access_facts *f)
{
	return f->named && f->gid && !f->gid_unmapped && !f->owns &&
	       (f->mode >> 3 & f->wanted) == f->wanted;
}

/* A right for this user alone, where no group gives it. */
static void advise_grant(const struct access_facts *f, struct advised who,
			 struct buf *command)
{
	_cleanup_buf_ struct buf grant = { 0 };

	if (f->owns)
		buf_printf(&grant, "u+%s", letters(f->wanted));
	else
		buf_printf(&grant, "u:%s:%s", f->user, letters(f->wanted));
	advise(command, f->owns ? ADVICE_CHMOD : ADVICE_GRANT, who, buf_cstr(&grant),
	       f->path);
}

static void advise_group(const struct access_facts *f, struct advised who,
			 struct buf *advice, struct buf *command)
{
	if (f->joined) {
		buf_printf(advice,
			   "User %s is a member of group %s by now, but this process "
			   "began before that: log in again, or restart the service.",
			   f->user, f->group);
		advise(command, ADVICE_NEW_GROUP, who, f->group);
		return;
	}
	buf_printf(advice,
		   "Members of group %s can: a new one after the next login, a service "
		   "after its restart.",
		   f->group);
	advise(command, ADVICE_JOIN_GROUP, who, f->group, f->user);
}

static void put_sentence(struct buf *b, const char *text)
{
	buf_printf(b, "%s%s", b->len ? " " : "", text);
}

static void advise_mode(const struct access_facts *f, struct advised who,
			struct buf *advice, struct buf *command)
{
	/* Where the capabilities are missing, those of the command are, too. */
	if (f->powerless && !who.uid && !f->owns) {
		buf_printf(advice, "Run it as user %s, or with CAP_DAC_OVERRIDE.",
			   f->owner);
		return;
	}
	if (f->uid_unmapped) {
		buf_puts(advice, "Change it from outside of this user namespace.");
		return;
	}
	if (f->kind == ACCESS_LIST) {
		buf_puts(advice, "An entry for the user and the mask have to allow it.");
		advise(command, ADVICE_SHOW_LIST, who, f->path);
	} else if (group_helps(f)) {
		advise_group(f, who, advice, command);
	} else {
		advise_grant(f, who, command);
	}
	if (!f->directory)
		put_sentence(advice, "A server that creates the file again also sets "
				     "its mode and group again.");
	else if (f->hides)
		put_sentence(advice, "What is below it could not be looked at.");
	else if ((f->wanted & ACCESS_WRITE) && !f->uid)
		put_sentence(advice, "A server usually has a directory of its own: for a "
				     "unit, RuntimeDirectory= makes one below /run.");
}

void access_say(const struct access_facts *f, uint32_t asker, struct buf *summary,
		struct buf *advice, struct buf *command)
{
	struct advised who = { .uid = asker, .owner = f->uid };

	say(f, summary);
	if (f->kind == ACCESS_MODE || f->kind == ACCESS_LIST) {
		advise_mode(f, who, advice, command);
	} else if (f->kind == ACCESS_READ_ONLY) {
		buf_puts(advice,
			 "A container (--read-only) or a unit (ProtectSystem=) does so: "
			 "choose a directory that is writable there.");
	} else if (f->kind == ACCESS_IMMUTABLE) {
		advise(command, ADVICE_MUTABLE, (struct advised){ .uid = asker },
		       f->path);
	} else if (f->kind == ACCESS_STICKY_LINK) {
		buf_puts(advice, "Use the path that it leads to.");
	} else if (f->kind == ACCESS_UNMAPPED) {
		buf_puts(advice, "Change it from outside of this user namespace.");
	}
}
