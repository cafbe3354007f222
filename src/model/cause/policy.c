#include "model/cause/policy.h"

enum { POSSIBLE_MOST = 5 };

void policy_put(struct buf *b, const struct policy_facts *f)
{
	const char *possible[POSSIBLE_MOST];
	size_t n = 0, i;

	possible[n++] = "a BPF program";
	if (f->seccomp == KNOWN_ON)
		possible[n++] = "its seccomp filter";
	else if (f->seccomp == KNOWN_NOT)
		possible[n++] = "seccomp";
	if (f->landlock != KNOWN_OFF)
		possible[n++] = "Landlock";
	if (f->module != KNOWN_OFF)
		possible[n++] = "a security module (SELinux, AppArmor)";
	if (f->other_receiver)
		possible[n++] = "a receiver that takes datagrams of another socket only";
	buf_printf(b, "a policy of this host refuses it (%s): ", strerror(f->err));
	for (i = 0; i < n; i++)
		buf_printf(b, "%s%s", !i ? "" : i + 1 == n ? " or " : ", ", possible[i]);
}

void policy_advise(struct buf *b, const struct policy_facts *f)
{
	if (f->module != KNOWN_OFF)
		buf_puts(b, "SELinux and AppArmor write denials to the kernel's log "
			    "(journalctl -k); the others usually leave no trace.");
	else
		buf_puts(b, "These usually leave no trace: try it outside of the "
			    "container, the unit or the sandbox.");
}
