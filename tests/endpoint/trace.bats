#!/usr/bin/env bats
# --trace: each call and what it did in the kernel, for people and as events.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/endpoint

setup() {
	netns
}

# Starts an endpoint with --trace; all of its stderr is in the file TOLD: sets PID, TOLD.
traced() { # ARGS...
	TOLD=$(mktemp "$BATS_TEST_TMPDIR/told.XXXXXX")
	"${NS[@]}" "$SOCKCTL" "$@" </dev/null >"$TOLD.out" 2>"$TOLD" 3>&- &
	PID=$!
	PIDS+=("$PID")
}

# The same for a listener: sets ADDR and PORT too.
traced_server() { # ARGS...
	traced "$@"
	until_true grep -qE '^listening on |"type":"listening"' "$TOLD"
	ADDR=127.0.0.1:$(sed -nE 's/^listening on .*:([0-9]+)$/\1/p; s/.*"local_port":([0-9]+).*/\1/p' "$TOLD" | head -1)
	PORT=${ADDR##*:}
}

# A client in the background that says nothing and stays.
hold() { # ARGS...
	"${NS[@]}" "$SOCKCTL" connect --hold 1h "$@" </dev/null >/dev/null 2>&1 3>&- &
	PIDS+=($!)
}

told() { # REGEX
	grep -qE -- "$1" "$TOLD"
}

@test "a server socket never carries data; its accept queue is drawn as it fills, by name" {
	traced_server listen -k --trace --no-accept --backlog 2 127.0.0.1:0
	told '^socket\(AF_INET, SOCK_STREAM\) = [0-9]+ .* no address yet$'
	told "^bind\([0-9]+, 127\.0\.0\.1:0\) = 0 .* the port is ours; nobody can connect yet$"
	told '^listen\([0-9]+, 2\) = 0 .* LISTEN +SYN queue 0   accept queue \.\.\. 0/2 \(holds 3\); this socket never carries data'
	hold "$ADDR"
	until_true told '^  \. ACK from 127\.0\.0\.1:[0-9]+: handshake done by the kernel, not by us +SYN queue 0   accept queue #\.\. 1/2 \(holds 3\)$'
	hold "$ADDR"
	until_true told 'not by us +SYN queue 0   accept queue ##\. 2/2 \(holds 3\)$'
	hold "$ADDR"
	until_true told 'not by us +SYN queue 0   accept queue ### 3/2 \(holds 3\)$'
	# Three different clients, each told once.
	assert_equal "$(grep -oE 'ACK from 127\.0\.0\.1:[0-9]+' "$TOLD" | sort -u | wc -l)" 3
	assert_equal "$(grep -c 'ACK from' "$TOLD")" 3
}

@test "the SYN queue is drawn as it fills" {
	traced_server listen -k --trace --option defer-accept=60s 127.0.0.1:0
	hold "$ADDR"
	until_true told '^  \. SYN from 127\.0\.0\.1:[0-9]+: the kernel answers by itself +SYN queue 1   accept queue '
}

@test "many at once are counted, not listed" {
	traced_server listen -k --trace --no-accept 127.0.0.1:0
	# Stopped, it cannot look at the first of them alone.
	kill -STOP "$PID"
	hold --connections 40 "$ADDR"
	until_true has_state established "$PORT" local 40
	kill -CONT "$PID"
	until_true told '^  \. 40 more: handshakes done by the kernel, not by us +SYN queue 0   accept queue #\.+ 40/'
}

@test "accept() says how long the peer has waited, and who still does" {
	traced_server listen -k --trace --accept-delay 50ms 127.0.0.1:0
	hold "$ADDR"
	until_true told '^accept4\([0-9]+\) = [0-9]+ .* ESTABLISHED +a new socket for 127\.0\.0\.1:[0-9]+; waited [0-9]+ ms in the accept queue, 0 more waiting'
	assert_int "$(sed -nE 's/.*waited ([0-9]+) ms.*/\1/p' "$TOLD") >= 40"
}

@test "connect(), each send() and recv(), and who is left with TIME_WAIT" {
	traced_server echo --trace --once
	sockctl connect --trace --send abc --chunk 1 "$ADDR"
	assert_equal "$status" 0
	assert_output abc
	assert_regex "$stderr" "connect\([0-9]+, $ADDR\) = -1 EINPROGRESS .* (SYN_SENT|ESTABLISHED) +our SYN is out"
	assert_regex "$stderr" 'connected +[0-9]+ us +ESTABLISHED +SYN, SYN-ACK, ACK are exchanged; local end 127'
	assert_equal "$(grep -cE '^send\([0-9]+, 1\) = 1 ' <<<"$stderr")" 3
	assert_regex "$stderr" 'shutdown\([0-9]+, SHUT_WR\) = 0 .* (FIN_WAIT[12] +our FIN stands behind the last byte; we end first, TIME_WAIT will be ours|TIME_WAIT +both have ended, we first)'
	# Into a pipe the bytes are spliced.
	assert_regex "$stderr" '(recv|splice)\([0-9]+, [^)]*\) = [123] '
	assert_regex "$stderr" '(recv|splice)\([0-9]+, [^)]*\) = 0 .* TIME_WAIT +the peer.s FIN was read; both have ended, we first'
	await_end "$PID"
	told '^recv\([0-9]+, [0-9]+\) = 0 .*the peer.s FIN was read'
	told 'TIME_WAIT is its'
	run ! told 'TIME_WAIT will be ours'
	has_state time-wait "$PORT" peer
}

@test "the buffers between send() and the wire: full when the peer does not read" {
	traced_server listen -k --trace --no-read --option rcvbuf=4k 127.0.0.1:0
	head -c 400000 /dev/zero >"$BATS_TEST_TMPDIR/zeros"
	"${NS[@]}" "$SOCKCTL" connect --trace --option sndbuf=16k "$ADDR" <"$BATS_TEST_TMPDIR/zeros" >/dev/null \
		2>"$BATS_TEST_TMPDIR/client" 3>&- &
	PIDS+=($!)
	TOLD=$BATS_TEST_TMPDIR/client
	until_true told '^send\([0-9]+, [0-9]+\) = [0-9]+ .* ESTABLISHED +in the send buffer: [0-9]+ bytes not acknowledged, [0-9]+ of them not sent yet'
	until_true told '^send\([0-9]+, [0-9]+\) = -1 EAGAIN .* the send buffer is full: [0-9]+ bytes, [0-9]+ of them not sent'
}

@test "close() with unread bytes is told as the reset it is" {
	traced_server listen -k --trace --no-read 127.0.0.1:0
	hold --send unread "$ADDR"
	until_true told '^accept4'
	unread() {
		assert_equal "$(in_ns ss -Htn state established "sport = :$PORT" | awk '{ print $1 }')" 6
	}
	until_true unread
	kill "$PID"
	until_true told '^close\([0-9]+\) = 0 .* ESTABLISHED +6 bytes were never read: an RST goes out, no FIN'
}

@test "with --json every line is an event of the schema" {
	traced_server listen --trace --json --reply hello 127.0.0.1:0
	sockctl connect --trace --json --send abc "$ADDR"
	assert_equal "$status" 0
	await_end "$PID"
	assert_valid "$(<"$TOLD")"
	printf '%s\n' "$stderr" >"$BATS_TEST_TMPDIR/client"
	assert_valid "$(<"$BATS_TEST_TMPDIR/client")"
	assert_json_in "$(<"$TOLD")" 'map(select(.type == "call")) |
		(map(select(.call | startswith("listen("))) | .[0] | .state == "LISTEN" and .accept_queue == 0 and .accept_queue_limit > 0) and
		any(.call | startswith("accept4(")) and
		any((.call | startswith("recv(")) and .result == 3) and
		any((.call | startswith("send(")) and .result == 5) and
		all(.took_us >= 0)'
	assert_json_in "$(<"$BATS_TEST_TMPDIR/client")" 'map(select(.type == "call")) |
		any((.call | startswith("connect(")) and .result == -1 and .errno == "EINPROGRESS") and
		any((.call | startswith("send(")) and .result == 3 and (.unread_bytes | type) == "number" and .notsent_bytes == 0)'
	traced_server listen -k --trace --json --no-accept --backlog 2 127.0.0.1:0
	hold "$ADDR"
	until_true grep -q '"type":"queues","syn_queue":0,"accept_queue":1,"accept_queue_limit":2' "$TOLD"
	kill "$PID"
	await_end "$PID" any
	assert_valid "$(<"$TOLD")"
}

@test "a pipe is spliced, and that is what is told" {
	traced_server echo --trace --once
	printf 12345 | in_ns "$SOCKCTL" connect --trace "$ADDR" 2>"$BATS_TEST_TMPDIR/client" >/dev/null
	TOLD=$BATS_TEST_TMPDIR/client
	told '^splice\(pipe, [0-9]+, [0-9]+\) = 5 '
}

@test "datagrams have calls, and no connection to tell of" {
	traced echo --trace --json udp:127.0.0.1:0
	until_true grep -q '"type":"listening"' "$TOLD"
	sockctl connect --trace --send abc --expect abc "udp:127.0.0.1:$(sed -nE 's/.*"local_port":([0-9]+).*/\1/p' "$TOLD")"
	assert_output abc
	assert_regex "$stderr" 'connected +[0-9]+ us +no packet was sent'
	assert_regex "$stderr" 'sendto\([0-9]+, 3\) = 3 .* nobody acknowledges a datagram'
	assert_regex "$stderr" 'recvmmsg\([0-9]+, [0-9]+\) = 1 '
	refute_regex "$stderr" 'TIME_WAIT|ESTABLISHED'
	until_true grep -qE '"call":"sendmmsg\([0-9]+, 1\)","result":1,' "$TOLD"
	kill "$PID"
	await_end "$PID" any
	assert_valid "$(<"$TOLD")"
}

@test "unix sockets have calls, and no state" {
	traced echo --trace "unix:$BATS_TEST_TMPDIR/s"
	until_true told '^listening on unix:'
	sockctl connect --trace --send x "unix:$BATS_TEST_TMPDIR/s"
	assert_equal "$status" 0
	assert_output x
	assert_regex "$stderr" 'send\([0-9]+, 1\) = 1 '
	refute_regex "$stderr" 'TIME_WAIT|ESTABLISHED'
}
