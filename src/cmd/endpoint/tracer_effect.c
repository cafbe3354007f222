#include "cmd/endpoint/tracer_effect.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "kernel/netlink/diag_inet.h"
#include "net/socket/tcp.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int option_of(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

static bool is_tcp(int fd)
{
	int protocol = option_of(fd, SO_PROTOCOL);

	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
}

/* What is remembered of a descriptor; fresh: it is a new connection's. NULL for
 * listeners and for what is not TCP. */
static struct tracer_end *end_of(struct tracer *t, int fd, bool fresh)
{
	size_t at = (size_t)fd;
	struct addr local, peer;

	if (fd < 0 || fd == t->listener || !is_tcp(fd))
		return NULL;
	while (t->n_ends <= at) {
		t->ends = array_grow(t->ends, t->n_ends, &t->cap_ends, sizeof(*t->ends));
		t->ends[t->n_ends++] = (struct tracer_end){ 0 };
	}
	if (fresh)
		t->ends[at] = (struct tracer_end){ 0 };
	if (tracer_names(fd, &local, &peer) && peer.port)
		t->ends[at] = (struct tracer_end){ local, peer, t->ends[at].first };
	return &t->ends[at];
}

/* The descriptor has nothing behind it any more: what has the kernel put in its place? */
static void put_remains(struct tracer *t, struct tracer_effect *x,
			const struct net_event *e, const struct tracer_end *end)
{
	struct sock s = { 0 };

	if (!end || !end->peer.port || t->blind)
		return;
	if (e->call == NET_CALL_RECV)
		buf_puts(&x->words, e->result ? "it came before the peer's FIN; "
					      : "the peer's FIN was read; ");
	if (inet_exact(&t->nl, &end->local, &end->peer, end->local.scope, 0, 0, &s) ==
		    0 &&
	    s.state == STATE_TIME_WAIT) {
		x->state = STATE_TIME_WAIT;
		buf_puts(&x->words, "both have ended, we first: the kernel keeps "
				    "TIME_WAIT for 60 s, whatever we do");
	} else if (end->first == CLOSER_WE) {
		buf_puts(&x->words, "the connection is gone, without a TIME_WAIT: it was "
				    "reset");
	} else {
		buf_puts(&x->words, "both have ended, the peer first: TIME_WAIT is its, "
				    "nothing is left here");
	}
}

/* How long it lay in the accept queue, and who is still there. */
static void put_accepted(struct tracer *t, struct tracer_effect *x,
			 const struct net_event *e, const struct sock *s)
{
	struct sock listener = { 0 };
	struct tcpinfo tcp;

	buf_puts(&x->words, "a new socket for ");
	addr_put(&x->words, &s->peer);
	if (tcp_read(e->fd, &tcp))
		buf_printf(&x->words, "; waited %u ms in the accept queue",
			   tcp.last_data_sent);
	if (t->listener >= 0 && tracer_row(t, t->listener, &listener)) {
		t->accept_queue = listener.recv_queue;
		buf_printf(&x->words, ", %u more waiting; the listener stays as it was",
			   listener.recv_queue);
	}
}

static void put_sent(struct tracer_effect *x, const struct net_event *e,
		     const struct tcpinfo *tcp)
{
	if (e->result == -EAGAIN) {
		buf_printf(&x->words,
			   "the send buffer is full: %llu bytes, %u of them not sent",
			   (unsigned long long)x->unacknowledged, x->notsent);
		if (x->notsent && !tcp->unacked)
			buf_puts(&x->words,
				 "; nothing is on its way, the peer's window is shut: it "
				 "does not read");
	} else if (!x->unacknowledged) {
		buf_puts(&x->words, "through the send buffer, on the wire, and "
				    "acknowledged by the peer's kernel");
	} else {
		buf_printf(&x->words,
			   "in the send buffer: %llu bytes not acknowledged, %u of them "
			   "not sent yet",
			   (unsigned long long)x->unacknowledged, x->notsent);
	}
}

static void put_received(struct tracer_effect *x, const struct net_event *e,
			 struct tracer_end *end)
{
	if (e->result > 0) {
		buf_printf(&x->words, "%llu more unread in the receive buffer",
			   (unsigned long long)x->unread);
		return;
	}
	buf_puts(&x->words, "the peer's FIN was read: it sends no more");
	if (end && !end->first)
		end->first = CLOSER_PEER;
	if (end && end->first == CLOSER_PEER)
		buf_puts(&x->words, "; it ended first, TIME_WAIT will be its");
}

static void put_ending(struct tracer_effect *x, const char *how, struct tracer_end *end)
{
	bool peer_first = x->state == STATE_CLOSE_WAIT || x->state == STATE_LAST_ACK ||
			  (end && end->first == CLOSER_PEER);

	if (end && !end->first)
		end->first = peer_first ? CLOSER_PEER : CLOSER_WE;
	buf_puts(&x->words, how);
	buf_puts(&x->words, peer_first ? "; the peer ended first, TIME_WAIT is its"
				       : "; we end first, TIME_WAIT will be ours");
}

/* SO_LINGER with a time of 0. */
static bool resets_on_close(int fd)
{
	struct linger l = { 0 };
	socklen_t len = sizeof(l);

	return getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len) == 0 && l.l_onoff &&
	       !l.l_linger;
}

static void put_closed(struct tracer_effect *x, int fd, struct tracer_end *end)
{
	if (resets_on_close(fd))
		buf_puts(&x->words, "SO_LINGER is 0: an RST goes out, no FIN");
	else if (x->state == STATE_ESTABLISHED && x->unread)
		buf_printf(&x->words,
			   "%llu bytes were never read: an RST goes out, no FIN",
			   (unsigned long long)x->unread);
	else if (x->state == STATE_ESTABLISHED || x->state == STATE_CLOSE_WAIT)
		put_ending(x, "our FIN goes out", end);
	else
		buf_puts(&x->words, "the descriptor goes, the kernel finishes alone");
}

/* A connection that the kernel has a row of. */
static void put_connection_effect(struct tracer *t, struct tracer_effect *x,
				  const struct net_event *e, const struct sock *s,
				  struct tracer_end *end)
{
	struct tcpinfo tcp = { 0 };

	tcp_read(e->fd, &tcp);
	x->state = s->state;
	x->has_bytes = true;
	x->unread = s->recv_queue;
	x->unacknowledged = s->send_queue;
	x->notsent = tcp.notsent_bytes;
	switch (e->call) {
	case NET_CALL_CONNECT:
		buf_puts(&x->words,
			 "our SYN is out, and answered already: by the peer's kernel, "
			 "its program need not accept()");
		break;
	case NET_CALL_CONNECTED:
		buf_puts(&x->words, "SYN, SYN-ACK, ACK are exchanged; local end ");
		addr_put(&x->words, &s->local);
		break;
	case NET_CALL_ACCEPT:
		put_accepted(t, x, e, s);
		break;
	case NET_CALL_SHUTDOWN:
		put_ending(x, "our FIN stands behind the last byte", end);
		break;
	case NET_CALL_CLOSE:
		put_closed(x, e->fd, end);
		break;
	case NET_CALL_SEND:
		put_sent(x, e, &tcp);
		break;
	case NET_CALL_RECV:
		put_received(x, e, end);
		break;
	case NET_CALL_SOCKET:
	case NET_CALL_BIND:
	case NET_CALL_LISTEN:
		break;
	}
}

static void put_listening(struct tracer_effect *x, const struct sock *s)
{
	x->state = STATE_LISTEN;
	x->has_queues = true;
	x->accept_queue = s->recv_queue;
	x->limit = s->send_queue;
	buf_puts(&x->words, "SYN queue 0   accept queue ");
	tracer_put_queue(&x->words, s->recv_queue, s->send_queue);
	buf_puts(&x->words, "; this socket never carries data, it makes others");
}

/* A socket in SYN_SENT does not tell its peer yet: there is no row to be asked for. */
static void put_connecting(struct tracer_effect *x, const struct net_event *e)
{
	struct tcpinfo tcp;

	if (e->result != -EINPROGRESS || !tcp_read(e->fd, &tcp) ||
	    tcp.state != STATE_SYN_SENT)
		return;
	x->state = STATE_SYN_SENT;
	buf_puts(&x->words, "our SYN is out, the answer is waited for");
}

static void put_datagram(struct tracer_effect *x, const struct net_event *e)
{
	if (e->call == NET_CALL_CONNECTED)
		buf_puts(&x->words,
			 "no packet was sent: the kernel only remembers the peer");
	else if (e->result >= 0 && e->call == NET_CALL_SEND)
		buf_puts(&x->words,
			 "handed over, and forgotten here: nobody acknowledges "
			 "a datagram");
	else if (e->result >= 0 && e->call == NET_CALL_RECV)
		buf_puts(&x->words, "so many datagrams, each whole");
}

void tracer_effect(struct tracer *t, const struct net_event *e, struct tracer_effect *x)
{
	bool fresh = e->call == NET_CALL_ACCEPT || e->call == NET_CALL_SOCKET;
	bool listens = e->call == NET_CALL_LISTEN, binds = e->call == NET_CALL_BIND;
	struct tracer_end *end = binds || listens ? NULL : end_of(t, e->fd, fresh);
	struct sock s = { 0 };
	bool seen = e->fd >= 0 && tracer_row(t, e->fd, &s);

	if (e->call == NET_CALL_SOCKET)
		buf_puts(&x->words,
			 "a descriptor and a kernel structure, no address yet");
	else if (binds)
		buf_puts(&x->words, e->result < 0
					    ? "the address is not ours"
					    : "the port is ours; nobody can connect "
					      "yet");
	else if (e->fd >= 0 && option_of(e->fd, SO_TYPE) == SOCK_DGRAM)
		put_datagram(x, e);
	else if (seen && s.state == STATE_LISTEN)
		put_listening(x, &s);
	else if (seen)
		put_connection_effect(t, x, e, &s, end);
	else if (e->call == NET_CALL_CONNECT)
		put_connecting(x, e);
	else if (!listens)
		put_remains(t, x, e, end);
}
