#include "net/relay/seat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum { UNEVEN = 8, UNEVEN_SHARE = 8 };

int seats_open(struct seats *t, size_t n, struct fault *f)
{
	int fds[2];

	t->v = xcalloc(n, sizeof(*t->v));
	for (t->n = 0; t->n < n; t->n++) {
		if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
			return fault(f, errno, "make a pipe for a thread");
		t->v[t->n].in = fds[0];
		t->v[t->n].out = fds[1];
	}
	return 0;
}

void seats_close(struct seats *t)
{
	size_t i;
	int sock;

	for (i = 0; i < t->n; i++) {
		while ((sock = seat_take(&t->v[i])) >= 0)
			close_fd(sock);
		close_fd(t->v[i].in);
		close_fd(t->v[i].out);
	}
	free(take_ptr(&t->v));
	t->n = 0;
}

bool seats_pass(struct seats *t, const struct seat *own, int sock)
{
	struct seat *least = &t->v[0];
	uint64_t load;
	size_t i;

	for (i = 1; i < t->n; i++)
		if (atomic_load(&t->v[i].load) < atomic_load(&least->load))
			least = &t->v[i];
	load = atomic_load(&least->load);
	if (atomic_load(&own->load) < load + UNEVEN + load / UNEVEN_SHARE)
		return false;
	atomic_fetch_add(&least->load, 1);
	if (write(least->out, &sock, sizeof(sock)) == sizeof(sock))
		return true;
	atomic_fetch_sub(&least->load, 1); /* full: so many are on their way already */
	return false;
}

int seat_take(struct seat *seat)
{
	int sock;

	/* So few bytes are written and read as one (pipe(7)). */
	if (read(seat->in, &sock, sizeof(sock)) != sizeof(sock))
		return -1;
	atomic_fetch_sub(&seat->load, 1);
	return sock;
}
