#!/usr/bin/env bats
# Socket activation with more than one socket: all of them are served.

load ../lib/helpers
load ../lib/endpoint

# The addresses of an inherited set, in ADDRS.
serve_all() { # KINDS N ARGS...
	local real=$SOCKCTL line
	local SOCKCTL=$TOP/tests/lib/activate
	serve "$1" "$2" self "$real" "${@:3}"
	ADDRS=("$ADDR")
	while ((${#ADDRS[@]} < $2)); do
		IFS= read -r -t "$READY_WITHIN" -u "$ERRS" line
		[[ $line == "listening on "* ]] || fail "$line"
		ADDRS+=("${line#listening on }")
	done
}

@test "fd: serves every socket of LISTEN_FDS: IPv4, IPv6 and unix, with one limit of peers" {
	local at
	serve_all "tcp,tcp6,unix:$BATS_TEST_TMPDIR/s,tcp" 4 listen --max 6 --reply hi --port-file "$BATS_TEST_TMPDIR/port" fd:
	assert_equal "$(<"$BATS_TEST_TMPDIR/port")" "$(printf '%s\n' "${ADDRS[@]}")"
	for at in "${ADDRS[@]}" "${ADDRS[3]}" "${ADDRS[1]}"; do
		sockctl connect --send x "$at"
		assert_output hi
	done
	served
	assert_equal "$status" 0
	for at in "${ADDRS[@]}"; do
		sockctl connect --send x "$at"
		assert_equal "$status" 1
	done
}

@test "fd: with several sockets runs commands, echoes, and ends with its one peer" {
	local at
	serve_all "tcp,unix:$BATS_TEST_TMPDIR/s" 2 listen -k --sh 'echo ok' fd:
	for at in "${ADDRS[@]}"; do
		assert_regex "$("$SOCKCTL" connect "$at" </dev/null)" 'ok$'
	done
	end_served
	serve_all tcp,tcp6 2 echo fd:
	for at in "${ADDRS[@]}"; do
		assert_equal "$("$SOCKCTL" connect --send "$at" "$at")" "$at"
	done
	end_served
	serve_all tcp,tcp 2 listen --send once fd:
	sockctl connect "${ADDRS[1]}" </dev/null
	assert_output once
	served
	assert_equal "$status" 0
}

@test "systemd-socket-activate hands two sockets over, and both are served" {
	command -v systemd-socket-activate >/dev/null || skip "no systemd-socket-activate"
	spawn systemd-socket-activate "--listen=$BATS_TEST_TMPDIR/a" "--listen=$BATS_TEST_TMPDIR/b" "$SOCKCTL" listen --max 2 --reply hi fd:
	until_true test -S "$BATS_TEST_TMPDIR/b"
	assert_equal "$("$SOCKCTL" connect --send x "unix:$BATS_TEST_TMPDIR/b")" hi
	assert_equal "$(printf x | socat -t 30 - "UNIX:$BATS_TEST_TMPDIR/a")" hi
	await_end "$PID"
}

@test "sockets that cannot be served together are named" {
	run --separate-stderr "$TOP/tests/lib/activate" tcp,udp 2 self "$SOCKCTL" listen -k fd:
	assert_refused 3 "descriptors 3 and 4: sockets of tcp and of udp are not served together"
	assert_contains "$stderr" "fd:3 and fd:4 name one of them each"
	run --separate-stderr "$TOP/tests/lib/activate" tcp,bound 2 self "$SOCKCTL" listen -k fd:
	assert_refused 3 "descriptor 4 is a socket, but it does not listen"
	run --separate-stderr "$TOP/tests/lib/activate" tcp,tcp 2 self "$SOCKCTL" echo --threads 2 fd:
	assert_refused 2 "2 sockets were handed over, one thread serves them"
}
