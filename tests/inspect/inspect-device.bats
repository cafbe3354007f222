#!/usr/bin/env bats
# Sockets that are bound to an interface, found by the address that stands in the table.

load ../lib/helpers
load ../lib/endpoint
load ../lib/inspect

setup() {
	netns
	in_ns ip link add v7 type veth peer name w7
	in_ns ip link set v7 up
	in_ns ip addr add 10.77.0.1/24 dev v7
	local at
	for at in 10.77.0.1%v7:5071 127.0.0.1%lo:5071 127.0.0.2:5071 '[::1]%lo:5071' '*%v7:5072' 0.0.0.0%lo:5072; do
		serve listen -k "$at"
	done
}

# The local addresses that a filter finds.
found() { # FILTER
	inspect -l --no-findings -H -o local "$1"
	sort <<<"${output//[[:blank:]]/}" | paste -sd ' '
}

@test "every address of the table, as it is printed, finds its socket alone" {
	local at
	inspect -l --no-findings -H -o local
	assert_int "${#lines[@]} == 6"
	for at in "${lines[@]}"; do
		[[ $at == *%* ]] || continue
		assert_equal "$(found "src ${at//[[:blank:]]/}")" "${at//[[:blank:]]/}"
		assert_equal "$(found "local = ${at//[[:blank:]]/}")" "${at//[[:blank:]]/}"
	done
}

@test "an interface in a filter: wildcards, prefixes, numbers, negation, lists of ports" {
	assert_equal "$(found 'src *%v7')" "*%v7:5072 10.77.0.1%v7:5071"
	assert_equal "$(found 'src *%lo:5071')" "127.0.0.1%lo:5071 [::1%lo]:5071"
	assert_equal "$(found 'src 127.0.0.0%lo/8')" "127.0.0.1%lo:5071"
	assert_equal "$(found 'src 127.0.0.1%1')" "127.0.0.1%lo:5071"
	assert_equal "$(found 'sport = 5071 and not src *%lo')" "10.77.0.1%v7:5071 127.0.0.2:5071"
	assert_equal "$(found 'src 10.77.0.1%v7:5071,5072')" "10.77.0.1%v7:5071"
	assert_equal "$(found 'src 10.77.0.1%v7 or src 127.0.0.2')" "10.77.0.1%v7:5071 127.0.0.2:5071"
	# As dev has it.
	assert_equal "$(found 'src *%v7')" "$(found 'dev v7')"
	inspect -l 'src 10.77.0.1%none'
	assert_refused 2 "there is no interface 'none'"
	inspect -l 'src 10.77.0.1%v7, 127.0.0.2'
	assert_refused 2 "an interface is that of every address of a list"
}

@test "an interface in a filter is that of the record" {
	in_ns "$SOCKCTL" inspect -l --record "$BATS_TEST_TMPDIR/rec" >/dev/null
	run --separate-stderr "$SOCKCTL" inspect -l --no-findings -H -o local --from "$BATS_TEST_TMPDIR/rec" 'src 10.77.0.1%v7:5071'
	assert_regex "$output" '^10\.77\.0\.1%[^ ]*:5071 *$'
}
