/*
 * What strangers send, as lines for people. Each line begins with two blanks, so that
 * none can be taken for a line of ours, and no byte is lost.
 */
#pragma once

#include "base/buf.h"

/* As buf_put_escaped() writes it, a line of theirs a line. */
void view_bytes_text(struct buf *b, const void *data, size_t len);

/* As hexdump -C does: 16 a line, behind their offset, which the first byte has. */
void view_bytes_hex(struct buf *b, uint64_t offset, const void *data, size_t len);
