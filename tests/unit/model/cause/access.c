/* Whom a mode denies: the kernel's order of owner, list, group and others. */
#include "model/cause/access.h"

#include "unit/unit.h"

enum { SX = ACCESS_SEARCH, W = ACCESS_WRITE, WX = ACCESS_SEARCH | ACCESS_WRITE };

static const uint32_t groups[] = { 50, 60 };

static void modes(void)
{
	static const struct {
		uint32_t uid, gid, mode;
		unsigned wanted, missing;
		enum known list;
		enum access_kind want;
		bool overrides, searches, file, unmapped;
	} rows[] = {
		{ 1, 1, 0755, SX, 0, KNOWN_OFF, ACCESS_ALLOWED, .file = false },
		{ 1, 1, 0755, WX, W, KNOWN_OFF, ACCESS_MODE, .file = false },
		{ 1, 1, 0700, WX, WX, KNOWN_OFF, ACCESS_MODE, .file = false },
		/* The first class that fits decides, also where a later one allows more.
		 */
		{ 1000, 1, 0077, SX, SX, KNOWN_OFF, ACCESS_MODE, .file = false },
		{ 1, 1000, 0707, SX, SX, KNOWN_OFF, ACCESS_MODE, .file = false },
		{ 1, 60, 0707, SX, SX, KNOWN_OFF, ACCESS_MODE, .file = false },
		{ 1, 50, 0730, WX, 0, KNOWN_OFF, ACCESS_ALLOWED, .file = false },
		/* A list is not read for the owner, nor where no bit of the group is set.
		 */
		{ 1000, 1, 0500, WX, W, KNOWN_ON, ACCESS_MODE, .file = false },
		{ 1, 1, 0707, SX, 0, KNOWN_ON, ACCESS_ALLOWED, .file = false },
		{ 1, 1, 0777, SX, 0, KNOWN_ON, ACCESS_LIST, .file = false },
		{ 1, 1, 0777, SX, 0, KNOWN_NOT, ACCESS_LIST, .file = false },
		/* Capabilities: reading and searching is less than writing. */
		{ 1, 1, 0700, SX, 0, KNOWN_OFF, ACCESS_ALLOWED, .searches = true },
		{ 1, 1, 0700, WX, WX, KNOWN_OFF, ACCESS_MODE, .searches = true },
		{ 1, 1, 0700, WX, 0, KNOWN_ON, ACCESS_ALLOWED, .overrides = true },
		{ 1, 1, 0600, W, 0, KNOWN_OFF, ACCESS_ALLOWED, .overrides = true,
		  .file = true },
		{ 1, 1, 0600, W, W, KNOWN_OFF, ACCESS_MODE, .searches = true,
		  .file = true },
		{ 65534, 1, 0700, WX, WX, KNOWN_OFF, ACCESS_UNMAPPED, .overrides = true,
		  .unmapped = true },
		{ 65534, 1, 0707, WX, 0, KNOWN_OFF, ACCESS_ALLOWED, .overrides = true,
		  .unmapped = true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct access_ids ids = { .uid = 1000,
					  .gid = 1000,
					  .groups = groups,
					  .n_groups = ARRAY_SIZE(groups),
					  .overrides = rows[i].overrides,
					  .searches = rows[i].searches };
		struct access_facts f = { .uid = rows[i].uid,
					  .gid = rows[i].gid,
					  .mode = rows[i].mode,
					  .wanted = rows[i].wanted,
					  .directory = !rows[i].file,
					  .uid_unmapped = rows[i].unmapped };

		CHECK_INT(access_judge(&ids, rows[i].list, &f), rows[i].want);
		CHECK_INT(f.missing, rows[i].missing);
	}
}

static void words(void)
{
	struct access_facts f = { .kind = ACCESS_MODE,
				  .path = "/run/a\\n",
				  .wanted = W,
				  .missing = W,
				  .mode = 0140660,
				  .gid = 33,
				  .owner = "root",
				  .group = "www-data",
				  .user = "bob",
				  .who = 1000,
				  .named = true };
	_cleanup_buf_ struct buf s = { 0 }, a = { 0 }, c = { 0 };

	access_say(&f, 1000, &s, &a, &c);
	CHECK_STR(buf_cstr(&s), "/run/a\\n is 0660 root:www-data: connecting needs write "
				"permission, which user bob does not have");
	CHECK_STR(buf_cstr(&c), "\tsudo usermod -aG www-data bob");
	/* A number is no name that usermod takes. */
	f.named = false;
	f.user = "1000";
	buf_reset(&c);
	access_say(&f, 0, &s, &a, &c);
	CHECK_STR(buf_cstr(&c), "\tsetfacl -m u:1000:w -- $'/run/a\\n'");
}

int main(void)
{
	RUN(modes, "the first class that fits decides, but for lists and capabilities");
	RUN(words, "the sentence, and a command for a name or a number");
	return unit_done();
}
