/* What to do, in sentences and commands to paste: model/advice.h. */
#pragma once

#include "base/buf.h"
#include "base/json.h"

/*
 * The label and the text, whose further lines begin at `indent`. Sentences are wrapped;
 * commands stay in one piece, wherever the terminal breaks them. Ends the last line.
 */
void view_advice_text(struct buf *b, const char *label, size_t indent, const char *text,
		      size_t width);
/* The text as a member of that name; NULL is null. */
void view_advice_json(struct json *j, const char *key, const char *text);
/* "commands": those of the text, which may be NULL. */
void view_commands_json(struct json *j, const char *text);
