/* Which local ports connect() draws, and what is used of them towards a destination. */
#include "model/port_draw.h"

#include <string.h>

#include "base/mem.h"
#include "unit/unit.h"

static struct addr at(const char *ip, uint16_t port)
{
	struct addr a = { 0 };

	addr_parse_ip(ip, strlen(ip), false, &a);
	a.port = port;
	return a;
}

static void test_count(void)
{
	_cleanup_free_ bool *reserved = xcalloc(PORT_COUNT, sizeof(*reserved));
	_cleanup_free_ uint8_t *listeners = xcalloc(PORT_COUNT, sizeof(*listeners));
	struct port_draw d = { .lo = 40000, .hi = 40019 };
	uint64_t ports, taken;

	port_draw_count(&d, &ports, &taken);
	CHECK_INT(ports, 20);
	CHECK_INT(taken, 0);
	d.reserved = reserved;
	d.listeners = listeners;
	reserved[39999] = reserved[40000] = reserved[40019] = reserved[40020] = true;
	listeners[40000] = listeners[40001] = listeners[40018] = 1;
	listeners[80] = 3;
	port_draw_count(&d, &ports, &taken);
	CHECK_INT(ports, 18);
	CHECK_INT(taken, 2); /* one that is reserved as well is no further one */
	CHECK(!port_is_drawn(&d, 40000) && !port_is_drawn(&d, 40001));
	CHECK(port_is_drawn(&d, 40002) && !port_is_drawn(&d, 40020));
	/* The kernel takes a range of one, and the last port there is. */
	d = (struct port_draw){ .lo = 65535, .hi = 65535 };
	port_draw_count(&d, &ports, &taken);
	CHECK_INT(ports, 1);
}

static void add(struct port_uses *u, const char *from, uint16_t port, const char *to,
		enum sock_state state)
{
	struct sock s = { .proto = PROTO_TCP,
			  .state = (uint8_t)state,
			  .local = at(from, port),
			  .peer = at(to, 443) };

	port_uses_add(u, &s);
}

/* Each source has the whole range; mapped sockets draw from that of IPv4. */
static void test_uses(void)
{
	_cleanup_free_ uint8_t *listeners = xcalloc(PORT_COUNT, sizeof(*listeners));
	struct port_uses u = { .draw = { 40000, 40019, NULL, listeners },
			       .to = at("10.0.0.9", 443) };
	struct port_use most;

	listeners[40009] = 1;
	add(&u, "10.0.0.1", 40001, "10.0.0.9", STATE_ESTABLISHED);
	add(&u, "10.0.0.1", 40009, "10.0.0.9", STATE_ESTABLISHED); /* served */
	add(&u, "10.0.0.1", 80, "10.0.0.9", STATE_ESTABLISHED);
	add(&u, "10.0.0.1", 40002, "10.0.0.8", STATE_ESTABLISHED);
	add(&u, "10.0.0.2", 40001, "10.0.0.9", STATE_ESTABLISHED);
	add(&u, "::ffff:10.0.0.2", 40002, "::ffff:10.0.0.9", STATE_TIME_WAIT);
	most = port_uses_most(&u);
	CHECK_INT(most.used, 2);
	CHECK_INT(most.time_wait, 1);
	CHECK(most.from.ip[3] == 2);
	port_uses_free(&u);
	u.from = at("10.0.0.1", 0);
	add(&u, "10.0.0.1", 40001, "10.0.0.9", STATE_ESTABLISHED);
	add(&u, "10.0.0.2", 40001, "10.0.0.9", STATE_ESTABLISHED);
	add(&u, "10.0.0.2", 40002, "10.0.0.9", STATE_ESTABLISHED);
	most = port_uses_most(&u);
	CHECK_INT(most.used, 1);
	port_uses_free(&u);
	CHECK_INT(port_uses_most(&u).used, 0);
}

int main(void)
{
	RUN(test_count,
	    "the range without the reserved ports, and what listeners have of it");
	RUN(test_uses, "what is used towards a destination, by source");
	return unit_done();
}
