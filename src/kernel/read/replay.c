/*
 * Recorded dumps. The file is what recvmsg() gave, message after message, as `ss -D`
 * writes it too (types 18 and 20, IPv4 then IPv6, DONE between or missing). inet_diag
 * messages do not say their protocol: TCP unless a section marker of ours (a NLMSG_NOOP,
 * which readers skip) says otherwise.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"
#include "kernel/read/replay.h"
#include "kernel/read/unix_join.h"
#include "model/field/field.h"

/* The reading of a file. */
struct replay {
	struct collector *c;
	struct unix_rows unix_rows;
	struct collector queues, rest; /* TCP rows that wait for those of all queues */
	bool tcp_over;		       /* they were shown */
	int failed; /* errno of a dump or a question that failed when it was recorded */
	bool told;  /* that the file itself is no whole record */
};

struct section {
	struct nlmsghdr h;
	char magic[8];
	uint8_t proto;
	uint8_t pad[3];
};

static const char section_magic[8] = "sockctl";

/* Messages are at most this long; netlink lengths of attributes have 16 bits, dumps
 * packets of 32 KiB. */
enum { LONGEST_MESSAGE = 1 << 20, READ_CHUNK = 64 * 1024 };

void record_section(struct out *record, uint8_t proto)
{
	struct section s = { .h = { .nlmsg_len = sizeof(s), .nlmsg_type = NLMSG_NOOP },
			     .proto = proto };

	if (!record)
		return;
	memcpy(s.magic, section_magic, sizeof(s.magic));
	buf_put(&record->b, &s, sizeof(s));
}

/* Rows may be missing: said once. */
static void is_incomplete(struct replay *p, const char *id, const char *why)
{
	const struct collect_sink *sink = p->c->sink;

	p->c->complete = false;
	p->c->rows_missing = true;
	if (sink->note && !p->told)
		sink->note(sink->ctx, id, why);
	p->told = true;
}

/* A peer's path may come later in the file: unix rows wait for the end of it. */
static int replay_unix(struct replay *p, const struct nlmsghdr *h)
{
	if (!(p->c->needs & NEED_UNIX_PEER))
		return collect_unix_message(h, p->c);
	return unix_rows_add(h, &p->unix_rows);
}

/* Where a row waits in a queue, or is one. */
static bool is_of_queue(const struct sock *s)
{
	return sock_is_listener(s) || sock_is_unaccepted(s) ||
	       (s->state == STATE_SYN_RECV && !(s->has & SOCK_IS_FULL));
}

/*
 * Who waits in whose queue is known at the end of the TCP rows: what is of a queue waits
 * for it (it may be in the file more than once), and with it the rest where listeners
 * come first. But as long as nobody asks for that count, listeners and the rest are shown
 * as they come.
 */
static int replay_tcp(struct replay *p, const struct nlmsghdr *h)
{
	struct collector *c = p->c;
	bool counts = c->needs & NEED_WAITERS;
	struct sock s;

	if (p->tcp_over)
		return collect_inet_message(h, c);
	if (!inet_parse(h, PROTO_TCP, &s))
		return 0;
	if (is_of_queue(&s))
		collect_keep(&p->queues, &s);
	else if (counts)
		collect_keep(&p->rest, &s);
	return counts || sock_is_unaccepted(&s) ? 0 : collect_row(c, &s);
}

static int end_tcp(struct replay *p)
{
	int r = 0;

	if (!p->tcp_over)
		r = replay_queues(p->c, &p->queues, &p->rest);
	p->tcp_over = true;
	collect_drop_held(&p->queues);
	collect_drop_held(&p->rest);
	return r;
}

static int replay_message(struct replay *p, const struct nlmsghdr *h)
{
	struct collector *c = p->c;
	const struct section *s = (const void *)h;

	switch (h->nlmsg_type) {
	case NLMSG_NOOP:
		if (h->nlmsg_len >= sizeof(*s) &&
		    memcmp(s->magic, section_magic, sizeof(section_magic)) == 0 &&
		    s->proto < PROTO_COUNT) {
			c->proto = s->proto;
			return s->proto == PROTO_TCP ? 0 : end_tcp(p);
		}
		return 0;
	case UAPI_TCPDIAG_GETSOCK:
	case SOCK_DIAG_BY_FAMILY:
		break;
	default:
		return 0;
	}
	if (h->nlmsg_len > NLMSG_LENGTH(0) && *(const uint8_t *)NLMSG_DATA(h) == AF_UNIX)
		return replay_unix(p, h);
	if (c->proto != PROTO_TCP && c->proto != PROTO_UDP) {
		is_incomplete(
			p, "broken-record",
			"the recorded dump has a socket of IPv4 or IPv6 among those "
			"of unix: it is left out");
		return 0;
	}
	return c->proto == PROTO_TCP ? replay_tcp(p, h) : collect_inet_message(h, c);
}

/*
 * Hands over the whole messages in data; returns bytes used, 0 when more are needed, or a
 * negative result. A DONE that carries an errno makes the record incomplete, as it was
 * when it was made.
 */
static int64_t replay_chunk(struct replay *p, const char *data, size_t len,
			    uint64_t offset, struct fault *f)
{
	size_t at = 0;

	while (len - at >= sizeof(struct nlmsghdr)) {
		_Alignas(8) struct nlmsghdr h;
		size_t step;
		int r;

		memcpy(&h, data + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > LONGEST_MESSAGE)
			return fault_say(f, EBADMSG,
					 "byte %llu: no netlink message starts here",
					 (unsigned long long)(offset + at));
		step = NLMSG_ALIGN(h.nlmsg_len);
		if (step > len - at)
			break;
		if ((h.nlmsg_flags & NLM_F_DUMP_INTR) && !p->failed)
			p->failed = EINTR;
		if (h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR) {
			int32_t err = 0;

			if (h.nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
				memcpy(&err, data + at + NLMSG_HDRLEN, sizeof(err));
			if (err < 0)
				p->failed = -err;
		} else {
			r = replay_message(p, (const void *)(data + at));
			if (r < 0)
				return r;
		}
		at += step;
	}
	return (int64_t)at;
}

static int replay_stream(struct replay *p, int fd, const char *name, struct fault *f)
{
	/* malloc'ed, so that messages stay aligned to 4 as in the file. */
	size_t cap = READ_CHUNK, len = 0;
	_cleanup_free_ char *data = xmalloc(cap);
	uint64_t offset = 0;

	for (;;) {
		ssize_t n;
		int64_t used;

		if (cap - len < READ_CHUNK) {
			cap *= 2;
			data = xrealloc(data, cap);
		}
		n = read(fd, data + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault(f, errno, "read %s", name);
		len += (size_t)n;
		used = replay_chunk(p, data, len, offset, f);
		if (used < 0)
			return (int)used;
		offset += (uint64_t)used;
		len -= (size_t)used;
		memmove(data, data + used, len);
		if (n == 0)
			break;
	}
	/* The last message may lack its padding; what is shorter was cut off. */
	if (len >= sizeof(struct nlmsghdr) &&
	    ((struct nlmsghdr *)(void *)data)->nlmsg_len == len)
		return replay_message(p, (const void *)data);
	if (len)
		is_incomplete(p, "truncated-record",
			      "the recorded dump ends in the middle of a message");
	return 0;
}

static void tell_failed(const struct replay *p)
{
	const struct collect_sink *sink = p->c->sink;
	struct fault f = FAULT_INIT;

	if (!p->failed)
		return;
	p->c->complete = false;
	p->c->rows_missing = true;
	fault(&f, p->failed, "the record lacks what could not be read when it was made");
	if (sink->note)
		sink->note(sink->ctx, "incomplete-dump", f.what);
}

int collect_replay(struct collector *c, struct fault *f)
{
	const char *path = c->req->from;
	struct replay replay = { .c = c };
	_cleanup_close_ int fd = -1;
	char shown[160];
	int r;

	escape_text(shown, sizeof(shown), path, strlen(path));
	if (streq(path, "-"))
		fd = dup(STDIN_FILENO);
	else
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault(f, errno, "open %s", shown);
	c->proto = PROTO_TCP;
	/* Of the file, not of this machine. */
	c->r->listeners.read = c->r->listeners.settled = true;
	r = replay_stream(&replay, fd, shown, f);
	/* What came before an error is shown all the same. */
	if (r == 0 || r == -EBADMSG) {
		int shown_tcp = end_tcp(&replay);

		r = r < 0 ? r : shown_tcp;
	}
	if (r == 0 || r == -EBADMSG) {
		int joined = unix_rows_show(&replay.unix_rows, c);

		r = r < 0 ? r : joined;
	}
	tell_failed(&replay);
	unix_rows_free(&replay.unix_rows);
	collect_drop_held(&replay.queues);
	collect_drop_held(&replay.rest);
	if (r == -EBADMSG && f && f->err == EBADMSG) {
		char what[sizeof(f->what)];

		memcpy(what, f->what, sizeof(what));
		fault_say(f, EBADMSG, "%.200s: %.200s", shown, what);
		fault_hint(f, "--from reads what --record or 'ss -D FILE' wrote");
	}
	return r;
}
