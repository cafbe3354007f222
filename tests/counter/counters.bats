#!/usr/bin/env bats
# The table of the kernel's counters: each name that a kernel has is judged, or known to be harmless.

load ../lib/helpers

setup() {
	TABLE=$BATS_TEST_TMPDIR/table
	"$SOCKCTL" porcelain counters >"$TABLE"
}

# The counters of this kernel, "TABLE NAME" a line.
names() {
	awk 'FNR % 2 { table = $1; sub(/:$/, "", table); for (i = 2; i <= NF; i++) print table, $i }' \
		/proc/net/snmp /proc/net/netstat
	awk '{ print "snmp6", $1 }' /proc/net/snmp6 2>/dev/null || true
}

# Those of stdin, "TABLE NAME" a line, that are not in the table, as nstat spells them.
unknown() {
	awk -F '\t' 'NR == FNR { if (sub(/[*]$/, "", $1)) like[$1]; else known[$1]; next }
		{
			split($0, word, " ")
			id = (word[1] == "snmp6" ? "" : word[1]) word[2]
			if (id in known)
				next
			for (l in like)
				if (index(id, l) == 1)
					next
			print id
		}' "$TABLE" -
}

@test "the table of counters is a table, with whole sentences" {
	run awk -F '\t' 'NF != 6 || $1 !~ /^[A-Z][A-Za-z0-9]*[*]?$/ || seen[$1]++ ||
		$2 !~ /^(judged|harmless)$/ || ($2 == "judged") != ($4 ~ /^[A-Z0-9].*[.]$/)' "$TABLE"
	assert_output ''
	run awk -F '\t' '$2 == "judged" && ($1 ~ /[*]$/ ||
		$3 !~ /^(none|up to [0-9]+ (a second|% of [A-Za-z0-9]+))$/)' "$TABLE"
	assert_output ''
	assert_int "$(grep -c $'\tjudged\t' "$TABLE") > 150"
}

@test "each counter of this kernel is judged, or known to be harmless" {
	names >"$BATS_TEST_TMPDIR/names"
	assert_int "$(wc -l <"$BATS_TEST_TMPDIR/names") > 250"
	run unknown <"$BATS_TEST_TMPDIR/names"
	assert_output ''
}

@test "each counter of the kernels that are named is judged, or known to be harmless" {
	local list
	for list in "$TOP"/tests/counter/names-*.txt; do
		run unknown <"$list"
		assert_output ''
	done
}

# The names of a list that are not judged.
not_judged() { # LIST
	awk -F '\t' 'NR == FNR { if ($2 == "judged") judged[$1]; next }
		{ split($0, w, " "); if (!((w[1] == "snmp6" ? "" : w[1]) w[2] in judged)) print }' "$TABLE" "$1"
}

@test "inspect on the counters of each kernel that is named knows all of them" {
	skip_unless_root 'mounts over /proc/net'
	local list all=$BATS_TEST_TMPDIR/all rising=$BATS_TEST_TMPDIR/rising
	for list in "$TOP"/tests/counter/names-*.txt; do
		{ cat "$list" && printf 'TcpExt TCPNeverHeardOf\n'; } >"$all"
		not_judged "$all" >"$rising"
		assert_int "$(wc -l <"$rising") > 150"
		run --separate-stderr "$TOP/tests/lib/counted" "$all" "$rising" \
			"$SOCKCTL" inspect -tu --json --findings=all --allow-empty
		assert_status 0
		assert_json 'map(select(.id == "counter-rising") | .where) == ["TcpExtTCPNeverHeardOf"]'
		# What is judged is noted.
		printf '%s\n' 'TcpExt IPReversePathFilter' 'Ip ReasmFails' 'snmp6 Udp6NoPorts' >"$rising"
		run --separate-stderr "$TOP/tests/lib/counted" "$list" "$rising" \
			"$SOCKCTL" inspect -tu --json --findings=all --allow-empty
		assert_json 'map(select(.id == "counter-rising") | .where) | sort ==
			["IpReasmFails", "TcpExtIPReversePathFilter", "Udp6NoPorts"]'
	done
	assert_int "$(find "$TOP/tests/counter" -name 'names-*.txt' | wc -l) >= 3"
}

@test "each row is of a kernel that is named, and has its name" {
	local id
	sed 's/^snmp6 //; s/ //' "$TOP"/tests/counter/names-*.txt | sort -u >"$BATS_TEST_TMPDIR/ids"
	run bash -c 'awk -F "\t" "\$2 == \"judged\" { print \$1 }" "$1" | grep -vxFf "$2"' _ "$TABLE" "$BATS_TEST_TMPDIR/ids"
	assert_output ''
}

@test "a counter that a kernel adds is found by that check" {
	run unknown <<<$'TcpExt TCPNeverHeardOf\nsnmp6 Icmp6InType9\nIcmpMsg OutType3\nUdp NoPorts'
	assert_output TcpExtTCPNeverHeardOf
}

@test "a counter is explained by its name, and as nstat spells it" {
	sockctl probe --explain ListenDrops
	assert_clean
	assert_line --regexp '^TcpExtListenDrops \(counter of /proc/net/netstat\)$'
	sockctl inspect --explain TcpExtListenDrops
	assert_clean
	assert_line --regexp '^  look: .* Healthy: none\.$'
	sockctl inspect --explain InNoRoutes
	assert_clean
	assert_equal "$(grep -c '^IpExtInNoRoutes (' <<<"$output")" 1
	sockctl inspect --explain ListenDrop
	assert_refused 2 "no id 'ListenDrop'"
	assert_contains "$stderr" TcpExtListenDrops
}
