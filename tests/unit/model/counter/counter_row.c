/* The rows of the counters: sentences in both numbers, rates, and what is told of two
 * readings. */
#include "model/counter/counter_row.h"

#include "model/counter/counters_judge.h"
#include "unit/unit.h"

static void clauses(void)
{
	static const struct {
		const char *id;
		uint64_t n;
		const char *clause;
	} rows[] = {
		{ "TcpExtIPReversePathFilter", 4,
		  "this host dropped 4 packets by rp_filter: the route back to the source leads "
		  "through another interface" },
		{ "TcpExtIPReversePathFilter", 1,
		  "this host dropped 1 packet by rp_filter: the route back to the source leads "
		  "through another interface" },
		{ "TcpAttemptFails", 12,
		  "12 connection attempts failed, made here or by clients" },
	};
	const struct counter_row *row;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (k = 0; (row = counter_row_at(k)); k++) {
			_cleanup_buf_ struct buf b = { 0 };

			if (!streq(row->id, rows[i].id))
				continue;
			counter_put_clause(&b, row, rows[i].n);
			CHECK_STR(buf_cstr(&b), rows[i].clause);
		}
}

/* One place for the number; no counter is judged and harmless; parts and shares are
 * counters. */
static void whole_rows(void)
{
	const struct counter_row *row, *part;
	size_t i, k;

	for (i = 0; (row = counter_row_at(i)); i++) {
		const char *mark = strchr(row->clause, '#');
		size_t found = 0, words = 0;
		const char *p;

		CHECK(mark && !strchr(mark + 1, '#') && mark[1] == ' ');
		CHECK(strchr(row->clause, '*') && !strchr(row->clause, '\n'));
		CHECK(counter_row_of(row->table, row->name) == row);
		CHECK(!counter_is_harmless(row->table, row->name));
		CHECK(row->healthy.kind != HEALTHY_PERCENT ||
		      counter_is_harmless(row->healthy.of_table, row->healthy.of_name));
		for (k = 0; (part = counter_row_at(k)); k++)
			found += counter_has_word(row->parts, part->id);
		for (p = row->parts; p; p = strchr(p + 1, ' '))
			words++;
		CHECK_INT(found, words);
	}
	CHECK_INT(i > 150, 1);
}

/* Between two texts of netstat and snmp, after so many ms. */
static void judged(void)
{
	static const struct {
		const char *names, *before, *after;
		uint32_t ms;
		const char *id; /* NULL = nothing is told */
		uint64_t by;
	} rows[] = {
		{ "ListenDrops ListenOverflows", "5 5", "9 9", 200,
		  "TcpExtListenOverflows", 4 },
		{ "ListenDrops ListenOverflows", "5 5", "9 5", 200, "TcpExtListenDrops",
		  4 },
		{ "ListenDrops", "9", "9", 200, NULL, 0 },
		{ "ListenDrops", "9", "1", 200, NULL, 0 },
		{ "EmbryonicRsts", "0", "2", 200, NULL, 0 },
		{ "EmbryonicRsts", "0", "3", 200, "TcpExtEmbryonicRsts", 3 },
		{ "EmbryonicRsts", "0", "3", 1000, NULL, 0 },
		{ "EmbryonicRsts", "0", "1", 1, NULL, 0 },
		{ "TCPHystartTrainCwnd", "0", "77", 200, NULL, 0 },
		{ "NeverHeardOf", "1", "3", 200, "TcpExtNeverHeardOf", 2 },
		{ "NeverHeardOf", "3", "3", 200, NULL, 0 },
		{ "Not.A.Name", "1", "3", 200, NULL, 0 },
		{ "TCPAbortOnClose", "0", "19", 200, NULL, 0 },
		{ "TCPAbortOnClose", "0", "21", 200, "TcpExtTCPAbortOnClose", 21 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char before[128], after[128];
		struct counters then = { .netstat = before }, now = { .netstat = after };
		struct counter_rises rises = { .n = 0 };

		snprintf(before, sizeof(before), "TcpExt: %s\nTcpExt: %s\n",
			 rows[i].names, rows[i].before);
		snprintf(after, sizeof(after), "TcpExt: %s\nTcpExt: %s\n", rows[i].names,
			 rows[i].after);
		counters_judge(&then, &now, rows[i].ms, &rises);
		CHECK_INT(rises.n, rows[i].id ? 1 : 0);
		if (rows[i].id && rises.n) {
			CHECK_STR(rises.v[0].id, rows[i].id);
			CHECK_INT(rises.v[0].by, rows[i].by);
		}
	}
}

static void shares(void)
{
	static const struct {
		const char *before, *after;
		bool told;
	} rows[] = {
		{ "Tcp: OutSegs RetransSegs\nTcp: 0 0\n",
		  "Tcp: OutSegs RetransSegs\nTcp: 1000 30\n", false },
		{ "Tcp: OutSegs RetransSegs\nTcp: 0 0\n",
		  "Tcp: OutSegs RetransSegs\nTcp: 1000 31\n", true },
		{ "Tcp: OutSegs RetransSegs\nTcp: 0 0\n",
		  "Tcp: OutSegs RetransSegs\nTcp: 9 9\n", false },
		{ "Tcp: RetransSegs\nTcp: 0\n", "Tcp: RetransSegs\nTcp: 10\n", true },
		{ "Tcp: RetransSegs\n", "Tcp: RetransSegs\nTcp: 10\n", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char before[128], after[128];
		struct counters then = { .snmp = before }, now = { .snmp = after };
		struct counter_rises rises = { .n = 0 };

		snprintf(before, sizeof(before), "%s", rows[i].before);
		snprintf(after, sizeof(after), "%s", rows[i].after);
		counters_judge(&then, &now, 200, &rises);
		CHECK_INT(rises.n, rows[i].told);
	}
}

/* Every name of a text, in its table; what is no text of counters ends the walk. */
static void names(void)
{
	char snmp[] = "Ip: Forwarding TTL\nIp: 1 64\nnonsense\n\nTcp: RtoMin\nTcp: 200\n",
	     snmp6[] = "Ip6InReceives \t7\n\nUdp6NoPorts\t0\nlast",
	     netstat[] = "TcpExt:\nTcpExt:\n";
	const struct counters c = { .snmp = snmp, .snmp6 = snmp6, .netstat = netstat };
	static const char *const want[] = { "Ip.Forwarding",	 "Ip.TTL",
					    "Tcp.RtoMin",	 "snmp6.Ip6InReceives",
					    "snmp6.Udp6NoPorts", "snmp6.last" };
	struct counter_cursor at = { .text = 0 };
	size_t i = 0;

	while (counters_next(&c, &at)) {
		char name[80];

		snprintf(name, sizeof(name), "%s.%s", at.table, at.name);
		CHECK_STR(name, i < ARRAY_SIZE(want) ? want[i] : "nothing");
		i++;
	}
	CHECK_INT(i, ARRAY_SIZE(want));
}

int main(void)
{
	RUN(clauses, "one and several");
	RUN(whole_rows, "rows that fit each other");
	RUN(judged, "what rose beyond the healthy rate");
	RUN(shares, "what rose beyond its share of the traffic");
	RUN(names, "every name of a reading");
	return unit_done();
}
