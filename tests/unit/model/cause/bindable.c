#include "model/cause/bindable.h"

#include <errno.h>

#include "model/cause/bind_facts.h"
#include "unit/unit.h"

static struct addr at(const char *ip, uint16_t port)
{
	struct addr a = { 0 };

	addr_parse_ip(ip, strlen(ip), false, &a);
	a.port = port;
	return a;
}

static struct sock row_of(uint8_t proto, uint8_t state, const char *ip)
{
	return (struct sock){ .proto = proto,
			      .state = state,
			      .family = strchr(ip, ':') ? AF_INET6 : AF_INET,
			      .local = at(ip, 80),
			      .inode = 7,
			      .has = SOCK_IS_FULL | SOCK_HAS_UID };
}

static struct bind_candidate tcp(const char *ip, bool reuseaddr, bool reuseport)
{
	return (struct bind_candidate){ .proto = PROTO_TCP,
					.addr = at(ip, 80),
					.reuseaddr = reuseaddr,
					.reuseport = reuseport };
}

static enum bind_verdict beside(const struct sock *row, enum known reuseaddr,
				enum known reuseport, const struct bind_candidate *c)
{
	struct bind_holder h = { .row = row,
				 .reuseaddr = reuseaddr,
				 .reuseport = reuseport };

	return bind_between(c, &h);
}

static void unknown_options(void)
{
	struct sock rest = row_of(PROTO_TCP, STATE_TIME_WAIT, "127.0.0.1");
	struct sock listener = row_of(PROTO_TCP, STATE_LISTEN, "127.0.0.1");
	struct bind_candidate none = tcp("127.0.0.1", false, false),
			      ra = tcp("127.0.0.1", true, false),
			      rp = tcp("127.0.0.1", false, true);

	CHECK_INT(beside(&rest, KNOWN_NOT, KNOWN_NOT, &none), BIND_CONFLICT);
	CHECK_INT(beside(&rest, KNOWN_NOT, KNOWN_NOT, &ra), BIND_CANNOT_TELL);
	CHECK_INT(beside(&rest, KNOWN_OFF, KNOWN_NOT, &ra), BIND_CONFLICT);
	CHECK_INT(beside(&rest, KNOWN_ON, KNOWN_NOT, &ra), BIND_OK);
	CHECK_INT(beside(&listener, KNOWN_NOT, KNOWN_NOT, &ra), BIND_CONFLICT);
	CHECK_INT(beside(&listener, KNOWN_NOT, KNOWN_NOT, &rp), BIND_CANNOT_TELL);
	CHECK_INT(beside(&listener, KNOWN_NOT, KNOWN_ON, &rp), BIND_OK);
	listener.uid = 1;
	CHECK_INT(beside(&listener, KNOWN_NOT, KNOWN_ON, &rp), BIND_CONFLICT);
	rest.uid = 1;
	CHECK_INT(beside(&rest, KNOWN_OFF, KNOWN_ON, &rp), BIND_OK);
}

static void requests_hold_nothing(void)
{
	struct sock half = row_of(PROTO_TCP, STATE_SYN_RECV, "127.0.0.1");
	struct bind_candidate c = tcp("127.0.0.1", false, false);

	CHECK_INT(beside(&half, KNOWN_NOT, KNOWN_NOT, &c), BIND_CONFLICT);
	half.has = 0;
	CHECK_INT(beside(&half, KNOWN_NOT, KNOWN_NOT, &c), BIND_OK);
}

static void v6only_unknown(void)
{
	struct sock six = row_of(PROTO_TCP, STATE_ESTABLISHED, "::1");
	struct bind_candidate any4 = tcp("0.0.0.0", false, false),
			      one4 = tcp("127.0.0.1", false, false);
	struct bind_holder h = { .row = &six };

	CHECK_INT(bind_overlap(&any4, &h), KNOWN_NOT);
	CHECK_INT(bind_overlap(&one4, &h), KNOWN_OFF);
	CHECK_INT(bind_between(&any4, &h), BIND_CANNOT_TELL);
	h.v6only = KNOWN_ON;
	CHECK_INT(bind_between(&any4, &h), BIND_OK);
}

static void interfaces(void)
{
	struct sock s = row_of(PROTO_TCP, STATE_LISTEN, "fe80::1");
	struct bind_candidate c = tcp("fe80::1", false, false);

	s.ifindex = 2;
	c.ifindex = 3;
	CHECK_INT(beside(&s, KNOWN_OFF, KNOWN_OFF, &c), BIND_OK);
	c.ifindex = 2;
	CHECK_INT(beside(&s, KNOWN_OFF, KNOWN_OFF, &c), BIND_CONFLICT);
	c.ifindex = 0;
	CHECK_INT(beside(&s, KNOWN_OFF, KNOWN_OFF, &c), BIND_CONFLICT);
}

/* UDP stops at the first member of its group that it meets. */
static void udp_groups(void)
{
	struct sock one = row_of(PROTO_UDP, STATE_CLOSE, "0.0.0.0");
	struct sock two = row_of(PROTO_UDP, STATE_CLOSE, "127.0.0.1");
	struct bind_candidate c = tcp("127.0.0.1", true, true);
	struct bind_holder both[] = {
		{ .row = &one, .reuseaddr = KNOWN_OFF, .reuseport = KNOWN_ON },
		{ .row = &two, .reuseaddr = KNOWN_OFF, .reuseport = KNOWN_OFF },
	};

	c.proto = PROTO_UDP;
	CHECK_INT(bind_among(&c, both, 1), BIND_OK);
	CHECK_INT(bind_among(&c, both + 1, 1), BIND_CONFLICT);
	CHECK_INT(bind_among(&c, both, 2), BIND_CANNOT_TELL);
}

/* SO_REUSEPORT that is off now may have been on at bind(), if the user is the same. */
static void remembered(void)
{
	struct sock listener = row_of(PROTO_TCP, STATE_LISTEN, "127.0.0.1");
	struct sock stranger = row_of(PROTO_TCP, STATE_LISTEN, "127.0.0.1");
	struct bind_candidate with = tcp("127.0.0.1", false, true);
	struct bind_candidate without = tcp("127.0.0.1", true, false);
	const struct bind_holder off = { .row = &listener,
					 .reuseaddr = KNOWN_OFF,
					 .reuseport = KNOWN_OFF };
	const struct bind_holder theirs = { .row = &stranger,
					    .reuseaddr = KNOWN_OFF,
					    .reuseport = KNOWN_OFF };
	const struct bind_holder on = { .row = &listener,
					.reuseaddr = KNOWN_OFF,
					.reuseport = KNOWN_ON };
	struct bind_holder h[3];

	stranger.uid = with.uid + 1;
	memcpy(h, (struct bind_holder[]){ off, on, off }, sizeof(h));
	CHECK(bind_is_remembered(&with, h, 3));
	memcpy(h, (struct bind_holder[]){ off, on, theirs }, sizeof(h));
	CHECK(!bind_is_remembered(&with, h, 3));
	h[0] = off;
	CHECK(!bind_is_remembered(&without, h, 1));
	with.proto = PROTO_UDP;
	h[0] = off;
	CHECK(!bind_is_remembered(&with, h, 1));
}

static const char *judged(struct bind_facts *f, enum bind_verdict want)
{
	struct arena *arena = xcalloc(1, sizeof(*arena));
	struct causes causes = { .arena = arena };
	const char *id;

	CHECK_INT(cause_of_bind(f, &causes), want);
	id = causes.n ? causes.v[0].id : "";
	CHECK(want == BIND_OK || (causes.n && causes.v[0].summary));
	causes_free(&causes);
	arena_free(arena);
	free(arena);
	return id;
}

static void plain_causes(void)
{
	struct bind_facts f = { .candidate = tcp("10.0.0.1", false, false),
				.privileged = true,
				.unprivileged_from = 1024,
				.place = PLACE_LOCAL,
				.range_read = true,
				.sees_bound = true,
				.address = "a",
				.asked = "a" };

	CHECK_STR(judged(&f, BIND_OK), "");
	f.privileged = false;
	CHECK_STR(judged(&f, BIND_CONFLICT), "privileged-port");
	/* Where unprivileged ports begin is a setting, for any port. */
	f.unprivileged_error = EACCES;
	CHECK_STR(judged(&f, BIND_CANNOT_TELL), "unknown");
	f.unprivileged_from = 0;
	CHECK_STR(judged(&f, BIND_CANNOT_TELL), "unknown");
	f.privileged = true;
	CHECK_STR(judged(&f, BIND_OK), "");
	f.unprivileged_error = 0;
	f.place = PLACE_UNKNOWN;
	CHECK_STR(judged(&f, BIND_CANNOT_TELL), "unknown");
	f.place = PLACE_FOREIGN;
	CHECK_STR(judged(&f, BIND_CONFLICT), "not-local");
	f.freebind = true;
	CHECK_STR(judged(&f, BIND_OK), "");
	f.place = PLACE_NO_SCOPE;
	CHECK_STR(judged(&f, BIND_CONFLICT), "no-scope");
	f.place = PLACE_LOCAL;
	f.sees_bound = false;
	CHECK_STR(judged(&f, BIND_CANNOT_TELL), "unknown");
	f.tried = true;
	CHECK_STR(judged(&f, BIND_OK), "");
	f.trial_error = EACCES;
	CHECK_STR(judged(&f, BIND_CONFLICT), "policy");
	f.trial_error = EADDRINUSE;
	CHECK_STR(judged(&f, BIND_CONFLICT), "unknown");
	f.tried = false;
	f.sees_bound = true;
	f.dump_error = EPERM;
	CHECK_STR(judged(&f, BIND_CANNOT_TELL), "unknown");
}

static void range(void)
{
	struct bind_facts f = { .candidate = tcp("0.0.0.0", false, false),
				.privileged = true,
				.place = PLACE_LOCAL,
				.range_read = true,
				.range_ports = 4,
				.address = "a",
				.asked = "a" };

	f.candidate.addr.port = 0;
	CHECK_STR(judged(&f, BIND_CONFLICT), "ephemeral-exhausted");
	f.range_free = 1;
	CHECK_STR(judged(&f, BIND_OK), "");
	f.range_ports = 5;
	CHECK_STR(judged(&f, BIND_CANNOT_TELL), "unknown");
	f.range_free = 2;
	CHECK_STR(judged(&f, BIND_OK), "");
	f.range_read = false;
	CHECK_STR(judged(&f, BIND_CANNOT_TELL), "unknown");
}

static void spans(void)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} cases[] = {
		{ 1, "1 s" },	       { 41000, "41 s" },
		{ 119000, "119 s" },   { 120000, "2 minutes" },
		{ 3600000, "1 hour" }, { 7300000, "2 hours" },
		{ 86400000, "1 day" }, { 3 * 86400000, "3 days" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = { 0 };

		put_span(&b, cases[i].ms);
		CHECK_STR(buf_cstr(&b), cases[i].text);
		buf_free(&b);
	}
}

int main(void)
{
	RUN(unknown_options,
	    "options that nobody can read leave the verdict open, others do not");
	RUN(requests_hold_nothing, "a half-open request holds no port");
	RUN(v6only_unknown, "a v6 connection whose v6only is not known may meet 0.0.0.0");
	RUN(interfaces, "sockets on different interfaces do not meet");
	RUN(udp_groups, "UDP beside a group and something else is undecided");
	RUN(remembered, "SO_REUSEPORT that was cleared may still count");
	RUN(plain_causes, "settings, addresses and trials have causes of their own");
	RUN(range, "port 0 is as good as the range that it is drawn from");
	RUN(spans, "a span is one number and its unit");
	return unit_done();
}
