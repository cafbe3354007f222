/*
 * A call that is refused although no permission and no route denies it: what may have
 * done it, without what a fact excludes. Filled by kernel/explain/policies.h.
 */
#pragma once

#include "base/buf.h"
#include "model/cause/bindable.h"

struct policy_facts {
	int err;	     /* EACCES or EPERM */
	enum known landlock; /* KNOWN_OFF: this kernel has none, or none that says so */
	enum known seccomp;  /* KNOWN_ON: a filter is in force for this process */
	enum known module; /* SELinux, AppArmor and the like; KNOWN_OFF: there is none */
	bool other_receiver; /* a datagram socket may take from another one only */
};

/* The sentence, and below it where traces may be found. */
void policy_put(struct buf *b, const struct policy_facts *f);
void policy_advise(struct buf *b, const struct policy_facts *f);
