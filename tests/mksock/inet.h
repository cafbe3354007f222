/* Addresses, options and the waiting that the TCP and UDP scenarios share. */
#pragma once

#include <netinet/in.h>

#include "mksock.h"

/* Numbers of include/net/tcp_states.h. */
enum {
	ESTABLISHED = 1,
	SYN_SENT,
	SYN_RECV,
	FIN_WAIT1,
	FIN_WAIT2,
	TIME_WAIT,
	CLOSED,
	CLOSE_WAIT,
	LAST_ACK,
	LISTENING,
	CLOSING,
};

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage ss;
};

socklen_t address_len(const union address *a);
/* Where a client connects to reach the listener: a wildcard becomes loopback, mapped
 * becomes IPv4. */
void reachable(struct scenario *s, int listener, union address *a);
void own_address(int fd, union address *a);
void peer_address(int fd, union address *a);

void set_int(int fd, int level, int name, int value, const char *what);
/* A bound socket at family=, addr=, port= with the options of the scenario. */
int server_socket(struct scenario *s, int type);
int listener_socket(struct scenario *s);
/* A socket that has begun to connect; from= and cport= bind it first. */
int client_socket(struct scenario *s, const union address *to, bool wait);

/* Each waits for what should be instant, and dies if it does not come. */
void pause_briefly(int *waited_ms, const char *what);
void await_state(const union address *local, const union address *peer, int state);
void await_own_state(int fd, int state);
void await_queued(int listener, unsigned n);
