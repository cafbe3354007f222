#include "base/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "unit/unit.h"

/*
 * What others do between our look at an entry and our rename, and between the rename and
 * the way back: this stands in for the libc's.
 */
static int renames;
static void (*before_rename)(int nth);

int renameat2(int from_dir, const char *from, int to_dir, const char *to,
	      unsigned int flags)
{
	if (before_rename)
		before_rename(++renames);
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

static char dir_name[] = "/tmp/unit_entry.XXXXXX";
static int dir = -1;

static ino_t make(const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	struct stat st = { 0 };

	if (fd < 0) {
		CHECK(!"made");
		return 0;
	}
	CHECK_INT(fstat(fd, &st), 0);
	close(fd);
	return st.st_ino;
}

static ino_t at(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

static ino_t ours, others, third;

static int remove_ours(void (*meanwhile)(int nth))
{
	struct stat st;
	int keep, r;

	ours = make("name");
	keep = openat(dir, "name", O_PATH | O_CLOEXEC);
	CHECK(fstat(keep, &st) == 0);
	renames = 0;
	before_rename = meanwhile;
	r = entry_remove(dir, "name", "aside", st.st_dev, st.st_ino);
	before_rename = NULL;
	close(keep);
	return r;
}

static void clean(void)
{
	unlinkat(dir, "name", 0);
	unlinkat(dir, "aside", 0);
}

static void removes(void)
{
	CHECK_INT(remove_ours(NULL), 0);
	CHECK_INT(at("name"), 0);
	CHECK_INT(at("aside"), 0);
	CHECK_INT(entry_remove(dir, "name", "aside", 0, 0), -ENOENT);
}

static void swap(int nth)
{
	if (nth != 1)
		return;
	unlinkat(dir, "name", 0);
	others = make("name");
}

static void puts_back(void)
{
	CHECK_INT(remove_ours(swap), -ESTALE);
	CHECK(others && at("name") == others);
	CHECK_INT(at("aside"), 0);
	CHECK_INT(renames, 2);
	clean();
}

static void swap_and_take(int nth)
{
	swap(nth);
	if (nth == 2)
		third = make("name");
}

static void keeps_both(void)
{
	CHECK_INT(remove_ours(swap_and_take), -EEXIST);
	CHECK(third && at("name") == third);
	CHECK(others && at("aside") == others);
	clean();
}

static void take_aside(int nth)
{
	if (nth == 1)
		others = make("aside");
}

static void aside_is_taken(void)
{
	CHECK_INT(remove_ours(take_aside), -EEXIST);
	CHECK(at("name") == ours);
	CHECK(at("aside") == others);
	clean();
}

static void moves_over_nothing(void)
{
	ino_t a = make("name"), b = make("aside");

	CHECK_INT(entry_move(dir, "name", dir, "aside"), -EEXIST);
	CHECK(at("name") == a && at("aside") == b);
	clean();
}

int main(void)
{
	if (!mkdtemp(dir_name))
		return 1;
	dir = open(dir_name, O_DIRECTORY | O_CLOEXEC);
	RUN(removes, "the inode that was meant goes, with nothing left beside");
	RUN(puts_back, "another that took the name meanwhile is put back");
	RUN(keeps_both, "it stays aside where a third has taken the name by then");
	RUN(aside_is_taken, "a name aside that is taken costs nobody a file");
	RUN(moves_over_nothing, "a move never replaces");
	close(dir);
	rmdir(dir_name);
	return unit_done();
}
