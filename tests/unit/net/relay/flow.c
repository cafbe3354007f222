/* One direction of a relay, on real sockets: what it moves, when it stops reading, what
 * it waits for, and what it counts. */
#include "net/relay/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/unit.h"

enum { OURS, PEER };

static struct loop loop;
static int ends[2];
static char room[1 << 20];

static void begin(int type)
{
	CHECK_INT(loop_init(&loop), 0);
	CHECK(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
}

/* A connection of TCP in place of a pair. */
static void begin_tcp(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(loop_init(&loop), 0);
	CHECK(bind(listener, (struct sockaddr *)&sin, len) == 0);
	CHECK(listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&sin, &len) == 0);
	ends[PEER] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(ends[PEER], (struct sockaddr *)&sin, len) == 0);
	/* cppcheck-suppress nullPointer ; accept4() takes NULL */
	ends[OURS] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	fcntl(ends[PEER], F_SETFL, O_NONBLOCK);
	close(listener);
}

static void end(struct flow *f)
{
	flow_free(f);
	close_fd(ends[OURS]);
	close_fd(ends[PEER]);
	loop_free(&loop);
}

static struct flow a_text(const struct flow_rules *rules, const char *text)
{
	return (struct flow){ .from = FLOW_MEMORY,
			      .to = FLOW_SOCKET,
			      .sock = ends[OURS],
			      .sink = ends[OURS],
			      .rules = rules,
			      .memory = text,
			      .memory_len = strlen(text) };
}

static struct flow an_echo(const struct flow_rules *rules)
{
	return (struct flow){ .from = FLOW_SOCKET,
			      .to = FLOW_SOCKET,
			      .sock = ends[OURS],
			      .sink = ends[OURS],
			      .rules = rules };
}

static void peer_sends(const char *text)
{
	CHECK_INT(send(ends[PEER], text, strlen(text), 0), strlen(text));
}

/* What the peer has received: len bytes, -EAGAIN where there is nothing. */
static ssize_t peer_receives(void)
{
	ssize_t n = recv(ends[PEER], room, sizeof(room), 0);

	return n < 0 ? -errno : n;
}

static void peer_got(const char *text)
{
	CHECK_INT(peer_receives(), strlen(text));
	CHECK(memcmp(room, text, strlen(text)) == 0);
}

static void an_end(void)
{
	struct flow f;

	begin(SOCK_STREAM);
	f = an_echo(&flow_no_rules);
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	peer_sends("hello");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	peer_got("hello");
	CHECK_INT(f.moved_in, 5);
	CHECK_INT(f.moved_out, 5);
	/* Half of the connection ends; the other half still takes bytes. */
	shutdown(ends[PEER], SHUT_WR);
	CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
	CHECK_INT(send(ends[OURS], "bye", 3, 0), 3);
	peer_got("bye");
	end(&f);
}

/* What came in before the end goes out before the flow is done. */
static void bytes_before_the_end(void)
{
	struct flow f;

	begin(SOCK_STREAM);
	f = an_echo(&flow_no_rules);
	peer_sends("last words");
	shutdown(ends[PEER], SHUT_WR);
	while (flow_step(&loop, &f) == FLOW_WANT_READ)
		;
	peer_got("last words");
	CHECK_INT(f.moved_out, 10);
	CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
	end(&f);
}

/* Whoever does not read is sent no more than its kernel takes, and no more is read. */
static void back_pressure(void)
{
	uint64_t sent = 0, received = 0, read_before;
	struct flow f;
	unsigned want;
	ssize_t n;
	int i;

	begin(SOCK_STREAM);
	f = an_echo(&flow_no_rules);
	memset(room, 'x', sizeof(room));
	for (i = 0; i < 1000; i++) {
		n = send(ends[PEER], room, sizeof(room), 0);
		sent += n > 0 ? (uint64_t)n : 0;
		want = flow_step(&loop, &f);
		if (want & FLOW_WANT_WRITE && n < 0)
			break;
	}
	CHECK_INT(want, FLOW_WANT_WRITE);
	CHECK(f.pending_len > 0 && f.pending_len <= LOOP_SCRATCH);
	CHECK_INT(f.moved_out + f.pending_len, f.moved_in);
	CHECK(f.moved_in < sent); /* the rest waits in the kernel */
	read_before = f.moved_in;
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_WRITE);
	CHECK_INT(f.moved_in, read_before);
	shutdown(ends[PEER], SHUT_WR);
	for (i = 0; i < 100000 && want != FLOW_DONE; i++) {
		while ((n = peer_receives()) > 0)
			received += (uint64_t)n;
		want = flow_step(&loop, &f);
	}
	while ((n = peer_receives()) > 0)
		received += (uint64_t)n;
	CHECK_INT(want, FLOW_DONE);
	CHECK_INT(received, sent);
	CHECK_INT(f.moved_in, sent);
	CHECK_INT(f.moved_out, sent);
	end(&f);
}

static void chunks(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;

	/* Each write is seen by itself where writes are records. */
	begin(SOCK_SEQPACKET);
	rules.chunk = 3;
	f = a_text(&rules, "12345678");
	CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
	peer_got("123");
	peer_got("456");
	peer_got("78");
	CHECK_INT(f.moved_out, 8);
	end(&f);
}

static void a_pause_between_chunks(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;
	uint64_t now;

	begin(SOCK_STREAM);
	rules.chunk = 2;
	rules.chunk_delay_us = 1000000;
	f = a_text(&rules, "abcd");
	now = loop_now(&loop);
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_TIME);
	peer_got("ab");
	CHECK_INT(f.not_before_us, now + rules.chunk_delay_us);
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_TIME);
	CHECK_INT(peer_receives(), -EAGAIN);
	f.not_before_us = now; /* as if it had passed */
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_TIME);
	peer_got("cd");
	end(&f);
}

/* A rate is kept in portions of 50 ms; at the beginning one more makes up for the time
 * before. */
static void a_rate(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;

	begin(SOCK_SEQPACKET);
	rules.rate = 100;
	f = a_text(&rules, "0123456789abcdefghij");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_TIME);
	peer_got("01234");
	peer_got("56789");
	CHECK_INT(peer_receives(), -EAGAIN);
	CHECK(f.not_before_us > loop_now(&loop));
	end(&f);
}

static void a_delay(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;

	begin(SOCK_STREAM);
	rules.delay_us = 1000000;
	f = an_echo(&rules);
	peer_sends("question");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_TIME);
	CHECK_INT(f.moved_in, 8);
	CHECK_INT(f.moved_out, 0);
	CHECK_INT(f.pending_len, 8);
	f.not_before_us = loop_now(&loop);
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	peer_got("question");
	end(&f);
}

static void a_cut(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;

	begin(SOCK_STREAM);
	rules.truncate_bytes = 4;
	f = a_text(&rules, "truncated");
	CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
	peer_got("trun");
	CHECK_INT(f.moved_in, 9);
	CHECK_INT(f.moved_out, 4);
	flow_free(&f);
	/* Neither read nor written: what is beyond it stays where it is. */
	rules = flow_no_rules;
	rules.stop_after = 6;
	f = an_echo(&rules);
	peer_sends("stopped here");
	while (flow_step(&loop, &f) == FLOW_WANT_READ)
		;
	CHECK_INT(f.moved_in, 6);
	peer_got("stoppe");
	CHECK_INT(recv(ends[OURS], room, sizeof(room), 0), 6);
	end(&f);
}

static void line_ends(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;

	begin(SOCK_STREAM);
	rules.crlf = true;
	f = a_text(&rules, "a\nb\r\n\n");
	CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
	peer_got("a\r\nb\r\n\r\n");
	CHECK_INT(f.moved_in, 6);
	CHECK_INT(f.moved_out, 8);
	end(&f);
}

static void wrong_bits(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;

	begin(SOCK_STREAM);
	rules.corrupt = 4;
	f = an_echo(&rules);
	peer_sends("000000");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	peer_got("000100");
	peer_sends("0000");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	peer_got("0100"); /* the eighth of all */
	end(&f);
}

static size_t until_a_dot(struct flow *f, const char *data, size_t len)
{
	f->ended = memchr(data, '.', len);
	return len;
}

/* Up to a comma, and then no more is read. */
static size_t to_a_comma(struct flow *f, const char *data, size_t len)
{
	const char *comma = memchr(data, ',', len);

	f->held = comma;
	return comma ? (size_t)(comma - data) + 1 : len;
}

static void a_tap(void)
{
	struct flow f;

	begin(SOCK_STREAM);
	f = an_echo(&flow_no_rules);
	f.tap = until_a_dot;
	peer_sends("go on");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	peer_sends("stop.");
	CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
	peer_got("go onstop.");
	end(&f);
}

static void a_tap_that_holds(void)
{
	struct flow f;

	begin(SOCK_STREAM);
	f = an_echo(&flow_no_rules);
	f.tap = to_a_comma;
	peer_sends("one,two,three");
	CHECK_INT(flow_step(&loop, &f), 0);
	peer_got("one,");
	CHECK_INT(f.moved_in, 4);
	CHECK_INT(flow_back_len(&f), 9);
	CHECK_INT(flow_step(&loop, &f), 0);
	f.held = false;
	CHECK_INT(flow_step(&loop, &f), 0);
	peer_got("two,");
	peer_sends("and");
	f.held = false;
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	peer_got("three");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	peer_got("and");
	CHECK_INT(flow_back_len(&f), 0);
	CHECK_INT(f.moved_in, 16);
	end(&f);
}

static int a_file(const char *text)
{
	char path[] = "/tmp/sockctl-flow-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		abort();
	unlink(path);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* By sendfile(), and by copies where bytes are changed: never more than was told, and one
 * that is too short is no end. */
static void a_regular_file(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;
	int copies;

	for (copies = 0; copies < 2; copies++) {
		rules.chunk = copies ? 4 : 0;
		begin(SOCK_STREAM);
		f = a_text(&rules, "");
		f.from = FLOW_FILE;
		f.file = a_file("regular");
		f.memory_len = 5;
		CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
		peer_got("regul");
		f.memory_len = 3;
		CHECK_INT(flow_step(&loop, &f), FLOW_FAILED);
		CHECK(!f.failed_sink);
		CHECK_INT(f.err, ENODATA);
		CHECK_INT(f.memory_len, 1);
		peer_got("ar");
		close_fd(f.file);
		end(&f);
	}
}

static void the_peer_is_gone(void)
{
	struct flow f;

	begin(SOCK_STREAM);
	close_fd(take_fd(&ends[PEER]));
	f = a_text(&flow_no_rules, "too late");
	CHECK_INT(flow_step(&loop, &f), FLOW_FAILED);
	CHECK(f.failed_sink);
	CHECK_INT(f.err, EPIPE);
	CHECK_INT(f.moved_out, 0);
	end(&f);
}

/* Between a pipe and a socket bytes pass without a copy, and count all the same. */
static void splices(void)
{
	struct stream in, out;
	struct flow f;
	int from[2], to[2];

	begin_tcp();
	CHECK(pipe2(from, O_CLOEXEC) == 0 && pipe2(to, O_CLOEXEC) == 0);
	stream_init(&in, from[0], false);
	in.wants = 0; /* none of the standard ones */
	f = (struct flow){ .from = FLOW_STREAM,
			   .to = FLOW_SOCKET,
			   .sock = ends[OURS],
			   .sink = ends[OURS],
			   .stream = &in,
			   .rules = &flow_no_rules };
	CHECK_INT(write(from[1], "through", 7), 7);
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	CHECK(!f.no_splice && !f.pending);
	peer_got("through");
	close(from[1]);
	CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
	CHECK_INT(f.moved_in, 7);
	CHECK_INT(f.moved_out, 7);

	stream_init(&out, to[1], true);
	out.wants = 0;
	f = (struct flow){ .from = FLOW_SOCKET,
			   .to = FLOW_STREAM,
			   .sock = ends[OURS],
			   .sink = ends[OURS],
			   .stream = &out,
			   .rules = &flow_no_rules };
	peer_sends("and back");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	CHECK(!f.no_splice && !f.pending);
	CHECK_INT(read(to[0], room, sizeof(room)), 8);
	CHECK_INT(f.moved_out, 8);
	stream_close(&loop, &in);
	stream_close(&loop, &out);
	close(from[0]);
	close(to[0]);
	close(to[1]);
	end(&f);
}

/* What nobody wants is dropped in the kernel, and counts. */
static void dropped(void)
{
	struct flow_rules rules = flow_no_rules;
	struct flow f;

	begin_tcp();
	rules.tcp = true;
	f = (struct flow){ .from = FLOW_SOCKET,
			   .to = FLOW_NOTHING,
			   .sock = ends[OURS],
			   .sink = ends[OURS],
			   .rules = &rules };
	peer_sends("unread");
	CHECK_INT(flow_step(&loop, &f), FLOW_WANT_READ);
	CHECK_INT(f.moved_in, 6);
	shutdown(ends[PEER], SHUT_WR);
	CHECK_INT(flow_step(&loop, &f), FLOW_DONE);
	end(&f);
}

int main(void)
{
	RUN(an_end, "the peer's end is the end of one direction");
	RUN(bytes_before_the_end, "what came before the end goes out");
	RUN(back_pressure, "nothing is read while something waits to be written");
	RUN(chunks, "each write is a chunk at most");
	RUN(a_pause_between_chunks, "a chunk waits for its time");
	RUN(a_rate, "a rate lets a portion pass and waits");
	RUN(a_delay, "a delayed answer is kept until its time");
	RUN(a_cut, "what is beyond a limit is not sent, or not read");
	RUN(line_ends, "line ends are counted on the side where they are made");
	RUN(wrong_bits, "one bit of every Nth byte is wrong, from one piece to the next");
	RUN(a_tap, "a tap that has seen enough ends the source");
	RUN(a_tap_that_holds, "what a tap does not let pass comes again");
	RUN(a_regular_file, "of a file as much is sent as was told; less is a failure");
	RUN(the_peer_is_gone, "a sink that fails says so");
	RUN(splices, "a pipe and a socket need no copy");
	RUN(dropped, "bytes that nobody wants are counted");
	return unit_done();
}
