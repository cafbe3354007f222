#include "cmd/endpoint/http.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/ctext.h"
#include "model/http/http_header.h"
#include "model/http/media_type.h"

int endpoint_parse_header(const char *arg, void *headers, struct fault *f)
{
	static const char *const ours[] = { "Content-Length", "Transfer-Encoding",
					    "Connection" };
	int r = http_header_check(arg, f);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ours) && r == 0; i++)
		if (http_header_is(arg, ours[i])) {
			r = fault_say(f, EINVAL, "%s is set by what is sent", ours[i]);
			fault_hint(f, "--reply sends a text of your own, header and all");
			fault_mark(f, arg, 0);
		}
	if (r == 0)
		strv_add(headers, arg);
	return r;
}

/* A descriptor that was handed over is read once, whatever it is. */
static bool is_descriptor(const char *path)
{
	static const char *const places[] = { "/dev/fd/", "/dev/std", "/proc/self/fd/",
					      "/proc/thread-self/fd/" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return true;
	return streq(path, "-");
}

/* A regular file is opened anew for each answer. 1 = it is one. */
static int is_file(const char *path, struct fault *f)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (is_descriptor(path) || (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? fault(f, errno, "read %s", path) : 1;
}

int endpoint_fill_http(const struct endpoint_config *c, struct conn_how *how,
		       struct http_how *http, struct fault *f)
{
	const char *path = c->http[0] == '@' ? c->http + 1 : NULL;
	bool many = c->keep || c->max;
	int r = path ? is_file(path, f) : 0;

	if (r < 0)
		return r;
	*http = (struct http_how){
		.status = c->http_status ? (int)c->http_status : 200,
		.type = path && !is_descriptor(path) ? media_type_of(path)
						     : "text/plain; charset=utf-8",
		.headers = c->http_headers,
		.most_body = c->http_max_body,
		.path = r ? path : NULL,
		.again = many && c->behave.hold_us == BEHAVE_UNSET,
		.whole = many,
	};
	how->http = http;
	return r ? 0 : ctext_argument(&how->text, c->http, c->hex, f);
}
