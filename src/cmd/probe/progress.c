#include "cmd/probe/progress.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/sink.h"
#include "base/term.h"

void progress_init(struct progress *p, bool quiet)
{
	struct stat st;
	bool piped = fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);

	*p = (struct progress){ .wanted = !quiet && !piped && isatty(STDERR_FILENO) };
}

/* A terminal that is stopped (Control-S) must not stop us: the next line will do. */
static void put_line(const char *line, size_t len)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct sink s;

	buf_puts(&b, "\r\033[K");
	buf_put(&b, line, len);
	sink_init(&s, STDERR_FILENO);
	sink_put(&s, b.data, b.len, false);
	sink_free(&s);
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
	put_line(line->data, len);
	p->shown = true;
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		put_line("", 0);
	p->shown = false;
}
