#!/usr/bin/env bats
# Rules of iptables-legacy, which nft does not list, are named where their tables are there.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe

# IPv4 has a table of iptables-legacy with a rule that drops, IPv6 has none.
legacy_link() {
	link
	in_ns iptables-legacy -A OUTPUT -p tcp --dport 7041 -j DROP || skip "this kernel has no ip_tables"
}

@test "the drop of a legacy rule: iptables-legacy is named beside nft, for IPv4 only" {
	legacy_link
	nft_rule output ip6 nexthdr tcp drop
	probe -T 300ms $V4:7041
	assert_status 4
	assert_regex "$output" "may have dropped them, see 'nft list ruleset', 'iptables-legacy -S'$"
	# As the sentence has it: the rule is not in the one, and in the other.
	run in_ns nft list ruleset
	refute_contains "$output" 7041
	run in_ns iptables-legacy -S
	assert_contains "$output" '--dport 7041 -j DROP'
	probe -T 300ms "[$V6]:7041"
	assert_status 4
	assert_regex "$output" "see 'nft list ruleset'$"
	refute_contains "$output" legacy
}

@test "a legacy rule that rejects: the commands of connect and probe, in words and in JSON" {
	legacy_link
	in_ns iptables-legacy -F
	in_ns iptables-legacy -A OUTPUT -p tcp --dport 7042 -j REJECT
	sockctl connect --json --send x $V4:7042
	assert_json_in "$stderr" 'map(select(.causes) | .causes[0]) | .[0].id == "denied-local"
		and (.[0].commands | index(["nft list ruleset"]) != null and index(["iptables-legacy -S"]) != null)'
	sockctl connect --send x $V4:7042
	assert_contains "$stderr" 'nft list ruleset' 'iptables-legacy -S'
	run in_ns "$SOCKCTL" connect --explain denied-local
	assert_contains "$output" "'nft list ruleset', 'iptables-legacy -S' and 'iptables-save' show the rules"
	# Without the table nothing is said of it.
	in_ns unshare --net "$SOCKCTL" connect --explain denied-local >"$BATS_TEST_TMPDIR/none"
	refute_contains "$(cat "$BATS_TEST_TMPDIR/none")" legacy
}

@test "who may not read the list of tables is told of both, without a claim" {
	skip_unless_root "it becomes another user"
	legacy_link
	run as_user "$SOCKCTL" probe -T 300ms $V4:7041
	assert_regex "$output" "see 'sudo nft list ruleset', 'sudo iptables-legacy -S' \(if it has rules\)$"
}
