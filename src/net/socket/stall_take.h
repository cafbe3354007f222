/* What the kernel says of a TCP socket of ours that may stand still. */
#pragma once

#include "model/answer/stall.h"

/* look->known = false for other sockets, and on kernels that do not tell. */
void stall_take(int fd, struct stall_look *look);
