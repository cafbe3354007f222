#!/usr/bin/env bats
# Data that this host itself cannot send: its route, a rule, its firewall, the address it sends
# from. Each beside flows that can be sent.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

# Two hosts and a cable; THERE has the addresses .1 to .9 of several networks, HERE the .20.
cable() {
	local first pid i
	skip_unless_root 'makes a veth pair'
	netns
	first=("${NS[@]}") pid=$NS_PID
	netns
	in_ns ip link add veth0 type veth peer name veth0 netns "$pid"
	THERE=("${first[@]}") HERE=("${NS[@]}")
	"${THERE[@]}" ip link set veth0 up
	in_ns ip link set veth0 up
	for i in 1 2 3 4 5 6 7 8 9; do
		"${THERE[@]}" ip addr add "10.0.1.$i/24" dev veth0
		"${THERE[@]}" ip addr add "fd00:1::$i/64" dev veth0 nodad
	done
	"${THERE[@]}" ip addr add 10.0.2.1/32 dev veth0
	"${THERE[@]}" ip -6 addr add fd00:2::1/128 dev veth0 nodad
	for i in 20 21; do
		in_ns ip addr add "10.0.1.$i/24" dev veth0
	done
	in_ns ip addr add fd00:1::20/64 dev veth0 nodad
	# Only who asks for it has it.
	in_ns ip addr add fd00:1::21/64 dev veth0 nodad preferred_lft 0
	in_ns ip route add 10.0.2.1 dev veth0 src 10.0.1.20
	in_ns ip -6 route add fd00:2::1 dev veth0
	spawn "${THERE[@]}" "$SOCKCTL" listen -k --recv-only '[::]:4711'
	NS=("${THERE[@]}")
	until_shown -l 'sport = :4711'
	NS=("${HERE[@]}")
}

# A process for each line "PEER [SOURCE|- [UID|- [MARK]]]", which sends to port 4711 five times a second.
senders() {
	spawn "${NS[@]}" python3 -c '
import os, socket, sys, time
for line in sys.argv[1].splitlines():
    peer, source, uid, mark = (line.split() + ["-"] * 3)[:4]
    if os.fork():
        continue
    if uid != "-":
        os.setuid(int(uid))
    c = socket.socket(socket.AF_INET6 if ":" in peer else socket.AF_INET)
    if mark != "-":
        c.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(mark))
    if source != "-":
        c.bind((source, 0))
    c.connect((peer, 4711))
    while True:
        c.send(bytes(700))
        time.sleep(0.2)
time.sleep(600)
' "$1"
}

# What is said of the sender to this peer.
said_of() { # PEER
	jq -r --arg peer "$1" 'select(.id == "stuck-sender" and (.where | contains(" to " + $peer))) | .summary + "\n" + .advice' <<<"$FINDINGS"
}

# This host is named, with what shows it, and the peer's program is not.
assert_unsent() { # PEER REGEX...
	local text peer=$1
	shift
	text=$(said_of "$peer")
	[[ -n $text ]] || fail "nothing is said of $peer: $FINDINGS"
	assert_regex "$text" "The peer's window is open \([0-9]+ bytes\) and nothing is on the way: this host cannot send it"
	while (($#)); do
		assert_regex "$text" "$1"
		shift
	done
	[[ $text != *"is closed"* && $text != *"does not read"* && $text != *"program at the other end"* ]] ||
		fail "$text"
}

@test "routes and rules that keep a sender from sending, IPv4 and IPv6, beside healthy senders" {
	local peers
	cable
	senders '10.0.1.1
10.0.1.2
10.0.1.3
10.0.1.5 - - 7
10.0.1.6 - 4242
10.0.2.1
10.0.1.9 10.0.1.21
fd00:1::1
fd00:1::3
fd00:2::1
fd00:1::9 fd00:1::21
10.0.1.8
fd00:1::8'
	until_shown 'dst = 10.0.1.8 and bytes_acked >= 1400'
	until_shown 'dst = fd00:1::8 and bytes_acked >= 1400'
	until_shown "dst = 10.0.1.6 and bytes_acked >= 700"
	in_ns ip route add blackhole 10.0.1.1
	in_ns ip route add unreachable 10.0.1.2
	in_ns ip route add prohibit 10.0.1.3
	in_ns ip rule add fwmark 7 to 10.0.1.5 blackhole
	in_ns ip rule add uidrange 4242-4242 to 10.0.1.6 prohibit
	in_ns ip route del 10.0.2.1
	in_ns ip addr del 10.0.1.21/24 dev veth0
	in_ns ip -6 route add blackhole fd00:1::1
	in_ns ip -6 route add prohibit fd00:1::3
	in_ns ip -6 route del fd00:2::1
	in_ns ip addr del fd00:1::21/64 dev veth0
	for peers in 10.0.1.1 10.0.1.2 10.0.1.3 10.0.1.6 10.0.2.1 fd00:1::1 fd00:1::3 fd00:2::1; do
		until_shown "dst = $peers and timer = probe and backoff >= 2"
	done
	until_shown 'dst = 10.0.1.5 and timer = probe and backoff >= 2'
	findings
	assert_found 'warning stuck-sender' 'warning stuck-sender' 'warning stuck-sender' 'warning stuck-sender' \
		'warning stuck-sender' 'warning stuck-sender' 'warning stuck-sender' 'warning stuck-sender' \
		'warning stuck-sender' 'warning lost-address' 'warning lost-address'
	assert_unsent 10.0.1.1: 'is of type blackhole from 10\.0\.1\.20 to 10\.0\.1\.1 \(EINVAL\)' \
		'ip route get 10\.0\.1\.1 from 10\.0\.1\.20 uid 0 ipproto tcp' 'ip rule'
	assert_unsent 10.0.1.2: 'is of type unreachable from 10\.0\.1\.20 to 10\.0\.1\.2 \(EHOSTUNREACH\)'
	assert_unsent 10.0.1.3: 'is of type prohibit from 10\.0\.1\.20 to 10\.0\.1\.3 \(EACCES\)'
	assert_unsent 10.0.1.5: 'is of type blackhole from 10\.0\.1\.20 to 10\.0\.1\.5 with mark 0x7 \(EINVAL\)' \
		'ip route get 10\.0\.1\.5 from 10\.0\.1\.20 mark 0x7 uid 0 ipproto tcp'
	assert_unsent 10.0.1.6: 'is of type prohibit from 10\.0\.1\.20 to 10\.0\.1\.6 for uid 4242 \(EACCES\)' \
		'ip route get 10\.0\.1\.6 from 10\.0\.1\.20 uid 4242 ipproto tcp'
	assert_unsent 10.0.2.1: 'there is no route from 10\.0\.1\.20 to 10\.0\.2\.1 \(ENETUNREACH\)'
	assert_unsent '[fd00:1::1]' 'is of type blackhole from fd00:1::20 to fd00:1::1 \(EINVAL\)' 'ip -6 rule'
	assert_unsent '[fd00:1::3]' 'is of type prohibit from fd00:1::20 to fd00:1::3 \(EACCES\)'
	assert_unsent '[fd00:2::1]' 'there is no route from fd00:1::20 to fd00:2::1 \(ENETUNREACH\)'
	# The commands say the same.
	jq -r 'select(.id == "stuck-sender") | .commands[] | select(contains("route get"))' <<<"$FINDINGS" >"$BATS_TEST_TMPDIR/commands"
	assert_int "$(wc -l <"$BATS_TEST_TMPDIR/commands")" = 9
	while read -r command; do
		run "${NS[@]}" sh -c "$command"
		assert_status 2
		assert_regex "$output" 'RTNETLINK answers: '
	done <"$BATS_TEST_TMPDIR/commands"
	# Whoever is not shown the mark of a socket cannot tell what its route is.
	findings_as_user
	assert_regex "$FINDINGS" 'for packets without a mark the route, or the rule that leads to it, is of type blackhole from'
	assert_regex "$FINDINGS" 'only root is shown the mark of a socket'
	assert_regex "$FINDINGS" 'there is a route for packets without a mark; possible are a firewall rule'
}

@test "nginx behind a rule of its own host that drops, or rejects, what it sends" {
	cable
	servers_dir
	owned_dir files
	head -c 100000 /dev/zero >"$DIR/files/data"
	NGINX_SERVER="location /files { root $DIR; limit_rate 1500; }" nginx_on 8080 '; listen [fd00:1::20]:8080; listen 10.0.1.20:8080'
	until_shown -l 'src = 10.0.1.20'
	NS=("${THERE[@]}")
	spawn "${NS[@]}" curl -s -o /dev/null --interface 10.0.1.1 http://10.0.1.20:8080/files/data
	spawn "${NS[@]}" curl -s -o /dev/null --interface fd00:1::1 'http://[fd00:1::20]:8080/files/data'
	spawn "${NS[@]}" curl -s -o /dev/null --interface 10.0.1.8 http://10.0.1.20:8080/files/data
	NS=("${HERE[@]}")
	until_shown 'dst = 10.0.1.1 and bytes_acked >= 1500'
	until_shown 'dst = fd00:1::1 and bytes_acked >= 1500'
	until_shown 'dst = 10.0.1.8 and bytes_acked >= 1500'
	in_ns nft -f - <<-END
		table inet test {
			chain out {
				type filter hook output priority 0
				ip daddr 10.0.1.1 tcp sport 8080 drop
				ip6 daddr fd00:1::1 tcp sport 8080 reject
			}
		}
	END
	until_shown 'dst = 10.0.1.1 and timer = probe and backoff >= 1'
	until_shown 'dst = fd00:1::1 and timer = probe and backoff >= 1'
	findings
	assert_found 'warning stuck-sender' 'warning stuck-sender'
	assert_unsent 10.0.1.1 'it made [0-9]+ IPv4 packets? between the readings and did not transmit (it|them) \(OutRequests, OutTransmits\)' \
		'a firewall rule of this host \(OUTPUT, POSTROUTING\) or a BPF program of the control group drops' 'nft list ruleset' \
		'iptables-save' 'bpftool cgroup tree'
	assert_unsent '[fd00:1::1]' 'it made [0-9]+ IPv6 packets?' 'ip6tables-save'
	assert_figures stuck-sender 'packets_not_transmitted >= 1' 'zero_window == 0'
	# Without the rule all of them go on.
	in_ns nft flush ruleset
	until_shown 'dst = fd00:1::1 and backoff = 0'
	until_shown 'dst = 10.0.1.1 and backoff = 0'
	findings
	assert_found
}
