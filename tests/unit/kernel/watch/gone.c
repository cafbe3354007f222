/* What kernel/gone.c reads of the news at a time: a socket that is told of more than it
 * can read must come back nevertheless. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/watch/gone.h"
#include "unit/unit.h"

enum {
	NEWS = 400
}; /* as many as an ordinary buffer takes, and more than one turn reads */

static void one_turn(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int to = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int from = socket(AF_INET, SOCK_DGRAM, 0), size = 1 << 20, i, left = 0;
	char c;

	if (to < 0 || from < 0) {
		CHECK(!"a socket");
		return;
	}
	setsockopt(to, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	CHECK_INT(bind(to, (const void *)&in, sizeof(in)), 0);
	CHECK_INT(getsockname(to, (void *)&in, &len), 0);
	CHECK_INT(connect(from, (const void *)&in, sizeof(in)), 0);
	for (i = 0; i < NEWS; i++)
		CHECK_INT(send(from, "x", 1, 0), 1);
	CHECK(gone_wait(to, clock_us() + 10 * 1000 * 1000));
	while (recv(to, &c, 1, 0) == 1)
		left++;
	CHECK(left > 0);
	CHECK(left < NEWS);
	CHECK(!gone_wait(to, clock_us() + 1000));
	close(to);
	close(from);
}

int main(void)
{
	RUN(one_turn, "a wait reads so many news and leaves the rest to the next");
	return unit_done();
}
