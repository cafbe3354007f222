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

@test "nothing is left of it, and no connection is made" {
	service
	probe --syn -q $SERVICE4:80
	assert_clean
	inspect --count --no-findings state != listen
	assert_output 0
	assert_equal "$(on_server ss -Htan state established state syn-recv)" ''
	assert_int "$(on_server nstat -az TcpPassiveOpens | awk '/TcpPassiveOpens/ { print $2 }') == 0"
}
