#!/usr/bin/env bats
# What becomes of a connection when the command of --exec or --sh has ended.

load ../lib/helpers
load ../lib/endpoint

setup() {
	netns
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/request"
}

# RSTs that this network has sent.
resets() {
	in_ns awk '/^Tcp:/ { if (n) print $at; else for (i = 1; i <= NF; i++) if ($i == "OutRsts") at = i; n++ }' /proc/net/snmp
}

# Sends the request and prints the answer, with the peer's own exit code.
ask() { # PROGRAM ARG...
	run --separate-stderr in_ns timeout "$READY_WITHIN" "$@" <"$BATS_TEST_TMPDIR/request"
	assert_status 0
	assert_equal "$output" answer
}

# Connects with a receive buffer that holds little of an answer, and does what CODE says.
narrow_peer() { # CODE
	run in_ns timeout "$READY_WITHIN" python3 -c "import socket, struct, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(('127.0.0.1', int(sys.argv[1])))
$1" "$PORT"
}

@test "a command that answers without reading: the peer has the answer, and no reset" {
	serve listen -k --exec 'echo answer' 127.0.0.1:0
	ask nc -N 127.0.0.1 "$PORT"
	ask ncat 127.0.0.1 "$PORT"
	ask "$SOCKCTL" connect "$ADDR"
	end_served
	assert_equal "$(resets)" 0
}

@test "a unix peer has the answer of a command that does not read, too" {
	serve listen -k --sh 'echo answer' "unix:$BATS_TEST_TMPDIR/s"
	ask nc -N -U "$BATS_TEST_TMPDIR/s"
	ask "$SOCKCTL" connect "$ADDR"
	end_served
}

@test "answer bytes that the peer never took are counted, and the exit code is 1" {
	serve listen --sh 'head -c 150000 /dev/zero' 127.0.0.1:0
	# Until the listener has ended.
	narrow_peer 'sys.stdin.read()' < <(tail -f --pid="$PID" /dev/null)
	served
	assert_equal "$status" 1
	assert_regex "$stderr" '[1-9][0-9]{4,5} bytes of the command.s answer were not acknowledged: the peer has taken none for 2 s'
}

@test "a peer that resets the connection before it has read the answer: what it never acknowledged is counted" {
	serve listen --sh 'head -c 150000 /dev/zero; read x' 127.0.0.1:0
	narrow_peer 's.recv(100)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()'
	assert_equal "$status" 0
	served
	assert_equal "$status" 1
	assert_regex "$stderr" 'the peer reset the connection: [1-9][0-9]+ bytes of the command.s answer were never acknowledged'
}

@test "a process that the command left behind keeps the connection" {
	local client server
	mkfifo "$BATS_TEST_TMPDIR/go"
	serve listen -k --sh "exec 3<&0; { read x <'$BATS_TEST_TMPDIR/go'; echo late >&3; } & echo early" 127.0.0.1:0
	server=$PID
	spawn "${NS[@]}" sh -c 'exec "$0" connect --recv-only "$1" >"$2"' "$SOCKCTL" "$ADDR" "$BATS_TEST_TMPDIR/answer"
	client=$PID
	PID=$server
	until_true grep -qs early "$BATS_TEST_TMPDIR/answer"
	echo >"$BATS_TEST_TMPDIR/go"
	await_end "$client" 0
	assert_equal "$(<"$BATS_TEST_TMPDIR/answer")" $'early\nlate'
	end_served
}
