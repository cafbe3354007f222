/* What is said of the namespace that has an address: all where it is the one for certain,
 * else only what holds either way. */
#include "model/cause/foreign.h"

#include <errno.h>

#include "model/cause/connect_facts.h"
#include "unit/unit.h"

static const struct holder server = { .pid = 812, .fd = 3, .command = "flask" };

static struct sock on(uint8_t a, uint8_t d, uint16_t port)
{
	return (struct sock){
		.state = STATE_LISTEN,
		.proto = PROTO_TCP,
		.family = AF_INET,
		.local = { .family = AF_INET, .ip = { a, 0, 0, d }, .port = port },
		.holders = &server
	};
}

/* "ID: SUMMARY", or "". */
static void check(const struct foreign_facts *foreign, const char *wanted)
{
	_cleanup_arena_ struct arena arena = { 0 };
	_cleanup_buf_ struct buf b = { 0 };
	struct causes causes = { .arena = &arena };
	struct connect_facts f = {
		.proto = PROTO_TCP,
		.err = ECONNREFUSED,
		.to = { .family = AF_INET, .ip = { 10, 0, 0, 2 }, .port = 5000 },
		.address = "10.0.0.2:5000",
		.foreign = *foreign,
	};
	size_t i;

	cause_of_connect(&f, &causes);
	for (i = 0; i < causes.n; i++)
		buf_printf(&b, "%s%s: %s", i ? "; " : "", causes.v[i].id,
			   causes.v[i].summary);
	CHECK_STR(buf_cstr(&b), wanted);
	causes_free(&causes);
}

static void test_listener(void)
{
	struct sock local = on(127, 1, 5000), every = on(0, 0, 5000);
	struct bind_found found = { .holder.row = &local };
	struct foreign_facts f = { .found = true, .sure = true, .v = &found, .n = 1 };

	check(&f,
	      "other-address: flask[812] fd 3 listens on 127.0.0.1:5000 only, in another "
	      "network namespace");
	f.name = "we\nb";
	check(&f,
	      "other-address: flask[812] fd 3 listens on 127.0.0.1:5000 only, in network "
	      "namespace we\\nb");
	f.keeper = (struct keeper){ .kind = KEEPER_PODMAN, .name = "0123456789ab" };
	check(&f, "other-address: flask[812] fd 3 listens on 127.0.0.1:5000 only, in "
		  "container 0123456789ab");
	f.keeper = (struct keeper){ .kind = KEEPER_UNIT, .name = "a.service" };
	f.name = "web";
	f.sure = false;
	check(&f,
	      "other-address: flask[812] fd 3 listens on 127.0.0.1:5000 only, in network "
	      "namespace web, if that is the host that has 10.0.0.2");
	/* One that takes it, or that may be bound to the interface of the address. */
	found.holder.row = &every;
	check(&f, "");
	f.sure = true;
	check(&f,
	      "rejected: flask[812] fd 3 listens on 0.0.0.0:5000 in network namespace web: "
	      "it has just begun, or a firewall rule, there or here, rejects the "
	      "connection");
	every.ifindex = 7;
	every.device = "eth0";
	check(&f,
	      "other-address: flask[812] fd 3 listens on 0.0.0.0:5000, on interface eth0 "
	      "only, in network namespace web");
	f.found = false;
	check(&f, "");
}

static void test_nothing(void)
{
	struct sock a = on(0, 0, 80), b = on(127, 1, 81);
	struct bind_found found[] = { { .holder.row = &a }, { .holder.row = &b } };
	struct foreign_facts f = { .found = true, .sure = true, .name = "web" };

	check(&f,
	      "not-listening: nothing listens on port 5000 in network namespace web, which "
	      "has the address");
	f.v = found;
	f.n = 2;
	f.others = true;
	f.n_others = 5;
	check(&f,
	      "not-listening: nothing listens on port 5000 in network namespace web, which "
	      "has the address; what listens there: flask[812] fd 3 on 0.0.0.0:80, "
	      "flask[812] fd 3 on 127.0.0.1:81, and 3 more");
	f.sure = false;
	check(&f, "");
}

static void test_unknown(void)
{
	struct foreign_facts f = { .cut = true, .searched = 61 };

	/* Behind a router it is hardly of this host. */
	check(&f, "");
	f.direct = true;
	check(&f,
	      "unknown: whether another network namespace of this host has 10.0.0.2 is not "
	      "known: not all namespaces were searched (61 were)");
	f = (struct foreign_facts){ .found = true, .error = EPERM };
	check(&f, "");
	f.sure = true;
	check(&f, "unknown: what listens in another network namespace is not known: the "
		  "kernel's tables could not be read (Operation not permitted)");
}

int main(void)
{
	RUN(test_listener, "a listener of the port, where, and with what doubt");
	RUN(test_nothing, "nothing has the port there: what else listens");
	RUN(test_unknown, "what was not searched or read is not known");
	return unit_done();
}
