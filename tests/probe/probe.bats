#!/usr/bin/env bats
# Every outcome of `sockctl probe` is produced for real and must be told with its reason,
# its exit code and its JSON.

load ../lib/helpers
load ../lib/probe

@test "open: the kernel's round trip and the two names" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	assert_outcome 0 open 'rtt [0-9.]+ ms' $V4:80
	assert_int "$(attempt .connect_us) > 0"
	assert_int "$(attempt .rtt_us) > 0"
	assert_equal "$(attempt .addr)" "$V4"
	assert_equal "$(attempt .port)" 80
	assert_equal "$(attempt .local_addr)" 10.99.0.1
	assert_equal "$(attempt .syn_retransmits)" 0
}

@test "open over IPv6" {
	link
	server_mk "listen:family=6,addr=$V6,port=80,backlog=64"
	assert_outcome 0 open 'rtt' "[$V6]:80"
}

@test "refused: RST" {
	link
	assert_outcome 1 refused '^RST after [0-9.]+ ms: the host is up' $V4:81
	assert_equal "$(attempt .errno)" ECONNREFUSED
	assert_outcome 1 refused '^RST' "[$V6]:81"
}

@test "refused by a firewall's RST looks the same" {
	link
	server_mk listen:addr=$V4,port=80
	server_rule input tcp dport 80 reject with tcp reset
	assert_outcome 1 refused '^RST' $V4:80
}

@test "refused by ICMP, rejected and unreachable: each code by its name and sender" {
	local type outcome code
	link
	on_server sysctl -qw net.ipv4.icmp_ratelimit=0
	while read -r type outcome code; do
		server_rule input tcp dport 80 reject with icmp type "$type"
		assert_outcome 1 "$outcome" "^ICMP .* \($code\) from $V4 after" $V4:80
		assert_equal "$(attempt .icmp_type)/$(attempt .icmp_code)" "$code"
		assert_equal "$(attempt .icmp_from)" "$V4"
		# At once: a blocking connect() waits for its retransmit here, a second later.
		assert_equal "$(attempt .syn_retransmits)" 0
		on_server nft delete table inet t_input
	done <<-'END'
		port-unreachable refused-icmp 3/3
		prot-unreachable refused-icmp 3/2
		net-unreachable unreachable 3/0
		host-unreachable unreachable 3/1
		net-prohibited rejected 3/9
		host-prohibited rejected 3/10
		admin-prohibited rejected 3/13
	END
}

@test "the same over IPv6" {
	local type outcome code
	link
	while read -r type outcome code; do
		server_rule input tcp dport 80 reject with icmpv6 type "$type"
		assert_outcome 1 "$outcome" "^ICMPv6 .* \($code\) from $V6 after" "[$V6]:80"
		on_server nft delete table inet t_input
	done <<-'END'
		no-route unreachable 1/0
		admin-prohibited rejected 1/1
		addr-unreachable unreachable 1/3
		port-unreachable refused-icmp 1/4
	END
}

@test "filtered: silence, with the number of SYNs" {
	link
	server_rule input tcp dport 80 drop
	assert_outcome 4 filtered 'no answer to 1 SYN in [0-9.]+ ms' -T 500ms $V4:80
	assert_equal "$(attempt .rtt_us)" null
	assert_equal "$(attempt .errno)" ETIMEDOUT
	assert_outcome 4 filtered 'no answer to 2 SYNs in [0-9.]+ s' -T 1.5s $V4:80
	assert_equal "$(attempt .syn_retransmits)" 1
	assert_int "$(attempt .connect_us) >= 1400000"
}

@test "unreachable: no route, a prohibited and a blackhole route" {
	link
	assert_outcome 1 unreachable 'no route from this host \(ENETUNREACH\)' 192.0.2.1:80
	in_ns ip route add unreachable 192.0.2.2
	assert_outcome 1 unreachable 'no route from this host \(EHOSTUNREACH\)' 192.0.2.2:80
	in_ns ip route add blackhole 192.0.2.3
	assert_outcome 1 unreachable 'blackhole' 192.0.2.3:80
	in_ns ip route add prohibit 192.0.2.4
	assert_outcome 3 denied-local 'EACCES' 192.0.2.4:80
	# These have routes: it is TCP that does not go there.
	in_ns ip route add default dev up0
	assert_outcome 1 unreachable 'no connections to multicast or broadcast' 224.0.0.1:80
	assert_outcome 1 unreachable 'no connections to multicast or broadcast' 255.255.255.255:80
}

@test "unreachable: nobody answers ARP, or neighbour discovery" {
	link
	assert_outcome 1 unreachable 'ARP failed' -T 2s $NOBODY:80
	assert_outcome 1 unreachable 'ARP failed' -T 5s $NOBODY:80
	assert_outcome 1 unreachable 'ND failed' -T 2s '[fd99::77]:80'
	assert_equal "$(attempt .silent_hop)" fd99::77
}

@test "a silence of the next hop is no firewall: TCP, UDP, scans; the router is named" {
	link
	in_ns ip route add 192.0.2.0/24 via $NOBODY
	assert_outcome 1 unreachable 'ARP failed after .*: the host is down, or not on this link' -T 1500ms $NOBODY:80
	assert_equal "$(attempt .silent_hop)" "$NOBODY"
	assert_equal "$(attempt .errno)" ETIMEDOUT
	in_ns ip neigh flush all
	assert_outcome 1 unreachable "ARP failed after .*: the router towards it, $NOBODY, is down" -T 1500ms 192.0.2.1:80
	assert_equal "$(attempt .silent_hop)" "$NOBODY"
	in_ns ip neigh flush all
	assert_outcome 1 unreachable "ARP failed after .*: the router towards it, $NOBODY, is down" -T 1500ms udp:192.0.2.1:80
	in_ns ip neigh flush all
	probe --json -T 1500ms $NOBODY:1-40
	assert_status 1
	assert_equal "$(outcomes)" '{"unreachable":40}'
	in_ns ip neigh flush all
	probe --json -T 1500ms udp:$NOBODY:1-40
	assert_status 1
	assert_equal "$(outcomes)" '{"unreachable":40}'
	assert_valid
	# A neighbour that was asked once, a moment ago, may be slow.
	in_ns ip neigh flush all
	probe --json -T 200ms $NOBODY:80
	assert_status 4
	assert_json '.[0] | .outcome == "filtered" and (.reason | test("no answer to 1 SYN"))'
	# One that has answered is no silent one, whatever the firewall drops.
	server_rule input tcp dport 80 drop
	assert_outcome 4 filtered 'no answer to [12] SYNs? in' -T 1s $V4:80
	assert_equal "$(attempt .silent_hop)" null
}

@test "a link-local address without interface is told" {
	link
	assert_outcome 1 unreachable 'needs its interface' '[fe80::1]:80'
}

@test "denied locally: the own firewall rejects" {
	link
	nft_rule output tcp dport 80 reject with icmp type admin-prohibited
	assert_outcome 3 denied-local 'own firewall' $V4:80
	assert_int "$(attempt .connect_us) < 1000000"
}

@test "the own firewall drops in OUTPUT: silence, with what the counters say" {
	link
	nft_rule output 'tcp dport 80 drop'
	server_rule input 'tcp dport 81 drop'
	assert_outcome 4 filtered 'no answer to 1 SYN' -T 300ms $V4:80
	assert_regex "$output" 'meanwhile this host dropped [0-9]+ packets? on the way out'
	assert_json_in "$JSON" '.[-1] | .type == "summary" and (.cause | test("OutTransmits did not"))'
	probe -T 300ms "[$V6]:80"
	assert_output --partial 'its own firewall may have dropped them'
	probe --wait 300ms $V4:80
	assert_refused 4 'filtered: no answer.*dropped [0-9]+ packets? on the way out'
	# connect says the same.
	sockctl connect -T 300ms $V4:80 </dev/null
	assert_refused 4 'or the host is down; meanwhile this host dropped 1 packet on the way out .*, see .nft list ruleset'
	sockctl connect -T 1500ms "[$V6]:80" </dev/null
	assert_refused 4 'meanwhile this host dropped [0-9]+ packets? on the way out'
	# Where another host drops them nothing of the kind is said.
	probe -T 300ms $V4:81 "[$V6]:81"
	assert_status 4
	refute_contains "$output" OutTransmits
	sockctl connect -T 1500ms $V4:81 </dev/null
	refute_contains "$stderr" OutTransmits
}

@test "closed and reset after accept" {
	link
	peer close $V4 80
	assert_outcome 1 closed-after-accept 'then closed by the peer after' --stable 20s $V4:80
	peer reset $V4 81
	assert_outcome 1 reset-after-accept 'then reset by the peer' --stable 20s $V4:81
	peer closelate $V4 82 1
	assert_outcome 0 open . --stable 50ms $V4:82
	assert_outcome 1 closed-after-accept . --stable 20s $V4:82
	assert_int "$(attempt .life_us) > 900000"
}

@test "silent: accepted, and what was expected does not come" {
	link
	peer silent $V4 80
	assert_outcome 4 silent 'an answer did not come' --send x -T 300ms $V4:80
	peer banner $V4 81 'hello\r\n'
	assert_outcome 1 unexpected 'without the expected text; it said: hello' --expect bye -T 1s $V4:81
	assert_outcome 1 unexpected 'status line' --http -T 1s $V4:81
}

@test "answers: banner, text, pattern, HTTP" {
	link
	peer banner $V4 80 '220 mail ready\r\n'
	assert_outcome 0 open 'says: 220 mail ready' --banner $V4:80
	assert_outcome 0 open 'says' --expect ready $V4:80
	assert_outcome 0 open 'says' --expect '/^2[0-9]{2} .*dy/' $V4:80
	assert_regex "$(attempt .answer)" '^220 mail ready'
	assert_int "$(attempt .first_byte_us) > 0"
	peer answer $V4 81 'HTTP/1.1 503 Busy\r\n\r\n'
	assert_outcome 0 open 'HTTP 503' --http=/health $V4:81
	assert_equal "$(attempt .http_status)" 503
	assert_outcome 1 unexpected 'answered HTTP 503, but without .*pattern' --http --expect '/ 200 /' -T 1s $V4:81
	peer answer $V4 83 '\x15\x03\x01\x00\x02\x02\x46'
	assert_outcome 1 unexpected 'the port speaks TLS' --http $V4:83
	peer answer $V4 84 '\x00\x00\x00\x04\x00\x00\x00\x00\x00'
	assert_outcome 1 unexpected 'the port speaks HTTP/2 without TLS' --http $V4:84
	peer answer $V4 82 '+PONG\r\n'
	assert_outcome 0 open 'PONG' --send 'PING\r\n' --expect +PONG $V4:82
}

@test "foreign bytes of an answer are escaped" {
	link
	peer banner $V4 80 '\x1b[31mred\xff\r\n'
	probe --banner $V4:80
	assert_output --partial '\x1b[31mred\xff'
	probe --banner --json $V4:80
	assert_valid
	assert_json '.[0].answer_hex == "1b5b33316d726564ff0d0a"'
}

# The outcome of a name, with the server's answer to it.
name_outcome() { # TIMEOUT
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --json -T "$1" some.example:80
	assert_status 5
	assert_valid
	jq -rs '.[0].outcome' <<<"$output"
}

@test "a name that does not exist" {
	skip_unless_mounts 'it mounts a resolv.conf'
	link
	peer nxdomain $V4 53
	assert_equal "$(name_outcome 20s)" no-name
}

@test "a name server that is silent" {
	skip_unless_mounts 'it mounts a resolv.conf'
	link
	server_rule input udp dport 53 drop
	assert_equal "$(name_outcome 400ms)" name-timeout
}

@test "no name server there" {
	skip_unless_mounts 'it mounts a resolv.conf'
	link
	assert_equal "$(name_outcome 400ms)" name-timeout
}

@test "connected to itself: never open, and tried again" {
	netns
	in_ns sysctl -qw net.ipv4.ip_local_port_range='40000 40000'
	assert_outcome 1 self-connect 'nothing listens there' 127.0.0.1:40000
	assert_equal "$(attempt .self_connects)" 8
	# The port is free for the real server at once.
	mk listen:addr=127.0.0.1,port=40000
}

@test "no local port is left: with the number in use" {
	netns
	in_ns sysctl -qw net.ipv4.ip_local_port_range='40000 40001'
	mk listen:addr=127.0.0.1,port=80,backlog=8,queued=2
	assert_outcome 3 no-port 'no local port is left for this destination: [0-9]+ are in use' 127.0.0.1:80
	assert_int "$(attempt .ports_used) >= 2"
}

@test "the accept queue of a local server is full" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=2,queued=3
	assert_outcome 4 queue-full 'accept queue is full \(3/2\)' -T 300ms 127.0.0.1:80
	assert_equal "$(attempt .accept_queue)" 3
	assert_equal "$(attempt .accept_queue_limit)" 2
}

@test "the accept queue of one listener of a group is full" {
	netns
	mk group:reuseport,n=2,addr=127.0.0.1,port=80,backlog=2
	probe -q --measure-backlog 127.0.0.1:80
	mk_more accept:of=group.listener0,n=3
	probe --json --attempts 24 --interval 0 -T 100ms 127.0.0.1:80
	# Three places were free in one of the two, and are taken by the first that come to it.
	assert_json '.[-1].outcomes == {"open": 3, "queue-full": 21}
		and (map(select(.outcome == "queue-full" and .type == "attempt"))
			| all(.accept_queue == 3 and .accept_queue_limit == 2))'
}

@test "a refusal on this host says what is there instead" {
	netns
	mk listen:addr=127.0.0.2,port=80
	probe 127.0.0.1:80
	assert_output --partial ' listens on 127.0.0.2:80 only'
	probe 127.0.0.1:61234
	assert_output --partial 'nothing listens on port 61234'
	probe --json 127.0.0.1:61234
	assert_json '.[1].cause | test("nothing listens on port 61234")'
	assert_valid
}

@test "unix sockets: open, missing, stale, full, wrong type, no permission" {
	local dir=$BATS_TEST_TMPDIR
	netns
	mk "unix_listen:path=$dir/open" "unix_listen:path=$dir/full,backlog=1,queued=2,label=full"
	assert_outcome 0 open connected "unix:$dir/open"
	assert_outcome 1 missing-path 'no such path' "unix:$dir/none"
	assert_outcome 4 queue-full 'does not accept' "unix:$dir/full"
	assert_outcome 1 wrong-type 'another type' "unix-dgram:$dir/open"
	mk "unix_bound:path=$dir/stale"
	assert_outcome 1 stale-unix 'nobody listens' "unix:$dir/stale"
}

@test "a unix socket that may not be used" {
	local dir
	skip_unless_root 'it becomes another user'
	netns
	dir=$(mktemp -d /tmp/probe.XXXXXX)
	chmod 755 "$dir"
	mk "unix_listen:path=$dir/s"
	chmod 600 "$dir/s"
	sockctl_as_user probe --json "unix:$dir/s"
	rm -r "$dir"
	assert_status 3
	assert_equal "$(jq -r 'select(.type == "attempt").outcome' <<<"$output")" no-permission
}

@test "UDP: answered is open, ICMP is a refusal, silence is neither" {
	link
	peer udpecho $V4 7
	assert_outcome 0 open 'answered after' "udp:$V4:7"
	assert_outcome 1 refused-icmp 'port unreachable \(3/3\)' "udp:$V4:9"
	peer udpmute $V4 8
	assert_outcome 4 open-or-filtered 'no answer in' -T 300ms "udp:$V4:8"
	server_rule input udp dport 10 reject with icmp type host-unreachable
	assert_outcome 1 unreachable '3/1' "udp:$V4:10"
	nft_rule output udp dport 11 drop
	assert_outcome 3 denied-local EPERM "udp:$V4:11"
	assert_outcome 1 refused-icmp '1/4' "udp:[$V6]:9"
}

@test "a first SYN that was lost: told, and no latency" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule prerouting 'tcp flags syn / syn,ack tcp dport 80 numgen inc mod 2 == 0 drop'
	probe --json $V4:80
	assert_status 0
	assert_valid
	assert_json '.[0] | .outcome == "open" and .lost == "syn" and .syn_retransmits == 1
		and .rtt_us < 900000 and .connect_us > 900000'
	assert_json '.[1] | .late == 1 and .rtt_us == null and .connect_us == null'
}

@test "verify: a real connection, and a ghost that only the client believes in" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	assert_outcome 0 open verified --verify $V4:80
	assert_equal "$(attempt .verified)" true
	on_server sysctl -qw net.ipv4.tcp_syncookies=2
	# The last ACK of every handshake is lost.
	server_rule input 'tcp flags & (syn|ack|fin) != syn tcp dport 80 drop'
	probe --verify -T 4s --json $V4:80
	assert_status 1
	assert_equal "$(jq -r 'select(.type == "attempt").outcome' <<<"$output")" ghost
	assert_valid
}

@test "a reset after accept: the queue was full when the handshake ended" {
	link
	on_server sysctl -qw net.ipv4.tcp_abort_on_overflow=1
	server_mk listen:addr=$V4,port=80,backlog=4,queued=3
	# All four are half-open before the first has its place in the queue: there are two.
	server_rule input 'tcp flags & (syn|ack|fin) == ack tcp dport 80 drop'
	spawn "${NS[@]}" "$SOCKCTL" probe --json --stable 5s $V4:80 $V4:80 $V4:80 $V4:80
	until [[ $(on_server "$SOCKCTL" inspect --no-findings --count state = syn-recv) == 4 ]]; do
		kill -0 "$PID" || fail 'the probe ended too early'
	done
	on_server nft delete table inet t_input
	run jq -rs 'map(select(.type == "attempt").outcome) | sort | join(" ")' <&"$OUT"
	assert_output 'open open reset-after-accept reset-after-accept'
}
