#!/usr/bin/env bats
# What routers and firewalls on the way say, what packets carry, and from where they go.

load ../lib/helpers
load ../lib/probe

# --- a router between ---

@test "each ICMP code of a router between, with the router's address" {
	local type outcome code text
	routed
	while read -r type outcome code text; do
		server_rule forward ip version 4 tcp dport 80 reject with icmp type "$type"
		assert_outcome 1 "$outcome" "^ICMP $text \($code\) from $V4 after" $TARGET4:80
		assert_equal "$(attempt .icmp_type)/$(attempt .icmp_code)" "$code"
		assert_equal "$(attempt .icmp_from)" "$V4"
		assert_equal "$(attempt .addr)" "$TARGET4"
		assert_equal "$(attempt .syn_retransmits)" 0
		assert_equal "$(attempt .rtt_us)" null
		on_server nft delete table inet t_forward
	done <<-'END'
		port-unreachable refused-icmp 3/3 port unreachable
		prot-unreachable refused-icmp 3/2 protocol unreachable
		net-unreachable unreachable 3/0 network unreachable
		host-unreachable unreachable 3/1 host unreachable
		net-prohibited rejected 3/9 network prohibited
		host-prohibited rejected 3/10 host prohibited
		admin-prohibited rejected 3/13 administratively prohibited
	END
}

@test "each ICMPv6 code of a router between" {
	local type outcome code text
	routed
	while read -r type outcome code text; do
		server_rule forward ip6 version 6 tcp dport 80 reject with icmpv6 type "$type"
		assert_outcome 1 "$outcome" "^ICMPv6 $text \($code\) from $V6 after" "[$TARGET6]:80"
		assert_equal "$(attempt .icmp_type)/$(attempt .icmp_code)" "$code"
		assert_equal "$(attempt .icmp_from)" "$V6"
		on_server nft delete table inet t_forward
	done <<-'END'
		no-route unreachable 1/0 no route
		admin-prohibited rejected 1/1 administratively prohibited
		addr-unreachable unreachable 1/3 address unreachable
		port-unreachable refused-icmp 1/4 port unreachable
		policy-fail rejected 1/5 source address failed policy
		reject-route rejected 1/6 reject route
	END
}

@test "a router without route, without neighbour, a prohibited one, a TTL that ends there" {
	routed
	# The router asks for a neighbour three times, a second each, unless told otherwise.
	on_server sysctl -qw net.ipv4.neigh.mid.mcast_solicit=2 net.ipv4.neigh.mid.retrans_time_ms=100
	assert_outcome 1 unreachable "^ICMP host unreachable \(3/1\) from $V4 after [0-9]" -T "${READY_WITHIN}s" 10.98.0.77:80
	in_ns ip route add 192.0.2.0/24 via $V4
	assert_outcome 1 unreachable "^ICMP network unreachable \(3/0\) from $V4" 192.0.2.1:80
	on_server ip route add prohibit 192.0.2.2
	assert_outcome 1 rejected "\(3/13\) from $V4" 192.0.2.2:80
	assert_outcome 1 unreachable "^ICMP time to live exceeded \(11/0\) from $V4" --ttl 1 $TARGET4:80
	assert_outcome 1 unreachable "^ICMPv6 hop limit exceeded \(3/0\) from $V6" --ttl 1 "[$TARGET6]:80"
	assert_outcome 1 unreachable "\(3/1\) from $V4" -T "${READY_WITHIN}s" udp:10.98.0.77:9
	assert_outcome 1 refused RST --ttl 2 $TARGET4:80
}

@test "a firewall of this host: rejected with its own address, IPv6, UDP" {
	link
	nft_rule output 'ip6 daddr fd99::2 tcp dport 80 reject with icmpv6 type admin-prohibited;
		ip daddr 10.99.0.2 tcp dport 80 reject; udp dport 80 reject'
	assert_outcome 3 denied-local 'own firewall rejects it: ICMPv6 .* from fd99::1' "[$V6]:80"
	assert_outcome 3 denied-local 'own firewall rejects it: ICMP port unreachable .* from 10.99.0.1' $V4:80
	# A datagram is refused by send() itself.
	assert_outcome 3 denied-local 'this host forbids it \(EPERM\): a firewall rule in OUTPUT' udp:$V4:80
}

# --- packets that are lost ---

@test "a lost SYN-ACK: told as the way back, with and without timestamps" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule output 'tcp flags & (syn|ack) == syn|ack tcp sport 80 numgen inc mod 64 == 0 drop'
	assert_late syn-ack 'connected only after 1([.][0-9]+)? s: the first SYN was answered, and the answer was lost'
	on_server nft delete table inet t_output
	on_server sysctl -qw net.ipv4.tcp_timestamps=0
	server_rule output 'tcp flags & (syn|ack) == syn|ack tcp sport 80 numgen inc mod 64 == 0 drop'
	assert_late unknown 'the first SYN was lost, or its answer was \(no timestamps to tell\)'
}

@test "a lost SYN: told as the way there, over IPv6 as well" {
	link
	server_mk "listen:family=6,addr=$V6,port=80,backlog=64"
	server_rule prerouting 'tcp flags syn / syn,ack tcp dport 80 numgen inc mod 64 == 0 drop'
	assert_late syn 'the first SYN was lost on the way there or dropped by a full queue; rtt' "[$V6]:80"
}

# The first attempt comes late, the next one in time; only that is in the statistics.
assert_late() { # LOST REASON_REGEX [TARGET]
	probe --json --attempts 2 --interval 0 "${3-$V4:80}"
	assert_status 0
	assert_valid
	assert_json '(.[0] | .outcome == "open" and .lost == $lost and .syn_retransmits >= 1
			and .connect_us > 900000 and (.reason | test($reason)))
		and (.[1] | .outcome == "open" and (has("lost") | not) and .connect_us < 900000)
		and (.[2] | .late == 1 and .open == 2 and .rtt_us.count == 1 and .connect_us.count == 1)' --arg lost "$1" --arg reason "$2"
}

# --- what packets carry ---

# Counts what leaves our namespace: COUNTER RULE each.
counters() { # RULE...
	local rule
	in_ns nft add table inet count
	in_ns nft add chain inet count out '{ type filter hook output priority 0; }'
	for rule in "$@"; do
		in_ns nft add rule inet count out "$rule counter"
	done
}

counted() { # prints the packets of each rule
	in_ns nft -j list chain inet count out | jq -r '.nftables[].rule?.expr // empty | .[].counter?.packets // empty'
}

@test "mark, type of service and time to live are in the packets" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64 "listen:family=6,addr=$V6,port=80,backlog=64,label=six"
	counters 'tcp dport 80 meta mark 7' 'tcp dport 80 ip dscp 0x2e ip ttl 9' 'tcp dport 80 ip6 dscp 0x2e ip6 hoplimit 9' \
		'udp dport 80 meta mark 7 ip dscp 0x2e ip ttl 9'
	assert_outcome 0 open rtt --mark 7 --tos 0xb8 --ttl 9 $V4:80
	read -r -d '' -a seen < <(counted) || true
	assert_int 'seen[0] >= 2 && seen[1] >= 2 && seen[2] == 0 && seen[3] == 0'
	assert_outcome 0 open rtt --mark 7 --tos 0xb8 --ttl 9 "[$V6]:80"
	assert_outcome 1 refused-icmp 'port unreachable' --mark 7 --tos 184 --ttl 9 udp:$V4:80
	read -r -d '' -a seen < <(counted) || true
	assert_int 'seen[2] >= 2 && seen[3] >= 1'
	probe --mark 7 --tos 0xb8 --ttl 9 -q $V4:1-100
	read -r -d '' -a more < <(counted) || true
	assert_int 'more[1] > seen[1]'
}

@test "a mark wants a right that is told" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	is_root || skip 'in a user namespace everybody has the right'
	sockctl_as_user probe --mark 7 $V4:80
	assert_status 3
	assert_contains "$output" "error" "mark" "Operation not permitted"
}

@test "ECN, where both sides and the namespace want it" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	assert_outcome 0 open rtt $V4:80
	assert_equal "$(attempt .ecn)" false
	in_ns sysctl -qw net.ipv4.tcp_ecn=1
	on_server sysctl -qw net.ipv4.tcp_ecn=1
	assert_outcome 0 open rtt $V4:80
	assert_equal "$(attempt .ecn)" true
	probe --negotiated $V4:80
	assert_output --partial 'ecn yes'
}

@test "MPTCP that the server speaks" {
	link
	in_ns sysctl -qw net.mptcp.enabled=1 2>/dev/null || skip 'this kernel has no MPTCP'
	on_server sysctl -qw net.mptcp.enabled=1
	peer mptcp $V4 80
	assert_outcome 0 open ', MPTCP' --negotiated mptcp:$V4:80
	assert_equal "$(attempt .mptcp)" true
	assert_equal "$(attempt .proto)" mptcp
	server_mk listen:addr=$V4,port=81,backlog=64
	assert_outcome 0 open ', fell back to TCP' --negotiated mptcp:$V4:81
}

@test "fast open: whether the server gives cookies" {
	link
	on_server sysctl -qw net.ipv4.tcp_fastopen=3
	peer fastopen $V4 80
	# A cookie is an address's, whatever the port.
	peer silent $V6 81
	probe --negotiated $V4:80 "[$V6]:81"
	assert_clean
	assert_equal "$(grep -o 'fast open cookie [a-z]*' <<<"$output" | tr '\n' ,)" 'fast open cookie yes,fast open cookie no,'
	probe --negotiated --json $V4:80
	assert_valid
	assert_json '.[-1].fast_open_cookie'
	# It is known now, and nothing was sent over it.
	assert_contains "$(in_ns ip tcp_metrics show $V4)" fo_cookie
	in_ns sysctl -qw net.ipv4.tcp_fastopen=0
	probe --negotiated $V4:80
	assert_output --partial 'fast open cookie off here'
}

# --- from where ---

@test "a link-local address with its interface" {
	local ours
	link
	ours=$(on_server ip -6 -oneline addr show dev down0 scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
	server_mk "listen:family=6,addr=::,port=80,backlog=64"
	probe --wait "${READY_WITHIN}s" "[$ours%up0]:80"
	assert_clean
	assert_outcome 0 open rtt "[$ours%up0]:80"
	assert_outcome 0 open rtt --interface up0 "[$ours]:80"
	assert_outcome 1 unreachable 'needs its interface' "[$ours]:80"
	assert_outcome 1 refused RST "[$ours%up0]:81"
}

@test "another namespace, by pid and by path; one that is not there" {
	skip_unless_root 'it enters a namespace'
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	run --separate-stderr "$SOCKCTL" probe --netns "$NS_PID" $V4:80
	assert_clean
	run --separate-stderr "$SOCKCTL" probe --netns "/proc/$SERVER_PID/ns/net" --json $V4:80
	assert_clean
	assert_json '.[0] | .outcome == "open" and .local_addr == $ip' --arg ip $V4
	run --separate-stderr "$SOCKCTL" probe --netns "$NS_PID" $V4:79-99
	assert_clean
	run --separate-stderr "$SOCKCTL" probe --netns no-such-name $V4:80
	assert_refused 3 "open the network namespace 'no-such-name'"
	assert_equal "$output" ''
}

@test "vsock: a machine that is not there, or a kernel without a way to it" {
	netns
	python3 -c 'import socket; socket.socket(socket.AF_VSOCK)' 2>/dev/null || {
		assert_outcome 3 error 'Address family not supported' vsock:1:4711
		return
	}
	probe --json -T 3s vsock:1:4711
	assert_valid
	assert_json '.[0] | .proto == "vsock" and (
		(.outcome == "filtered" and (.reason | test("no machine has this CID")))
		or (.outcome == "error" and (.reason | test("no vsock transport")))
		or (.outcome == "refused" and (.reason | test("nobody listens"))))'
	probe vsock:1
	assert_refused 2 vsock
}
