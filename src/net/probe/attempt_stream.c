#include "net/probe/attempt_stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "net/probe/attempt_again.h"
#include "net/probe/attempt_private.h"
#include "net/probe/attempt_weigh.h"
#include "net/socket/record.h"
#include "net/socket/stall_take.h"
#include "net/socket/tcp.h"

enum {
	VERIFY_FIRST_US = 300,
	VERIFY_LEAST_US = 1500 * 1000, /* past the first retransmits of a lost FIN */
	READ_SIZE = 4096,
	READS = 16, /* in a turn of the loop: the others have theirs */
	SENDS = 16,
	SEND_MOST = 1 << 18,	/* in a call: to a peer that reads along it has no end */
	STALL_US = 1000 * 1000, /* between two looks: who is only slow moves in it */
};

static void to_stage(struct attempt *a, enum attempt_stage stage);

static void stream_ended(struct attempt *a, int err)
{
	const struct attempt_how *how = a->how;

	/* It was open, and whatever comes now was not asked for. */
	if (a->stage == ATTEMPT_WEIGHING) {
		attempt_finish(a);
		return;
	}
	probe_judge_ended(a->r, clock_us() - a->opened_us, err);
	/* A peer that closes once it has our FIN has seen it: a real connection. */
	if (a->stage == ATTEMPT_VERIFYING && !err) {
		a->r->outcome = OUTCOME_OPEN;
		a->r->verified = true;
	} else if (a->stage == ATTEMPT_TALKING && a->r->outcome != OUTCOME_ERROR) {
		/* A banner without newline, and then the end, is a banner. */
		if (how->banner && a->in.len && !how->expect && !how->expect_regex &&
		    !how->http && !err) {
			a->r->outcome = OUTCOME_OPEN;
			a->r->missed = NULL;
		} else if ((a->in.len || a->empty) && a->r->missed) {
			a->r->outcome = OUTCOME_UNEXPECTED;
		}
	}
	attempt_finish(a);
}

static void next_stage(struct attempt *a)
{
	const struct attempt_how *how = a->how;

	if (a->stage < ATTEMPT_WATCHING && how->stable_us)
		to_stage(a, ATTEMPT_WATCHING);
	else if (a->stage < ATTEMPT_VERIFYING && how->verify &&
		 (a->r->has_tcp || a->r->peer.proto == TARGET_TCP))
		to_stage(a, ATTEMPT_VERIFYING);
	else if (weigh_is_open(a))
		to_stage(a, ATTEMPT_WEIGHING);
	else
		attempt_finish(a);
}

static bool has_records(const struct attempt *a)
{
	return a->r->peer.family == AF_UNIX && a->r->peer.type != SOCK_STREAM;
}

/* As recv(2): bytes, or -errno. *empty: 0 bytes are a record, and not the end. What a
 * record has more than fits into the buffer is lost. */
static ssize_t take_bytes(struct attempt *a, void *to, size_t len, bool *empty)
{
	ssize_t n;

	*empty = false;
	if (has_records(a))
		return record_recv(a->w.fd, to, len, empty);
	n = read(a->w.fd, to, len);
	return n < 0 ? -errno : n;
}

/* Takes what is there, but not all that a peer can send which never stops: epoll comes
 * again for the rest. True if the attempt is over. */
static bool stream_receive(struct attempt *a)
{
	/* A record is read whole, or the rest of it is lost. */
	size_t room = has_records(a) ? ATTEMPT_IN_MAX : READ_SIZE;
	unsigned reads;
	bool empty;
	ssize_t n;

	for (reads = 0; reads < READS; reads++) {
		buf_reserve(&a->in, room);
		n = take_bytes(a, a->in.data + a->in.len, room, &empty);
		if (n == -EAGAIN || n == -EINTR)
			return false;
		if (n == -EMSGSIZE) {
			a->r->cut = true;
			n = (ssize_t)room;
		}
		if (n <= 0 && !empty) {
			/* What came with the end may be the answer. */
			a->search_at_us = 0;
			if (a->stage == ATTEMPT_TALKING && attempt_answered(a) &&
			    n == 0 && !a->how->stable_us)
				attempt_finish(a);
			else
				stream_ended(a, n < 0 ? (int)-n : 0);
			return true;
		}
		a->empty |= empty;
		if (!a->r->first_byte_us)
			a->r->first_byte_us = MAX(clock_us() - a->opened_us, (uint64_t)1);
		if (a->in.len < ATTEMPT_IN_MAX)
			a->in.len += (size_t)n;
	}
	return false;
}

static bool stream_transmit(struct attempt *a)
{
	unsigned sends;

	for (sends = 0; a->out && a->sent < a->out->len && sends < SENDS; sends++) {
		size_t len = MIN(a->out->len - a->sent, (size_t)SEND_MOST);
		ssize_t n = send(a->w.fd, a->out->data + a->sent, len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			stream_ended(a, errno);
			return true;
		}
		a->sent += (size_t)n;
	}
	return false;
}

static void stream_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct attempt *a = LOOP_OWNER(w, struct attempt, w);
	size_t before = a->in.len;
	bool whole;

	(void)l;
	(void)events;
	if (a->stage == ATTEMPT_TALKING && stream_transmit(a))
		return;
	if (stream_receive(a) || a->stage != ATTEMPT_TALKING)
		return;
	whole = a->in.len > before && attempt_is_decided(a);
	if (whole)
		a->search_at_us = 0;
	if ((a->in.len > before || a->empty) && attempt_answered(a))
		next_stage(a);
	else if (whole)
		attempt_silent(a);
	else
		attempt_watch(a, a->out && a->sent < a->out->len ? EPOLLIN | EPOLLOUT
								 : EPOLLIN);
}

/* Nothing wakes us for what the peer acknowledges, so we look. */
static void verify_look(struct attempt *a)
{
	struct tcpinfo t;
	uint64_t now = clock_us(), patience;

	if (!tcp_read(a->w.fd, &t)) {
		stream_ended(a, errno);
		return;
	}
	if (attempt_is_known(&t)) {
		a->r->verified = true;
		attempt_finish(a);
		return;
	}
	patience = MAX((uint64_t)VERIFY_LEAST_US, (uint64_t)a->r->tcp.rtt * 12);
	if (now - a->opened_us - a->how->stable_us > patience) {
		attempt_ask_again(a);
		return;
	}
	timer_set(a->l, &a->t, now + a->next_look_us);
	a->next_look_us = MIN(a->next_look_us * 2, (uint64_t)50000);
}

/* The next time that something is to do while nothing comes. */
static void talk_on(struct attempt *a)
{
	timer_set(a->l, &a->t,
		  a->look_at_us ? MIN(a->look_at_us, a->deadline_us) : a->deadline_us);
}

static void plan_look(struct attempt *a, uint64_t now)
{
	uint64_t left = a->deadline_us - MIN(now, a->deadline_us);

	a->look_at_us = a->deadline_us - MIN((uint64_t)STALL_US, left / 2);
}

static void look_if_due(struct attempt *a)
{
	if (!a->look_at_us || clock_us() < a->look_at_us)
		return;
	a->look_at_us = 0;
	stall_take(a->w.fd, &a->look);
}

/* What came since the last search is searched; true if that is not the deadline's end. */
static bool search_rest(struct attempt *a)
{
	a->search_at_us = 0;
	if (attempt_answered(a)) {
		next_stage(a);
		return true;
	}
	if (clock_us() >= a->deadline_us)
		return false;
	look_if_due(a);
	talk_on(a);
	return true;
}

static void stage_over(struct loop *l, struct timer *t)
{
	struct attempt *a = LOOP_OWNER(t, struct attempt, t);

	(void)l;
	switch (a->stage) {
	case ATTEMPT_TALKING:
		/* What came in time and waits behind the bytes of others counts. */
		if (stream_receive(a) || search_rest(a))
			return;
		/* A banner may have no newline. */
		if (a->how->banner && a->in.len && !a->how->expect &&
		    !a->how->expect_regex && !a->how->http) {
			a->r->missed = NULL;
			next_stage(a);
			return;
		}
		attempt_silent(a);
		break;
	case ATTEMPT_WATCHING:
		next_stage(a);
		break;
	case ATTEMPT_VERIFYING:
		verify_look(a);
		break;
	case ATTEMPT_WEIGHING:
		weigh_look(a);
		break;
	case ATTEMPT_DIALLING:
	case ATTEMPT_ASKING_AGAIN:
	case ATTEMPT_OVER:
		break;
	}
}

static void to_stage(struct attempt *a, enum attempt_stage stage)
{
	uint64_t now = clock_us();

	a->stage = stage;
	switch (stage) {
	case ATTEMPT_TALKING:
		a->search_at_us = 0;
		a->deadline_us = MAX(a->deadline_us, now);
		plan_look(a, now);
		talk_on(a);
		break;
	case ATTEMPT_WATCHING:
		timer_set(a->l, &a->t, a->opened_us + a->how->stable_us);
		break;
	case ATTEMPT_VERIFYING:
		/* A FIN that was not sent is not one that the server lost. */
		if (shutdown(a->w.fd, SHUT_WR) != 0 && errno != ENOTCONN) {
			stream_ended(a, errno);
			return;
		}
		a->next_look_us = MAX((uint64_t)VERIFY_FIRST_US, (uint64_t)a->r->tcp.rtt);
		timer_set(a->l, &a->t, now + a->next_look_us);
		break;
	case ATTEMPT_WEIGHING:
		weigh_begin(a);
		break;
	case ATTEMPT_DIALLING:
	case ATTEMPT_ASKING_AGAIN:
	case ATTEMPT_OVER:
		break;
	}
	attempt_watch(a, stage == ATTEMPT_WEIGHING	      ? 0
			 : stage == ATTEMPT_TALKING && a->out ? EPOLLIN | EPOLLOUT
							      : EPOLLIN);
}

void attempt_stream_start(struct attempt *a)
{
	const struct attempt_how *how = a->how;

	if (has_records(a))
		record_mark(a->w.fd);
	a->w.fn = stream_ready;
	a->t.fn = stage_over;
	a->out = how->http ? how->http : how->send;
	if (a->out || how->expect || how->expect_regex || how->banner)
		to_stage(a, ATTEMPT_TALKING);
	else
		next_stage(a);
}
