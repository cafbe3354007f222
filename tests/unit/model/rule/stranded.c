/* Rows on addresses that are not here: which are candidates, and how grave each is. */
#include "unit/model/rule/rows.h"

static struct addr at(struct addr a, uint8_t second)
{
	a.ip[1] = second;
	return a;
}

/* The namespace has 10.0.0.1 on interface 2, and loopback. */
static void begin_own(struct detect *d)
{
	struct addr own = ip4(1, 0),
		    loopback = { .family = AF_INET, .ip = { 127, 0, 0, 1 } };

	begin(d);
	own_add(&d->own, &own, 2);
	own_add(&d->own, &own, 2);
	own_add(&d->own, &loopback, 1);
	d->own.known = true;
}

static void candidates(void)
{
	struct addr none = { .family = AF_INET }, loopback = none, group = none;
	static const uint16_t transparent = BIT(5), freebind = BIT(2);
	struct detect d;
	struct sock rows[13];
	size_t i, n = 0;

	loopback.ip[0] = 127, loopback.ip[3] = 53;
	group.ip[0] = 224, group.ip[3] = 251;
	rows[n++] = row(STATE_LISTEN, ip4(1, 80), none);
	rows[n++] = row(STATE_LISTEN, mapped(ip4(1, 80)), none);
	rows[n++] = row(STATE_LISTEN, none, none);
	rows[n++] = row(STATE_LISTEN, loopback, none);
	rows[n++] = row(STATE_LISTEN, ip4(2, 80), none);
	rows[n - 1].has |= SOCK_HAS_OPTIONS;
	rows[n - 1].options = transparent;
	rows[n++] = row(STATE_TIME_WAIT, ip4(2, 80), ip4(3, 9));
	rows[n++] = row(STATE_ESTABLISHED, ip4(2, 80), ip4(3, 9));
	rows[n - 1].inode = 0;
	rows[n++] = row(STATE_CLOSE, group, none);
	rows[n - 1].proto = PROTO_UDP;
	rows[n++] = row(STATE_LISTEN, none, none);
	rows[n - 1].ifindex = 2;
	begin_own(&d);
	for (i = 0; i < n; i++)
		detect_row(&d, &rows[i]);
	CHECK_INT(d.stranded.n, 0);

	/* One with the same last byte does not hide behind one that was found. */
	rows[0].local = at(ip4(1, 80), 9);
	rows[1].local = mapped(at(ip4(1, 80), 9));
	rows[2].ifindex = 7;
	rows[3].local = ip4(2, 80);
	rows[3].has |= SOCK_HAS_OPTIONS;
	rows[3].options = freebind;
	rows[7].local = ip4(2, 53);
	rows[8].state = STATE_SYN_SENT;
	rows[8].local = ip4(2, 5555);
	for (i = 0; i < n; i++)
		detect_row(&d, &rows[i]);
	CHECK_INT(d.stranded.n, 6);
	detect_free(&d);

	/* Where the addresses are not known nothing is one. */
	begin(&d);
	for (i = 0; i < n; i++)
		detect_row(&d, &rows[i]);
	CHECK_INT(d.stranded.n, 0);
	detect_free(&d);
}

static void gravity(void)
{
	struct addr none = { .family = AF_INET };
	static const struct {
		enum presence is;
		uint32_t ifindex;
		bool unknown_options, freebind, takes_vrf;
		enum nonlocal_bind nonlocal;
		const char *want;
		enum severity severity;
	} v[] = {
		{ .is = PRESENCE_GONE,
		  .want = "deaf-listener",
		  .severity = SEVERITY_WARNING },
		{ .is = PRESENCE_GONE, .freebind = true, .want = "deaf-listener" },
		{ .is = PRESENCE_GONE, .unknown_options = true, .want = "deaf-listener" },
		{ .is = PRESENCE_GONE, .nonlocal = NONLOCAL_ON, .want = "deaf-listener" },
		{ .is = PRESENCE_GONE,
		  .nonlocal = NONLOCAL_UNKNOWN,
		  .want = "deaf-listener" },
		{ .is = PRESENCE_DUPLICATE,
		  .freebind = true,
		  .want = "deaf-listener",
		  .severity = SEVERITY_WARNING },
		{ .is = PRESENCE_NO_DEVICE,
		  .ifindex = 4,
		  .freebind = true,
		  .nonlocal = NONLOCAL_ON,
		  .want = "deaf-listener",
		  .severity = SEVERITY_WARNING },
		{ .is = PRESENCE_BY_RULE, .want = "deaf-listener" },
		{ .is = PRESENCE_BY_RULE, .takes_vrf = true },
		{ .is = PRESENCE_BY_RULE,
		  .takes_vrf = true,
		  .ifindex = 4,
		  .want = "deaf-listener" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct sock listener = row(STATE_LISTEN, ip4(9, 80), none);
		struct stranded x = { .row = &listener, .is = v[i].is };
		struct evidence e = { .stranded = &x,
				      .n_stranded = 1,
				      .nonlocal_v4 = v[i].nonlocal,
				      .takes_vrf = v[i].takes_vrf };
		struct detect d;

		begin_own(&d);
		listener.ifindex = v[i].ifindex;
		if (!v[i].unknown_options)
			listener.has |= SOCK_HAS_OPTIONS;
		listener.options = v[i].freebind ? BIT(2) : 0;
		check_found(&d, &e, v[i].want, v[i].severity);
		detect_free(&d);
	}
}

/* One that is not meant so makes the address a warning; an address is told once. */
static void groups(void)
{
	struct sock rows[3];
	struct stranded v[3];
	struct evidence e = { .stranded = v, .n_stranded = 3 };
	struct findings fs = { 0 };
	struct detect d;
	size_t i;

	for (i = 0; i < 3; i++) {
		rows[i] = row(STATE_ESTABLISHED,
			      ip4(i == 2 ? 8 : 9, (uint16_t)(4000 + i)), ip4(1, 443));
		rows[i].has |= SOCK_HAS_OPTIONS;
		rows[i].options = i == 1 ? 0 : BIT(2);
		v[i] = (struct stranded){ .row = &rows[i], .is = PRESENCE_GONE };
	}
	begin_own(&d);
	rules_judge(&d, &e, &fs);
	CHECK_INT(fs.n, 2);
	if (fs.n == 2) {
		CHECK(streq(fs.v[0]->rule->id, "lost-address"));
		CHECK_INT(fs.v[0]->severity, SEVERITY_WARNING);
		CHECK_INT(fs.v[0]->n_cookies, 2);
		CHECK_INT(fs.v[1]->severity, SEVERITY_NOTE);
		CHECK_INT(fs.v[1]->n_cookies, 1);
	}
	findings_free(&fs);
	detect_free(&d);
}

int main(void)
{
	RUN(candidates, "rows that have no address, or interface, of the namespace");
	RUN(gravity, "how grave it is, by what is known of the socket and the host");
	RUN(groups, "connections of one address are one finding");
	return unit_done();
}
