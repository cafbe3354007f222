/*
 * The floor under every listing: asks the kernel for a dump and receives it, nothing
 * else. What a tool takes longer than this is its own work.
 */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "program.h"

enum { BUFFER = 32 * 1024 }; /* the kernel fills no more for a dump (6.18) */

enum walk { WALK_ONE_PASS, WALK_TWO_PASSES, WALK_UDP, WALK_UNIX };

static const char *const walks[] = { "one-pass", "two-passes", "udp", "unix", NULL };

struct config {
	int walk;
	bool help, count;
	uint64_t states, extensions, buffer;
};

#define AT(field) offsetof(struct config, field)

static const struct opt opts[] = {
	{ .name = "walk",
	  .kind = OPT_CHOICE,
	  .at = AT(walk),
	  .choices = walks,
	  .metavar = "HOW",
	  .help = "one-pass: TCP over both families in one request" },
	{ .name = "states",
	  .kind = OPT_UINT,
	  .at = AT(states),
	  .value = UINT32_MAX,
	  .metavar = "MASK",
	  .help = "bit n = state n (0xfff: all but the bound-only)" },
	{ .name = "extensions",
	  .kind = OPT_UINT,
	  .at = AT(extensions),
	  .value = 255,
	  .metavar = "MASK",
	  .help = "bit n-1 = attribute n (0x4a: info, memory, congestion)" },
	{ .name = "buffer",
	  .kind = OPT_SIZE,
	  .at = AT(buffer),
	  .metavar = "SIZE",
	  .help = "of the receive buffer (32k)" },
	{ .name = "count",
	  .kind = OPT_FLAG,
	  .at = AT(count),
	  .help = "print messages, bytes and receives; then messages are looked at" },
	HELP_ROW(struct config),
};

struct tally {
	uint64_t messages, bytes, receives;
};

union payload {
	struct inet_diag_req one_pass;
	struct inet_diag_req_v2 family;
	struct unix_diag_req unix_sockets;
};

static void send_request(int fd, uint16_t type, const void *payload, size_t len)
{
	struct {
		struct nlmsghdr head;
		union payload payload;
	} m = { .head = { .nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
			  .nlmsg_type = type,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			  .nlmsg_seq = 1 } };

	memcpy(&m.payload, payload, len);
	if (send(fd, &m, m.head.nlmsg_len, 0) < 0)
		die("send");
}

/* True at the end of the dump; an error it carries ends the program. */
static bool is_last(const char *data, size_t len)
{
	const size_t done = NLMSG_LENGTH(sizeof(int));
	struct nlmsghdr head;
	size_t at = 0;
	int err;

	/* DONE comes alone, or at the end of the last buffer. */
	memcpy(&head, data, sizeof(head));
	if (head.nlmsg_type != NLMSG_ERROR && head.nlmsg_type != NLMSG_DONE) {
		if (len < done)
			return false;
		at = len - done;
		memcpy(&head, data + at, sizeof(head));
		if (head.nlmsg_type != NLMSG_DONE || head.nlmsg_len != done)
			return false;
	}
	memcpy(&err, data + at + sizeof(head), sizeof(err));
	if (err)
		die_of("the kernel's answer", -err);
	return true;
}

static uint64_t count_messages(const char *data, size_t len)
{
	uint64_t n = 0;
	struct nlmsghdr head;
	size_t at = 0;

	while (at + sizeof(head) <= len) {
		memcpy(&head, data + at, sizeof(head));
		if (head.nlmsg_len < sizeof(head))
			break;
		n += head.nlmsg_type != NLMSG_DONE;
		at += NLMSG_ALIGN(head.nlmsg_len);
	}
	return n;
}

static void drain(int fd, char *data, size_t size, bool count, struct tally *t)
{
	ssize_t len;

	do {
		len = recv(fd, data, size, 0);
		if (len < (ssize_t)sizeof(struct nlmsghdr))
			die_of("recv", len < 0 ? errno : EPROTO);
		if (count)
			t->messages += count_messages(data, (size_t)len);
		t->bytes += (uint64_t)len;
		t->receives++;
	} while (!is_last(data, (size_t)len));
}

static void request(int fd, const struct config *c, int family)
{
	switch ((enum walk)c->walk) {
	case WALK_ONE_PASS: {
		struct inet_diag_req r = { .idiag_family = AF_INET,
					   .idiag_ext = (uint8_t)c->extensions,
					   .idiag_states = (uint32_t)c->states };

		send_request(fd, TCPDIAG_GETSOCK, &r, sizeof(r));
		break;
	}
	case WALK_TWO_PASSES:
	case WALK_UDP: {
		bool udp = c->walk == WALK_UDP;
		struct inet_diag_req_v2 r = {
			.sdiag_family = (uint8_t)family,
			.sdiag_protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
			.idiag_ext = (uint8_t)c->extensions,
			.idiag_states = (uint32_t)c->states,
		};

		send_request(fd, SOCK_DIAG_BY_FAMILY, &r, sizeof(r));
		break;
	}
	case WALK_UNIX: {
		struct unix_diag_req r = { .sdiag_family = AF_UNIX,
					   .udiag_states = (uint32_t)c->states,
					   .udiag_show = UDIAG_SHOW_NAME |
							 UDIAG_SHOW_PEER |
							 UDIAG_SHOW_RQLEN };

		send_request(fd, SOCK_DIAG_BY_FAMILY, &r, sizeof(r));
		break;
	}
	}
}

int main(int argc, char **argv)
{
	const struct program program = { "drain [OPTION]...", opts, ARRAY_SIZE(opts) };
	struct config c = { .states = 0xfff, .buffer = BUFFER };
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *data = NULL;
	struct tally t = { 0 };

	program_begin(&program, argc, argv, &c, &c.help);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	data = malloc(c.buffer);
	if (fd < 0 || !data)
		die("a netlink socket");
	request(fd, &c, AF_INET);
	drain(fd, data, c.buffer, c.count, &t);
	if (c.walk == WALK_TWO_PASSES || c.walk == WALK_UDP) {
		request(fd, &c, AF_INET6);
		drain(fd, data, c.buffer, c.count, &t);
	}
	if (c.count)
		printf("messages=%llu bytes=%llu receives=%llu\n",
		       (unsigned long long)t.messages, (unsigned long long)t.bytes,
		       (unsigned long long)t.receives);
	return 0;
}
