#include "model/file_id.h"

enum file_is file_id_is(const struct file_id *id, const struct sock *s)
{
	if (!(s->has & SOCK_HAS_VFS))
		return FILE_IS_UNSURE;
	if (s->vfs_inode != id->inode)
		return FILE_IS_OTHER;
	if (s->vfs_dev == id->dev)
		return FILE_IS_SAME;
	return id->dev_known ? FILE_IS_OTHER : FILE_IS_UNSURE;
}
