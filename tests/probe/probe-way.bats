#!/usr/bin/env bats
# What is wrong on the way: routers that send packets in a circle, an interface without carrier.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe

# Two routers, each of which has its way to 192.0.2.0/24 and fd97::/64 through the other.
circle() {
	routed
	on_target sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	in_ns ip route add 192.0.2.0/24 via $V4
	in_ns ip -6 route add fd97::/64 via $V6
	on_server ip route add 192.0.2.0/24 via $TARGET4
	on_server ip -6 route add fd97::/64 via $TARGET6
}

@test "a routing loop is told as one where the TTL is the host's own" {
	circle
	assert_outcome 1 unreachable 'time to live exceeded .*; the TTL of 64 was used up on the way: a routing loop' 192.0.2.1:80
	assert_equal "$(attempt .sent_ttl)" 64
	assert_outcome 1 unreachable 'hop limit exceeded .*; the TTL of 64 was used up on the way: a routing loop' '[fd97::1]:80'
	assert_outcome 1 unreachable 'the TTL of 64 was used up on the way: a routing loop' udp:192.0.2.1:80
	# connect says the same.
	local to
	for to in 192.0.2.1:80 '[fd97::1]:80'; do
		sockctl connect --json "$to" </dev/null
		assert_status 1
		assert_json_in "$stderr" 'map(select(.causes) | .causes[0]) | .[0] | .id == "unreachable"
			and (.summary | test("exceeded .*; the TTL of 64 was used up on the way: a routing loop \\(.probe --hops. shows"))'
	done
	# Of datagrams it ends nothing, and is told if none is answered.
	for to in udp:192.0.2.1:80 'udp:[fd97::1]:80'; do
		sockctl connect --json --send x -I 300ms "$to"
		assert_status 4
		assert_json_in "$stderr" 'map(select(.causes) | .causes[0]) | length == 1 and (.[0] | .id == "unreachable"
			and (.summary | test("exceeded .*; the TTL of 64 was used up on the way: a routing loop")))'
	done
	sockctl connect --option ttl=1 $TARGET4:80 </dev/null
	assert_status 1
	assert_regex "$stderr" 'exceeded .* from 10.99.0.2; the TTL of 1 was used up on the way$'
	sockctl connect $TARGET4:80 </dev/null
	refute_contains "$stderr" TTL exceeded
	# A TTL that was asked for is used up on a way that is in order.
	assert_outcome 1 unreachable 'the TTL of 1 was used up on the way$' --ttl 1 $TARGET4:80
	assert_outcome 1 refused RST $TARGET4:80
	assert_equal "$(attempt .sent_ttl)" null
}

@test "--hops sees the routers of a loop again, and none on a way that is in order" {
	circle
	probe --hops 192.0.2.1:80
	assert_regex "$output" 'a routing loop: (10.99.0.2|10.98.0.2) is met at hops [0-9]+, [0-9]+ and [0-9]+'
	probe --hops '[fd97::1]:80'
	assert_regex "$output" 'a routing loop: fd9[89]::2 is met at hops [0-9]+, [0-9]+ and [0-9]+'
	probe --json --hops 192.0.2.1:80
	assert_valid
	assert_json 'map(select(.ttl <= 4 and .type == "hop")) | map(.seen_at_ttl) == [null, null, 1, 2]'
	probe --hops $TARGET4:80
	refute_contains "$output" loop
	probe --json --hops $TARGET4:80
	assert_json 'map(select(.type == "hop" and has("seen_at_ttl"))) == []'
}

@test "a neighbour that does not answer is named with the interface it was asked for on" {
	link
	assert_outcome 1 unreachable "no neighbour answers on up0 \(ARP failed after .*\): the host is down, or not on this link" -T 1500ms $NOBODY:80
	assert_equal "$(attempt '"\(.silent_hop) \(.silent_interface) \(.no_carrier)"')" "$NOBODY up0 null"
	run --separate-stderr in_ns "$SOCKCTL" connect $NOBODY:80 </dev/null
	assert_status 1
	assert_regex "$stderr" 'no neighbour answers on up0 \(ARP failed\): the host is down, or not on this link'
	on_server ip link set down0 down
	assert_outcome 1 unreachable 'the interface towards it, up0, has no carrier' -T 500ms $V4:80
	assert_equal "$(attempt '"\(.silent_interface) \(.no_carrier)"')" 'up0 true'
	assert_outcome 1 unreachable 'the interface towards it, up0, has no carrier' -T 500ms udp:$V4:80
	probe -T 5s $V4:80
	assert_status 1
	assert_regex "$output" 'unreachable .*the interface towards it, up0, has no carrier'
	run --separate-stderr in_ns "$SOCKCTL" connect -T 500ms $V4:80 </dev/null
	assert_status 4
	assert_regex "$stderr" 'the interface towards it, up0, has no carrier'
	on_server ip link set down0 up
	probe --wait "${READY_WITHIN}s" --down $V4:80
	assert_outcome 1 refused RST $V4:80
}

@test "a route over an interface without carrier, where no neighbour is asked" {
	link
	in_ns ip tuntap add mode tun name line0
	in_ns ip link set line0 up
	in_ns ip address add 10.97.0.1/24 dev line0
	in_ns ip -6 address add fd97::1/64 dev line0 nodad
	local to
	for to in 10.97.0.9:7001 '[fd97::9]:7001' udp:10.97.0.9:7001; do
		assert_outcome 1 unreachable '^the interface towards it, line0, has no carrier' -T 300ms "$to"
		assert_equal "$(attempt '"\(.silent_interface) \(.no_carrier)"')" 'line0 true'
	done
	run --separate-stderr in_ns "$SOCKCTL" connect -T 300ms 10.97.0.9:7001 </dev/null
	assert_status 4
	assert_regex "$stderr" 'the interface towards it, line0, has no carrier'
	# Whoever drops what a line with carrier takes is not known.
	nft_rule output ip daddr $V4 tcp dport 7001 drop
	assert_outcome 4 filtered 'no answer' -T 300ms $V4:7001
	assert_equal "$(attempt .no_carrier)" null
}

# The kernel marks routes a while after the carrier is gone.
ignored_by_now() {
	! in_ns ip route get $V4 &>/dev/null && ! in_ns ip -6 route get $V6 &>/dev/null
}

@test "a route that is ignored, since its interface has no carrier" {
	link
	on_server ip link set down0 down
	in_ns sysctl -qw net.ipv4.conf.up0.ignore_routes_with_linkdown=1 \
		net.ipv6.conf.up0.ignore_routes_with_linkdown=1
	in_ns ip route add 192.0.2.0/24 via $V4
	until_true ignored_by_now
	local to ignored='^no route from this host \(ENETUNREACH\): the one over up0 is ignored, because this interface has no carrier'
	for to in $V4:7001 192.0.2.1:7001 "[$V6]:7001" udp:$V4:7001; do
		assert_outcome 1 unreachable "$ignored" -T 300ms "$to"
		run --separate-stderr in_ns "$SOCKCTL" connect --json -T 300ms --send x "$to" </dev/null
		assert_status 1
		assert_json_in "$stderr" 'map(select(.causes)) | .[0].summary | test($re)' --arg re "$ignored"
	done
	# Where none leads there, none is ignored.
	assert_outcome 1 unreachable '^no route from this host \(ENETUNREACH\)$' 198.51.100.1:7001
	on_server ip link set down0 up
	probe --wait "${READY_WITHIN}s" --down $V4:7001
	assert_outcome 1 refused RST $V4:7001
}
