/* The floor of a connect scan: one blocking socket that is connected again to each port,
 * nothing read but connect()'s own error. usage: reconnect IPV4 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = -1, port, open = 0;

	if (argc != 2 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	for (port = 1; port < 65536; port++) {
		if (fd < 0)
			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return 3;
		to.sin_port = htons((unsigned short)port);
		if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0) {
			struct linger reset = { 1, 0 };

			open++;
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(fd);
			fd = -1;
		} else if (errno != ECONNREFUSED) {
			close(fd);
			fd = -1;
		}
	}
	printf("%d open\n", open);
	return 0;
}
