#!/usr/bin/env bats
# Handshakes that stay half-open: SYN-ACKs that nobody answers, or that have no route. Two hosts on one link, nginx on the one, clients on the other.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

# nginx at 10.0.0.1:4711 of THERE; HERE is 10.0.0.2.
two_hosts() { # [LISTEN_OPTIONS]
	skip_unless_root 'makes veth pairs, and drops packets with nft'
	servers_dir
	netns
	HERE=("${NS[@]}")
	local here=$NS_PID
	in_ns sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	netns
	THERE=("${NS[@]}")
	in_ns sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	in_ns ip link add veth0 type veth peer name veth0 netns "$here"
	in_ns ip addr add 10.0.0.1/24 dev veth0
	in_ns ip link set veth0 up
	NGINX_WORKERS=1 NGINX_SERVERS="server { listen 10.0.0.1:4711 ${1-}; }" nginx_on 8080
	until_shown -l 'sport = :4711'
	NS=("${HERE[@]}")
	in_ns ip addr add 10.0.0.2/24 dev veth0
	in_ns ip link set veth0 up
}

# So many clients of nginx, from these addresses in turn; they wait.
clients() { # NUMBER [ADDRESS]...
	NS=("${HERE[@]}")
	spawn "${NS[@]}" python3 -c '
import signal, socket, sys
n, sources, kept = int(sys.argv[1]), sys.argv[2:] or ["10.0.0.2"], []
for i in range(n):
    c = socket.socket()
    c.setblocking(False)
    c.bind((sources[i % len(sources)], 0))
    c.connect_ex(("10.0.0.1", 4711))
    kept.append(c)
print("ready", flush=True)
signal.pause()
' "$@"
	await_line '^ready$'
	NS=("${THERE[@]}")
}

# Drops what goes out of, or comes into, the host where we are.
drop() { # input|output MATCH...
	in_ns nft -f - <<-END
		table inet test {
			chain drops {
				type filter hook $1 priority 0
				${*:2} drop
			}
		}
	END
}

# So many half-open connections for which this is so.
half_open() { # NUMBER CONDITION
	inspect --json --no-findings --allow-empty "state = syn-recv and $2"
	(($(jq -s 'map(select(.state == "SYN_RECV")) | length' <<<"$output") >= $1))
}

@test "SYN-ACKs that nobody answers: one finding of the listener, with both ways" {
	two_hosts
	drop input tcp sport 4711
	clients 10
	until_true half_open 10 'timer_retrans >= 2'
	findings
	assert_found 'warning syn-ack-unanswered'
	assert_figures syn-ack-unanswered 'unanswered == 10' 'hosts == 1' 'syns_without_route == 0'
	assert_text syn-ack-unanswered '10\.0\.0\.1:4711, nginx\[' '10 handshakes are half-open' 'come from 10\.0\.0\.2\.' \
		'ip route get 10\.0\.0\.2 from 10\.0\.0\.1' 'ping -c 3 10\.0\.0\.2' 'nft list ruleset'
}

@test "SYNs from many addresses are a flood, and no way back that is broken" {
	two_hosts
	drop input tcp sport 4711
	local hosts=() i
	for i in {10..19}; do
		in_ns ip addr add "10.0.0.$i/24" dev veth0
		hosts+=("10.0.0.$i")
	done
	clients 10 "${hosts[@]}"
	until_true half_open 10 'timer_retrans >= 2'
	findings --findings=all
	assert_found
}

@test "clients that are connected and silent, which a listener with TCP_DEFER_ACCEPT waits for" {
	two_hosts deferred
	clients 10
	until_true half_open 10 'timer_retrans = 0'
	findings --findings=all
	assert_found
}

@test "no route back: SYNs are dropped, and nothing is half-open" {
	two_hosts
	in_ns ip addr add 192.0.2.7/32 dev veth0
	spawn "${NS[@]}" python3 -c '
import socket, time
kept = []
while True:
    c = socket.socket()
    c.setblocking(False)
    c.bind(("192.0.2.7", 0))
    c.connect_ex(("10.0.0.1", 4711))
    kept = kept[-200:] + [c]
    time.sleep(0.05)
'
	NS=("${THERE[@]}")
	until_shown -l 'sport = :4711 and drops >= 3'
	findings
	assert_found 'warning syn-ack-unanswered'
	assert_figures syn-ack-unanswered 'unanswered == 0' 'syns_without_route >= 1'
	assert_text syn-ack-unanswered 'no way back to those who ask' 'OutNoRoutes' 'ip route' 'ip rule'
	in_ns ip route add 192.0.2.0/24 dev veth0
	until_shown 'state = established and sport = :4711'
	findings --findings=all
	assert_found
}
