#!/usr/bin/env bats
# What a server can take, and the way to it.

load lib/helpers
load lib/probe

@test "the backlog of a server that does not accept, exactly, with cookies or without" {
	local cookies
	for cookies in 0 1 2; do
		netns
		in_ns sysctl -qw net.ipv4.tcp_syncookies=$cookies
		mk listen:addr=127.0.0.1,port=80,backlog=8
		probe --measure-backlog --json 127.0.0.1:80
		assert_valid
		jq -e '.type == "backlog" and .held == 9 and .full and .accept_queue_limit == 8
			and .accept_queue == 0 and .accepts_per_second == 0' <<<"$output"
		reap
	done
}

@test "the same over a link: ghosts are not counted" {
	link
	server_mk listen:addr=$V4,port=80,backlog=16
	probe --measure-backlog $V4:80
	assert_refused 2 'not of this host'
	probe --measure-backlog --yes $V4:80
	assert_success
	assert_output --partial 'holds 17 connections: a backlog of 16'
}

@test "a server that accepts has no end, a ceiling is kept" {
	netns
	peer silent 127.0.0.1 80
	probe --measure-backlog --max 100 --json 127.0.0.1:80
	jq -e '.held == 100 and (.full | not) and .ghosts == 0' <<<"$output"
}

@test "measuring leaves no connection and no orphan of ours behind" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=4
	probe -q --measure-backlog 127.0.0.1:80
	inspect --count --no-findings 'dport = :80'
	assert_output 0
}

@test "a closed port has no backlog" {
	netns
	probe --measure-backlog 127.0.0.1:80
	[[ $status == 1 ]]
	assert_output --partial 'refuses connections'
}

@test "hops: routers by their addresses, without privilege, up to the target" {
	link
	# A router between the two is the server's namespace, the target behind it a third.
	second_netns
	enter "$PID"
	local target=("${ENTER[@]}") pid=$PID
	on_server ip link add mid type veth peer name end netns "$pid"
	on_server ip addr add 10.98.0.1/24 dev mid
	on_server ip link set mid up
	"${target[@]}" ip addr add 10.98.0.2/24 dev end
	"${target[@]}" ip link set end up
	"${target[@]}" ip route add default via 10.98.0.1
	on_server sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
	in_ns ip route add 10.98.0.0/24 via $V4
	sockctl_as_user probe --hops --json 10.98.0.2:80
	[[ $status == 1 ]]
	assert_valid
	[[ $(jq -rs 'map("\(.ttl) \(.addr) \(.outcome)") | join(",")' <<<"$output") == "1 $V4 unreachable,2 10.98.0.2 refused" ]]
	probe --hops 10.98.0.2:80
	assert_line --regexp "^ 1  $V4 "
	assert_line --regexp '^ 2  10.98.0.2 +refused  RST'
}
