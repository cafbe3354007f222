/* The engines of a scan. */
#pragma once

#include "net/scan/scan.h"

/* How the ports of such an address are asked; half_open: by SYNs, no connection is made.
 */
const struct scan_ops *scan_engine(const struct endpoint *to, bool half_open);
