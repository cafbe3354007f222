#include "kernel/proc/freezer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/whole.h"
#include "kernel/proc/procfile.h"
#include "model/proctext.h"

struct hierarchies {
	struct buf v2, v1; /* where they are mounted; empty = nowhere */
};

static int take_mount(char *line, void *ctx)
{
	struct hierarchies *h = ctx;
	struct proctext_mount m;

	if (!proctext_mount(line, &m))
		return 0;
	if (streq(m.type, "cgroup2") && !h->v2.len)
		buf_puts(&h->v2, m.path);
	else if (streq(m.type, "cgroup") && has_suffix(m.path, "freezer") && !h->v1.len)
		buf_puts(&h->v1, m.path);
	return 0;
}

static bool is_on(const char *file)
{
	_cleanup_free_ char *text = procfile_read(file);

	return text && text[0] == '1';
}

/* From this group up to the root, whichever was frozen: `path` is changed. */
static const char *frozen_above(struct arena *a, const char *mount, char *path,
				const char *asked, const char *thaws)
{
	char *slash;

	while ((slash = strrchr(path, '/')) && slash[1]) {
		_cleanup_buf_ struct buf file = { 0 };

		buf_printf(&file, "%s%s/%s", mount, path, asked);
		if (is_on(buf_cstr(&file))) {
			buf_reset(&file);
			buf_printf(&file, "%s%s/%s", mount, path, thaws);
			return arena_strdup(a, buf_cstr(&file));
		}
		*slash = '\0';
		if (slash == path)
			break;
	}
	return NULL;
}

/* "0::/a/b", "6:freezer:/a/b" */
static const char *frozen_in(struct arena *a, const struct hierarchies *h,
			     const char *line)
{
	static const char v2[] = "0::", v1[] = ":freezer:";
	const char *old = strstr(line, v1);
	_cleanup_free_ char *path = NULL;

	if (has_prefix(line, v2) && h->v2.len) {
		path = xstrdup(line + strlen(v2));
		return frozen_above(a, h->v2.data, path, "cgroup.freeze",
				    "cgroup.freeze");
	}
	if (!old || !h->v1.len)
		return NULL;
	path = xstrdup(old + strlen(v1));
	return frozen_above(a, h->v1.data, path, "freezer.self_freezing",
			    "freezer.state");
}

const char *freezer_of(struct arena *a, int32_t pid)
{
	_cleanup_free_ char *text = NULL;
	struct hierarchies h = { 0 };
	const char *file = NULL;
	char path[40], *line, *rest;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	text = procfile_read(path);
	if (text && lines_each("/proc/self/mountinfo", take_mount, &h) == 0) {
		buf_cstr(&h.v2);
		buf_cstr(&h.v1);
		for (line = strtok_r(text, "\n", &rest); line && !file;
		     line = strtok_r(NULL, "\n", &rest))
			file = frozen_in(a, &h, line);
	}
	buf_free(&h.v2);
	buf_free(&h.v1);
	return file;
}
