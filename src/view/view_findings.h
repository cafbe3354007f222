/* Findings after the rows: a paragraph each for people, an object each for programs. */
#pragma once

#include "base/out.h"
#include "model/finding/rule.h"
#include "view/view.h"

/* Shows those of at least `least`; returns how many. */
size_t view_findings(const struct findings *fs, enum severity least,
		     const struct view_options *opt, struct out *out);
