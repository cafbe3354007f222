#!/usr/bin/env bats
# What a server drops before a socket of it hears of it: its reverse path filter, its own INPUT
# rules. Its counters are a note, with the number, the interfaces and the least change.

load ../lib/helpers
load ../lib/findings
load ../lib/remedy

# Two hosts with two links: HERE is a server at 10.0.0.1:4711, reached through up0; it reaches
# the clients' 192.0.2.7 through up.1. THERE has the clients.
two_hosts() { # RP_FILTER_ALL RP_FILTER_UP0 RP_FILTER_UP1
	skip_unless_root 'makes veth pairs'
	netns
	THERE=("${NS[@]}")
	local there=$NS_PID
	in_ns sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	# Not from the address that only one of the links is for.
	in_ns sysctl -qw net.ipv4.conf.all.arp_announce=2
	netns
	HERE=("${NS[@]}")
	local link i=0
	for link in up0 up.1; do
		in_ns ip link add "$link" type veth peer name "$link" netns "$there"
		in_ns ip addr add "10.0.$i.1/24" dev "$link"
		in_ns ip link set "$link" up
		"${THERE[@]}" ip addr add "10.0.$i.2/24" dev "$link"
		"${THERE[@]}" ip link set "$link" up
		i=$((i + 1))
	done
	"${THERE[@]}" ip addr add 192.0.2.7/32 dev lo
	in_ns ip route add 192.0.2.0/24 via 10.0.1.2
	in_ns sysctl -qw "net.ipv4.conf.all.rp_filter=$1" "net.ipv4.conf.up0.rp_filter=$2" "net.ipv4.conf.up/1.rp_filter=$3"
	spawn "${NS[@]}" "$SOCKCTL" echo 10.0.0.1:4711
	until_shown -l 'sport = :4711'
}

# Connects again and again, and keeps the last ones.
clients() { # FROM
	spawn "${THERE[@]}" python3 -c '
import socket, sys, time
kept = []
while True:
    c = socket.socket()
    c.setblocking(False)
    c.bind((sys.argv[1], 0))
    c.connect_ex(("10.0.0.1", 4711))
    kept = kept[-100:] + [c]
    time.sleep(0.02)
' "$1"
}

# The notes of counters that inspect shows; each look is of 200 ms.
notes() { # [OPTION]...
	inspect -t --json --allow-empty "$@"
	NOTES=$(jq -c 'select(.id == "counter-rising")' <<<"$output")
}

noted() { # WHERE [OPTION]...
	notes "${@:2}"
	[[ $(jq -r .where <<<"$NOTES") == *"$1"* ]]
}

note() { # WHERE PATH
	jq -r --arg where "$1" "select(.where == \$where) | $2" <<<"$NOTES"
}

is_connected() {
	inspect -t --no-findings --json --allow-empty 'state = established and sport = :4711'
	[[ $(jq -r 'select(.type == "end") | .rows' <<<"$output") -gt 0 ]]
}

FILTERED=TcpExtIPReversePathFilter
DROPPED=IpInReceives-IpInDelivers

@test "clients that come another way than the route back: the filter's number, the interface, one command" {
	two_hosts 0 1 0
	clients 192.0.2.7
	until_true noted "$FILTERED" --findings=all
	assert_int "$(note "$FILTERED" .figures.rose) > 0"
	assert_regex "$(note "$FILTERED" .summary)" "^In [0-9]+ ms this host dropped [0-9]+ packets? by rp_filter"
	assert_contains "$(note "$FILTERED" .summary)" 'Of all interfaces, rp_filter is 1 on up0 only.'
	# What the filter drops is not told as what a rule drops.
	assert_equal "$(note "$DROPPED" .where)" ''
	assert_equal "$(note "$FILTERED" '.commands[]')" 'sysctl -w net.ipv4.conf.up0.rp_filter=2'
	assert_valid
	inspect -t --findings=all
	assert_contains "$stderr" 'counter-rising  TcpExtIPReversePathFilter' 'sysctl -w net.ipv4.conf.up0.rp_filter=2'
	# Alone it is no finding.
	notes --findings
	assert_equal "$NOTES" ''
	inspect -t
	assert_equal "$stderr" ''
	assert_status 0
	# Beside one it is shown.
	mk listen:port=80,backlog=1,queued=2
	until_true noted "$FILTERED" --findings
	obey 'sysctl -w net.ipv4.conf.up0.rp_filter=2'
	until_true is_connected
	notes --findings=all
	refute_contains "$NOTES" "$FILTERED"
}

@test "of the interface's own value and that of all the greater counts, and several are listed" {
	two_hosts 1 0 2
	clients 192.0.2.7
	until_true noted "$FILTERED" --findings=all
	assert_contains "$(note "$FILTERED" .summary)" 'rp_filter is 1 on up0 only.'
	in_ns sysctl -qw net.ipv4.conf.up/1.rp_filter=0
	until_true noted "$FILTERED" --findings=all
	assert_contains "$(note "$FILTERED" .summary)" 'rp_filter is 1 on up0, up.1: they came through one of these.'
	assert_equal "$(note "$FILTERED" '.commands | join("; ")')" \
		'sysctl -w net.ipv4.conf.up0.rp_filter=2; sysctl -w net.ipv4.conf.up/1.rp_filter=2'
}

@test "clients that come the way of the route back pass a strict filter, and nothing is noted" {
	two_hosts 1 1 1
	in_ns ip route replace 192.0.2.0/24 via 10.0.0.2
	clients 192.0.2.7
	until_true is_connected
	notes --findings=all
	refute_contains "$NOTES" "$FILTERED" "$DROPPED"
}

@test "an own INPUT rule: the number, and what it may be; without the rule there is none" {
	two_hosts 0 0 0
	in_ns ip route replace 192.0.2.0/24 via 10.0.0.2
	in_ns nft -f - <<-'END'
		table inet test {
			chain in {
				type filter hook input priority 0
				tcp dport 4711 drop
			}
		}
	END
	clients 192.0.2.7
	until_true noted "$DROPPED" --findings=all
	assert_int "$(note "$DROPPED" .figures.rose) > 1"
	assert_regex "$(note "$DROPPED" .summary)" '^In [0-9]+ ms this host received [0-9]+ IPv4 packets; [0-9]+ of them were neither delivered nor forwarded, and no error counts them\.'
	assert_contains "$(note "$DROPPED" .advice)" 'multicast'
	assert_equal "$(note "$DROPPED" '.commands | join("; ")')" 'nft list ruleset; iptables-save'
	assert_equal "$(note "$FILTERED" .where)" ''
	notes --findings
	assert_equal "$NOTES" ''
	mk listen:port=80,backlog=1,queued=2
	until_true noted "$DROPPED" --findings
	in_ns nft delete table inet test
	until_true is_connected
	notes --findings=all
	refute_contains "$NOTES" "$FILTERED" "$DROPPED"
}
