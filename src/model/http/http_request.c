#include "model/http/http_request.h"

#include <strings.h>

enum state {
	AT_START, /* before the first byte of the request line */
	START_LF,
	IN_METHOD,
	IN_TARGET,
	IN_VERSION,
	LINE_LF,
	FIELD_START,
	IN_NAME,
	IN_VALUE,
	VALUE_LF,
	END_LF,
	IN_BODY,
	IN_SIZE,
	AFTER_SIZE,
	IN_EXTENSION,
	SIZE_LF,
	IN_CHUNK,
	CHUNK_CR,
	CHUNK_LF,
	IS_WHOLE,
	IS_REFUSED,
};

enum name {
	NAME_OTHER,
	NAME_LENGTH,
	NAME_CODING,
	NAME_CONNECTION,
	NAME_EXPECT,
	NAME_HOST
};

static const char *const names[] = {
	[NAME_LENGTH] = "content-length",
	[NAME_CODING] = "transfer-encoding",
	[NAME_CONNECTION] = "connection",
	[NAME_EXPECT] = "expect",
	[NAME_HOST] = "host",
};

static const char bare_lf[] = "a line ends with LF alone, not CR LF";
static const char bare_cr[] = "a CR is not followed by LF";
static const char too_large[] = "the body is larger than --http-max-body allows";

static bool refuse(struct http_request *r, int status, const char *why)
{
	r->state = IS_REFUSED;
	r->status = status;
	r->why = why;
	return false;
}

static bool bad(struct http_request *r, const char *why)
{
	return refuse(r, 400, why);
}

/* The letters of a method and of a name (RFC 9110, 5.6.2). */
static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* A word that is too long is none that is looked for, and stays so. */
static void word_add(struct http_request *r, char c)
{
	if (r->word_len < sizeof(r->word))
		r->word[r->word_len] = c;
	if (r->word_len <= sizeof(r->word))
		r->word_len++;
}

static bool word_is(const struct http_request *r, const char *text)
{
	return r->word_len == strlen(text) &&
	       strncasecmp(r->word, text, r->word_len) == 0;
}

static void word_reset(struct http_request *r)
{
	r->word_len = 0;
	r->gap = false;
}

/* --- the request line --- */

static bool at_start(struct http_request *r, char c)
{
	if (c == '\r') {
		r->state = START_LF;
		return true;
	}
	if (c == '\n')
		return bad(r, bare_lf);
	if (c == 0x16)
		return bad(r, "the peer speaks TLS");
	if (!is_token(c))
		return bad(r, "this is no request line of HTTP/1");
	r->state = IN_METHOD;
	word_add(r, c);
	return true;
}

static bool in_method(struct http_request *r, char c)
{
	if (is_token(c)) {
		word_add(r, c);
		return true;
	}
	if (c != ' ')
		return bad(r, "this is no request line of HTTP/1");
	r->head = r->word_len == 4 && memcmp(r->word, "HEAD", 4) == 0;
	word_reset(r);
	r->state = IN_TARGET;
	return true;
}

static bool in_target(struct http_request *r, char c)
{
	if (c == ' ' && r->gap) {
		word_reset(r);
		r->state = IN_VERSION;
		return true;
	}
	if (c == '\n' || c == '\r')
		return bad(r, "the request line has no version");
	if (c == ' ' || is_control(c) || c == '\t')
		return bad(r,
			   "the target of the request has blanks or control characters");
	r->gap = true; /* it is not empty */
	return true;
}

static bool in_version(struct http_request *r, char c)
{
	static const char http[] = "HTTP/";

	if (c == '\n')
		return bad(r, bare_lf);
	if (c != '\r') {
		word_add(r, c);
		return true;
	}
	if (r->word_len != 8 || memcmp(r->word, http, 5) != 0 || r->word[6] != '.' ||
	    r->word[5] < '0' || r->word[5] > '9' || r->word[7] < '0' || r->word[7] > '9')
		return bad(r, "the version of the request is not HTTP/1.0 or HTTP/1.1");
	if (r->word[5] != '1')
		return refuse(r, 505, "the version of the request is not HTTP/1");
	r->http11 = r->word[7] != '0';
	word_reset(r);
	r->state = LINE_LF;
	return true;
}

/* --- header fields, and those behind the last chunk --- */

static bool field_start(struct http_request *r, char c)
{
	if (c == '\r') {
		r->state = END_LF;
		return true;
	}
	if (c == '\n')
		return bad(r, bare_lf);
	if (is_blank(c))
		return bad(r, "a header line is folded or begins with a blank");
	if (!is_token(c))
		return bad(r, "the name of a header has a character that no name has");
	word_reset(r);
	word_add(r, c);
	r->state = IN_NAME;
	return true;
}

static uint8_t name_of(const struct http_request *r)
{
	size_t i;

	for (i = NAME_LENGTH; i < ARRAY_SIZE(names); i++)
		if (word_is(r, names[i]))
			return (uint8_t)i;
	return NAME_OTHER;
}

static bool begin_value(struct http_request *r)
{
	/* Behind a body they frame nothing any more. */
	r->name = r->trailer ? NAME_OTHER : name_of(r);
	word_reset(r);
	r->state = IN_VALUE;
	if (r->name == NAME_HOST)
		r->hosts++;
	if (r->name == NAME_CODING)
		r->has_coding = true; /* even an empty one is one */
	if (r->name != NAME_LENGTH)
		return true;
	if (r->has_length)
		return bad(r, "Content-Length is given twice");
	r->has_length = true;
	return true;
}

static bool in_name(struct http_request *r, char c)
{
	if (c == ':')
		return begin_value(r);
	if (is_blank(c))
		return bad(r, "a blank stands before the colon of a header");
	if (c == '\n' || c == '\r')
		return bad(r, "a header line has no colon");
	if (!is_token(c))
		return bad(r, "the name of a header has a character that no name has");
	word_add(r, c);
	return true;
}

/* One of a list of words between commas has ended. */
static void word_ended(struct http_request *r)
{
	if (r->word_len && r->name == NAME_CONNECTION && word_is(r, "close"))
		r->close = true;
	if (r->word_len && r->name == NAME_EXPECT && word_is(r, "100-continue"))
		r->expects_continue = true;
	if (r->word_len && r->name == NAME_CODING) {
		r->odd_coding |= r->chunked; /* something stands behind it */
		r->chunked = word_is(r, "chunked");
		r->odd_coding |= !r->chunked;
	}
	word_reset(r);
}

static bool length_digit(struct http_request *r, char c)
{
	if (is_blank(c)) {
		r->gap |= r->word_len > 0;
		return true;
	}
	if (c < '0' || c > '9' || r->gap)
		return bad(r, "Content-Length is no number");
	if (r->left > (INT64_MAX - 9) / 10)
		return bad(r, "Content-Length is beyond all bounds");
	r->left = r->left * 10 + (uint64_t)(c - '0');
	r->word_len = 1;
	return true;
}

static void list_letter(struct http_request *r, char c)
{
	if (c == ',') {
		word_ended(r);
	} else if (is_blank(c)) {
		r->gap |= r->word_len > 0;
	} else {
		if (r->gap) /* "chunked x": another word than either */
			r->word_len = sizeof(r->word) + 1;
		word_add(r, c);
	}
}

static bool end_value(struct http_request *r)
{
	if (r->name == NAME_LENGTH && !r->word_len)
		return bad(r, "Content-Length is no number");
	word_ended(r);
	r->state = VALUE_LF;
	return true;
}

static bool in_value(struct http_request *r, char c)
{
	if (c == '\r')
		return end_value(r);
	if (c == '\n')
		return bad(r, bare_lf);
	if (is_control(c))
		return bad(r, "the value of a header has control characters");
	if (r->name == NAME_LENGTH)
		return length_digit(r, c);
	if (r->name == NAME_CODING || r->name == NAME_CONNECTION ||
	    r->name == NAME_EXPECT)
		list_letter(r, c);
	return true;
}

static bool check_framing(struct http_request *r, uint64_t most_body)
{
	if (r->hosts > 1)
		return bad(r, "Host is given twice");
	if (r->http11 && !r->hosts)
		return bad(r, "Host is missing, which HTTP/1.1 demands");
	if (r->has_coding && r->has_length)
		return bad(r, "Content-Length stands beside Transfer-Encoding");
	if (r->has_coding && !r->http11)
		return bad(r, "HTTP/1.0 has no Transfer-Encoding");
	if (r->has_coding && !r->chunked)
		return bad(r, "the last Transfer-Encoding is not chunked");
	if (r->has_coding && r->odd_coding)
		return refuse(r, 501,
			      "a Transfer-Encoding other than chunked is not known");
	if (r->left > most_body)
		return refuse(r, 413, too_large);
	r->has_body = r->chunked || r->left;
	r->close |= !r->http11;
	return true;
}

static bool end_header(struct http_request *r, uint64_t most_body)
{
	if (r->trailer) {
		r->state = IS_WHOLE;
		return true;
	}
	if (!check_framing(r, most_body))
		return false;
	r->state = r->chunked ? IN_SIZE : r->left ? IN_BODY : IS_WHOLE;
	word_reset(r);
	r->line_bytes = 0;
	if (r->chunked)
		r->left = 0;
	return true;
}

/* --- chunks --- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool end_size(struct http_request *r, uint64_t most_body)
{
	if (r->left > INT64_MAX - r->body_bytes)
		return bad(r, "the chunks are beyond all bounds");
	if (r->body_bytes + r->left > most_body)
		return refuse(r, 413, too_large);
	r->state = SIZE_LF;
	return true;
}

static bool in_size(struct http_request *r, char c, uint64_t most_body)
{
	int digit = hex_digit(c);

	if (digit >= 0 && !r->gap) {
		if (r->left >> 58)
			return bad(r, "the size of a chunk is beyond all bounds");
		r->left = r->left * 16 + (uint64_t)digit;
		r->word_len = 1;
		return true;
	}
	if (!r->word_len)
		return bad(r, "the size of a chunk is no hexadecimal number");
	if (is_blank(c))
		r->state = AFTER_SIZE;
	else if (c == ';')
		r->state = IN_EXTENSION;
	else if (c == '\r')
		return end_size(r, most_body);
	else
		return bad(r, c == '\n' ? bare_lf
					: "the size of a chunk is no hexadecimal number");
	return true;
}

/* A blank may stand there if an extension follows, and only then (RFC 9112, 7.1.1). */
static bool after_size(struct http_request *r, char c)
{
	if (is_blank(c))
		return true;
	if (c != ';')
		return bad(r, "a blank stands behind the size of a chunk");
	r->state = IN_EXTENSION;
	return true;
}

static bool in_extension(struct http_request *r, char c, uint64_t most_body)
{
	if (c == '\r')
		return end_size(r, most_body);
	if (c == '\n')
		return bad(r, bare_lf);
	return is_control(c) ? bad(r, "a chunk extension has control characters") : true;
}

static void begin_chunk(struct http_request *r)
{
	r->state = r->left ? IN_CHUNK : FIELD_START;
	r->trailer = !r->left;
	r->header_bytes = r->trailer ? 0 : r->header_bytes;
	word_reset(r);
}

/* --- the reader --- */

static bool line_feed(struct http_request *r, char c, enum state next)
{
	if (c != '\n')
		return bad(r, bare_cr);
	r->state = (uint8_t)next;
	return true;
}

static bool chunk_letter(struct http_request *r, char c, uint64_t most_body)
{
	if (r->state < CHUNK_CR && ++r->line_bytes > HTTP_CHUNK_LINE_MOST)
		return bad(r, "the line of a chunk's size is too long");
	switch (r->state) {
	case IN_SIZE:
		return in_size(r, c, most_body);
	case AFTER_SIZE:
		return after_size(r, c);
	case IN_EXTENSION:
		return in_extension(r, c, most_body);
	case SIZE_LF:
		if (!line_feed(r, c, IN_CHUNK))
			return false;
		begin_chunk(r);
		return true;
	case CHUNK_CR:
		r->state = CHUNK_LF;
		return c == '\r' ? true : bad(r, "a chunk is longer than its size says");
	default:
		r->line_bytes = 0;
		return line_feed(r, c, IN_SIZE);
	}
}

/* Returns false where the request is refused. */
static bool take_letter(struct http_request *r, char c, uint64_t most_body)
{
	if (r->state >= IN_SIZE)
		return chunk_letter(r, c, most_body);
	if (++r->header_bytes > HTTP_HEADER_MOST)
		return refuse(r, 431, "the header is longer than 64 KiB");
	switch (r->state) {
	case AT_START:
		return at_start(r, c);
	case START_LF:
		return line_feed(r, c, AT_START);
	case IN_METHOD:
		return in_method(r, c);
	case IN_TARGET:
		return in_target(r, c);
	case IN_VERSION:
		return in_version(r, c);
	case FIELD_START:
		return field_start(r, c);
	case IN_NAME:
		return in_name(r, c);
	case IN_VALUE:
		return in_value(r, c);
	case END_LF:
		return line_feed(r, c, IS_WHOLE) && end_header(r, most_body);
	default: /* LINE_LF, VALUE_LF */
		return line_feed(r, c, FIELD_START);
	}
}

/* What needs no look at its bytes. */
static size_t pass_body(struct http_request *r, size_t len)
{
	size_t n = (size_t)MIN(r->left, (uint64_t)len);

	r->left -= n;
	r->body_bytes += n;
	if (!r->left)
		r->state = r->state == IN_BODY ? IS_WHOLE : CHUNK_CR;
	return n;
}

size_t http_request_take(struct http_request *r, uint64_t most_body, const char *data,
			 size_t len, enum http_event *event)
{
	size_t at = 0;

	*event = HTTP_MORE;
	while (at < len && r->state < IS_WHOLE) {
		bool was_header = r->state == END_LF && !r->trailer;

		if (r->state == IN_BODY || r->state == IN_CHUNK) {
			at += pass_body(r, len - at);
			continue;
		}
		if (!take_letter(r, data[at++], most_body))
			break;
		if (was_header) {
			*event = HTTP_HEADER;
			return at;
		}
	}
	if (r->state == IS_WHOLE)
		*event = HTTP_WHOLE;
	else if (r->state == IS_REFUSED)
		*event = HTTP_REFUSED;
	return at;
}

bool http_request_begun(const struct http_request *r)
{
	return r->state > START_LF;
}

bool http_request_in_body(const struct http_request *r)
{
	return (r->state >= IN_BODY && r->state < IS_WHOLE) || r->trailer;
}
