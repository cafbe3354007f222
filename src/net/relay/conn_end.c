#include "net/relay/conn_end.h"

#include <errno.h>
#include <sys/socket.h>

#include "model/sock.h"
#include "net/relay/conn_http.h"
#include "net/relay/conn_trace.h"
#include "net/relay/delayed.h"
#include "net/relay/lines.h"
#include "net/socket/endpoint.h"

static const struct {
	const char *name;
	enum verdict verdict;
} ends[] = {
	[CONN_NONE] = { "error", VERDICT_YES }, /* nobody came, or none whose end counts
						 */
	[CONN_COMPLETE] = { "complete", VERDICT_YES },
	[CONN_HELD] = { "held", VERDICT_YES },
	[CONN_CUT] = { "cut", VERDICT_YES },
	[CONN_MET] = { "met", VERDICT_YES },
	[CONN_TOLD] = { "told", VERDICT_YES },
	[CONN_REFUSED] = { "refused", VERDICT_NO },
	[CONN_UNMET] = { "unmet", VERDICT_NO },
	[CONN_RESET] = { "reset", VERDICT_NO },
	[CONN_ERROR] = { "error", VERDICT_NO },
	[CONN_UNANSWERED] = { "unanswered", VERDICT_SILENCE },
	[CONN_IDLE] = { "idle", VERDICT_SILENCE },
	[CONN_INPUT] = { "input", VERDICT_CANNOT },
	[CONN_OUTPUT] = { "output", VERDICT_CANNOT },
};

const char *conn_end_name(enum conn_end end)
{
	return ends[end].name;
}

enum verdict conn_end_verdict(enum conn_end end)
{
	return ends[end].verdict;
}

/* The kernel counts SYN and FIN as a byte each. */
static void count_payload(struct tcpinfo *t, bool dialled, bool ended, uint64_t bytes_out)
{
	bool fin = ended || t->state == STATE_CLOSE_WAIT || t->state == STATE_LAST_ACK ||
		   t->state == STATE_CLOSING || t->state == STATE_TIME_WAIT;

	t->bytes_acked -= t->bytes_acked && dialled;
	t->bytes_acked = MIN(t->bytes_acked, bytes_out);
	t->bytes_received -= t->bytes_received && fin;
}

bool conn_tcp_take(struct conn_tcp *tcp, int fd, bool dialled, bool ended,
		   uint64_t bytes_out)
{
	/* Of MPTCP this is the first subflow: one that is gone says nothing. */
	if (!tcp_read(fd, &tcp->info) ||
	    (tcp->info.state == STATE_CLOSE && !tcp->info.segs_in && !tcp->info.segs_out))
		return false;
	tcp_read_congestion(fd, tcp->congestion);
	count_payload(&tcp->info, dialled, ended, bytes_out);
	return true;
}

static void fill_report(struct conn *c, struct conn_report *r, struct conn_tcp *tcp)
{
	*r = (struct conn_report){
		.bytes_in = c->rx.moved_in + flow_back_len(&c->rx),
		.bytes_out = c->how->source == CONN_FROM_PEER
				     ? c->rx.moved_out - delayed_len(c)
				     : c->tx.moved_out,
		.duration_us = clock_us() - c->started_us,
		.closed_first = c->closed_first,
	};
	if (c->how->want_tcp &&
	    conn_tcp_take(tcp, c->w.fd, c->dialled, c->peer_ended, r->bytes_out))
		r->tcp = tcp;
}

/* Whether the peer is silent, or segments do not arrive. */
static void look_at_stall(const struct conn *c, struct conn_report *r)
{
	struct endpoint like = { .family = AF_INET, .type = SOCK_STREAM }, peer;
	struct stall_look now;

	if (!c->look.known)
		return;
	stall_take(c->w.fd, &now);
	if (stall_between(&c->look, &now, &r->stall) &&
	    (endpoint_peer(c->w.fd, &like, &peer) < 0 ||
	     !endpoint_addr(&peer, &r->stalled_at)))
		r->stall.side = STALL_NONE;
}

void conn_stop(struct conn *c, enum conn_end end, const struct fault *f)
{
	struct conn_report report;
	struct conn_tcp tcp;

	fill_report(c, &report, &tcp);
	/* Only where something went wrong does the queue tell what was lost; our own FIN
	 * is no byte. */
	if (end == CONN_RESET || end == CONN_ERROR || end == CONN_IDLE ||
	    end == CONN_TOLD) {
		uint64_t queued = tcp_unsent(c->w.fd);

		report.unsent_bytes =
			queued - (queued && c->sent_fin) + c->tx.pending_len +
			(c->how->source == CONN_FROM_PEER
				 ? c->rx.pending_len + delayed_len(c)
			 : c->http ? conn_http_unsent(c)
				   : (c->tx.from == FLOW_MEMORY ? c->tx.memory_len : 0));
	}
	if (end == CONN_IDLE)
		look_at_stall(c, &report);
	if (end == CONN_CUT && c->how->behave->reset_after_bytes != BEHAVE_UNSET)
		endpoint_reset_on_close(c->w.fd);
	if (!report.closed_first && end != CONN_RESET && end != CONN_ERROR)
		report.closed_first = CLOSER_WE;
	if (c->http)
		conn_http_end(c);
	lines_leave(c);
	delayed_end(c);
	timer_stop(c->l, &c->pace);
	timer_stop(c->l, &c->idle);
	timer_stop(c->l, &c->life);
	stream_unwait(&c->in_wait);
	stream_unwait(&c->out_wait);
	if (c->called)
		conn_trace(c, NET_CALL_CLOSE, 0, clock_us(), "close(%d)", c->w.fd);
	flow_free(&c->rx);
	flow_free(&c->tx);
	watch_close(c->l, &c->w);
	c->ended(c, end, f, &report);
}

void conn_socket_failed(struct conn *c, int err)
{
	struct fault f = FAULT_INIT;

	/* A refused peer often goes on sending, and resets. */
	if (c->http && conn_http_refused(c, &f)) {
		conn_stop(c, CONN_REFUSED, &f);
		return;
	}
	if (err == ECONNRESET)
		fault_say(&f, err, "the peer reset the connection");
	else if (err == EPIPE)
		fault_say(&f, err,
			  "the peer reset the connection after it had ended its side");
	else if (err == ETIMEDOUT)
		fault_say(&f, err, "the peer stopped acknowledging: the kernel gave up");
	else
		fault(&f, err, "the connection broke");
	conn_stop(c, err == ECONNRESET || err == EPIPE ? CONN_RESET : CONN_ERROR, &f);
}

/* A flow failed: was it the connection or the other end? */
void conn_flow_failed(struct conn *c, const struct flow *flow)
{
	bool socket_side = flow->failed_sink ? flow->to == FLOW_SOCKET
					     : flow->from == FLOW_SOCKET;
	struct fault f = FAULT_INIT;

	if (socket_side) {
		conn_socket_failed(c, flow->err);
	} else if (flow->from == FLOW_FILE && flow->err == ENODATA) {
		fault_say(
			&f, ENODATA,
			"the file shrank while it was sent: %llu bytes of the answer are "
			"missing, the connection is reset",
			(unsigned long long)flow->memory_len);
		endpoint_reset_on_close(c->w.fd);
		conn_stop(c, CONN_INPUT, &f);
	} else if (flow->failed_sink) {
		fault(&f, flow->err, "write the output");
		conn_stop(c, CONN_OUTPUT, &f);
	} else {
		fault(&f, flow->err, "read the input");
		conn_stop(c, CONN_INPUT, &f);
	}
}
