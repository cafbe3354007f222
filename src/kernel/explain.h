/*
 * The facts behind a bind() that fails or would fail: who holds the port, the name or the
 * file, with which options, and what the kernel's settings say. Only reads: no bind(), no
 * listen(), no connection is made here. The verdict is bind_judge()'s.
 */
#pragma once

#include "base/fault.h"
#include "model/bind_facts.h"

struct bind_question {
	struct bind_candidate candidate; /* unix: proto only */
	const char *name; /* unix: path, or the abstract name without '@' */
	size_t name_len;
	bool abstract;
	bool freebind;
	const char *user;	     /* whose candidate.uid is; NULL = the caller's own */
	const char *address, *asked; /* as in struct bind_facts */
};

/*
 * Fills *facts, whose memory is the arena's. The namespace is the one the calling thread
 * is in; it visits others for a moment and comes back. Never fails: what could not be
 * read is said in the facts.
 */
void explain_bind(const struct bind_question *q, struct arena *a,
		  struct bind_facts *facts);
