#include "cmd/probe_progress.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/term.h"

void progress_init(struct progress *p, bool quiet)
{
	struct stat st;
	bool piped = fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);

	*p = (struct progress){ .wanted = !quiet && !piped && isatty(STDERR_FILENO) };
}

void progress_show(struct progress *p, const struct buf *line)
{
	size_t width = term_width(STDERR_FILENO), len = line->len;

	if (!p->wanted)
		return;
	/* A line that wraps could not be taken back. */
	while (width && len && text_width(line->data, len) >= width)
		len--;
	while (len && len < line->len && ((unsigned char)line->data[len] & 0xc0) == 0x80)
		len--;
	fputs("\r\033[K", stderr);
	fwrite(line->data, 1, len, stderr);
	fflush(stderr);
	p->shown = true;
}

void progress_clear(struct progress *p)
{
	if (p->shown) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	p->shown = false;
}
