/*
 * A growing byte buffer with the few writers that rendering needs. The inline ones are on
 * the path of every row: they cost a compare and a store.
 */
#pragma once

#include <stdarg.h>

#include "base/util.h"

struct buf {
	char *data;
	size_t len, cap;
	bool ascii; /* foreign text: characters outside ASCII are escaped, too */
	bool words; /* foreign text: and blanks, so that a cell can be one word */
};

#define _cleanup_buf_ __attribute__((cleanup(buf_free)))

void buf_free(struct buf *b);
void buf_grow(struct buf *b, size_t need);

static inline void buf_reserve(struct buf *b, size_t need)
{
	if (UNLIKELY(b->cap - b->len < need))
		buf_grow(b, need);
}

static inline void buf_reset(struct buf *b)
{
	b->len = 0;
}

static inline void buf_putc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->data[b->len++] = c;
}

static inline void buf_put(struct buf *b, const void *p, size_t len)
{
	buf_reserve(b, len);
	if (len)
		memcpy(b->data + b->len, p, len);
	b->len += len;
}

static inline void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_pad(struct buf *b, char c, size_t count);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_i64(struct buf *b, int64_t v);
void buf_put_hex(struct buf *b, uint64_t v); /* no 0x, no leading zeros */
/* A text that buf_put_escaped() made, so that a shell reads the raw one as one word: bash
 * and zsh, and fish where nothing had to be escaped. */
void buf_put_shell_word(struct buf *b, const char *escaped);
void buf_put_hex_bytes(struct buf *b, const void *data, size_t len); /* two digits each */
/* "0.3s", "41s", "3m07s", "3h12m", "2d04h". */
void buf_put_duration(struct buf *b, uint64_t ms);
/* What was measured, three digits that count: "0.012 ms", "3.41 ms", "1.02 s". */
void buf_put_time(struct buf *b, uint64_t us);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* The text as a C string; stays valid until the next write. */
const char *buf_cstr(struct buf *b);

/*
 * Foreign bytes made safe for a terminal and for one line: control bytes, DEL, backslash,
 * C1 controls and bytes that are not UTF-8 become \xNN (\n \t \r \\ by name); printable
 * UTF-8 passes. Bidirectional overrides and zero-width characters are escaped too, so
 * that text cannot lie.
 */
void buf_put_escaped(struct buf *b, const void *text, size_t len);

/*
 * The same for a sentence of ours that may have such bytes in it, or has them escaped
 * already: a backslash stays. What is harmless passes unchanged, so that twice is once.
 */
void buf_put_harmless(struct buf *b, const void *text, size_t len);

/* What neither stands in a line as one character nor has ink of its own: control
 * characters, and those that hide or reorder others. The one list of tables, messages and
 * JSON. */
bool text_is_deceptive(uint32_t code);

/* The same with a caller's buffer, always terminated; for messages. Returns dst. */
char *escape_text(char *dst, size_t size, const void *text, size_t len);

/* Columns a UTF-8 text takes on a terminal, every character counted as one but combining
 * marks. */
size_t text_width(const char *s, size_t len);

/*
 * Decodes one UTF-8 character of at most len bytes. Returns its length and stores the
 * code point, or 0 for bytes that are not well-formed UTF-8 (overlong, surrogate, cut
 * short, above 10FFFF).
 */
size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *code);
