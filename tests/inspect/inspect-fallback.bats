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
