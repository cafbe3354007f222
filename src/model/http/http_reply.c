#include "model/http/http_reply.h"

#include "model/http/http_header.h"

static const struct {
	int status;
	const char *name;
} statuses[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 418, "I'm a teapot" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
	{ 508, "Loop Detected" },
	{ 511, "Network Authentication Required" },
};

bool http_status_has_body(int status)
{
	return status != 204 && status != 304;
}

const char *http_status_name(int status)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].name;
	return "";
}

/* The names of days and months are those of the protocol, whatever the locale. */
static void put_date(struct buf *b, time_t now)
{
	static const char days[7][4] = {
		"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
	};
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return;
	buf_printf(b, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
		   days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12],
		   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool is_given(const struct http_reply *r, const char *name)
{
	return r->headers && http_header_given(r->headers, name);
}

void http_reply_put_head(struct buf *b, const struct http_reply *r, time_t now)
{
	size_t i;

	buf_printf(b, "HTTP/1.1 %d %s\r\n", r->status, http_status_name(r->status));
	if (!is_given(r, "Date"))
		put_date(b, now);
	if (!is_given(r, "Server"))
		buf_puts(b, "Server: sockctl\r\n");
	if (http_status_has_body(r->status)) {
		if (!is_given(r, "Content-Type"))
			buf_printf(b, "Content-Type: %s\r\n", r->type);
		buf_printf(b, "Content-Length: %llu\r\n", (unsigned long long)r->length);
	}
	for (i = 0; r->headers && i < r->headers->n; i++)
		http_header_put(b, r->headers->v[i]);
	if (r->close)
		buf_puts(b, "Connection: close\r\n");
	buf_puts(b, "\r\n");
}
