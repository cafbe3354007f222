#!/usr/bin/env bats
# Options of running programs' sockets, read from their owners' descriptors.

load ../lib/helpers

@test "options of a listener are columns, filters and JSON keys" {
	netns
	mk listen:port=8080,reuseaddr,keepalive=77,defer=30 listen:label=plain,port=8081
	inspect -l -H -o local_port,reuseaddr,reuseport,keepalive,keepidle --sort local_port
	assert_clean
	assert_line --index 0 --regexp '^ *8080 +yes +no +yes +77\.000s$'
	assert_line --index 1 --regexp '^ *8081 +no +no +no +7200\.000s$'
	inspect --json -l -o +sockopts 'keepalive and keepidle = 77s'
	assert_clean
	assert_equal "$(jq -s 'map(select(.type != "note")) | length' <<<"$output")" 2
	run jq -s -c 'map(select(.type == "socket"))[0] | [.local_port, .reuseaddr, .keepidle_ms, .defer_accept_ms > 0, .linger, .linger_time_ms, .nonblock]' <<<"$output"
	assert_output '[8080,true,77000,true,false,null,false]'
}

@test "who may not be looked into has no options, and a filter takes that for no" {
	skip_unless_root "another user must look"
	netns
	mk listen:port=8080,reuseaddr
	sockctl_as_user inspect -l -H -o local_port,reuseaddr
	assert_line --regexp '^ *8080 +-$'
	sockctl_as_user inspect -l -H --no-findings 'not reuseaddr or reuseaddr'
	assert_output --partial 8080
	# Nothing is shown, but that is no answer.
	sockctl_as_user inspect -l -H --no-findings 'reuseaddr'
	assert_refused 3 'may not be read: whether a socket of it matches is unknown'
	sockctl_as_user inspect -l -H --no-findings 'reuseaddr and sport = 1'
	assert_equal "$status" 1
}

@test "ownerless rows have none, unix sockets have theirs" {
	netns
	mk time_wait:port=8080 unix_listen:abstract=x
	inspect --json -o reuseaddr state = time-wait
	assert_equal "$(jq -s -c '.[0].reuseaddr' <<<"$output")" null
	inspect -x --json -o +passcred,sndbuf_opt,nodelay -l
	assert_equal "$(jq -s -c '.[0] | [.passcred, (.sndbuf_opt_bytes > 0), .nodelay]' <<<"$output")" '[false,true,null]'
}

@test "only the rows that are left are looked into" {
	command -v strace >/dev/null || skip "strace is not installed"
	netns
	mk listen:port=8080 listen:label=other,port=8081
	run in_ns "${STRACE[@]}" -f -e trace=pidfd_getfd "$SOCKCTL" inspect -l -o +reuseaddr 'process = mksock and sport = :8080'
	assert_equal "$(grep -c pidfd_getfd <<<"$output")" 1
	run in_ns "${STRACE[@]}" -f -e trace=pidfd_getfd "$SOCKCTL" inspect -l
	refute_output --partial pidfd_getfd
}
