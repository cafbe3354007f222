#!/usr/bin/env bats
# NAT of the client's own host: what --syn says is what connect() finds, or that it cannot
# tell.

load ../lib/helpers
load ../lib/probe

# A service address that no host has: the client's OUTPUT sends it to the server.
SERVICE4=10.96.0.1
SERVICE6=fd96::1

# 80 is served, 81 is not, 82 is dropped, 83 is redirected to this host itself.
service() {
	link
	in_ns ip route add 10.96.0.0/24 via $V4
	in_ns ip -6 route add fd96::/64 via $V6
	server_mk listen:addr=$V4,port=8080,backlog=64 "listen:family=6,addr=$V6,port=8080,backlog=64,label=six"
	server_rule input tcp dport 8082 drop
	in_ns nft -f - <<-END
		table inet nat {
			chain c {
				type nat hook output priority -100;
				ip daddr $SERVICE4 tcp dport 80 dnat ip to $V4:8080
				ip daddr $SERVICE4 tcp dport 81 dnat ip to $V4:8081
				ip daddr $SERVICE4 tcp dport 82 dnat ip to $V4:8082
				ip daddr $SERVICE4 tcp dport 83 redirect to :15001
				ip6 daddr $SERVICE6 tcp dport 80 dnat ip6 to [$V6]:8080
				ip6 daddr $SERVICE6 tcp dport 81 dnat ip6 to [$V6]:8081
				ip6 daddr $SERVICE6 tcp dport 82 dnat ip6 to [$V6]:8082
				ip6 daddr $SERVICE6 tcp dport 83 redirect to :15001
			}
		}
	END
}

# Each new connection leaves from another port than it was given.
masquerade() { # HOW
	in_ns nft -f - <<-END
		table inet masq {
			chain c {
				type nat hook postrouting priority 100;
				oifname up0 tcp dport 1-65535 masquerade $1;
			}
		}
	END
}

sent_to() {
	echo "$(attempt .sent_to_addr) $(attempt .sent_to_port)"
}

service_outcomes() {
	assert_outcome 0 open "^SYN-ACK after [0-9.]+ ms, from 10.99.0.2:8080, where NAT of this host sends it" --syn $SERVICE4:80
	assert_equal "$(sent_to)" "$V4 8080"
	assert_equal "$(attempt .syn_retransmits)" 0
	assert_outcome 1 refused "^RST after [0-9.]+ ms, from 10.99.0.2:8081, where NAT of this host sends it" --syn $SERVICE4:81
	assert_outcome 3 translated "^no answer to 2 SYNs in .*, which NAT of this host sends to 10.99.0.2:8082: .* probe it without --syn" --syn -T 400ms $SERVICE4:82
	assert_outcome 0 open 'from \[fd99::2\]:8080, where NAT' --syn "[$SERVICE6]:80"
	assert_equal "$(sent_to)" "$V6 8080"
	assert_outcome 1 refused 'from \[fd99::2\]:8081, where NAT' --syn "[$SERVICE6]:81"
	assert_outcome 3 translated 'to \[fd99::2\]:8082: ' --syn -T 400ms "[$SERVICE6]:82"
}

@test "a service address is open, refused, or cannot be told" {
	service
	service_outcomes
	assert_outcome 0 open . $SERVICE4:80
	assert_outcome 0 open . "[$SERVICE6]:80"
}

@test "the same where the source is another, too, and where only that is" {
	service
	masquerade fully-random
	service_outcomes
	assert_outcome 0 open '^SYN-ACK after [0-9.]+ ms' --syn $V4:8080
	assert_equal "$(attempt '.sent_to_port == .port and .sent_from_port != .local_port')" true
	assert_outcome 1 refused '^RST after [0-9.]+ ms: the host is up' --syn $V4:8081
	assert_outcome 3 translated '^no answer to 2 SYNs in .*, which NAT of this host sends from 10.99.0.1:' --syn -T 400ms $V4:8082
	assert_outcome 0 open '^SYN-ACK' --syn "[$V6]:8080"
	assert_outcome 3 translated 'sends from \[fd99::1\]:' --syn -T 400ms "[$V6]:8082"
}

@test "a redirect to this host itself, with and without a program" {
	service
	assert_outcome 1 refused '^RST.*: NAT of this host redirects it to 127.0.0.1:15001 of this host itself, and nothing listens there' --syn $SERVICE4:83
	assert_outcome 1 refused ': NAT of this host redirects it to \[::1\]:15001 of this host itself' --syn "[$SERVICE6]:83"
	mk listen:addr=127.0.0.1,port=15001,backlog=64
	assert_outcome 0 open 'from 127.0.0.1:15001, where NAT of this host sends it' --syn $SERVICE4:83
}

@test "without NAT silence is filtered, whatever other rules there are" {
	service
	assert_outcome 4 filtered '^no answer to 2 SYNs' --syn -T 400ms $V4:8082
	assert_equal "$(attempt .sent_to_addr)" null
	assert_outcome 0 open '^SYN-ACK after [0-9.]+ ms' --syn $V4:8080
	# A plain masquerade changes nothing where the source is that of the interface.
	masquerade ''
	assert_outcome 4 filtered '^no answer to 2 SYNs' --syn -T 400ms $V4:8082
	assert_outcome 0 open '^SYN-ACK after [0-9.]+ ms' --syn $V4:8080
	assert_equal "$(attempt .sent_to_addr)" null
}

@test "all ports through the own NAT: each is found, none is lost" {
	service
	masquerade fully-random
	server_rule prerouting tcp dport 20000-20099 drop
	probe --syn --json $V4:1-30000
	assert_status 0
	assert_equal "$(open_ports)" 8080
	assert_equal "$(outcomes)" '{"open":1,"refused":29898,"translated":101}'
	assert_json 'map(select(.outcome == "open" and .type == "attempt"))[0].syn_retransmits == 0'
	assert_valid
}

@test "a service among many ports: an answer from elsewhere is asked for again, and was not lost" {
	service
	probe --syn --json $SERVICE4:1-2000
	assert_status 0
	assert_equal "$(open_ports)" 80
	assert_equal "$(outcomes)" '{"open":1,"refused":2,"filtered":1996,"translated":1}'
	assert_json 'map(select(.outcome == "open" and .type == "attempt"))[0] | .syn_retransmits == 0 and .sent_to_port == 8080'
	assert_json 'map(select(.outcome == "translated"))[0].sent_to_port == 8082'
	assert_valid
}

@test "a backend whose neighbour does not answer is never filtered" {
	service
	in_ns nft add rule inet nat c ip daddr $SERVICE4 tcp dport 84 dnat ip to $NOBODY:8084
	in_ns nft add rule inet nat c ip6 daddr $SERVICE6 tcp dport 84 dnat ip6 to [fd99::77]:8084
	# Nothing has left this host, and that is what is known.
	assert_outcome 3 translated '^no answer to 2 SYNs in .*, and none was seen to leave this host: no neighbour answers, perhaps for an address that NAT puts in' --syn -T 400ms $SERVICE4:84
	assert_equal "$(attempt .sent_to_addr)" null
	assert_outcome 3 translated 'none was seen to leave this host' --syn -T 400ms "[$SERVICE6]:84"
	# The kernel gives up after three seconds, and quotes the SYN.
	assert_outcome 1 unreachable '^NAT of this host sends it to an address for which no neighbour answers' --syn -T "${READY_WITHIN}s" $SERVICE4:84
	assert_outcome 1 unreachable '^NAT of this host sends it to an address for which no neighbour answers' --syn -T "${READY_WITHIN}s" "[$SERVICE6]:84"
	# The twins: silent, open.
	assert_outcome 4 filtered '^no answer to 2 SYNs' --syn -T 400ms $V4:8082
	assert_outcome 0 open . --syn $SERVICE4:80
}

@test "nothing is left of it, and no connection is made" {
	service
	probe --syn -q $SERVICE4:80
	assert_clean
	inspect --count --no-findings state != listen
	assert_output 0
	assert_equal "$(on_server ss -Htan state established state syn-recv)" ''
	assert_int "$(on_server nstat -az TcpPassiveOpens | awk '/TcpPassiveOpens/ { print $2 }') == 0"
}

# What `connect` says of a refusal.
connect_says() { # REGEX ADDRESS
	sockctl connect -T 3s "$2" </dev/null
	assert_status 1
	assert_regex "$stderr" "$1"
}

# Without the right to see packets.
unprivileged() {
	run --separate-stderr in_ns setpriv --bounding-set -all --inh-caps -all --no-new-privs "$SOCKCTL" "$@"
}

@test "a refusal of this host's own redirect is called one, by probe and connect" {
	local address
	service
	in_ns nft add rule inet nat c ip daddr 10.98.0.2 tcp dport 80 redirect to :15001
	in_ns nft add rule inet nat c ip daddr $V4 tcp dport 99 redirect to :15001
	in_ns ip route add 10.98.0.0/24 via $V4
	# Through a gateway, over IPv6, and of a neighbour.
	for address in 10.98.0.2:80 "[$SERVICE6]:83" $V4:99; do
		assert_outcome 1 refused '^RST( after [0-9.]+ ms)?: NAT of this host redirects it to .*:15001 of this host itself, and nothing listens there' "$address"
		connect_says 'refused-here +NAT of this host redirects it to .*:15001' "$address"
		refute_contains "$stderr" 'the host is up'
	done
	mk listen:addr=127.0.0.1,port=15001,backlog=64
	assert_outcome 0 open . 10.98.0.2:80
}

@test "a refusal where NAT of this host sends it: a neighbour, a host behind a router, another port" {
	local address
	routed
	in_ns nft -f - <<-END
		table inet nat {
			chain c {
				type nat hook output priority -100;
				ip daddr 10.96.0.7 tcp dport 443 dnat ip to $V4:8443
				ip daddr 10.96.0.8 tcp dport 443 dnat ip to $TARGET4:8443
				ip6 daddr fd96::7 tcp dport 443 dnat ip6 to [$TARGET6]:8443
				ip daddr $V4 tcp dport 444 dnat ip to $V4:8443
			}
		}
	END
	in_ns ip route add 10.96.0.0/24 via $V4
	in_ns ip -6 route add fd96::/64 via $V6
	assert_outcome 1 refused "^RST.*: NAT of this host sends it to $V4:8443, and nothing listens there" 10.96.0.7:443
	connect_says "refused-translated +NAT of this host sends it to $V4:8443" 10.96.0.7:443
	assert_outcome 1 refused "^RST.*: NAT of this host sends it to $V4:8443, and" $V4:444
	for address in "$TARGET4:8443 10.96.0.8:443" "[$TARGET6]:8443 [fd96::7]:443"; do
		probe "${address#* }"
		assert_status 1
		assert_contains "$output" "(a second SYN went to ${address% *}), and nothing listens where it went" 'nft list ruleset'
		refute_contains "$output" 'the host is up'
	done
	# The source port is another one, too: it is seen by the address that was asked.
	masquerade fully-random
	on_server ip addr add 10.98.0.9/24 dev mid
	assert_outcome 1 refused "the gateway $V4 itself answers" 10.98.0.9:81
	# Where both are others nothing is known: both are listed, and root is not advised again.
	probe 10.96.0.7:443
	assert_contains "$output" "NAT or a firewall rule of this host refuses it, or the gateway $V4 itself does"
	refute_contains "$output" 'as root'
}

@test "--hops says whose answer it is: this host's redirect, its NAT, the gateway" {
	local address
	routed
	in_ns nft -f - <<-END
		table inet nat {
			chain c {
				type nat hook output priority -100;
				ip daddr 10.98.0.8 tcp dport { 443, 444 } redirect to :15006
				ip6 daddr fd98::8 tcp dport 443 redirect to :15006
				ip daddr 10.98.0.7 tcp dport 443 dnat ip to $V4:8443
			}
		}
	END
	on_server ip addr add 10.98.0.9/24 dev mid
	server_mk listen:addr=10.98.0.9,port=8082,backlog=64
	for address in 10.98.0.8:443 '[fd98::8]:443'; do
		probe --hops "$address"
		assert_status 1
		assert_line --regexp '^ 1  .* refused  RST.*: NAT of this host redirects it to .*:15006 of this host itself, and nothing listens there$'
		assert_contains "$output" 'next: Start the program' 'nft list ruleset'
	done
	probe --hops --json 10.98.0.8:443
	assert_valid
	assert_json '.[0].reason | test("redirects it to 127.0.0.1:15006")'
	assert_json '.[0].commands | length > 0'
	probe --hops 10.98.0.7:443
	assert_line --regexp "^ 1  .*: NAT of this host sends it to $V4:8443, and nothing listens there$"
	probe --hops 10.98.0.9:81
	assert_line --regexp "^ 1  .*: a SYN with TTL 1, .*: the gateway $V4 itself answers$"
	probe --hops 10.98.0.9:8082
	assert_line --regexp "^ 1  .* open  .*: a SYN with TTL 1, .* is accepted, too: the gateway $V4 itself answers$"
	unprivileged probe --hops 10.98.0.8:443
	assert_contains "$output" "NAT or a firewall rule of this host refuses it, or the gateway $V4 itself does"
	mk listen:addr=127.0.0.1,port=15006,backlog=64
	probe --hops 10.98.0.8:443
	assert_status 0
	assert_line --regexp '^ 1  .* open  .*: NAT of this host redirects it to 127.0.0.1:15006 of this host itself$'
	# The twins: a host behind a router, and a neighbour.
	for address in $TARGET4:81 "[$TARGET6]:81" $V4:81; do
		probe --hops "$address"
		assert_line --regexp 'refused  RST.*: the host is up, nothing listens there$'
		refute_contains "$output" NAT gateway next:
	done
	server_mk listen:addr=$V4,port=8083,backlog=64
	probe --hops $V4:8083
	assert_line --regexp '^ 1  .* open  [^:]*$'
}

@test "a refusal of this host's own firewall, with RST" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	nft_rule output "tcp dport 80 reject with tcp reset"
	assert_outcome 1 refused '^RST.*: a firewall rule of this host rejects it with RST' $V4:80
	connect_says 'refused-here +a firewall rule of this host rejects it' $V4:80
}

@test "a gateway that refuses itself, and a host behind it" {
	routed
	# The router answers for an address that it has, behind itself.
	on_server ip addr add 10.98.0.9/24 dev mid
	assert_outcome 1 refused "^RST.*: a SYN with TTL 1, .*: the gateway $V4 itself answers" 10.98.0.9:81
	connect_says "refused-near .*the gateway $V4 itself answers" 10.98.0.9:81
	# The twin: the host that was asked.
	assert_outcome 1 refused '^RST.*: the host is up, nothing listens there' $TARGET4:81
	assert_outcome 1 refused '^RST.*: the host is up, nothing listens there' "[$TARGET6]:81"
	connect_says 'Connection refused' $TARGET4:81
	refute_contains "$stderr" refused-near refused-here
	# And a neighbour, who gets any packet.
	assert_outcome 1 refused '^RST.*: the host is up, nothing listens there' $V4:81
	connect_says 'Connection refused' $V4:81
	refute_contains "$stderr" refused-near refused-here
}

@test "without the right to see packets both are listed" {
	local address
	routed
	in_ns nft -f - <<-END
		table inet nat {
			chain c {
				type nat hook output priority -100;
				ip daddr 10.98.0.8 tcp dport 80 redirect to :15001
				ip daddr $V4 tcp dport 99 redirect to :15001
			}
		}
	END
	on_server ip addr add 10.98.0.9/24 dev mid
	for address in 10.98.0.8:80 10.98.0.9:81; do
		unprivileged probe "$address"
		assert_status 1
		assert_contains "$output" "NAT or a firewall rule of this host refuses it, or the gateway $V4 itself does"
		unprivileged connect -T 3s "$address" </dev/null
		assert_contains "$stderr" refused-near "or the gateway $V4 itself does" 'Ask again as root'
	done
	unprivileged probe $TARGET4:81
	assert_contains "$output" 'the host is up, nothing listens there'
	# Of a neighbour nothing more is sent: it would learn nothing.
	unprivileged probe $V4:81
	assert_contains "$output" 'the host is up, nothing listens there'
}

@test "one more SYN is sent, to the port that was asked, and to no other" {
	routed
	in_ns nft -f - <<-END
		table ip t {
			counter one { }
			counter more { }
			chain c {
				type filter hook output priority 0;
				ip ttl 1 ip daddr $TARGET4 tcp dport 81 counter name one
				ip ttl 1 tcp dport != 81 counter name more
			}
		}
	END
	sockctl probe $TARGET4:81
	hits() { in_ns nft -j list counter ip t "$1" | jq '.nftables[] | .counter? // empty | .packets'; }
	assert_equal "$(hits one)/$(hits more)" 1/0
	# None with --wait, with a socket option, or for open ports.
	sockctl probe --wait 200ms $TARGET4:81
	sockctl probe --mark 5 $TARGET4:81
	assert_equal "$(hits one)/$(hits more)" 1/0
}
