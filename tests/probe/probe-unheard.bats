#!/usr/bin/env bats
# Answers that reach this host and not the socket that waits for them: its own reverse path filter
# or firewall drops them. A packet socket proves it; counters alone prove nothing.

load ../lib/helpers
load ../lib/probe
load ../lib/remedy

# What goes to the server leaves through up0, and what comes back arrives through up.1.
two_ways() {
	link
	in_ns ip link add up.1 type veth peer name down1 netns "$SERVER_PID"
	in_ns ip addr add 10.97.0.1/24 dev up.1
	in_ns ip -6 addr add fd97::1/64 dev up.1 nodad
	in_ns ip link set up.1 up
	on_server ip addr add 10.97.0.2/24 dev down1
	on_server ip -6 addr add fd97::2/64 dev down1 nodad
	on_server ip link set down1 up
	on_server sysctl -qw net.ipv4.conf.all.arp_announce=2
	filters 0 0 0
	# A router whose neighbour entry failed once would be passed over.
	on_server "$SOCKCTL" probe -q --wait "${READY_WITHIN}s" --down '[fd97::1]:1' 10.97.0.1:1
	on_server ip route add 10.99.0.1/32 via 10.97.0.1 src $V4
	on_server ip -6 route add fd99::1/128 via fd97::1 src $V6
	probe --wait "${READY_WITHIN}s" --down "[$V6]:1" $V4:1
	assert_status 0
}

filters() { # ALL UP0 UP1
	in_ns sysctl -qw "net.ipv4.conf.all.rp_filter=$1" "net.ipv4.conf.up0.rp_filter=$2" "net.ipv4.conf.up/1.rp_filter=$3"
}

unprivileged() { # COMMAND ARG...
	run --separate-stderr in_ns setpriv --bounding-set -all --inh-caps -all --no-new-privs "$SOCKCTL" "$@"
}

advised() {
	jq -r 'select(.type == "summary") | .commands[]?' <<<"$output"
}

drops_in='received, not delivered'

@test "the reverse path filter: the interface is named, and what is advised for it works" {
	two_ways
	server_mk listen:port=80,family=dual
	filters 0 1 1
	assert_outcome 4 filtered 'no answer to 1 SYN in .*: this host drops the answers' -T 300ms $V4:80
	assert_equal "$(attempt .answers_dropped)" 1
	assert_regex "$(attempt .cause)" "^1 answer of $V4 came in through up\.1, and the reverse path filter of this host dropped it: what goes there leaves through up0 \(rp_filter of the interface, or of all, is 1; IPReversePathFilter rose by [0-9]+\)\$"
	# connect says the same.
	sockctl connect -T 300ms $V4:80
	assert_status 4
	assert_contains "$stderr" answers-dropped 'came in through up.1' 'sysctl -w net.ipv4.conf.up/1.rp_filter=2'
	probe --json -T 300ms $V4:80
	assert_equal "$(advised)" 'sysctl -w net.ipv4.conf.up/1.rp_filter=2'
	obey "$(advised)"
	assert_outcome 0 open 'rtt' $V4:80
	assert_equal "$(in_ns sysctl -n net.ipv4.conf.up0.rp_filter)" 1
}

@test "of all and the own value the greater counts; the SYN that is sent again is answered, too" {
	two_ways
	server_mk listen:port=80,family=dual
	filters 1 0 0
	probe --json -T 1300ms $V4:80
	assert_status 4
	assert_json_in "$output" '.[0] | .outcome == "filtered" and .answers_dropped >= 1 and (.cause | test("came in through up.1"))'
	sockctl connect --json -T 300ms $V4:80
	assert_json_in "$stderr" 'map(select(.id == "answers-dropped"))[0] | .causes[0].commands == ["sysctl -w net.ipv4.conf.up/1.rp_filter=2"]
		and .commands == .causes[0].commands and (.next | test("rp_filter"))'
	assert_valid "$stderr"
	obey 'sysctl -w net.ipv4.conf.up/1.rp_filter=2'
	assert_outcome 0 open 'rtt' $V4:80
	# Loose on all is loose everywhere.
	filters 2 1 1
	assert_outcome 0 open 'rtt' $V4:80
}

@test "the reverse path filter drops datagrams, too" {
	two_ways
	peer udpecho $V4 53
	filters 0 1 1
	assert_outcome 4 open-or-filtered 'no answer in .*: this host drops the answers' -u -T 300ms --send x $V4:53
	assert_regex "$(attempt .cause)" "^[12] answers? of $V4 came in through up\.1, and the reverse path filter"
	filters 0 1 2
	assert_outcome 0 open 'answered' -u --send x $V4:53
}

@test "a rule of the own firewall drops the answers: TCP and UDP, IPv4 and IPv6" {
	local to
	link
	server_mk listen:port=80,family=dual
	for to in $V4 "[$V6]"; do
		peer udpecho "${to//[\[\]]/}" 53
	done
	nft_rule input 'tcp sport 80 drop; udp sport 53 drop'
	for to in $V4 "[$V6]"; do
		assert_outcome 4 filtered 'no answer to 1 SYN in .*: this host drops the answers' -T 300ms "$to:80"
		assert_regex "$(attempt .cause)" "^1 answer of .* came in through up0, and this host dropped it: a rule of its own firewall \([0-9]+ $drops_in\)\$"
		assert_outcome 4 open-or-filtered 'no answer in .*: this host drops the answers' -u -T 300ms --send x "$to:53"
		assert_regex "$(attempt .cause)" "answers? of .* came in through up0, and this host dropped (it|them): a rule of its own firewall"
		# A refusal that is dropped is an answer.
		assert_outcome 1 refused RST "$to:81"
	done
	in_ns nft add rule inet t_input c tcp sport 81 drop
	assert_outcome 4 filtered 'this host drops the answers' -T 300ms $V4:81
	in_ns nft delete table inet t_input
	for to in $V4 "[$V6]"; do
		assert_outcome 0 open rtt "$to:80"
		assert_outcome 0 open answered -u --send x "$to:53"
	done
}

@test "IPv6 has no rp_filter: a rule that does its work is a rule of the firewall" {
	two_ways
	server_mk listen:port=80,family=dual
	assert_outcome 0 open rtt "[$V6]:80"
	nft_rule prerouting 'meta nfproto ipv6 fib saddr . iif oif missing drop'
	assert_outcome 4 filtered 'this host drops the answers' -T 300ms "[$V6]:80"
	assert_regex "$(attempt .cause)" 'came in through up\.1, and this host dropped it: a rule of its own firewall'
}

@test "what a filter in front of IP drops is not laid on a rule of the firewall alone" {
	link
	server_mk listen:port=80,family=dual
	in_ns nft -f - <<-'END' || skip "this kernel has no ingress hook"
		table netdev t { chain c { type filter hook ingress device up0 priority 0; tcp sport 80 drop; }; }
	END
	assert_outcome 4 filtered 'this host drops the answers' -T 300ms $V4:80
	assert_regex "$(attempt .cause)" 'a rule of its own firewall, a tc filter or an IPsec policy$'
	assert_contains "$output" 'tc filter show dev up0 ingress'
}

@test "without the right: numbers, and no cause" {
	two_ways
	server_mk listen:port=80,family=dual
	filters 0 1 1
	unprivileged probe -T 300ms $V4:80
	assert_status 4
	assert_regex "$output" 'no answer to 1 SYN in .*: a firewall drops them, this host drops the answers, or the host is down'
	assert_regex "$output" 'meanwhile this host dropped [0-9]+ packets? by its reverse path filter \(IPReversePathFilter; rp_filter is 1 on up0, up\.1\)'
	assert_contains "$output" 'as root this command listens for the answers and can tell'
	refute_contains "$output" 'sysctl -w' 'came in through'
	unprivileged connect -T 300ms $V4:80
	assert_status 4
	assert_contains "$stderr" 'this host drops the answers, or the host is down; meanwhile this host dropped'
	refute_contains "$stderr" answers-dropped
	filters 0 0 0
	nft_rule input 'tcp sport 80 drop'
	unprivileged probe -T 300ms $V4:80
	assert_regex "$output" 'meanwhile this host dropped [0-9]+ packets? between arrival and delivery'
}

noise='
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    s.sendto(b"x", ("10.99.0.1", 9))
    time.sleep(0.02)
'

@test "counters that rise for others are never the cause" {
	link
	server_mk listen:port=80,family=dual
	server_rule input 'tcp dport 80 drop'
	nft_rule input 'udp dport 9 drop'
	spawn "${SERVER[@]}" python3 -c "$noise"
	probe -T 300ms $V4:80
	assert_status 4
	assert_regex "$output" 'no answer to 1 SYN in .*: a firewall drops them, or the host is down$'
	unprivileged probe -T 300ms $V4:80
	assert_contains "$output" 'or only packets of others'
	assert_contains "$output" 'a firewall drops them, this host drops the answers, or the host is down'
	# What nobody dropped here is not told.
	stop "$PID"
	unprivileged probe -T 300ms $V4:80
	assert_regex "$output" 'a firewall drops them, or the host is down$'
}

@test "a host whose answers are dropped here is not down" {
	link
	server_mk listen:port=80,family=dual
	nft_rule input 'tcp sport 80 drop'
	probe --wait 3500ms --down -T 300ms $V4:80
	assert_status 4
	assert_contains "$stderr" 'this host drops the answers' 'came in through up0'
}

packet_sockets() {
	in_ns cat /proc/self/net/packet | sed 1d
}

listens() {
	[[ -n $(packet_sockets) ]]
}

@test "connect listens no longer than until it is connected" {
	link
	server_mk listen:port=80,family=dual
	server_rule prerouting 'tcp dport 80 drop'
	spawn "${NS[@]}" "$SOCKCTL" connect --json --recv-only $V4:80
	until_true listens
	on_server nft delete table inet t_prerouting
	until_true grep -q '"type":"connected"' "$ERR"
	assert_equal "$(packet_sockets)" ''
}
