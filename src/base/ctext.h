/* Text arguments of the command line: C escapes, @FILE, hexadecimal digits. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"

/* Appends text with \n \r \t \0 \a \b \e \f \v \\ \" \' \xNN and \NNN (octal) resolved.
 * 0 or -EINVAL with the place marked. */
int ctext_unescape(struct buf *b, const char *text, struct fault *f);

/* Appends what an argument means: @FILE is the file's content as it is ("@-" standard
 * input), else bytes as "48 65 6c:6c6f" or what ctext_unescape() makes of it. 0 or -errno
 * with a fault. */
int ctext_argument(struct buf *b, const char *text, bool hex, struct fault *f);
