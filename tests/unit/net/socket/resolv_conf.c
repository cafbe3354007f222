/* What resolv.conf and nsswitch.conf say of name servers. */
#include "net/socket/resolv_conf.h"

#include "unit/unit.h"

static void settings(void)
{
	struct resolv_conf c = { .ndots = 1, .timeout_s = 5 };

	resolv_conf_line(&c, "nameserver 10.0.0.1\n");
	resolv_conf_line(&c, "nameserver x\n");
	resolv_conf_line(&c, "# options edns0\n");
	CHECK_INT(c.n, 1);
	CHECK_INT(c.servers[0].port, 53);
	CHECK(!c.edns && !c.tcp && !c.no_v6);
	resolv_conf_line(&c, "options edns0 trust-ad timeout:2 ndots:5 attempts:1\n");
	CHECK(c.edns && !c.tcp);
	CHECK_INT(c.timeout_s, 2);
	CHECK_INT(c.ndots, 5);
	resolv_conf_line(&c, "options\tuse-vc no-aaaa timeout:999 ndots:0\n");
	CHECK(c.tcp && c.no_v6);
	CHECK_INT(c.timeout_s, 30);
	CHECK_INT(c.ndots, 0);
	resolv_conf_line(&c, "options timeout: timeout:x use-vcs\n");
	CHECK_INT(c.timeout_s, 30);
	resolv_conf_line(&c, "nameserver 10.0.0.2\n");
	resolv_conf_line(&c, "nameserver ::1\n");
	resolv_conf_line(&c, "nameserver 10.0.0.4\n");
	CHECK_INT(c.n, 3);
	CHECK_INT(c.servers[2].family, AF_INET6);
}

static const char *asked(const struct resolv_conf *c, const char *name)
{
	static struct buf b;

	b.len = 0;
	resolv_conf_put_asked(&b, c, name);
	return buf_cstr(&b);
}

static void searches(void)
{
	struct resolv_conf c = { .ndots = 1 };

	CHECK_STR(asked(&c, "db"), "db");
	resolv_conf_line(&c, "domain example\n");
	CHECK_STR(asked(&c, "db"), "db.example");
	resolv_conf_line(&c, "search\tns.svc.cluster.local svc.cluster.local\n");
	CHECK_STR(asked(&c, "db"), "db.ns.svc.cluster.local");
	CHECK_STR(asked(&c, "db."), "db.");
	CHECK_STR(asked(&c, "db.x"), "db.x");
	c.ndots = 5;
	CHECK_STR(asked(&c, "db.x"), "db.x.ns.svc.cluster.local");
}

static int has_dns(const char *line)
{
	bool dns = true;

	return nsswitch_line_is_hosts(line, &dns) ? dns : -1;
}

static void sources(void)
{
	CHECK_INT(has_dns("hosts:          files dns\n"), 1);
	CHECK_INT(
		has_dns(" hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n"),
		1);
	CHECK_INT(has_dns("hosts: resolve [!UNAVAIL=return] dns"), 1);
	CHECK_INT(has_dns("hosts: files[NOTFOUND=return]dns\n"), 1);
	CHECK_INT(has_dns("hosts: files\n"), 0);
	CHECK_INT(has_dns("hosts:"), 0);
	CHECK_INT(has_dns("hosts: files # dns\n"), 0);
	CHECK_INT(has_dns("hosts: files mdns4 nodns [dns=return]\n"), 0);
	CHECK_INT(has_dns("networks: files dns\n"), -1);
	CHECK_INT(has_dns("#hosts: dns\n"), -1);
	CHECK_INT(has_dns(""), -1);
}

int main(void)
{
	RUN(settings, "lines of resolv.conf");
	RUN(searches, "the name that is asked for first");
	RUN(sources, "whether hosts are looked up in the DNS");
	return unit_done();
}
