#!/usr/bin/env bats
# inspect --bindable: each cause is produced for real, named with its culprit, and told apart.

load lib/helpers

bindable() { # EXIT [OPTION]... ADDR
	local code=$1
	shift
	inspect --json --bindable "${@: -1}" "${@:1:$#-1}"
	((status == code)) || fail "exit $status, not $code: $output $stderr"
}

# The ids of the causes, in order.
ids() {
	jq -r '[.causes[].id] | join(" ")' <<<"$output"
}

verdict() {
	jq -r '.bindable' <<<"$output"
}

culprit() {
	jq -r '.causes[0].processes[0] | "\(.pid) \(.fd)"' <<<"$output"
}

# The text, without what is said about other namespaces of this machine.
said() { # OPTION...
	inspect "$@"
	output=$(grep -v '^  note: ' <<<"$output")
	mapfile -t lines <<<"$output"
}

@test "a free port can be bound" {
	netns
	bindable 0 127.0.0.1:8080
	assert_equal "$(verdict) $(ids)" "true "
	said --bindable 127.0.0.1:8080
	assert_output "yes: 127.0.0.1:8080 can be bound"
}

@test "listener: another one has the address" {
	netns
	mk listen:port=8080
	bindable 1 127.0.0.1:8080
	assert_equal "$(ids)" listener
	assert_equal "$(culprit)" "${F[listen.listener.pid]} ${F[listen.listener.fd]}"
	said --bindable 127.0.0.1:8080
	assert_line --index 0 "no: 127.0.0.1:8080 cannot be bound"
	assert_line --index 1 --regexp '^  listener  mksock\[[0-9]+\] fd [0-9]+ listens on 127\.0\.0\.1:8080, up for '
	assert_line --index 2 --regexp '^next: stop mksock\[[0-9]+\]'
}

@test "remnant: TIME_WAIT of a server that is gone, and what SO_REUSEADDR does about it" {
	netns
	mk time_wait:server,port=8080
	bindable 1 127.0.0.1:8080
	assert_equal "$(ids)" remnant
	bindable 3 --reuseaddr 127.0.0.1:8080
	assert_equal "$(verdict) $(ids)" "null remnant"
	bindable 1 --reuseaddr --try 127.0.0.1:8080
	assert_equal "$(ids)" remnant
}

@test "children: connections that outlive their listener" {
	netns
	mk established:port=8080
	bindable 1 127.0.0.1:8080
	assert_equal "$(ids)" children
	assert_equal "$(culprit)" "${F[established.server0.pid]} ${F[established.server0.fd]}"
}

# A real bind() is the referee: in a process namespace of its own, so that the look for
# owners is short.
matrix() { # WHAT
	netns
	in_ns sysctl -qw net.ipv4.ip_local_port_range="40000 49999"
	run in_ns unshare --pid --fork --mount-proc "${MKSOCK%/*}/bindmatrix" "$SOCKCTL" "$1"
	assert_success
	assert_line --regexp "^$1: [0-9]+ combinations, 0 wrong, "
}

@test "the verdict is bind()'s, for TCP holders in every state" {
	skip_unless_root "another process namespace is needed"
	matrix states
}

@test "the verdict is bind()'s, for every pair of addresses" {
	skip_unless_root "another process namespace is needed"
	matrix addresses
}

@test "the verdict is bind()'s, for users" {
	skip_unless_root "holders of other users are needed"
	matrix users
}

@test "the verdict is bind()'s, for UDP" {
	skip_unless_root "another process namespace is needed"
	matrix udp
}
