/* Whether a row is of a file, by what is known of both. */
#include "unit/unit.h"

#include "model/file_id.h"

static void matches(void)
{
	static const struct {
		struct file_id id;
		uint32_t has, dev, inode;
		enum file_is is;
	} rows[] = {
		{ { 41, 11, true }, SOCK_HAS_VFS, 41, 11, FILE_IS_SAME },
		{ { 41, 11, true }, SOCK_HAS_VFS, 42, 11, FILE_IS_OTHER },
		{ { 41, 11, true }, SOCK_HAS_VFS, 41, 12, FILE_IS_OTHER },
		/* stat()'s device may be the file system's own. */
		{ { 41, 11, false }, SOCK_HAS_VFS, 41, 11, FILE_IS_SAME },
		{ { 42, 11, false }, SOCK_HAS_VFS, 41, 11, FILE_IS_UNSURE },
		{ { 42, 11, false }, SOCK_HAS_VFS, 41, 12, FILE_IS_OTHER },
		/* The row does not say. */
		{ { 41, 11, true }, 0, 41, 11, FILE_IS_UNSURE },
		{ { 0, 0, true }, 0, 0, 0, FILE_IS_UNSURE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sock s = { .has = rows[i].has,
				  .vfs_dev = rows[i].dev,
				  .vfs_inode = rows[i].inode };

		CHECK_INT(file_id_is(&rows[i].id, &s), rows[i].is);
	}
	CHECK_INT(file_id_dev(8, 1), 8 << 20 | 1);
	CHECK_INT(file_id_dev(0, 0x123456), 0x23456);
}

int main(void)
{
	RUN(matches, "a row is of a file by inode and device of its superblock");
	return unit_done();
}
