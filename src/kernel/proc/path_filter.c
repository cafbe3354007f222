#include "kernel/proc/path_filter.h"

#include <stdio.h>

#include "base/util.h"
#include "kernel/proc/procfile.h"

enum { DEVICES_MOST = 4096 }; /* as of a host of containers: more add nothing */

static bool read_own(const char *device, uint64_t all, uint64_t *filter)
{
	char path[64 + IF_NAMESIZE];

	snprintf(path, sizeof(path), "ipv4/conf/%.15s/rp_filter", device);
	if (!procfile_sysctl(path, filter))
		return false;
	*filter = MAX(*filter, all);
	return true;
}

static bool read_all(uint64_t *all)
{
	return procfile_sysctl("ipv4/conf/all/rp_filter", all);
}

bool path_filter_read(const char *device, uint64_t *filter)
{
	uint64_t all;

	return read_all(&all) && read_own(device, all, filter);
}

void strict_paths_read(struct strict_paths *p)
{
	struct if_nameindex *list;
	uint64_t all, filter;
	size_t i;

	*p = (struct strict_paths){ .n = 0 };
	if (!read_all(&all))
		return;
	list = if_nameindex();
	for (i = 0; list && list[i].if_index && i < DEVICES_MOST; i++) {
		if (list[i].if_index == 1 || !read_own(list[i].if_name, all, &filter) ||
		    filter != 1)
			continue;
		if (p->n < STRICT_PATHS_MOST)
			snprintf(p->v[p->n], IF_NAMESIZE, "%.15s", list[i].if_name);
		p->n++;
	}
	if_freenameindex(list);
}
