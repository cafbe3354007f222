#include "net/socket/nameserver.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "net/socket/dns.h"
#include "net/socket/endpoint.h"
#include "net/socket/resolv_conf.h"

enum {
	QUESTIONS = 2, /* for IPv4 and IPv6 addresses */
	TCP_HEAD = 2,  /* the length before a message (RFC 1035, 4.2.2) */
	POLLED = RESOLV_SERVERS_MAX * (1 + QUESTIONS),
};

struct question {
	int family;
	uint8_t text[TCP_HEAD + DNS_QUERY_MAX]; /* as TCP has it */
	size_t len, sent_len; /* without its head, without EDNS0; of all */
};

/* What a server has said to one question. */
struct reply {
	int rcode; /* -1 = nothing yet */
	bool cut;  /* only the begin: the rest is asked for over TCP */
	int tcp;   /* its socket, -1 = none */
	bool sent; /* over TCP */
	int err;   /* of TCP */
	uint8_t in[TCP_HEAD + DNS_ANSWER_MAX];
	size_t n_in;
};

struct server {
	struct addr addr;
	int fd;	 /* one socket for all questions, as the resolver has it; -1 = none */
	int err; /* of connect(), send() or recv() */
	struct reply replies[QUESTIONS];
};

struct inquiry {
	struct resolv_conf conf;
	struct question questions[QUESTIONS];
	size_t n_questions;
	struct server v[RESOLV_SERVERS_MAX];
	bool by_family;
	uint64_t took_us;
};

static bool reply_is_due(const struct server *s, const struct reply *r)
{
	if (r->cut)
		return r->rcode < 0 && !r->err;
	return r->rcode < 0 && !s->err;
}

/* --- asking --- */

static void ask_over_tcp(struct server *s, struct reply *r)
{
	struct endpoint to;
	int err;

	r->cut = true;
	r->rcode = -1;
	endpoint_from_addr(&to, TARGET_TCP, &s->addr);
	r->tcp = endpoint_socket(&to, NULL);
	err = r->tcp < 0 ? errno : -endpoint_connect(r->tcp, &to);
	r->err = err == EINPROGRESS ? 0 : err;
}

static void ask_server(struct inquiry *q, struct server *s)
{
	struct endpoint to;
	size_t i;

	for (i = 0; i < QUESTIONS; i++)
		s->replies[i] = (struct reply){ .rcode = -1, .tcp = -1 };
	s->fd = -1;
	s->err = 0;
	for (i = 0; q->conf.tcp && i < q->n_questions; i++)
		ask_over_tcp(s, &s->replies[i]);
	if (q->conf.tcp)
		return;
	endpoint_from_addr(&to, TARGET_UDP, &s->addr);
	s->fd = endpoint_socket(&to, NULL);
	s->err = s->fd < 0 ? errno : -endpoint_connect(s->fd, &to);
	for (i = 0; i < q->n_questions && !s->err; i++)
		if (send(s->fd, q->questions[i].text + TCP_HEAD, q->questions[i].sent_len,
			 MSG_NOSIGNAL) < 0)
			s->err = errno;
}

static void take_datagram(struct inquiry *q, struct server *s)
{
	uint8_t answer[DNS_ANSWER_MAX];
	ssize_t n = recv(s->fd, answer, sizeof(answer), MSG_DONTWAIT);
	size_t i;

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			s->err = errno;
		return;
	}
	for (i = 0; i < q->n_questions; i++) {
		const struct question *asked = &q->questions[i];
		struct reply *r = &s->replies[i];
		int rcode = dns_rcode(answer, (size_t)n, asked->text + TCP_HEAD,
				      asked->len);

		if (rcode < 0 || !reply_is_due(s, r) || r->cut)
			continue;
		r->rcode = rcode;
		if (dns_is_cut(answer))
			ask_over_tcp(s, r);
	}
}

static void read_stream(struct reply *r, const struct question *asked)
{
	ssize_t n = recv(r->tcp, r->in + r->n_in, sizeof(r->in) - r->n_in, MSG_DONTWAIT);
	size_t head = TCP_HEAD;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		r->err = n < 0 ? errno : ECONNRESET;
		return;
	}
	r->n_in += (size_t)n;
	if (r->n_in > head)
		r->rcode = dns_rcode(r->in + head, r->n_in - head, asked->text + head,
				     asked->len);
	if (r->rcode < 0 && r->n_in == sizeof(r->in))
		r->err = EBADMSG;
}

static void go_on_over_tcp(struct reply *r, const struct question *asked)
{
	size_t len = TCP_HEAD + asked->sent_len;
	ssize_t n;
	socklen_t size = sizeof(r->err);

	if (r->sent) {
		read_stream(r, asked);
		return;
	}
	if (getsockopt(r->tcp, SOL_SOCKET, SO_ERROR, &r->err, &size) != 0)
		r->err = errno;
	if (r->err)
		return;
	r->sent = true;
	n = send(r->tcp, asked->text, len, MSG_NOSIGNAL);
	if (n != (ssize_t)len)
		r->err = n < 0 ? errno : EIO;
}

/* Those for which something is still to come; how many. */
static size_t list_polled(struct inquiry *q, struct pollfd p[POLLED])
{
	size_t i, k, due = 0;

	for (i = 0; i < q->conf.n; i++) {
		struct server *s = &q->v[i];
		struct pollfd *here = &p[i * (1 + QUESTIONS)];

		here[0] = (struct pollfd){ .fd = -1, .events = POLLIN };
		for (k = 0; k < QUESTIONS; k++) {
			struct reply *r = &s->replies[k];
			bool is_due = k < q->n_questions && reply_is_due(s, r);

			here[1 + k] = (struct pollfd){ .fd = -1,
						       .events = r->sent ? POLLIN
									 : POLLOUT };
			due += is_due;
			if (is_due && r->cut)
				here[1 + k].fd = r->tcp;
			else if (is_due)
				here[0].fd = s->fd;
		}
	}
	return due;
}

static void hear(struct inquiry *q, uint64_t until_us)
{
	struct pollfd p[POLLED];
	uint64_t now;
	size_t i, k;

	while (list_polled(q, p)) {
		now = clock_us();
		if (now >= until_us || (poll(p, q->conf.n * (1 + QUESTIONS),
					     (int)((until_us - now + 999) / 1000)) < 0 &&
					errno != EINTR))
			return;
		for (i = 0; i < q->conf.n; i++) {
			const struct pollfd *here = &p[i * (1 + QUESTIONS)];

			if (here[0].revents)
				take_datagram(q, &q->v[i]);
			for (k = 0; k < q->n_questions; k++)
				if (here[1 + k].revents)
					go_on_over_tcp(&q->v[i].replies[k],
						       &q->questions[k]);
		}
	}
}

/* --- telling --- */

static bool is_answered(const struct server *s, const struct reply *r)
{
	return !reply_is_due(s, r) &&
	       (r->rcode == ns_r_noerror || r->rcode == ns_r_nxdomain);
}

static void put_rcode(struct buf *b, int rcode)
{
	static const char *const names[] = { NULL,	 "FORMERR", "SERVFAIL",
					     "NXDOMAIN", "NOTIMP",  "REFUSED" };

	if (rcode == 0)
		buf_puts(b, "answers now");
	else if (rcode < (int)ARRAY_SIZE(names))
		buf_printf(b, "answers %s", names[rcode]);
	else
		buf_printf(b, "answers with error %d", rcode);
}

static void put_silence(struct buf *b, const struct inquiry *q)
{
	buf_puts(b, "gave no answer in ");
	buf_put_time(b, q->took_us);
}

/* What became of a question that came over TCP, or had to. */
static void put_tcp(struct buf *b, const struct inquiry *q, const struct reply *r)
{
	if (!q->conf.tcp)
		buf_puts(b, "truncates its answer, and its TCP port 53 ");
	else
		buf_puts(b, "is asked over TCP (use-vc), and port 53 ");
	if (r->rcode >= 0)
		put_rcode(b, r->rcode);
	else if (r->err == ECONNREFUSED)
		buf_puts(b, "is refused");
	else if (r->err)
		buf_printf(b, "fails: %s", strerror(r->err));
	else
		put_silence(b, q);
}

static void put_reply(struct buf *b, const struct inquiry *q, const struct server *s,
		      const struct reply *r)
{
	if (r->cut && !is_answered(s, r))
		put_tcp(b, q, r);
	else if (r->rcode >= 0)
		put_rcode(b, r->rcode);
	else if (s->err == ECONNREFUSED)
		buf_puts(b, "refuses UDP port 53 (port unreachable)");
	else if (s->err)
		buf_printf(b, "cannot be asked: %s", strerror(s->err));
	else
		put_silence(b, q);
}

static const char *record_of(const struct question *asked)
{
	return asked->family == AF_INET6 ? "AAAA" : "A";
}

/* The question that it answers, where it leaves the other without an answer; -1 = there
 * is none. */
static int answers_half(const struct inquiry *q, const struct server *s)
{
	int k;

	if (q->n_questions < QUESTIONS)
		return -1;
	for (k = 0; k < QUESTIONS; k++)
		if (is_answered(s, &s->replies[k]) && reply_is_due(s, &s->replies[!k]))
			return k;
	return -1;
}

static bool is_healthy(const struct inquiry *q, const struct server *s)
{
	size_t k;

	for (k = 0; k < q->n_questions; k++)
		if (!is_answered(s, &s->replies[k]))
			return false;
	return true;
}

static bool same_reply(const struct server *s, size_t n)
{
	const struct reply *a = &s->replies[0], *b = &s->replies[1];

	return n < 2 || (a->rcode == b->rcode && a->cut == b->cut && a->err == b->err);
}

static void put_server(struct buf *b, const struct inquiry *q, const struct server *s)
{
	int half = answers_half(q, s);
	size_t k;

	addr_put_ip(b, &s->addr);
	buf_putc(b, ' ');
	if (half >= 0) {
		buf_printf(b, "answers %s but not %s", record_of(&q->questions[half]),
			   record_of(&q->questions[!half]));
	} else if (same_reply(s, q->n_questions)) {
		put_reply(b, q, s, &s->replies[0]);
	} else {
		for (k = 0; k < q->n_questions; k++) {
			buf_puts(b, k ? ", " : "");
			put_reply(b, q, s, &s->replies[k]);
			buf_printf(b, " (%s)", record_of(&q->questions[k]));
		}
	}
}

/* One that answers stands behind one that does not: the resolver comes to it only after
 * its patience with the first. */
static bool is_behind(const struct inquiry *q)
{
	size_t i;

	if (is_healthy(q, &q->v[0]))
		return false;
	for (i = 1; i < q->conf.n; i++)
		if (is_healthy(q, &q->v[i]))
			return true;
	return false;
}

static void put_advice(struct buf *b, const struct inquiry *q)
{
	const char *only = answers_half(q, &q->v[0]) == 0 ? "-4" : "-6";

	if (answers_half(q, &q->v[0]) >= 0 && q->by_family)
		buf_printf(b, "; '%s' asks for %s alone", only,
			   only[1] == '4' ? "A" : "AAAA");
	else if (is_behind(q) && q->conf.timeout_s > 1)
		buf_printf(b,
			   "; they are asked in this order, and each has %u s: 'options "
			   "timeout:1' (/etc/resolv.conf) is quicker",
			   q->conf.timeout_s);
	else
		buf_puts(b, " (/etc/resolv.conf)");
}

/* Into b why no server can be asked; false if they can. */
static bool put_unasked(struct buf *b, struct resolv_conf *conf)
{
	int has = nsswitch_has_dns();
	int r = has > 0 ? resolv_conf_read(conf) : has;

	if (r < 0)
		buf_printf(b, "the name servers are not known: %s", strerror(-r));
	else if (!has)
		buf_puts(b, "no name server is asked: 'hosts' in /etc/nsswitch.conf has "
			    "no 'dns'");
	return r < 0 || !has;
}

static void add_question(struct inquiry *q, const char *name, int family)
{
	struct question *asked = &q->questions[q->n_questions];
	uint8_t *text = asked->text + TCP_HEAD;

	asked->family = family;
	asked->len = dns_query(text, name, family);
	if (!asked->len)
		return;
	asked->sent_len = q->conf.edns ? dns_offer_edns(text, asked->len) : asked->len;
	asked->text[0] = (uint8_t)(asked->sent_len >> 8);
	asked->text[1] = (uint8_t)asked->sent_len;
	q->n_questions++;
}

static void inquiry_end(struct inquiry *q)
{
	size_t i, k;

	for (i = 0; i < q->conf.n; i++) {
		close_fd(q->v[i].fd);
		for (k = 0; k < QUESTIONS; k++)
			close_fd(q->v[i].replies[k].tcp);
	}
}

void nameserver_ask(struct buf *b, const char *name, int family, bool by_family,
		    uint64_t until_us)
{
	_cleanup_buf_ struct buf asked = { 0 };
	uint64_t began = clock_us();
	struct inquiry q = { .by_family = by_family };
	size_t i;

	if (put_unasked(b, &q.conf))
		return;
	resolv_conf_put_asked(&asked, &q.conf, name);
	if (family != AF_INET6)
		add_question(&q, buf_cstr(&asked), AF_INET);
	if (family != AF_INET && !(q.conf.no_v6 && family != AF_INET6))
		add_question(&q, buf_cstr(&asked), AF_INET6);
	if (!q.n_questions) {
		buf_puts(b, "it is no name of the DNS: no name server is asked");
		return;
	}
	for (i = 0; i < q.conf.n; i++) {
		q.v[i].addr = q.conf.servers[i];
		ask_server(&q, &q.v[i]);
	}
	hear(&q, until_us);
	q.took_us = clock_us() - began;
	for (i = 0; i < q.conf.n; i++) {
		buf_puts(b, i ? "; " : "");
		put_server(b, &q, &q.v[i]);
	}
	put_advice(b, &q);
	inquiry_end(&q);
}

void nameserver_list(struct buf *b)
{
	struct resolv_conf conf;
	size_t i;

	if (put_unasked(b, &conf))
		return;
	buf_puts(b, "the name servers were not asked one by one: ");
	for (i = 0; i < conf.n; i++) {
		buf_puts(b, i ? ", " : "");
		addr_put_ip(b, &conf.servers[i]);
	}
	buf_puts(b, " (/etc/resolv.conf)");
}
