#!/usr/bin/env bats
# Every system call that an endpoint makes fails in turn (tests/lib/faults): nothing hangs,
# nothing crashes, nothing is lost in silence, every descriptor is closed.

load lib/helpers
load lib/endpoint

setup() {
	strace -o /dev/null -e inject=getppid:error=EINTR true 2>/dev/null ||
		skip "strace cannot trace here"
}

faults() {
	run "$TOP/tests/lib/faults" "$@"
	((status == 0)) || {
		echo "$output" >&2
		return 1
	}
	[[ $output =~ :\ ([0-9]+)\ faults\ in\ ([0-9]+)\ calls,\ 0\ bad ]]
	# Fewer would mean that the calls were not found.
	((BASH_REMATCH[1] >= 60 && BASH_REMATCH[2] >= 12))
}

@test "connect over pipes" {
	faults connect-pipes
}

@test "connect over files, with options and a report" {
	faults connect-files
}

@test "connect to a name, from a source address" {
	faults connect-name
}

@test "connect over unix seqpacket" {
	faults connect-seqpacket
}

@test "connect over UDP" {
	faults connect-udp
}

@test "listen over pipes, with a port file" {
	faults listen-pipes
}

@test "listen over files" {
	faults listen-files
}

@test "listen on a unix path that is stale" {
	faults listen-unix
}

@test "listen --keep, three peers at once, a file each" {
	faults listen-keep
}

@test "listen over UDP, with a reply" {
	faults listen-udp
}

@test "listen --exec" {
	faults listen-exec
}

@test "echo, three connections" {
	faults echo-server
}

@test "echo --threads, nine connections" {
	faults echo-threads
}

@test "echo over UDP" {
	faults echo-udp
}

@test "echo --client" {
	faults echo-client-tcp
}

@test "told to end while it fails: it still says why" {
	spawn bash -c 'exec strace -D -qq -o /dev/null -e trace=epoll_wait \
		-e inject=epoll_wait:error=ENOMEM:delay_exit=1000000:when=1 \
		"$1" listen --port-file "$2" 127.0.0.1:0 </dev/null 2>"$3"' - \
		"$SOCKCTL" "$BATS_TEST_TMPDIR/port" "$BATS_TEST_TMPDIR/err"
	until_true test -s "$BATS_TEST_TMPDIR/port"
	kill -TERM "$PID"
	status=0
	await_end "$PID" || status=$?
	assert_equal "$status" 143
	run cat "$BATS_TEST_TMPDIR/err"
	assert_output --partial "wait for events: Cannot allocate memory"
}
