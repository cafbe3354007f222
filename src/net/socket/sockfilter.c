#include "net/socket/sockfilter.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { TCP_FLAGS_AT = 13 }; /* in the header; RFC 9293 */

static int attach_filter(int fd, const struct sock_filter *code, unsigned short len,
			 struct fault *f)
{
	struct sock_fprog program = { len, (struct sock_filter *)(uintptr_t)code };
	int r;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0)
		return 0;
	r = fault(f, errno, "attach a socket filter");
	fault_hint(f, "on TCP it needs CAP_NET_ADMIN: run it as root, or in 'unshare "
		      "-rn'");
	return r;
}

int sockfilter_drop_all(int fd, struct fault *f)
{
	static const struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0) };

	return attach_filter(fd, code, ARRAY_SIZE(code), f);
}

int sockfilter_drop_ports(int fd, const uint16_t *ports, size_t n, struct fault *f)
{
	struct sock_filter code[2 * SOCKFILTER_PORTS_MOST + 2] = {
		/* A filter of a UDP socket sees the datagram from its UDP header on. */
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
	};
	unsigned short len = 1;
	size_t i;

	for (i = 0; i < n; i++) {
		code[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   ports[i], 0, 1);
		code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	}
	code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	return attach_filter(fd, code, len, f);
}

int sockfilter_only_syn(int fd, struct fault *f)
{
	/* A filter of a TCP socket sees the segment from its TCP header on. */
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_AT),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach_filter(fd, code, ARRAY_SIZE(code), f);
}
