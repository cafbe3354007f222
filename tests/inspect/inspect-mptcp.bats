#!/usr/bin/env bats
# Whether a connection is multipath: of both ends, fallen back, and where the kernel tells it to root only.

load ../lib/helpers
load ../lib/inspect

pairs() { # [syn]
	spawn "${NS[@]}" "$TOP/tests/lib/mptcp_pairs" "$@"
	await_line '^ready$' || {
		end_of "$PID"
		((ENDED == 77)) || fail "$(cat "$ERR")"
		skip "no MPTCP here: $(tail -n 1 "$ERR")"
	}
}

# "local port, peer port, mptcp" of each row that was shown.
shown() { # ARG...
	inspect --no-findings -H --format raw -o local_port,peer_port,mptcp "$@"
	output=$(sort <<<"$output" | tr '\t' ' ')
}

ALL=$(printf '%s\n' '8082  yes' '8082 9001 yes' '8082 9002 no' '8082 9005 yes' '8084  no' '8084 9003 no' \
	'8084 9004 no' '8092  yes' '8092 9006 yes' '9001 8082 yes' '9002 8082 no' '9003 8084 fallback' \
	'9004 8084 no' '9005 8082 yes' '9006 8092 yes')

@test "mptcp of listeners and of both ends: yes, no, and fallen back" {
	skip_unless_root "the kernel tells it to CAP_NET_ADMIN"
	netns
	pairs
	shown -t
	assert_output "$ALL"
	assert_equal "$stderr" ''
	shown -t mptcp = fallback
	assert_output '9003 8084 fallback'
	inspect --count -t mptcp = yes
	assert_output 8
	inspect --count -t mptcp != yes
	assert_output 7
	assert_status 0
	inspect_json -o mptcp src 127.0.0.1:9003 or dport = :9001
	assert_json '[.[] | select(.type == "socket") | .mptcp] | sort == ["fallback", "yes"]'
	inspect -t --no-findings -H -o local,mptcp sport = :9003
	assert_output --regexp '^127.0.0.1:9003 +fallback$'
	# The options of these sockets come from the same descriptors.
	inspect --no-findings -H --format raw -o nodelay,mptcp sport = :9001
	assert_output "no"$'\t'"yes"
}

@test "what a client fell back from with its first data is told" {
	skip_unless_root "rules of nft"
	netns
	pairs
	echo late >&"$IN"
	await_line '^late$' || skip "nft cannot remove options here: $(cat "$ERR")"
	shown -t sport = :9001
	assert_output '9001 8082 fallback'
	shown -t sport = :9006
	assert_output '9006 8092 yes'
}

@test "what waits for an answer, or is only bound, has agreed on nothing" {
	skip_unless_root "rules of nft"
	netns
	pairs syn
	inspect --no-findings -a -H -o local_port,mptcp state syn-sent
	assert_output --regexp '^ *9008 +-$'
	inspect --no-findings -a -H -o local_port,mptcp sport = :9007
	refute_output --regexp 'yes|fallback|unknown'
	inspect --count -a mptcp = yes and state = syn-sent
	assert_output 0
	assert_status 0
}

@test "an ordinary user learns of foreign sockets what the kernel tells, and that the rest is not known" {
	skip_unless_root "another user must look"
	netns
	pairs
	sockctl_as_user inspect -t --no-findings -H --format table -o local_port,peer_port,mptcp
	# Since Linux 6.15 it tells all users what has an upper layer protocol.
	assert_line --regexp '^ *9003 +8084 +(fallback|unknown)$'
	assert_line --regexp '^ *9001 +8082 +(yes|unknown)$'
	assert_line --regexp '^ *8082 +9001 +(yes|unknown)$'
	assert_line --regexp '^ *9004 +8084 +unknown$'
	sockctl_as_user inspect -t --json -o mptcp sport = :9004
	assert_json '.[0].mptcp == null'
	sockctl_as_user inspect -t --count mptcp = fallback
	assert_status 3
	assert_regex "$stderr" 'mptcp: the kernel shows it to root only: whether [^ ]+ matches is unknown'
	# A record of that user knows no more, one of root does.
	as_user "$SOCKCTL" inspect -q --record - >"$BATS_TEST_TMPDIR/dump"
	shown --from "$BATS_TEST_TMPDIR/dump" -t mptcp = no
	assert_status 3
	inspect -q --record "$BATS_TEST_TMPDIR/dump"
	shown --from "$BATS_TEST_TMPDIR/dump" -t
	assert_output "$ALL"
	shown --from "$BATS_TEST_TMPDIR/dump" -t mptcp = fallback
	assert_status 0
}

@test "an ordinary user knows all of the sockets of processes of its own" {
	skip_unless_root "another user's namespace"
	netns
	in_ns setpriv --reuid=65534 --regid=65534 --clear-groups "$TOP/tests/lib/mptcp_pairs" </dev/null ||
		skip "an ordinary user cannot make them here"
	NS+=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	pairs
	NS=("${NS[@]:0:2}")
	# Nobody holds what was not accepted.
	sockctl_as_user inspect -t --no-findings -H --format raw -o local_port,peer_port,mptcp 'dport != :9005'
	output=$(sort <<<"$output" | tr '\t' ' ')
	assert_output "$(grep -v '^8082 9005' <<<"$ALL")"
}
