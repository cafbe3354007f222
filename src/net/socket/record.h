/* Records of a unix-seqpacket socket: an empty one and the end both are 0 bytes. */
#pragma once

#include <sys/types.h>

#include "base/util.h"

/* Makes the kernel mark each record that fd receives from now on, those in the queue
 * included. Once before record_recv(). */
void record_mark(int fd);

/* As recv(2) with MSG_DONTWAIT: bytes, or -errno; -EMSGSIZE where the record was longer,
 * the rest of it is
 * lost, its first len bytes are there. 0 is an empty record if *empty, or else the end.
 */
ssize_t record_recv(int fd, void *to, size_t len, bool *empty);
