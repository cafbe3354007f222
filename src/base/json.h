/*
 * JSON Lines, written straight into a buffer. Strings come from the kernel and from
 * peers: what is not UTF-8 becomes U+FFFD here and stands beside in a KEY_hex member, so
 * nothing is lost. What text_is_deceptive() stands as \uXXXX, which says the same; into a
 * buffer that is `ascii`, all that is outside ASCII.
 */
#pragma once

#include "base/buf.h"

struct json {
	struct buf *b;
	bool comma; /* the next member or element wants one before it */
};

static inline struct json json_on(struct buf *b)
{
	return (struct json){ .b = b };
}

void json_open(struct json *j,
	       char bracket); /* '{' or '[' as an element or after json_key */
void json_close(struct json *j, char bracket); /* '}' or ']' */

/* key is the program's own, plain ASCII without quotes. Inline, because mostly its length
 * is known to the compiler. */
static inline void json_key(struct json *j, const char *key)
{
	size_t len = strlen(key);
	char *p;

	buf_reserve(j->b, len + 4);
	p = j->b->data + j->b->len;
	if (j->comma)
		*p++ = ',';
	*p++ = '"';
	memcpy(p, key, len);
	p += len;
	*p++ = '"';
	*p++ = ':';
	j->b->len = (size_t)(p - j->b->data);
	j->comma = false;
}

void json_u64(struct json *j, uint64_t v);
void json_i64(struct json *j, int64_t v);
void json_fixed(struct json *j, uint64_t value,
		unsigned decimals); /* value / 10^decimals */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_str(struct json *j, const char *s);
void json_bytes(struct json *j, const void *s, size_t len);

/* "key":"text", and "key_hex":"..." beside it when text is not UTF-8. */
void json_member_bytes(struct json *j, const char *key, const void *s, size_t len);
/* The same of a string; null where s is NULL. */
void json_member_text(struct json *j, const char *key, const char *s);

/* Shorthands for members. */
static inline void json_member_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	buf_put_u64(j->b, v);
	j->comma = true;
}

static inline void json_member_null(struct json *j, const char *key)
{
	json_key(j, key);
	buf_put(j->b, "null", 4);
	j->comma = true;
}

/* The number, or null where it is not known. */
static inline void json_member_known(struct json *j, const char *key, uint64_t v,
				     bool known)
{
	if (known)
		json_member_u64(j, key, v);
	else
		json_member_null(j, key);
}

static inline void json_member_str(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_str(j, s);
}

static inline void json_member_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

/* "0x1f": 64-bit cookies, which a JSON number would round. */
void json_cookie(struct json *j, uint64_t v);
void json_member_cookie(struct json *j, const char *key, uint64_t v);

/*
 * Members from a struct: a row says all there is to say of one, and an object is a table
 * of them. What is derived, or comes only together, has a put of its own.
 */
enum json_unset {
	JSON_AS_IT_IS, /* 0 is a value like any other */
	JSON_LEFT_OUT,
	JSON_NULL,
};

struct json_row {
	const char *name;
	void (*put)(struct json *j, const struct json_row *row, const void *of);
	uint16_t at, size; /* of *of; a put of its own may have others */
	/* What stands for it when it is not set: when it is 0, or where this is given,
	 * when the member at if_at is. */
	enum json_unset unset;
	uint16_t if_at, if_size;
};

/* Initialisers of a row. */
#define JSON_MEMBER(type, member) \
	.at = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define JSON_UINT(type, member) .put = json_put_uint, JSON_MEMBER(type, member)
#define JSON_BOOL(type, member) .put = json_put_bool, JSON_MEMBER(type, member)
#define JSON_IF(type, member) \
	.if_at = offsetof(type, member), .if_size = sizeof(((type *)0)->member)

void json_put_uint(struct json *j, const struct json_row *row, const void *of);
void json_put_bool(struct json *j, const struct json_row *row, const void *of);
void json_members(struct json *j, const struct json_row *rows, size_t n, const void *of);

/* {"v":1,"type":"TYPE" and open for members. */
void json_begin_object(struct json *j, const char *type);
/* }\n */
void json_end_object(struct json *j);
