/* TCP and UDP sockets that nobody has a descriptor of. */
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inet.h"

static int held_socket(struct scenario *s, struct facts *f)
{
	bool udp = strcmp(text(s, "proto", "tcp"), "udp") == 0;
	int fd = udp ? server_socket(s, SOCK_DGRAM) : listener_socket(s);

	*f = facts_of(fd);
	return fd;
}

static const char *state_of(struct scenario *s)
{
	return strcmp(text(s, "proto", "tcp"), "udp") == 0 ? "CLOSE" : "LISTEN";
}

/* A ring of io_uring has it in its table of files, among free places and a file that is
 * no socket. */
static void make_registered(struct scenario *s)
{
	struct io_uring_params params = { 0 };
	struct facts f;
	int files[4] = { -1, STDIN_FILENO, -1, -1 }, ring;

	ring = must((int)syscall(SYS_io_uring_setup, 4, &params), "io_uring_setup");
	if (has(s, "empty"))
		files[1] = -1;
	else
		files[2] = held_socket(s, &f);
	must((int)syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, files,
			  COUNT(files)),
	     "IORING_REGISTER_FILES");
	tell_more(s, "ring=%d", ring);
	if (files[2] < 0)
		return;
	if (!has(s, "kept"))
		close(files[2]);
	tell_closed(s, state_of(s), &f, "socket");
}

/* A message that has not been received has it. */
static void make_sent(struct scenario *s)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = space,
			      .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct facts f;
	int pair[2], fd;

	fd = held_socket(s, &f);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(pair[0], &msg, 0) != 1)
		die("sendmsg: %s", strerror(errno));
	if (has(s, "received") && recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC) != 1)
		die("recvmsg: %s", strerror(errno));
	close(fd);
	tell_closed(s, state_of(s), &f, "socket");
}

const struct maker held_makers[] = {
	{ "registered", make_registered,
	  "proto= port= kept empty: only a ring of io_uring has it" },
	{ "sent", make_sent, "proto= port= received: only a message has it" },
	{ NULL, NULL, NULL },
};
