#!/usr/bin/env bats
# A path that loses large packets and the ICMP messages about it, seen from the end that
# should receive them.

load ../lib/helpers
load ../lib/findings
load ../lib/remedy

# HERE 10.0.1.1 and .2, a router whose way to it takes 1200 bytes, THERE 10.0.2.2.
hosts_and_router() {
	local here there
	skip_unless_root 'makes veth pairs'
	netns
	HERE=("${NS[@]}") here=$NS_PID
	netns
	THERE=("${NS[@]}") there=$NS_PID
	netns
	in_ns ip link add here type veth peer name veth0 netns "$here"
	in_ns ip link add there type veth peer name veth0 netns "$there"
	in_ns ip addr add 10.0.1.254/24 dev here
	in_ns ip addr add 10.0.2.254/24 dev there
	in_ns ip link set here mtu 1200 up
	in_ns ip link set there up
	ns_sysctl ipv4/ip_forward 1
	"${HERE[@]}" ip addr add 10.0.1.1/24 dev veth0
	"${HERE[@]}" ip addr add 10.0.1.2/24 dev veth0
	"${HERE[@]}" ip link set veth0 up
	"${HERE[@]}" ip route add default via 10.0.1.254
	"${THERE[@]}" ip addr add 10.0.2.2/24 dev veth0
	"${THERE[@]}" ip link set veth0 up
	"${THERE[@]}" ip route add default via 10.0.2.254
	ROUTER=("${NS[@]}")
	# Sends a large segment, and small ones behind it.
	spawn "${THERE[@]}" python3 -c '
import socket, threading, time
def serve(c):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    c.send(b"x" * 1400)
    for _ in range(3):
        time.sleep(0.02)
        c.send(b"small")
    c.recv(1)
    c.close()
s = socket.create_server(("10.0.2.2", 4711))
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
'
	NS=("${THERE[@]}")
	until_shown -l 'sport = :4711'
	NS=("${HERE[@]}")
}

receives() { # SOURCE
	spawn "${NS[@]}" sh -c 'exec "$0" connect --recv-only -s "$1" 10.0.2.2:4711 >"$2"' "$SOCKCTL" "$1" "$BATS_TEST_TMPDIR/$1"
}

@test "a path with a smaller MTU towards this host, and what proves it" {
	local commands
	hosts_and_router
	# Its twin, to which the ICMP message still came.
	receives 10.0.1.2
	until_shown 'src = 10.0.1.2 and bytes_received >= 1415'
	"${ROUTER[@]}" nft -f - <<-END
		table inet test {
			chain out {
				type filter hook output priority 0
				icmp type destination-unreachable drop
			}
		}
	END
	receives 10.0.1.1
	until_shown 'src = 10.0.1.1 and rcv_ooopack >= 1'
	findings --findings=all
	assert_found 'warning gap-in-stream'
	assert_figures gap-in-stream 'sockets == 1' 'receive_memory_bytes > 0' 'segments_out_of_order >= 1'
	assert_regex "$(get gap-in-stream .where)" '^10\.0\.1\.1:[0-9]+ to 10\.0\.2\.2:4711, sockctl'
	assert_contains "$(get gap-in-stream .summary)" 'smaller than the peer assumes'
	commands=$(get gap-in-stream '.commands[]')
	assert_equal "$commands" $'ping -c 3 -M do -s 1472 10.0.2.2\nsockctl connect -O mss=1000 10.0.2.2:4711'
	# Packets of that size do not arrive, smaller ones do.
	run "${NS[@]}" timeout 20 ping -c 1 -W 1 -M 'do' -s 1472 10.0.2.2
	assert_status 1
	run "${NS[@]}" timeout 20 ping -c 1 -M 'do' -s 1100 10.0.2.2
	assert_status 0
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$SOCKCTL" "$BATS_TEST_TMPDIR/bin/sockctl"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	obey "$(tail -n 1 <<<"$commands")" </dev/null >"$BATS_TEST_TMPDIR/small"
	assert_int "$(wc -c <"$BATS_TEST_TMPDIR/small")" = 1415
	# The other end is answered, if not for that segment.
	NS=("${THERE[@]}")
	until_shown 'dst = 10.0.1.1 and timer_retrans >= 2'
	findings
	assert_found 'warning stuck-sender'
	assert_contains "$(get stuck-sender .summary)" 'and did not arrive, though the peer has confirmed'
	refute_contains "$(get stuck-sender .summary)" 'without an answer'
}
