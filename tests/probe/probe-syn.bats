#!/usr/bin/env bats
# Half-open probes: every outcome by a raw SYN, every open port found, nothing left behind.

load ../lib/helpers
load ../lib/probe

@test "open and refused, IPv4 and IPv6, over a link and on loopback" {
	local target
	link
	server_mk listen:addr=$V4,port=80,backlog=64 "listen:family=6,addr=$V6,port=80,backlog=64,label=six"
	mk listen:addr=127.0.0.1,port=80,backlog=64 "listen:family=6,addr=::1,port=80,backlog=64,label=six"
	for target in $V4 "[$V6]" 127.0.0.1 '[::1]'; do
		assert_outcome 0 open '^SYN-ACK after [0-9.]+ ms' --syn "$target:80"
		assert_equal "$(attempt .half_open)" true
		assert_int "$(attempt .connect_us) > 0"
		assert_equal "$(attempt .rtt_us)" null
		assert_int "$(attempt .local_port) > 0"
		assert_equal "$(attempt .syn_retransmits)" 0
		assert_equal "$(attempt .answer_ttl)" 64
		assert_outcome 1 refused '^RST( after [0-9.]+ ms)?: the host is up' --syn "$target:81"
		assert_equal "$(attempt .errno)" ECONNREFUSED
		assert_equal "$(attempt .answer_ttl)" 64
	done
}

@test "ICMP answers: each code by its name and sender" {
	local type outcome code
	link
	on_server sysctl -qw net.ipv4.icmp_ratelimit=0
	while read -r type outcome code; do
		server_rule input tcp dport 80 reject with icmp type "$type"
		assert_outcome 1 "$outcome" "^ICMP .* \($code\) from $V4 after" --syn $V4:80
		assert_equal "$(attempt .icmp_type)/$(attempt .icmp_code)" "$code"
		assert_equal "$(attempt .icmp_from)" "$V4"
		on_server nft delete table inet t_input
	done <<-'END'
		port-unreachable refused-icmp 3/3
		host-unreachable unreachable 3/1
		admin-prohibited rejected 3/13
	END
	while read -r type outcome code; do
		server_rule input tcp dport 80 reject with icmpv6 type "$type"
		assert_outcome 1 "$outcome" "^ICMPv6 .* \($code\) from $V6 after" --syn "[$V6]:80"
		on_server nft delete table inet t_input
	done <<-'END'
		no-route unreachable 1/0
		admin-prohibited rejected 1/1
		port-unreachable refused-icmp 1/4
	END
}

@test "a router's ICMP names the router" {
	link
	on_server sysctl -qw net.ipv4.ip_forward=1
	on_server ip route add unreachable 10.98.0.0/24
	in_ns ip route add 10.98.0.0/24 via $V4
	assert_outcome 1 unreachable "^ICMP host unreachable \(3/1\) from $V4 after" --syn 10.98.0.2:80
}

@test "filtered: silence, with the number of SYNs" {
	link
	server_rule input tcp dport 80 drop
	assert_outcome 4 filtered '^no answer to 2 SYNs in [0-9.]+ ms' --syn -T 400ms $V4:80
	assert_equal "$(attempt .errno)" ETIMEDOUT
	assert_equal "$(attempt .syn_retransmits)" 1
	assert_int "$(attempt .connect_us) >= 400000"
	# A host that has answered needs no such patience.
	probe --syn --json $V4:80,81
	assert_equal "$(outcomes)" '{"refused":1,"filtered":1}'
	assert_json '.[-1].duration_us < 2500000'
}

@test "no neighbour, no route" {
	link
	assert_outcome 1 unreachable 'ARP failed after .*: the host is down' --syn -T 10s $NOBODY:80
	in_ns ip neigh flush all
	assert_outcome 1 unreachable 'ARP failed after .*: the host is down' --syn -T 1500ms $NOBODY:80
	assert_equal "$(attempt .silent_hop)" "$NOBODY"
	# One that is given up soon after we come: a moment, as the own firewall would take.
	in_ns sysctl -qw net.ipv4.neigh.up0.mcast_solicit=1 net.ipv4.neigh.up0.retrans_time_ms=50
	local how
	for how in --syn ''; do
		# shellcheck disable=SC2086 # an option, or none
		assert_outcome 1 unreachable 'ARP failed after .*: the host is down' $how $NOBODY:80
		assert_equal "$(attempt .silent_hop)" "$NOBODY"
	done
	assert_outcome 1 unreachable 'ARP failed after .*: the host is down' udp:$NOBODY:80
	assert_equal "$(attempt .silent_hop)" "$NOBODY"
	assert_outcome 1 unreachable 'no route from this host \(ENETUNREACH\)' --syn 192.0.2.1:80
	in_ns ip route add prohibit 192.0.2.4
	assert_outcome 3 denied-local 'EACCES' --syn 192.0.2.4:80
}

@test "the own firewall: a drop in OUTPUT is told at once" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	nft_rule output tcp dport 80 drop
	assert_outcome 3 denied-local 'EPERM' --syn $V4:80
	assert_outcome 1 refused RST --syn $V4:81
}

@test "a mixture: all reasons counted apart" {
	link
	on_server sysctl -qw net.ipv4.icmp_ratelimit=0
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule input 'tcp dport 100-199 drop; tcp dport 200-209 reject with icmp type admin-prohibited;
		tcp dport 210-219 reject with tcp reset; tcp dport 290-299 reject'
	probe --syn --json $V4:1-300
	assert_status 0
	assert_equal "$(open_ports)" 80
	assert_equal "$(outcomes)" '{"open":1,"refused":179,"refused-icmp":10,"rejected":10,"filtered":100}'
	assert_valid
	probe --syn $V4:1-300
	assert_line --regexp '^10.99.0.2:80 +open +http +SYN-ACK'
	assert_line --regexp '^10.99.0.2: 1 of 300 ports open, 179 refused, 10 refused-icmp, 10 rejected, 100 filtered; '
}

@test "every open port, 20 times of 20, and no other" {
	local i port words=()
	link
	for port in 1 22 80 8080 30000 50001 65535; do
		words+=("listen:addr=$V4,port=$port,backlog=64,label=p$port")
	done
	server_mk "${words[@]}"
	for i in {1..20}; do
		probe --syn --json $V4:1-65535
		assert_status 0
		assert_equal "$(open_ports)" '1 22 80 8080 30000 50001 65535'
		assert_equal "$(outcomes)" '{"open":7,"refused":65528}'
	done
	assert_valid
}

@test "all ports of this host, and over IPv6" {
	link
	mk listen:addr=127.0.0.1,port=40000,backlog=64
	server_mk "listen:family=6,addr=$V6,port=81,backlog=64"
	probe --syn --json 127.0.0.1:1-65535
	assert_equal "$(open_ports)" 40000
	assert_equal "$(outcomes)" '{"open":1,"refused":65534}'
	probe --syn --json "[$V6]:1-65535"
	assert_equal "$(open_ports)" 81
	assert_equal "$(outcomes)" '{"open":1,"refused":65534}'
}

@test "nearly all silent: the open ones are found" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64 listen:addr=$V4,port=65000,backlog=64,label=b
	server_rule input 'tcp dport != { 80, 65000 } drop'
	probe --syn --json $V4:1-65535
	assert_equal "$(open_ports)" '80 65000'
	assert_equal "$(outcomes)" '{"open":2,"filtered":65533}'
}

@test "a lost SYN and a lost SYN-ACK are told apart, and cost no port" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule prerouting 'tcp flags syn / syn,ack tcp dport 80 numgen inc mod 2 == 0 drop'
	assert_outcome 0 open 'the first SYN was lost on the way there' --syn $V4:80
	assert_equal "$(attempt .lost)" syn
	assert_equal "$(attempt .syn_retransmits)" 1
	on_server nft delete table inet t_prerouting
	server_rule output 'tcp flags & (syn|ack) == syn|ack tcp sport 80 numgen inc mod 2 == 0 drop'
	assert_outcome 0 open 'the answer was lost on the way back' --syn $V4:80
	assert_equal "$(attempt .lost)" syn-ack
}

@test "where every third packet is lost no port is" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule prerouting 'tcp flags syn / syn,ack numgen inc mod 3 == 0 drop'
	probe --syn --json $V4:1-1000
	assert_equal "$(open_ports)" 80
	assert_equal "$(outcomes)" '{"open":1,"refused":999}'
}

@test "nothing is left at the target, nor here" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	probe --syn -q $V4:1-2000
	assert_clean
	inspect --count --no-findings state != listen
	assert_output 0
	run on_server "$SOCKCTL" inspect --count --no-findings state != listen
	assert_output 0
	# Not even a half-open one: what is asked is the kernel, not a count of ours.
	run on_server ss -Htan state syn-recv
	assert_output ''
}

@test "packets that acknowledge no SYN of ours are no answers" {
	link
	server_rule input 'tcp dport 80 drop'
	# The target sends SYN-ACKs and RSTs for port 80 to our port, with a number it guessed.
	spawn "${SERVER[@]}" "$TOP/tests/lib/forge" $V4 10.99.0.1 80 5555
	await_line '^ready$'
	assert_outcome 4 filtered 'no answer' --syn -T 600ms --source 10.99.0.1:5555 $V4:80
	# And they did come.
	assert_int "$(in_ns nstat -az TcpOutRsts | awk '/TcpOutRsts/ { print $2 }') > 0"
}

@test "socket options and the source hold for SYNs, too" {
	link
	in_ns ip addr add 10.99.0.9/24 dev up0
	server_mk listen:addr=$V4,port=80,backlog=64
	assert_outcome 0 open SYN-ACK --syn --source 10.99.0.9 $V4:80
	assert_equal "$(attempt .local_addr)" 10.99.0.9
	server_rule input 'tcp dport 80 ip ttl 7 ip dscp 4 tcp option maxseg size 1000 accept; tcp dport 80 drop'
	assert_outcome 4 filtered . --syn -T 200ms $V4:80
	assert_outcome 0 open . --syn --ttl 7 --tos 16 --option mss=1000 $V4:80
	nft_rule output 'meta mark 5 accept; tcp dport 80 drop'
	assert_outcome 3 denied-local . --syn --ttl 7 --tos 16 --option mss=1000 $V4:80
	assert_outcome 0 open . --syn --ttl 7 --tos 16 --option mss=1000 --mark 5 $V4:80
}

@test "a rate is kept, and an interrupted scan tells what it has" {
	local pid
	link
	probe --syn --json --rate 1000/s $V4:1-500
	assert_json '.[-1].duration_us | . > 450000 and . < 30000000'
	spawn "${NS[@]}" "$SOCKCTL" probe --syn --json --rate 100/s $V4:1-60000
	pid=$PID
	# It has begun when the target has answered with RST.
	resets() { (($(on_server nstat -az TcpOutRsts | awk '/TcpOutRsts/ { print $2 }') > 520)); }
	until_true resets
	kill -INT "$pid"
	await_line '"type":"summary"'
	await_end "$pid" 130
}

@test "without the right: 3, with what to do" {
	link
	run --separate-stderr in_ns setpriv --bounding-set -all --inh-caps -all \
		--no-new-privs "$SOCKCTL" probe --syn $V4:80
	assert_refused 3 'open a raw socket: Operation not permitted'
	assert_contains "$stderr" CAP_NET_RAW 'leave --syn out'
	assert_equal "$output" ''
}

@test "what --syn cannot do is refused, exit code 2" {
	local words
	netns
	while read -r -a words; do
		probe --syn "${words[@]}"
		((status == 2)) || fail "${words[*]}: $status $output"
		assert test -n "$stderr"
		assert_equal "$output" ''
	done <<-'END'
		udp:127.0.0.1:80
		unix:/tmp/x
		--attempts 2 127.0.0.1:80
		--wait 1s 127.0.0.1:80
		--banner 127.0.0.1:80
		--verify 127.0.0.1:80
		--parallel 10 127.0.0.1:80
		--hops 127.0.0.1:80
		-u 127.0.0.1:80
	END
}
