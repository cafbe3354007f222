/* Numbers, durations, sizes and port lists. */
#include "base/num.h"

#include "base/mem.h"
#include "fuzz.h"

static void check_fault(int r, const struct fault *f)
{
	HOLDS((r < 0) == (f->err != 0));
	HOLDS(r == 0 || (f->mark >= 0 && (size_t)f->mark <= strlen(f->text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct port_set set = { 0 };
	struct fault f[4];
	uint64_t v;
	size_t i;

	for (i = 0; i < 4; i++)
		f[i] = (struct fault)FAULT_INIT;
	check_fault(num_parse_u64(text, UINT64_MAX, &v, &f[0]), &f[0]);
	check_fault(num_parse_duration(text, &v, &f[1]), &f[1]);
	check_fault(num_parse_size(text, &v, &f[2]), &f[2]);
	check_fault(num_parse_ports(text, &set, &f[3]), &f[3]);
	for (i = 0; i < set.n; i++)
		HOLDS(set.v[i].lo <= set.v[i].hi);
	port_set_free(&set);
	free(text);
	return 0;
}
