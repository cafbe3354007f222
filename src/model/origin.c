#include "model/origin.h"

#include <time.h>

void origin_put_time(struct buf *b, uint64_t time_us)
{
	time_t seconds = (time_t)(time_us / 1000000);
	char text[40] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(b, "%s.%06uZ", text, (unsigned)(time_us % 1000000));
}

static void put_part(struct buf *b, const char *before, const char *text)
{
	if (!text)
		return;
	buf_puts(b, before);
	buf_put_escaped(b, text, strlen(text));
}

void origin_put(struct buf *b, const struct origin *o)
{
	buf_puts(b, "recorded at ");
	origin_put_time(b, o->time_us);
	put_part(b, " on ", o->host);
	put_part(b, ", Linux ", o->kernel);
	put_part(b, " ", o->machine);
	buf_printf(b, ", by user %u with sockctl", o->uid);
	put_part(b, " ", o->program);
}
