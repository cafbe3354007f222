/* What a file is, by the ending of its name (the register of IANA). */
#pragma once

/* "text/html; charset=utf-8"; application/octet-stream where the ending says nothing. */
const char *media_type_of(const char *path);
