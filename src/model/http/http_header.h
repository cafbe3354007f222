/* Header lines of HTTP that are given on a command line: 'Name: value'. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "base/mem.h"

/* Whether it is one. 0, or -EINVAL with a fault. */
int http_header_check(const char *header, struct fault *f);
bool http_header_is(const char *header, const char *name);
/* The first given one of this name; NULL = none. */
const char *http_header_given(const struct strv *headers, const char *name);
/* One as a line, blanks around its value left out. */
void http_header_put(struct buf *b, const char *header);
