#!/usr/bin/env bats
# Why this host, a router or the peer lets no connection come about: connect and probe say
# the same of it. An ICMP error ends an attempt, and no connection that stands.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe

# What connect says: its exit code, the id of the cause and its sentence.
assert_cause() { # CODE ID SENTENCE_REGEX ARG...
	local code=$1 id=$2 sentence=$3
	shift 3
	sockctl connect --json --send x "$@"
	assert_status "$code"
	assert_valid "$stderr"
	assert_json_in "$stderr" 'map(select(.causes) | .causes[]) | length == 1
		and (.[0] | .id == $id and (.summary | test($sentence)))' --arg id "$id" --arg sentence "$sentence"
	sockctl connect --send x "$@"
	assert_status "$code"
	assert_regex "$stderr" "$id +${sentence#^}"
	refute_contains "$stderr" 'nothing listens' 'local firewall or a security module'
}

# The same situation, asked by both commands.
assert_both() { # CONNECT_CODE PROBE_CODE OUTCOME SENTENCE_REGEX ARG...
	local codes=("$1" "$2") outcome=$3 sentence=$4
	shift 4
	assert_cause "${codes[0]}" "$outcome" "$sentence" "$@"
	assert_outcome "${codes[1]}" "$outcome" "$sentence" "$@"
}

serve_there() { # ARGS...
	local NS=("${SERVER[@]}")
	serve "$@"
}

# A server there is reached, and nothing is said.
assert_reaches() { # ADDRESS ARG...
	serve_there listen --reply hello "$1:0"
	sockctl connect --send x "${@:2}" "$1:$PORT"
	assert_status 0
	assert_output hello
	refute_contains "$stderr" ICMP firewall unreachable
}

@test "a rule in OUTPUT that rejects is this host's own firewall, and no closed port" {
	local own="^this host's own firewall rejects it: "
	link
	nft_rule output 'tcp dport 80 reject; tcp dport 81 reject with icmpx admin-prohibited;
		tcp dport 82 reject with icmpx host-unreachable'
	assert_both 3 3 denied-local "${own}ICMP port unreachable \\(3/3\\) from 10.99.0.1" $V4:80
	assert_both 3 3 denied-local "${own}ICMPv6 port unreachable \\(1/4\\) from fd99::1" "[$V6]:80"
	assert_both 3 3 denied-local "${own}ICMP administratively prohibited \\(3/13\\) from 10.99.0.1" $V4:81
	assert_both 3 3 denied-local "${own}ICMPv6 administratively prohibited \\(1/1\\) from fd99::1" "[$V6]:81"
	refute_contains "$output" BPF
	assert_both 3 3 denied-local "${own}ICMP host unreachable \\(3/1\\) from 10.99.0.1" $V4:82
	# The healthy twin, on the same link.
	assert_reaches "$V4"
	assert_reaches "[$V6]"
}

@test "a host or router that rejects by ICMP is named" {
	routed
	on_target nft -f - <<-'END'
		table inet t { chain c { type filter hook input priority 0; tcp dport 80 reject; }; }
	END
	server_rule forward 'tcp dport 81 reject with icmpx admin-prohibited; tcp dport 82 reject with icmpx no-route'
	assert_both 1 1 refused-icmp "^ICMP port unreachable \\(3/3\\) from $TARGET4" $TARGET4:80
	assert_both 1 1 refused-icmp "^ICMPv6 port unreachable \\(1/4\\) from $TARGET6" "[$TARGET6]:80"
	assert_both 1 1 rejected "^ICMP administratively prohibited \\(3/13\\) from $V4" $TARGET4:81
	assert_both 1 1 rejected "^ICMPv6 administratively prohibited \\(1/1\\) from $V6" "[$TARGET6]:81"
	assert_both 1 1 unreachable "^ICMP network unreachable \\(3/0\\) from $V4" $TARGET4:82
	assert_both 1 1 unreachable "^ICMPv6 no route \\(1/0\\) from $V6" "[$TARGET6]:82"
	# RST is the host's own word, and stays what it was.
	sockctl connect --send x $TARGET4:83
	assert_status 1
	refute_contains "$stderr" ICMP
}

@test "nobody answers ARP: the neighbour, and no router, is silent" {
	link
	in_ns sysctl -qw net.ipv4.neigh.up0.mcast_solicit=2 net.ipv4.neigh.up0.retrans_time_ms=100
	sockctl connect --send x -T "${READY_WITHIN}s" $NOBODY:80
	assert_refused 1 'no neighbour answers on up0 \(ARP failed\): the host is down, or not on this link'
	refute_contains "$stderr" firewall
}

@test "blackhole, prohibit and unreachable routes, and none at all" {
	link
	in_ns ip route add blackhole 192.0.2.3
	in_ns ip route add prohibit 192.0.2.64/26
	in_ns ip route add unreachable 192.0.2.5
	in_ns ip -6 route add blackhole fd98::/64
	in_ns ip -6 route add prohibit fd97::/64
	local to shows="next: ip route show table all match "
	for to in 192.0.2.3:80 '[fd98::9]:80' udp:192.0.2.3:53 udp:'[fd98::9]:53'; do
		assert_both 1 1 unreachable '^a blackhole route of this host drops it \(EINVAL\)' "$to"
	done
	for to in 192.0.2.70:80 '[fd97::9]:80' udp:192.0.2.70:53; do
		assert_both 3 3 denied-local '^a prohibit route of this host forbids it \(EACCES\)' "$to"
		refute_contains "$output" policy
	done
	assert_both 1 1 unreachable 'no route from this host \(EHOSTUNREACH\): its route there is of the type unreachable' 192.0.2.5:80
	assert_both 1 1 unreachable 'no route from this host \(ENETUNREACH\)' 192.0.2.6:80
	sockctl connect --send x 192.0.2.70:80
	assert_contains "$stderr" "${shows}192.0.2.70"
	run in_ns ip route show table all match 192.0.2.70
	assert_contains "$output" 'prohibit 192.0.2.64/26'
	# Without the route the sentence goes with it.
	in_ns ip route del blackhole 192.0.2.3
	in_ns ip route add 192.0.2.3 via $V4
	assert_outcome 4 filtered 'no answer' -T 300ms 192.0.2.3:80
}

@test "a source address that cannot go there, and its twin that can" {
	link
	for proto in '' udp:; do
		assert_both 1 1 unreachable "^127.0.0.7 cannot be the source of what goes to $V4 \\(EINVAL\\): a loopback address does not leave this host" \
			--source 127.0.0.7 "$proto$V4:80"
	done
	assert_reaches $V4 --source 10.99.0.1
}

@test "the broadcast address of a subnet: TCP has none, UDP needs SO_BROADCAST" {
	link
	in_ns ip address add 198.51.100.9/29 dev up0
	assert_both 1 1 unreachable '^10.99.0.255 is a broadcast address: TCP has no connections' 10.99.0.255:80
	assert_both 1 1 unreachable '^198.51.100.15 is a broadcast address: TCP has no connections' 198.51.100.15:80
	assert_both 3 3 denied-local '^198.51.100.15 is a broadcast address, which needs SO_BROADCAST \(EACCES\)' \
		udp:198.51.100.15:80
	in_ns ip route add default dev up0
	assert_both 1 1 unreachable '^224.0.0.9 is a multicast address: TCP has no connections' 224.0.0.9:80
	# As the sentence has it.
	sockctl connect --send x --no-read --option broadcast udp:198.51.100.15:80
	assert_status 0
	# An address of the same subnet that is none.
	assert_outcome 1 unreachable 'ARP failed' -T 1500ms 198.51.100.14:80
}

counted() { # COUNTER
	(($(in_ns nft -j list counter inet t_reject "$1" | jq '.nftables[] | .counter? // empty | .packets') > 0))
}

@test "packets of a connection that are rejected for a while do not end it" {
	local family to file=$BATS_TEST_TMPDIR/data
	link
	make_data "$file" 64K
	for family in "$V4" "[$V6]"; do
		serve_there listen "$family:0"
		to=$PORT
		spawn "${NS[@]}" "$SOCKCTL" connect "$family:$to"
		cat "$file" >&"$IN"
		until_true has_bytes 65536
		in_ns nft -f - <<-END
			table inet t_reject {
				counter once { }
				chain c { type filter hook output priority 0; tcp dport $to counter name once reject; }
			}
		END
		cat "$file" >&"$IN"
		until_true counted once
		in_ns nft delete table inet t_reject
		# A router on the way rejects, too.
		server_rule input "tcp dport $to counter reject with icmpx admin-prohibited"
		cat "$file" >&"$IN"
		until_true refused_there
		on_server nft delete table inet t_input
		exec {IN}>&-
		await_end "$PID" || fail "$(<"$ERR")"
		assert_equal "$(stat -c %s "$SERVED")" 196608
		assert_equal "$(cat "$file" "$file" "$file" | cksum)" "$(cksum <"$SERVED")"
	done
}

has_bytes() { # COUNT
	(($(stat -c %s "$SERVED") >= $1))
}

refused_there() {
	(($(on_server nft -j list table inet t_input | jq '[.. | .counter? // empty | .packets?] | add') > 0))
}
