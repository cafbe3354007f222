#include "net/scan/scan_engine.h"

#include "net/scan/scan_private.h"

const struct scan_ops *scan_engine(const struct endpoint *to, bool half_open)
{
	return half_open		 ? &scan_by_syn
	       : to->proto == TARGET_UDP ? &scan_by_udp
					 : &scan_by_connect;
}
