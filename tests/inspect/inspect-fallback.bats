#!/usr/bin/env bats
# A kernel or a sandbox without sock_diag: /proc/net instead, and a word on what it lacks.
# The kernel's refusal is strace's: socket() fails as it does there.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/inspect

# inspect where NETLINK_SOCK_DIAG does not exist.
without_sock_diag() { # ERRNO ARGUMENT...
	local errno=$1
	shift
	command -v strace >/dev/null || skip "strace is not installed"
	run --separate-stderr in_ns "${STRACE[@]}" -o /dev/null \
		-e trace=socket -e "inject=socket:error=$errno:when=1" "$SOCKCTL" inspect "$@"
}

@test "sockets, states, queues and owners come from /proc/net" {
	netns
	mk listen:port=8080,queued=2 close_wait:unread=10 time_wait udp:port=5353 \
		unix_listen:abstract=gone
	without_sock_diag EPROTONOSUPPORT --json -tuxp
	assert_success
	run jq -s -c '[.[] | select(.type == "socket" and .local_port == 8080 and .state == "LISTEN")
		| [.accept_queue, .accept_queue_limit, .accept_queue_full, .processes[0].pid]]' <<<"$output"
	assert_output "[[2,null,null,${F[listen.listener.pid]}]]"
}

@test "what is missing is told, and the answer is complete for all that" {
	netns
	mk listen:port=8080 close_wait:unread=10
	without_sock_diag EPROTONOSUPPORT --no-findings --state close-wait,listen
	assert_success
	assert_line --regexp '^LISTEN +127\.0\.0\.1:8080 +\* +0/\?'
	assert_line --regexp '^CLOSE_WAIT .* +10 +0$'
	assert_contains "$stderr" 'no sock_diag' 'backlog limits'
	without_sock_diag ENOENT --json
	assert_success
	assert_equal "$(jq -r 'select(.type == "note").id' <<<"$output")" no-sock-diag
	assert_equal "$(jq -r 'select(.type == "end").complete' <<<"$output")" true
}

@test "whoever asks for findings is told that a full queue would not be seen" {
	netns
	mk listen:port=8080,backlog=2,queued=3
	without_sock_diag EPROTONOSUPPORT --findings
	assert_equal "$status" 3
	assert_contains "$stderr" 'the backlog limits of 1 listener are not known'
	without_sock_diag EPROTONOSUPPORT --findings --json
	assert_equal "$status" 3
	assert_equal "$(jq -r 'select(.type == "end").complete' <<<"$output")" false
	# Unasked, or of what has no backlog, nothing is missing.
	without_sock_diag EPROTONOSUPPORT -q
	assert_success
	without_sock_diag EPROTONOSUPPORT --findings -q --state established --allow-empty
	assert_success
	inspect --findings -q
	assert_success
}

@test "filters choose the same rows as with sock_diag" {
	netns
	mk listen:port=8080,queued=1 established:family=6 time_wait
	local expression with
	for expression in 'sport = :8080' 'state time-wait' 'dst ::1' 'not state listen'; do
		run in_ns "$SOCKCTL" inspect --no-findings -H -o state,local,peer "$expression"
		with=$(sort <<<"$output")
		without_sock_diag EPROTONOSUPPORT --no-findings -H -o state,local,peer "$expression"
		assert_success
		assert_equal "$(sort <<<"$output")" "$with"
	done
}

@test "a sandbox that refuses the netlink socket is one without sock_diag, and said to be a sandbox" {
	netns
	mk listen:port=8080,queued=2 udp:port=5353
	local errno
	for errno in EPERM EACCES EAFNOSUPPORT; do
		without_sock_diag "$errno" --json -tup
		assert_success
		assert_json '[.[] | select(.type == "socket")] | length > 1 and all(.[]; .cookie == null)'
		assert_json '[.[] | select(.local_port == 8080 and .state == "LISTEN")] | length == 1 and .[0].accept_queue == 2'
		if [[ $errno == EAFNOSUPPORT ]]; then
			assert_contains "$stderr" 'this kernel has no sock_diag'
		else
			assert_contains "$stderr" 'refused here, by a sandbox'
		fi
	done
}

@test "datagrams that a UDP socket dropped are known without sock_diag" {
	netns
	spawn "${NS[@]}" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
s.bind(("127.0.0.1", 5300))
for i in range(50):
    s.sendto(b"x" * 1000, ("127.0.0.1", 5300))
print("ready", flush=True)
sys.stdin.read()'
	await_line '^ready$'
	in_ns "$SOCKCTL" inspect --json -u -o +drops >"$BATS_TEST_TMPDIR/with"
	local drops
	drops=$(jq 'select(.local_port == 5300).drops' "$BATS_TEST_TMPDIR/with")
	assert_int 'drops > 0'
	without_sock_diag EPERM --json -u -o +drops
	assert_equal "$(jq 'select(.local_port == 5300).drops' <<<"$output")" "$drops"
	without_sock_diag EPERM --no-findings -u --fail-drops
	assert_equal "$status" 1
}

@test "rows that the name of a unix socket forges are seen, and none is dropped" {
	netns
	mk unix_listen:abstract=honest
	without_sock_diag EPERM --json -x
	assert_success
	assert_json 'all(.[] | select(.type == "socket"); has("may_be_forged") | not)'
	spawn "${NS[@]}" python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
os.chdir(sys.argv[1])
s.bind("a\n0000000000000000: 00000002 00000000 00010000 0001 01 4242 @fake")
s.listen()
print("ready", flush=True)
sys.stdin.read()' "$BATS_TEST_TMPDIR"
	await_line '^ready$'
	without_sock_diag EPERM --json -x
	assert_equal "$status" 3
	assert_json '[.[] | select(.type == "socket")] | length == 3 and all(.[]; .may_be_forged)'
	assert_json '.[] | select(.type == "note" and .id == "unix-rows-forged") | true'
	assert_json '.[-1].complete == false'
	without_sock_diag EPERM --no-findings -x
	assert_line --partial '@honest:(may:be:forged)'
	# The kernel itself says each name as it is.
	run in_ns "$SOCKCTL" inspect --json -x
	assert_equal "$(count_rows)" 2
	assert_equal "$(jq -s 'map(select(has("may_be_forged"))) | length' <<<"$output")" 0
}
