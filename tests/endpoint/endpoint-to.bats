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

@test "a reset behind more than the other end has read: it comes, and what is lost is counted" {
	run "${BATS_TEST_DIRNAME}/../lib/relayed" flood
	assert_status 0
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
	# The reset may come before connect() has returned.
	assert_regex "$client" "the peer reset the connection|Connection reset by peer"
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

	# What connect says of it is what the relay says: here of a host that a router lacks.
	in_ns ip route add unreachable 198.51.100.7
	run in_ns "$SOCKCTL" connect 198.51.100.7:4477
	serve listen 127.0.0.1:0 --to 198.51.100.7:4477
	in_ns "$SOCKCTL" connect "$ADDR" </dev/null 2>/dev/null && fail "connected"
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "$(tail -n +2 <<<"$output")"

	# A unix peer has no reset: it reads the end.
	serve listen "$BATS_TEST_TMPDIR/s" --to "$BATS_TEST_TMPDIR/none"
	in_ns "$SOCKCTL" connect "$BATS_TEST_TMPDIR/s" </dev/null
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "No such file or directory"
}

@test "--trace: both connections, each way through a pipe, and the reset" {
	local -a fds
	serve echo --once 127.0.0.1:0
	serve listen 127.0.0.1:0 --trace --to "$ADDR"
	run "$SOCKCTL" connect --send 'seventeen bytes\r\n' "$ADDR"
	assert_contains "$output" "seventeen bytes"
	served
	assert_equal "$status" 0
	read -ra fds <<<"$(sed -En 's/^accept4\(.*\) = ([0-9]+) .*/\1/p; s/^connect\(([0-9]+),.*/\1/p' <<<"$stderr" | xargs)"
	assert_equal "${#fds[@]}" 2
	assert_regex "$stderr" "splice\(${fds[0]}, pipe, [0-9]+\) = 17 "
	assert_regex "$stderr" "splice\(pipe, ${fds[1]}, 17\) = 17 "
	assert_regex "$stderr" "splice\(${fds[1]}, pipe, [0-9]+\) = 17 "
	assert_regex "$stderr" "splice\(pipe, ${fds[0]}, 17\) = 17 "

	netns
	serve listen 127.0.0.1:0 --trace --to 127.0.0.1:4477
	in_ns "$SOCKCTL" connect "$ADDR" </dev/null 2>/dev/null && fail "connected"
	served
	assert_regex "$stderr" "close\([0-9]+\) = 0 .*an RST goes out, no FIN"
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

@test "large streams through pipes and copies alike: 200 MB both ways, every byte compared" {
	serve echo 127.0.0.1:0
	target -k 127.0.0.1:0 --to "$ADDR"
	sockctl echo --client --size 25m --count 8 -I 60s "$TO"
	assert_status 0
	assert_contains "$output" "every byte came back right"
}

@test "--info and --json report both connections, and who closed first" {
	local err=$BATS_TEST_TMPDIR/err
	netns
	serve echo 127.0.0.1:0
	in_ns "$SOCKCTL" listen --json --info --to "$ADDR" 127.0.0.1:4478 2>"$err" 3>&- &
	PIDS+=($!)
	until_true has_state listening 4478
	in_ns "$SOCKCTL" connect --send 12345 127.0.0.1:4478 >/dev/null
	await_end "${PIDS[-1]}" 0
	assert_valid "$(cat "$err")"
	assert_json_in "$(cat "$err")" 'map(.type) == ["listening", "accepted", "connected", "closed", "summary"]' -s
	assert_json_in "$(cat "$err")" '.[2].peer_port == $port and .[2].id == .[1].id' -s --argjson port "$PORT"
	assert_json_in "$(cat "$err")" '.[3] | [.received_bytes, .sent_bytes, .tcp.acked_bytes, .tcp.received_bytes,
		.target_tcp.acked_bytes, .target_tcp.received_bytes] == [5, 5, 5, 5, 5, 5]' -s
	assert_json_in "$(cat "$err")" '.[3] | .end == "complete" and .closed_first == "peer"' -s
}

@test "a relay in front of a relay keeps the records of unix-seqpacket, empty ones too" {
	local q=$BATS_TEST_TMPDIR/q
	serve echo --once "unix-seqpacket:$q.1"
	serve listen "unix-seqpacket:$q.2" --to "unix-seqpacket:$q.1"
	serve listen "unix-seqpacket:$q.3" --to "unix-seqpacket:$q.2"
	run python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
for part in (b"abc", b"", b"x" * 60000, b"d"):
    s.send(part)
print([len(s.recv(1 << 17)) for _ in range(4)])' "$q.3"
	assert_output "[3, 0, 60000, 1]"
}

@test "limits and behaviours: --idle, --write-rate, --close-after-bytes, --max" {
	serve echo 127.0.0.1:0
	TO=$ADDR
	serve listen 127.0.0.1:0 --to "$TO" --idle 100ms
	exec {client}<>"/dev/tcp/127.0.0.1/$PORT"
	served
	exec {client}>&-
	assert_equal "$status" 4
	assert_contains "$stderr" "nothing moved for 0.1 s: the idle limit"

	# 30,000 bytes at 100,000 a second take no less than 0.2 s: the first portion goes at once.
	serve listen 127.0.0.1:0 --to "$TO" --write-rate 100000/s --report
	head -c 30000 /dev/zero | "$SOCKCTL" connect "$ADDR" >/dev/null
	served
	assert_regex "$stderr" "sent 30000 bytes .* in [2-9][0-9][0-9]"

	serve listen --max 2 127.0.0.1:0 --to "$TO" --close-after-bytes 1000 --report
	for _ in 1 2; do
		head -c 5000 /dev/zero | "$SOCKCTL" connect "$ADDR" >/dev/null 2>&1 || true
	done
	served
	assert_equal "$status" 0
	assert_contains "$stderr" "closed 1: received 1000 bytes" "closed 2: received 1000 bytes" "we closed first"
}

@test "few descriptors: peers wait in the queue, and all are served" {
	serve echo 127.0.0.1:0
	serve listen -k --limit-fds 40 127.0.0.1:0 --to "$ADDR"
	sockctl echo --client --connections 100 --count 3 -I 60s "$ADDR"
	assert_status 0
	assert_contains "$output" "300 round trips" "every byte came back right"
	end_served
	assert_contains "$stderr" "peers wait in the queue"
}

@test "10,000 peers at once, with no more than 512 pipes" {
	# The relay has two descriptors for each: with fewer the last ones wait in its queue.
	ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
	(($(ulimit -n) >= 11000)) || skip "the clients need 10,000 descriptors, $(ulimit -n) are to be had"
	netns
	serve echo 127.0.0.1:0
	serve listen -k 127.0.0.1:0 --to "$ADDR"
	in_ns "$SOCKCTL" echo --client --connections 10000 --count 3 -I 60s --json "$ADDR" >"$BATS_TEST_TMPDIR/out" 2>&1
	assert_contains "$(tail -1 "$BATS_TEST_TMPDIR/out")" '"round_trips":30000' '"lost":0' '"wrong_bytes":0'
	assert_int "$(find "/proc/$PID/fd" -lname 'pipe:*' | wc -l) <= 1025"
}

@test "vsock: both ways between the two ends of this machine's loopback" {
	grep -q vsock_loopback /proc/modules || skip "no loopback of vsock"
	serve echo --once vsock:1:0
	serve listen 127.0.0.1:0 --to "$ADDR"
	run "$SOCKCTL" connect --send abc "$ADDR"
	assert_output abc
}
