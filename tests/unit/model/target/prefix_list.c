#include "model/target/prefix_list.h"

#include <errno.h>

#include "base/fault.h"
#include "unit/unit.h"

static struct addr peer(const char *text)
{
	struct addr a = { 0 };

	CHECK_INT(addr_parse_ip(text, strlen(text), false, &a), 0);
	return a;
}

static bool admits(const char *allow, const char *deny, const char *from)
{
	struct peer_rules rules = { 0 };
	struct fault f = FAULT_INIT;
	struct addr a = peer(from);
	bool r;

	CHECK_INT(allow ? prefix_list_parse(allow, &rules.allow, &f) : 0, 0);
	CHECK_INT(deny ? prefix_list_parse(deny, &rules.deny, &f) : 0, 0);
	CHECK_INT(peer_rules_given(&rules), allow || deny);
	r = peer_rules_admit(&rules, &a);
	prefix_list_free(&rules.allow);
	prefix_list_free(&rules.deny);
	return r;
}

static void who_is_let_in(void)
{
	static const struct {
		const char *allow, *deny, *from;
		bool in;
	} rows[] = {
		{ NULL, NULL, "192.0.2.1", true },
		{ "192.0.2.0/25", NULL, "192.0.2.127", true },
		{ "192.0.2.0/25", NULL, "192.0.2.128", false },
		{ "192.0.2.77/25", NULL, "192.0.2.3",
		  true }, /* bits behind do not count */
		{ "192.0.2.0/25", NULL, "::ffff:192.0.2.9", true },
		{ "::ffff:192.0.2.0/121", NULL, "192.0.2.9", true },
		{ "::ffff:192.0.2.0/121", NULL, "192.0.2.129", false },
		{ "192.0.2.0/24", "192.0.2.8/31", "192.0.2.9", false },
		{ "192.0.2.9", "192.0.2.0/24", "192.0.2.9", false }, /* deny wins */
		{ NULL, "192.0.2.8/31", "192.0.2.10", true },
		{ NULL, "192.0.2.8/31", "::ffff:192.0.2.8", false },
		{ "0.0.0.0/0", NULL, "2001:db8::1", false },
		{ "::/0", NULL, "2001:db8::1", true },
		{ "::/0", NULL, "192.0.2.1", false },
		{ "::/0", NULL, "::ffff:192.0.2.1", false }, /* as on an IPv4 socket */
		{ "198.51.100.1,2001:db8:40::/42", NULL, "2001:db8:7f:1::2", true },
		{ "198.51.100.1,2001:db8:40::/42", NULL, "2001:db8:80::2", false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_INT(admits(rows[i].allow, rows[i].deny, rows[i].from), rows[i].in);
}

static void what_is_no_prefix(void)
{
	static const char *const bad[] = {
		"",
		",",
		"192.0.2.1,",
		"192.0.2.0/33",
		"2001:db8::/129",
		"192.0.2.0/",
		"192.0.2.0/x",
		"192.0.2",
		"example",
		"[::1]",
		"192.0.2.1:80",
		"192.0.2.1 ",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct prefix_list list = { 0 };
		struct fault f = FAULT_INIT;

		CHECK_INT(prefix_list_parse(bad[i], &list, &f), -EINVAL);
		CHECK_INT(f.err, EINVAL);
		prefix_list_free(&list);
	}
}

int main(void)
{
	RUN(who_is_let_in, "who is let in: prefixes of both families, deny before allow");
	RUN(what_is_no_prefix, "what is no prefix is refused");
	return unit_done();
}
