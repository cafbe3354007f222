#!/usr/bin/env bats
# listen --to: a relay. Every end of a connection is passed on as what it was.

load ../lib/helpers
load ../lib/endpoint

# A server with a port of its own: TO is its address, TO_PID its process, TO_OUT its stdout.
target() { # ARGS of listen
	serve listen "$@"
	TO=$ADDR TO_PID=$PID TO_OUT=$SERVED
}

@test "both ends see of each other what they see without a relay: TCP, unix, and both" {
	local kind
	for kind in tcp-tcp tcp-unix unix-tcp unix-unix; do
		run "${BATS_TEST_DIRNAME}/../lib/relayed" "$kind"
		assert_status 0
	done
}

@test "megabytes both ways at once, to nc and from it, with a report" {
	local up=$BATS_TEST_TMPDIR/up down=$BATS_TEST_TMPDIR/down
	make_data "$up" 7M
	make_data "$down" 11M
	INPUT=$down target 127.0.0.1:0
	serve listen 127.0.0.1:0 --to "$TO" --report
	nc -N 127.0.0.1 "$PORT" <"$up" >"$down.got"
	served
	assert_equal "$status" 0
	cmp "$down" "$down.got"
	await_end "$TO_PID" 0
	cmp "$up" "$TO_OUT"
	assert_regex "$stderr" "closed 1: received 7340032 bytes .*, sent 11534336 bytes "
}

@test "a target that refuses: the peer is reset, the reason is told, exit 1; -k goes on" {
	local client
	netns
	serve listen 127.0.0.1:0 --to 127.0.0.1:4477
	client=$(in_ns "$SOCKCTL" connect "$ADDR" </dev/null 2>&1) && fail "connected: $client"
	assert_contains "$client" "the peer reset the connection"
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "connect 127.0.0.1:4477: Connection refused" "not-listening"

	in_ns "$SOCKCTL" listen --json --max 2 127.0.0.1:4478 --to 127.0.0.1:4477 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	TO_PID=$!
	PIDS+=("$TO_PID")
	until_true has_state listening 4478
	for _ in 1 2; do
		in_ns "$SOCKCTL" connect 127.0.0.1:4478 </dev/null 2>/dev/null && fail "connected"
	done
	await_end "$TO_PID" 0
	stderr=$(cat "$BATS_TEST_TMPDIR/err")
	assert_valid "$stderr"
	assert_json_in "$stderr" 'map(select(.type == "closed") | .end) == ["refused", "refused"]' -s
	assert_json_in "$stderr" 'map(select(.id == "not-listening")) | length == 1' -s
	assert_json_in "$stderr" '.[-1].failed == 2' -s

	# A unix peer has no reset: it reads the end.
	serve listen "$BATS_TEST_TMPDIR/s" --to "$BATS_TEST_TMPDIR/none"
	in_ns "$SOCKCTL" connect "$BATS_TEST_TMPDIR/s" </dev/null
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "No such file or directory"
}

@test "what cannot be passed on is refused before anybody comes" {
	local option
	sockctl listen 127.0.0.1:0 --to udp:127.0.0.1:4477
	assert_refused 2 "cannot be connected|no address that can be connected to"
	sockctl listen -u 127.0.0.1:0 --to 127.0.0.1:4477
	assert_refused 2 "--to: datagrams make no connection"
	sockctl listen "unix-seqpacket:$BATS_TEST_TMPDIR/q" --to 127.0.0.1:4477
	assert_refused 2 "records and a stream of bytes"
	for option in "--exec cat" "--reply x" "--recv-only" "--expect x"; do
		sockctl listen 127.0.0.1:0 --to 127.0.0.1:4477 $option
		assert_refused 2 "${option%% *}: with --to"
	done
	netns
	in_ns "$SOCKCTL" listen :4477 --to localhost:4477 2>"$BATS_TEST_TMPDIR/err" && fail "it listens"
	assert_contains "$(cat "$BATS_TEST_TMPDIR/err")" "is where this relay listens"
}
