/* Netlink sockets that break in the middle: the next request has one that works. */
#include "kernel/netlink/nl.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/unit.h"

enum { ENOUGH = 600 }; /* sockets: more than a packet of the kernel tells of */

struct request {
	struct nlmsghdr h;
	struct inet_diag_req_v2 v2;
};

static int leave(const struct nlmsghdr *h, void *rows)
{
	(void)h;
	++*(unsigned *)rows;
	return -ECANCELED;
}

static int count(const struct nlmsghdr *h, void *rows)
{
	(void)h;
	++*(unsigned *)rows;
	return 0;
}

static int dump(struct nl *nl, nl_message_fn *fn, unsigned *rows)
{
	struct request r = { .h = { .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				    .nlmsg_len = sizeof(r) },
			     .v2 = { .sdiag_family = AF_INET,
				     .sdiag_protocol = IPPROTO_UDP,
				     .idiag_states = ~0u } };

	*rows = 0;
	return nl_dump(nl, &r.h, fn, rows);
}

/* Makes the dump longer than what the kernel prepares before it is asked for more. */
static void bind_some(int *fds)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int i;

	for (i = 0; i < ENOUGH; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		CHECK(bind(fds[i], (struct sockaddr *)&any, sizeof(any)) == 0);
	}
}

static void test_no_other_socket(void)
{
	struct rlimit before, none;
	int fds[ENOUGH], i, r;
	struct nl nl = { 0 };
	unsigned rows;

	bind_some(fds);
	if (nl_open(&nl, NULL) < 0 || dump(&nl, count, &rows) < 0) {
		printf("# no sock_diag here: nothing to check\n");
		nl_close(&nl);
		return;
	}
	CHECK(rows >= ENOUGH);
	CHECK_INT(dump(&nl, leave, &rows), -ECANCELED);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	/* The rest of the old dump is read, then the socket is as good as a new one. */
	for (i = 0; i < 3; i++) {
		r = dump(&nl, count, &rows);
		CHECK_INT(r, 0);
		CHECK(rows >= ENOUGH);
		CHECK_INT(dump(&nl, leave, &rows), -ECANCELED);
	}
	setrlimit(RLIMIT_NOFILE, &before);
	CHECK_INT(dump(&nl, count, &rows), 0);
	CHECK(rows >= ENOUGH);
	nl_close(&nl);
	for (i = 0; i < ENOUGH; i++)
		close(fds[i]);
}

int main(void)
{
	RUN(test_no_other_socket,
	    "a dump that was left is read to its end where no other socket is to be had");
	return unit_done();
}
