/* What the engines of a scan share. */
#pragma once

#include "net/scan/scan.h"

/* What a port is given where answers are counted by the thousand: past the first SYN
 * retransmit. */
enum { SCAN_TIMEOUT_US = 1100 * 1000 };

enum { SCAN_PAUSE_US = 10 * 1000 }; /* between two looks whether a pause is over */

extern const struct scan_ops scan_by_connect, scan_by_udp, scan_by_syn;

/* s->r for what became of this port: empty but for its peer. */
struct probe_result *scan_result(struct scan *s, uint16_t port);
/* s->r is whole: counted, and told unless it is a refusal that nobody asked for. */
void scan_tell(struct scan *s);
/* A refusal that nobody asked for. */
void scan_count_refused(struct scan *s);
void scan_over(struct scan *s);

void scan_set_port(struct endpoint *ep, uint16_t port);
/* A socket towards s->to that keeps ICMP errors, with the options and the source that
 * were asked for. The descriptor, or -errno with a fault. */
int scan_socket(const struct scan *s, struct fault *f);
/* Whether the next may start by now; rate 0 = always. Counts it as started. */
bool scan_may_start(struct scan *s, uint64_t rate, uint64_t now);
/* What the device, or our own buffer, says when it takes nothing for now. */
bool scan_is_full(int err);
