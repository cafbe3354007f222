/*
 * Why the file system keeps somebody from a path: which component denies it, and by what.
 * Filled by kernel/explain/path_access.h.
 */
#pragma once

#include "base/buf.h"
#include "model/cause/bindable.h"

/* The bits of one class of a mode. */
enum { ACCESS_SEARCH = 1, ACCESS_WRITE = 2 };

enum access_kind {
	ACCESS_NOT_WALKED,
	ACCESS_ALLOWED,	    /* nothing on the way denies it */
	ACCESS_MODE,	    /* the mode of the component */
	ACCESS_LIST,	    /* its access control list */
	ACCESS_UNMAPPED,    /* root of a user namespace that does not map the owner */
	ACCESS_READ_ONLY,   /* its mount, or file system */
	ACCESS_IMMUTABLE,   /* its attribute */
	ACCESS_STICKY_LINK, /* fs.protected_symlinks */
	ACCESS_PROC_LINK,   /* a link of /proc that only tracers of the process follow */
	ACCESS_OTHER,	    /* none of these: a security module, or a file server */
	ACCESS_UNKNOWN,	    /* it could not be found out */
};

/* Whose rights count. */
struct access_ids {
	uint32_t uid, gid;
	const uint32_t *groups; /* supplementary */
	size_t n_groups;
	bool overrides; /* CAP_DAC_OVERRIDE */
	bool searches;	/* CAP_DAC_READ_SEARCH */
};

struct access_facts {
	enum access_kind kind;
	int err; /* what the kernel says; with ACCESS_UNKNOWN why it is not known */
	const char *path;	  /* of the component, escaped */
	unsigned wanted, missing; /* ACCESS_ bits */
	bool directory;
	bool list;  /* ACCESS_UNKNOWN: for it has an access control list */
	bool hides; /* what is below it has not been looked at */
	bool owns;  /* who asks owns it: the bits of the owner count */
	uint32_t mode, uid, gid;
	bool uid_unmapped, gid_unmapped;
	const char *owner, *group; /* of the component: names or numbers, escaped */
	uint32_t who;		   /* who asks */
	const char *user;	   /* the same as a name, or a number, escaped */
	bool named;		   /* it is a name */
	bool joined;		   /* it is in the group of the component by now, and the
				      process that asks began before */
	bool powerless;		   /* user 0, without the capabilities */
};

/*
 * What mode and owner of f say of f->wanted: ACCESS_ALLOWED, ACCESS_MODE,
 * ACCESS_UNMAPPED, or, where a list decides or may, ACCESS_LIST; sets f->missing.
 */
enum access_kind access_judge(const struct access_ids *ids, enum known list,
			      struct access_facts *f);

/* Whether it is known that somebody is denied. */
bool access_denies(const struct access_facts *f);

/*
 * The sentence about what denies it, or what is not known; what would help, in words; and
 * the command for it, as advice.h has it, if there is one. asker: who would run it.
 */
void access_say(const struct access_facts *f, uint32_t asker, struct buf *summary,
		struct buf *advice, struct buf *command);
