/* Who waits for accept(): told of what was held and not accepted, of others only where
 * they wait long. */
#include "model/cause/waiting.h"

#include "unit/unit.h"

static const struct holder server = { .pid = 7, .fd = 3, .command = "server" };
static const struct sock row = { .state = STATE_LISTEN,
				 .proto = PROTO_TCP,
				 .holders = &server };

static void check(const struct waiting *w, const char *summary)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };

	cause_of_waiting(w, &causes);
	CHECK_INT(causes.n, summary != NULL);
	if (causes.n && summary) {
		CHECK_STR(causes.v[0].id, "not-accepted");
		CHECK_STR(causes.v[0].summary, summary);
	}
	causes_free(&causes);
}

static void test_others(void)
{
	struct bind_found found[] = { { .holder.row = &row }, { .holder.row = &row } };
	struct waiting w = { .found = found, .n_found = 1 };

	check(&w, NULL);
	/* A burst that drains. */
	w.n = 9, w.oldest_ms = 999;
	check(&w, NULL);
	w.oldest_ms = 1000;
	check(&w, "9 connections wait in the accept queue of server[7] fd 3, the longest "
		  "for 1 s");
	w.n = 1, w.oldest_ms = 2999;
	check(&w, "1 connection waits in the accept queue of server[7] fd 3, for 2 s");
	w.n_found = 2;
	check(&w,
	      "1 connection waits in the accept queue of server[7] fd 3 or of another "
	      "of the 2 listeners that share the port, for 2 s");
	/* It has closed meanwhile. */
	w.n_found = 0;
	check(&w, NULL);
}

static void test_held(void)
{
	struct bind_found found[] = { { .holder.row = &row } };
	struct waiting w = {
		.found = found, .n_found = 1, .held = true, .held_us = 3000000
	};

	check(&w, "in the accept queue of server[7] fd 3, not accepted for 3 s");
	w.n = 4, w.oldest_ms = 20500;
	check(&w, "in the accept queue of server[7] fd 3, not accepted for 3 s; 4 others "
		  "wait there, the longest for 20 s");
	w.n = 1;
	check(&w, "in the accept queue of server[7] fd 3, not accepted for 3 s; 1 other "
		  "waits there, for 20 s");
	w.n = 0, w.n_found = 0;
	check(&w, "in the accept queue, not accepted for 3 s");
}

int main(void)
{
	RUN(test_others, "clients that wait are told once one of them has waited long");
	RUN(test_held,
	    "a held connection that was not accepted is told, with who else waits");
	return unit_done();
}
