#!/usr/bin/env bats
# IPv6 that is disabled, in part or altogether, is that: no want of ports.

load ../lib/helpers
load ../lib/probe

off() { # INTERFACE
	in_ns sysctl -qw "net.ipv6.conf.$1.disable_ipv6=1"
}

connect_cause() { # ADDRESS: its id
	sockctl connect --json "$1" </dev/null
	jq -rs 'map(select(.causes) | .causes[].id) | join(" ")' <<<"$stderr"
}

@test "IPv6 that is disabled everywhere is unreachable, with the setting" {
	link
	off all
	local all='IPv6 is disabled on every interface that leads elsewhere \(net.ipv6.conf.all.disable_ipv6 is 1\)'
	assert_outcome 1 unreachable "$all" "[$V6]:80"
	assert_equal "$(attempt .errno)" EADDRNOTAVAIL
	assert_outcome 1 unreachable "$all" '[2001:db8::1]:80'
	assert_outcome 1 unreachable "$all" "udp:[$V6]:53"
	assert_outcome 1 unreachable 'IPv6 is disabled on lo \(net.ipv6.conf.lo.disable_ipv6 is 1\)' '[::1]:80'
	assert_outcome 1 unreachable 'IPv6 is disabled on up0 \(net.ipv6.conf.up0.disable_ipv6 is 1\)' '[fe80::1%up0]:80'
	assert_equal "$(connect_cause "[$V6]:80")" ipv6-disabled
	assert_equal "$(connect_cause '[::1]:80')" ipv6-disabled
	probe --measure-backlog '[::1]:80'
	assert_refused 1 '\[::1\]:80 is unreachable: IPv6 is disabled on lo \(net.ipv6.conf.lo.disable_ipv6 is 1\) \(EADDRNOTAVAIL\)'
	probe --measure-backlog --yes "[$V6]:80"
	assert_refused 1 "is unreachable: $all"
	probe --measure-backlog --yes 192.0.2.1:80
	assert_refused 1 'is unreachable: no route from this host \(ENETUNREACH\)'
	# A name has another family, which is no worse for it.
	server_mk listen:addr=$V4,port=80,backlog=64
	assert_outcome 0 open rtt $V4:80
	probe --json "[$V6]:1-100"
	assert_status 1
	assert_equal "$(outcomes)" '{"unreachable":100}'
	probe --json "udp:[$V6]:1-40"
	assert_equal "$(outcomes)" '{"unreachable":40}'
	if is_root; then
		probe --json --syn "[$V6]:1-100"
		assert_equal "$(outcomes)" '{"unreachable":100}'
	fi
	probe --closed "[$V6]:1-20"
	assert_line --regexp 'IPv6 is disabled on every interface'
}

@test "IPv6 that is disabled on one interface says nothing of another" {
	link
	off up0
	assert_outcome 1 refused . '[::1]:80'
	assert_outcome 1 unreachable 'IPv6 is disabled on every interface that leads elsewhere \(net.ipv6.conf.up0.disable_ipv6 is 1\)' "[$V6]:80"
	assert_equal "$(attempt .errno)" ENETUNREACH
	# One more, which is in use: want of a route is want of a route.
	in_ns ip link add more0 type veth peer name more1
	in_ns ip link set more0 up
	in_ns ip -6 addr add fd98::1/64 dev more0 nodad
	assert_outcome 1 unreachable 'no route from this host \(ENETUNREACH\)' "[$V6]:80"
	assert_equal "$(connect_cause "[$V6]:80")" unreachable
	# What leads there has no address that could be the source.
	in_ns ip -6 addr flush dev more0
	in_ns ip -6 route add default dev more0
	assert_outcome 1 unreachable 'no IPv6 address of this host can be the source' '[fe80::1%more0]:80'
	assert_equal "$(connect_cause '[fe80::1%more0]:80')" no-source
}

@test "local ports that are used up over IPv6 are that, and no want of an address" {
	netns
	in_ns sysctl -qw net.ipv4.ip_local_port_range='40000 40001'
	mk listen:family=6,addr=::1,port=80,backlog=8,queued=2
	assert_outcome 3 no-port 'no local port is left for this destination: [0-9]+ are in use' '[::1]:80'
	assert_equal "$(connect_cause '[::1]:80')" ephemeral-exhausted
	# A source that was asked for is one.
	assert_outcome 3 no-port 'no local port is left' --source '[::1]' '[::1]:80'
}

@test "a process that may have no IPv6 sockets is told so, and not of the kernel" {
	skip_unless_strace
	netns
	without_sockets() { # ARG...
		run --separate-stderr in_ns "${STRACE[@]}" -qq -o /dev/null -e trace=socket \
			-e inject=socket:error=EAFNOSUPPORT "$SOCKCTL" "$@"
	}
	without_sockets probe --json '[::1]:80'
	assert_status 1
	assert_valid
	assert_json '.[0] | .outcome == "unreachable" and .errno == "EAFNOSUPPORT"
		and (.reason | test("IPv6 is disabled for this process: a sandbox"))'
	without_sockets connect '[::1]:80'
	assert_refused 3 'ipv6-disabled +IPv6 is disabled for this process'
	# IPv4 has no such reason.
	without_sockets probe --json 127.0.0.1:80
	assert_status 3
	assert_json '.[0].outcome == "error"'
}
