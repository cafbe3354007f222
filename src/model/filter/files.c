#include "model/filter/files.h"

struct filter_file *filter_files_add(struct filter_files *files, struct arena *a,
				     const char *path)
{
	struct filter_file *file = arena_zalloc(a, sizeof(*file));

	file->path = path;
	file->next = files->first;
	files->first = file;
	files->look(file);
	return file;
}

void filter_files_look(struct filter_files *files)
{
	struct filter_file *file;

	for (file = files->first; file; file = file->next)
		files->look(file);
}

static bool ends_in(const struct blob *name, const char *base)
{
	const char *text = name->data, *slash;
	size_t len = name->len;

	if (!text || !len || !text[0] || !*base)
		return false;
	slash = memrchr(text, '/', len);
	if (slash)
		len -= (size_t)(slash + 1 - text), text = slash + 1;
	return len == strlen(base) && memcmp(text, base, len) == 0;
}

enum file_is filter_file_is(const struct filter_file *file, const struct blob *name,
			    uint32_t has, uint32_t inode, uint32_t dev)
{
	const struct sock row = { .has = has, .vfs_inode = inode, .vfs_dev = dev };
	enum file_is is;

	if (!file->there)
		return FILE_IS_OTHER;
	is = file_id_is(&file->id, &row);
	return is == FILE_IS_UNSURE && !ends_in(name, file->base) ? FILE_IS_OTHER : is;
}
