/* The verdict of --bindable, and causes wherever a command tells them. */
#pragma once

#include "base/json.h"
#include "base/out.h"
#include "model/cause/bindable.h"
#include "model/cause/cause.h"

struct view_bindable {
	const char *address;
	enum bind_verdict verdict;
	const struct causes *causes;
	bool tried;
};

/* width: columns of the terminal; 0 = it is none, and nothing is wrapped. */
void view_bindable_text(struct buf *b, const struct view_bindable *v, bool colour,
			size_t width);
void view_bindable_json(struct buf *b, const struct view_bindable *v);

/* "  id   summary" with the advice below, then "next: ...". */
void view_causes_text(struct buf *b, const struct causes *c, size_t width);
/* "causes":[{id, summary, advice, processes}] as a member. */
void view_causes_json(struct json *j, const struct causes *c);
