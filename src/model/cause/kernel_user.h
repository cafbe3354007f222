/* Which ports parts of the kernel use: a socket without a process may be theirs there,
 * and is not elsewhere. */
#pragma once

#include "model/advice.h"
#include "model/sock.h"

struct kernel_user {
	const char *name;	 /* "vxlan" */
	enum advice_line advice; /* the command that shows it */
	uint16_t port;
	uint32_t protos; /* BIT(PROTO_*) */
};

/* Who may hold this socket; NULL = none that is known. */
const struct kernel_user *kernel_user(const struct sock *s);
