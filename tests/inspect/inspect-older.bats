#!/usr/bin/env bats
# Kernels that do not list some sockets, or do not send some attributes: what they do not tell is
# unknown. tests/older stands in for them; without it each question has an answer.

load ../lib/helpers
load ../lib/inspect

# As on a kernel that does not know states (bits) and does not send attributes (numbers).
on_older() { # STATES LACKS OPTION...
	run --separate-stderr in_ns env LD_PRELOAD="$BUILD/tests/older.so" OLDER_STATES="$1" OLDER_LACKS="$2" \
		ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" "$SOCKCTL" inspect "${@:3}"
	no_crash
}

BEFORE_6_8=0x2000

@test "sockets that are only bound are unknown where the kernel does not list them" {
	local args
	netns
	mk bound:port=80 listen:port=81
	inspect -H --format raw -o local_port --state bound-inactive
	assert_output 80
	while read -r -a args; do
		on_older "$BEFORE_6_8" '' "${args[@]}"
		((status == 3)) || fail "${args[*]}: exit $status"
		assert_regex "$stderr" 'this kernel does not list sockets that are only bound \(Linux 6.8 does\)'
	done <<-'END'
		--state bound-inactive
		--state bound-inactive -q
		--state bound-inactive --count
		--state bound-inactive --fail-if local_port=80
		--state all
		state = bound-inactive
	END
	on_older "$BEFORE_6_8" '' --json --state bound-inactive
	assert_equal "$(jq -r 'select(.type == "end").complete' <<<"$output")" false
	assert_equal "$(jq -r 'select(.type == "note").id' <<<"$output")" bound-not-listed
	# Of a port they are an addition, and a plain listing is without them.
	on_older "$BEFORE_6_8" '' -q
	assert_equal "$status" 0
	on_older "$BEFORE_6_8" '' -q --port 81
	assert_equal "$status" 0
}

@test "where they are listed and none is there, the answer is no" {
	netns
	mk listen:port=81
	inspect --state bound-inactive
	assert_equal "$status" 1
	inspect --state bound-inactive --count
	assert_equal "$status" 0
	assert_output 0
}

@test "a record of such a kernel does not know them either" {
	local dump=$BATS_TEST_TMPDIR/dump
	netns
	mk bound:port=80 listen:port=81
	on_older "$BEFORE_6_8" '' -q --record "$dump"
	assert_success
	inspect --from "$dump" --state bound-inactive
	assert_equal "$status" 3
	assert_regex "$stderr" 'does not have sockets that are only bound'
	inspect --from "$dump" --count
	assert_success
	# Neither does ss; a record of this kernel does.
	in_ns ss -a -t -D "$dump" >/dev/null
	inspect --from "$dump" --state bound-inactive
	assert_equal "$status" 3
	inspect -q --record "$dump"
	inspect --from "$dump" --state bound-inactive -H --format raw -o local_port
	assert_output 80
	inspect --from "$dump" --state bound-inactive sport = :82
	assert_equal "$status" 1
}

@test "attributes that the kernel does not send are unknown, not absent" {
	local lacks expression
	netns
	mk established established:family=6,label=six listen:family=dual,port=90
	while read -r lacks expression; do
		inspect_table -q "$expression"
		((status == 1)) || fail "$expression: exit $status"
		on_older '' "$lacks" -q "$expression"
		((status == 3)) || fail "without attribute $lacks, $expression: exit $status"
		on_older '' "$lacks" -q --fail-if "$expression"
		((status == 3)) || fail "without attribute $lacks, --fail-if '$expression': exit $status"
	done <<-'END'
		1 mem_rmem > 1000000000
		2 rtt > 1000s
		4 congestion = none-such
		5 tos = 3
		7 rmem_alloc > 1000000000
		7 drops > 1000000000
		11 v6only and sport = :90
		17 class_id = 77
		21 cgroup_id > 1234567890123
		21 unit = none-such.service
		6 tclass = 3
		22 freebind
	END
}
