/*
 * From a question to rows: which dumps answer it, in which order, and what is looked up
 * beside them. Rows are handed over one by one; nothing holds them all unless owners are
 * wanted for a filter that must be decided first.
 */
#pragma once

#include "kernel/read/reader.h"
#include "model/filter/filter.h"

struct collect_request {
	uint32_t protos; /* BIT(enum sock_proto) */
	uint32_t judged; /* of these, whose rows are not shown: of unix sockets only
			    listeners, and those with something to read, come then */
	bool v4, v6;	 /* v4 includes v4-mapped connections of dual-stack sockets */
	uint32_t states; /* mask of 1 << enum sock_state */
	const struct port_set *bound_unless_listening; /* of these ports, bound-only
							  sockets where no listener
							  matched; NULL = of all */
	uint32_t needs; /* enum need, of what is shown; the filter's own are added */
	const struct filter_node *filter; /* NULL = all */
	bool all_waiters; /* NEED_WAITERS for every listener, not only where the queue is
			     not empty */
	const char *from; /* read this recorded dump instead of the kernel; "-" = stdin */
	struct out *record; /* write what the kernel said; NULL = not */
};

/* What follows from a request, before anything is read. */
struct collect_how {
	uint32_t needs; /* of what is shown and of the filter */
	uint32_t added; /* of needs, what is looked up for a row after it came */
	/* Owners are read before the rows, which stream; or after, for those that are
	 * left, which are kept until then. */
	bool owners_first, owners_later;
};
struct collect_how collect_how(const struct collect_request *req);

struct collect_sink {
	/* A row that matches; its pointers live until the next. Negative ends the
	 * collection with it. */
	int (*row)(void *ctx, struct sock *s);
	/* What is missing or was read in another way; id is stable, text a sentence. */
	void (*note)(void *ctx, const char *id, const char *text);
	void *ctx;
};

struct collect_result {
	bool complete; /* every dump ended well, and every column asked for is known */
	bool rows_missing; /* a dump broke off: what was shown is a part */
	/* What is unknown, if a row would have passed the filter had it been held by a
	 * process that may not be read, or that is not visible, or had its source given a
	 * field; "" = nothing. */
	char hidden[200];
	const struct field *hidden_field; /* ... this one; NULL = it is the owner */
	const struct origin *origin; /* of a recorded dump, if it says; lives with the
					reader */
};

/*
 * Whether a row that was refused would pass the filter if a process that may not be read
 * held it, or one that is not
 * visible; which one, in *h (pid 0: why it is not visible). *guesses counts the tries,
 * which are bounded.
 */
bool collect_may_match(struct reader *r, const struct filter_node *filter,
		       const struct sock *s, unsigned *guesses, struct holder *h);

/* 0, -errno with a fault, or what the sink returned. Partial results are told by result
 * and notes. */
int collect_run(struct reader *r, const struct collect_request *req,
		const struct collect_sink *sink, struct collect_result *result,
		struct fault *f);
