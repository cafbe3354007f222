/* Classic BPF filters on a socket: what they do not let pass never arrived. For TCP they
 * need CAP_NET_ADMIN. */
#pragma once

#include "base/fault.h"

/* Nothing arrives any more. 0 or -errno with a fault. */
int sockfilter_drop_all(int fd, struct fault *f);

enum { SOCKFILTER_PORTS_MOST = 256 };
/* For UDP: nothing that comes from one of these ports (n at most SOCKFILTER_PORTS_MOST)
 * arrives any more. 0 or -errno with a fault. */
int sockfilter_drop_ports(int fd, const uint16_t *ports, size_t n, struct fault *f);

/* A listener sees SYNs and no ACK that would end a handshake. 0 or -errno with a fault.
 */
int sockfilter_only_syn(int fd, struct fault *f);
