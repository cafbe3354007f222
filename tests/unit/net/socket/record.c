/* Records of a unix-seqpacket socket: an empty one is no end, and nothing but bytes is
 * taken from a peer. */
#include "net/socket/record.h"

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/unit.h"

static int ends[2];

static void begin(void)
{
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) == 0);
	record_mark(ends[0]);
}

static void end(void)
{
	close(ends[0]);
	close(ends[1]);
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static void send_descriptors(size_t len)
{
	struct iovec v = { (char[]){ "x" }, len };
	union {
		char room[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr c;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	int fds[4] = { 0, 1, 2, 0 };

	control.c.cmsg_level = SOL_SOCKET;
	control.c.cmsg_type = SCM_RIGHTS;
	control.c.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.c), fds, sizeof(fds));
	CHECK(sendmsg(ends[1], &m, 0) == (ssize_t)len);
}

static void empty_records(void)
{
	char byte = 0;
	bool empty;

	begin();
	CHECK(send(ends[1], "", 0, 0) == 0);
	CHECK(send(ends[1], "y", 1, 0) == 1);
	CHECK(record_recv(ends[0], &byte, 1, &empty) == 0 && empty);
	CHECK(record_recv(ends[0], &byte, 1, &empty) == 1 && !empty && byte == 'y');
	shutdown(ends[1], SHUT_WR);
	CHECK(record_recv(ends[0], &byte, 1, &empty) == 0 && !empty);
	end();
}

/* A stranger fills nobody's table of descriptors. */
static void descriptors_with_records(void)
{
	int before, i;
	bool empty;
	char byte = 0;

	begin();
	before = descriptors();
	for (i = 0; i < 20; i++) {
		send_descriptors(i % 2);
		CHECK(record_recv(ends[0], &byte, 1, &empty) == i % 2);
		CHECK(empty == !(i % 2));
	}
	CHECK_INT(descriptors(), before);
	end();
}

int main(void)
{
	RUN(empty_records, "an empty record is told from the end");
	RUN(descriptors_with_records, "descriptors that come with records are not kept");
	return unit_done();
}
