#!/usr/bin/env bats
# No byte is lost: listen and connect against themselves and against other tools, both
# ways round.

load ../lib/helpers
load ../lib/endpoint

setup_file() {
	export DATA=$BATS_FILE_TMPDIR/data
	openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt -in /dev/zero 2>/dev/null | head -c 67108864 >"$DATA" || true
	assert_equal "$(stat -c %s "$DATA")" 67108864
}

@test "64 MiB from a file arrive whole at connect, whose input is empty" {
	INPUT=$DATA serve listen 127.0.0.1:0
	"$SOCKCTL" connect "$ADDR" </dev/null | cmp - "$DATA"
	served
	assert_equal "$status" 0
}

@test "64 MiB from a pipe arrive whole at listen" {
	serve listen 127.0.0.1:0
	cat "$DATA" | "$SOCKCTL" connect "$ADDR"
	served
	assert_equal "$status" 0
	cmp "$SERVED" "$DATA"
}

@test "64 MiB both ways at once through echo" {
	serve echo
	"$SOCKCTL" connect "$ADDR" <"$DATA" | cmp - "$DATA"
	cat "$DATA" | "$SOCKCTL" connect "$ADDR" >"$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/back" "$DATA"
}

@test "unix stream, abstract and seqpacket sockets carry 64 MiB" {
	local target
	for target in "unix:$BATS_TEST_TMPDIR/s" "@sockctl-$$-$BATS_TEST_NUMBER" \
		"unix-seqpacket:$BATS_TEST_TMPDIR/q"; do
		serve listen "$target"
		"$SOCKCTL" connect "$ADDR" <"$DATA"
		served
		assert_equal "$status" 0
		cmp "$SERVED" "$DATA"
	done
}

@test "MPTCP carries 1 MiB where the kernel has it" {
	[[ -e /proc/sys/net/mptcp/enabled && $(cat /proc/sys/net/mptcp/enabled) == 1 ]] ||
		skip "this kernel has no MPTCP"
	serve listen mptcp:127.0.0.1:0
	head -c 1048576 "$DATA" | "$SOCKCTL" connect "$ADDR"
	served
	cmp -n 1048576 "$SERVED" "$DATA"
	assert_equal "$(stat -c %s "$SERVED")" 1048576
}

@test "a client that sends FIN first still gets the late answer" {
	mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/port"
	# Answers once our side has seen the end of nc's input: it is in CLOSE_WAIT then.
	(
		read -r port <"$BATS_TEST_TMPDIR/port"
		until_true has_state close-wait "$port"
		echo answer
	) >"$BATS_TEST_TMPDIR/in" 3>&- &
	PIDS+=($!)
	INPUT=$BATS_TEST_TMPDIR/in serve listen 127.0.0.1:0
	echo "$PORT" >"$BATS_TEST_TMPDIR/port"
	run nc -N 127.0.0.1 "$PORT" <<<request
	assert_output answer
	served
	assert_equal "$(cat "$SERVED")" request
	assert_equal "$status" 0
}

@test "nc, ncat and socat send, sockctl listens" {
	local peer
	for peer in "nc -N 127.0.0.1 PORT" "ncat --send-only 127.0.0.1 PORT" \
		"socat -u STDIN TCP:127.0.0.1:PORT"; do
		serve listen 127.0.0.1:0
		# shellcheck disable=SC2086
		${peer/PORT/$PORT} <"$DATA"
		served
		cmp "$SERVED" "$DATA"
	done
}

@test "nc, ncat and socat receive what sockctl listen serves" {
	local peer
	for peer in "nc 127.0.0.1 PORT" "ncat --recv-only 127.0.0.1 PORT" \
		"socat -u TCP:127.0.0.1:PORT STDOUT"; do
		INPUT=$DATA serve listen 127.0.0.1:0
		# shellcheck disable=SC2086
		${peer/PORT/$PORT} </dev/null | cmp - "$DATA"
		served
		assert_equal "$status" 0
	done
}

@test "python receives what sockctl connect sends, and answers after the end" {
	spawn python3 -u -c '
import socket, hashlib
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen()
print("port", l.getsockname()[1])
c, _ = l.accept()
h = hashlib.sha256()
while d := c.recv(65536): h.update(d)
c.sendall(h.hexdigest().encode() + b"\n")
c.close()'
	await_line '^port [0-9]+$' || true
	local port=${BASH_REMATCH[0]#port }
	sockctl connect "127.0.0.1:$port" <"$DATA"
	assert_equal "$status" 0
	assert_output "$(sha256sum <"$DATA" | cut -d' ' -f1)"
}

@test "curl gets the fixed HTTP answer, GET, HEAD and POST" {
	serve listen -k --http 'hello\n' 127.0.0.1:0
	run curl -sS "http://$ADDR/"
	assert_output hello
	run curl -sSI "http://$ADDR/x"
	assert_line --partial "200 OK"
	assert_line --partial "Content-Length: 6"
	refute_line hello
	head -c 3000000 "$DATA" | curl -sS --data-binary @- "http://$ADDR/" | grep -qx hello
}

@test "redis answers PING" {
	spawn redis-server --port 0 --unixsocket "$BATS_TEST_TMPDIR/redis" --save '' --dir "$BATS_TEST_TMPDIR"
	until_true test -S "$BATS_TEST_TMPDIR/redis"
	sockctl connect --send 'PING\r\n' --expect '+PONG\r\n' --retry 20 --backoff 10ms -T 10 \
		"$BATS_TEST_TMPDIR/redis"
	assert_equal "$status" 0
}

@test "--expect that never comes is a no" {
	serve listen -k --reply 'something else\n' 127.0.0.1:0
	sockctl connect --send x --expect nothing "$ADDR"
	assert_refused 1 "without sending what was expected"
}

@test "--expect is found across the pieces it comes in" {
	serve listen -k --chunk 1 --reply 'aab aaab' 127.0.0.1:0
	sockctl connect --send x --expect aaab "$ADDR"
	assert_equal "$status" 0
	assert_output "aab aaab"
}

@test "--crlf, --hex and escapes say what is sent" {
	serve listen 127.0.0.1:0
	printf 'a\nb\r\nc\n' | "$SOCKCTL" connect --crlf "$ADDR"
	served
	assert_equal "$(xxd -p "$SERVED")" 610d0a620d0a630d0a
	serve listen 127.0.0.1:0
	"$SOCKCTL" connect --hex --send '00 ff:41' "$ADDR"
	served
	assert_equal "$(xxd -p "$SERVED")" 00ff41
	serve listen 127.0.0.1:0
	"$SOCKCTL" connect --send '\x00\377\t\\' "$ADDR"
	served
	assert_equal "$(xxd -p "$SERVED")" 00ff095c
}

@test "a full disk is told with the counts, exit 3" {
	INPUT=$DATA serve listen 127.0.0.1:0
	run --separate-stderr bash -c "exec '$SOCKCTL' connect '$ADDR' </dev/null >/dev/full"
	assert_refused 3 "write the output: No space left on device \(received [0-9]+ bytes"
	served
	assert_equal "$status" 1
	# What was sent may all have been acknowledged, unread, when the reset came.
	assert_regex "$stderr" 'received 0 bytes, sent ([0-9]+) bytes'
	assert_int 'BASH_REMATCH[1] > 0 && BASH_REMATCH[1] < 67108864'
}

@test "a closed stdout is told with the counts, exit 3" {
	INPUT=$DATA serve listen 127.0.0.1:0
	run --separate-stderr bash -c "'$SOCKCTL' connect '$ADDR' </dev/null 2>'$BATS_TEST_TMPDIR/err' | head -c 10 >/dev/null; exit \${PIPESTATUS[0]}"
	assert_equal "$status" 3
	grep -q 'write the output: Broken pipe (received [0-9]* bytes' "$BATS_TEST_TMPDIR/err"
}

@test "a reset in mid-transfer is a no, with the unsent bytes counted" {
	serve listen --reset-after 1m 127.0.0.1:0
	run --separate-stderr "$SOCKCTL" connect "$ADDR" <"$DATA"
	assert_refused 1 "the peer reset the connection"
	assert_regex "$stderr" 'sent ([0-9]+) bytes'
	assert_int 'BASH_REMATCH[1] >= 1048576'
	assert_equal "$(stat -c %s "$SERVED")" 1048576
}

@test "a slow reader throttles the sender: little is stored in between" {
	serve echo
	# The client never reads: what echo holds is bounded, the rest stays with the client.
	"$SOCKCTL" connect --no-read "$ADDR" <"$DATA" 3>&- &
	PIDS+=($!)
	until_true has_state established "$PORT"
	serve_memory() { awk '/VmRSS/ { print $2 }' "/proc/$PID/status"; }
	# Once it cannot get rid of what it has, it stops reading: its receive queue grows.
	echo_is_stuck() {
		(($(ss -Htn state established "sport = :$PORT" | awk '{ print $1 }') > 0))
	}
	until_true echo_is_stuck
	[[ $SOCKCTL == *asan* ]] || assert_int "$(serve_memory) < 16384"
}

@test "a stopped output is not an idle network" {
	mkfifo "$BATS_TEST_TMPDIR/out"
	INPUT=$DATA serve listen 127.0.0.1:0
	"$SOCKCTL" connect -I 200ms "$ADDR" </dev/null >"$BATS_TEST_TMPDIR/out" 3>&- &
	local client=$!
	PIDS+=("$client")
	exec {out}<"$BATS_TEST_TMPDIR/out"
	INPUTS+=("$out")
	# Three times the limit without a read: the client must still be there.
	run ! timeout 0.6 tail --pid="$client" -f /dev/null
	cmp - "$DATA" <&"$out"
	await_end "$client"
}

@test "a reset while the last acknowledgement is waited for is a loss that is told" {
	serve listen --no-read --option rcvbuf=4k 127.0.0.1:0
	local client pid=$PID
	# All of it fits into the send buffer, and the peer's FIN is there already.
	head -c 60000 "$DATA" >"$BATS_TEST_TMPDIR/60k"
	"${NS[@]}" "$SOCKCTL" connect "$ADDR" <"$BATS_TEST_TMPDIR/60k" >/dev/null 2>"$BATS_TEST_TMPDIR/client" 3>&- &
	client=$!
	PIDS+=("$client")
	both_ended() {
		has_state last-ack "$PORT" peer || has_state closing "$PORT" peer
	}
	until_true both_ended
	kill -KILL "$pid"
	await_end "$client" 1
	run cat "$BATS_TEST_TMPDIR/client"
	assert_output --regexp 'the peer reset the connection.*[0-9]+ not sent or never acknowledged'
}

@test "idle limit and deadlines say which passed, exit 4" {
	serve listen --no-accept 127.0.0.1:0
	sockctl connect -I 100ms "$ADDR" </dev/null
	assert_refused 4 "idle limit .-I, --idle. passed"
	sockctl listen -T 100ms 127.0.0.1:0
	assert_refused 4 "nobody connected within 0.1 s .the deadline of --timeout."
}

@test "--send-only and --recv-only go one way" {
	INPUT=$DATA serve listen --send-only 127.0.0.1:0
	"$SOCKCTL" connect --recv-only "$ADDR" <"$DATA" | cmp - "$DATA"
	served
	assert_equal "$status" 0
	refute test -s "$SERVED"
}

@test "the TCP report tells who closed first" {
	serve listen -k --reply x 127.0.0.1:0
	sockctl connect --send y --report --info "$ADDR"
	assert_equal "$status" 0
	assert_contains "$stderr" "we closed first"
	assert_contains "$stderr" "rtt "
	assert_contains "$stderr" "retransmits 0"
}

@test "--info counts bytes of data, no SYN and no FIN, on both sides" {
	INPUT=$DATA serve listen --info 127.0.0.1:0
	in_ns "$SOCKCTL" connect --info --json "$ADDR" <"$DATA" >/dev/null 2>"$BATS_TEST_TMPDIR/events"
	served
	run jq -rs --argjson n "$(stat -c %s "$DATA")" \
		'map(select(.type == "closed"))[0] | .tcp | .acked_bytes == $n and .received_bytes == $n' "$BATS_TEST_TMPDIR/events"
	assert_output true
	assert_contains "$stderr" "acked $(stat -c %s "$DATA") bytes, received $(stat -c %s "$DATA") bytes"
	# A peer that goes on: its FIN has not come, ours was not sent.
	serve listen -k --no-close 127.0.0.1:0
	sockctl connect --info --send hello --hold 50ms "$ADDR"
	assert_contains "$stderr" "acked 5 bytes, received 0 bytes"
}

@test "--info over MPTCP tells of the first subflow, or nothing" {
	in_ns sysctl -qw net.mptcp.enabled=1 2>/dev/null || skip 'this kernel has no MPTCP'
	local i
	serve listen -k mptcp:127.0.0.1:0
	for i in {1..20}; do
		sockctl connect --info --send hello "$ADDR"
		assert_equal "$status" 0
		[[ -z $stderr || $stderr == *"acked 5 bytes, received 0 bytes"* ]] || fail "$stderr"
	done
}

@test "--delay of an echo: each answer leaves its time after its request, of a quick peer too" {
	local began last ms line peer n
	serve echo --delay 120ms 127.0.0.1:0
	exec {peer}<>"/dev/tcp/127.0.0.1/$PORT"
	for n in {1..5}; do
		began=$(date +%s%3N)
		printf '%s\n' "$n" >&"$peer"
		read -r -t "$READY_WITHIN" line <&"$peer"
		ms=$(($(date +%s%3N) - began))
		assert_equal "$line" "$n"
		assert_int "ms >= 120"
	done
	exec {peer}>&-
	# What comes meanwhile has its own time, and these do not add up.
	serve echo --delay 3s 127.0.0.1:0
	exec {peer}<>"/dev/tcp/127.0.0.1/$PORT"
	began=$(date +%s)
	for n in {1..60}; do
		last=$(date +%s%3N)
		printf '%s\n' "$n" >&"$peer"
	done
	for n in {1..60}; do
		read -r -t "$READY_WITHIN" line <&"$peer"
		assert_equal "$line" "$n"
	done
	assert_int "$(($(date +%s%3N) - last)) >= 3000"
	assert_int "$(($(date +%s) - began)) < 60"
	exec {peer}>&-
	# More than is kept comes back whole, and what is not sent yet is not lost.
	make_data "$BATS_TEST_TMPDIR/data" 3M
	serve echo --delay 50ms 127.0.0.1:0
	socat -t 30 - "TCP:$ADDR" <"$BATS_TEST_TMPDIR/data" | cmp - "$BATS_TEST_TMPDIR/data"
}
