/*
 * Options of another program's socket, from a duplicate of its descriptor
 * (pidfd_getfd(2), Linux 5.6; needs the right to trace the process).
 *
 * The duplicate keeps the socket open: should its owner close it meanwhile, the peer
 * learns of it only when the duplicate goes. So there is one at a time, nothing but
 * getsockopt() happens to it, and it is closed before anything else is done. SO_ERROR is
 * never read: that would take the error away from its owner.
 */
#pragma once

#include "model/sock.h"

/*
 * Fills *o from the descriptor of the first holder that may be asked, if that still is
 * the socket s (same cookie). 0, or -errno: -EPERM no right to, -ESRCH and -EBADF it is
 * gone, -ESTALE it is another one, -ENOSYS.
 */
int fdsteal_options_of(const struct sock *s, struct sock_options *o);
