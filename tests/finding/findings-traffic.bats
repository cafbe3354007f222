#!/usr/bin/env bats
# Findings about connections that do not move, ports and TIME_WAIT that run out, and lost
# datagrams.

load ../lib/helpers
load ../lib/findings

setup() {
	netns
}

# A second namespace, joined to the first by a cable: 10.0.0.1 there, 10.0.0.2 here.
cable() {
	local first=("${NS[@]}") pid=$NS_PID
	skip_unless_root 'makes a veth pair'
	netns
	in_ns ip link add veth0 type veth peer name veth0 netns "$pid"
	in_ns ip addr add 10.0.0.2/24 dev veth0
	in_ns ip link set veth0 up
	"${first[@]}" ip addr add 10.0.0.1/24 dev veth0
	"${first[@]}" ip link set veth0 up
	THERE=("${first[@]}") HERE=("${NS[@]}")
}

@test "a reader that does not read, and who waits for it" {
	mk established:rcvbuf=4096,sndbuf=16384,full
	until_shown 'timer = probe and last_data_sent >= 1s'
	findings
	assert_found 'warning stuck-reader'
	assert_equal "$(get stuck-reader '.sockets[0]')" "${F[established.server0.cookie]}"
	assert_equal "$(culprits stuck-reader)" "$MK_PID"
	assert_figures stuck-reader 'recv_queue_bytes >= 1024' 'receive_buffer_bytes >= 4096' \
		'receive_memory_bytes > 0' 'last_received_ms >= 1000' 'peer_send_queue_bytes >= 1'
	assert_text stuck-reader "${F[established.server0.local]} to ${F[established.server0.peer]}, mksock\[$MK_PID\] fd ${F[established.server0.fd]}" \
		'the program read none between two readings' 'of its receive buffer are in use' \
		"bytes wait for it in the SEND-Q of mksock\[$MK_PID\] fd ${F[established.client0.fd]}" \
		"next: see what mksock\[$MK_PID\] does instead of reading"
}

@test "a sender whose peer has closed its window" {
	cable
	NS=("${THERE[@]}")
	spawn "${NS[@]}" "$SOCKCTL" listen --no-read -O rcvbuf=4096 10.0.0.1:4711
	until_shown -l
	NS=("${HERE[@]}")
	mk client:to=10.0.0.1,port=4711,sndbuf=16384
	mk_more send:of=client.client,n=60000
	until_shown 'timer = probe and last_data_sent >= 1s'
	findings
	assert_found 'warning stuck-sender'
	assert_equal "$(culprits stuck-sender)" "$MK_PID"
	assert_figures stuck-sender 'zero_window == 1' 'backoff >= 1' 'rto_us > 0' \
		'send_queue_bytes >= 1' 'timer_expires_ms >= 0' 'last_sent_ms >= 0'
	assert_text stuck-sender "mksock\[$MK_PID\] fd " "The peer's window is closed" \
		'was doubled [0-9]+ times?; data was last sent' 'the next try is due in [0-9]+ ms \(rto [0-9]+ ms\)'
	NS=("${THERE[@]}")
	findings
	assert_found 'warning stuck-reader'
}

# A connection to 10.0.0.1 that sends 700 bytes a second; PID is its program.
sends_each_second() {
	NS=("${THERE[@]}")
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only 10.0.0.1:4711
	until_shown -l
	NS=("${HERE[@]}")
	spawn "${NS[@]}" python3 -c '
import socket, time
c = socket.create_connection(("10.0.0.1", 4711))
while True:
    c.send(bytes(700))
    time.sleep(1)
'
	until_shown 'dport = :4711 and bytes_acked >= 700'
}

# What drops it is known by the counters.
assert_not_sent() {
	findings
	assert_found 'warning stuck-sender'
	assert_equal "$(culprits stuck-sender)" "$PID"
	assert_figures stuck-sender 'zero_window == 0' 'send_window_bytes >= 700' 'send_queue_bytes >= 700' 'backoff >= 1'
	assert_text stuck-sender "The peer's window is open \([0-9]+ bytes\) and nothing is on the way: this host cannot send it" \
		'a firewall rule of this host \(OUTPUT, POSTROUTING\)' 'data was last tried' 'nft list ruleset' 'iptables-save'
	[[ $stderr != *"is closed"* && $stderr != *"does not read"* && $stderr != *"program at the other end"* ]] ||
		fail "$stderr"
}

@test "a sender whose own firewall drops what it sends" {
	cable
	sends_each_second
	in_ns nft -f - <<-END
		table inet test {
			chain out {
				type filter hook output priority 0
				tcp dport 4711 drop
			}
		}
	END
	until_shown 'timer = probe and timer_retrans >= 2'
	assert_not_sent
	# It ends: nobody owns what it could not send, and the peer's program is not to blame.
	kill -9 "$PID"
	until_shown 'state = fin-wait-1 and timer = probe and timer_retrans >= 2'
	findings --findings=all
	assert_found 'note orphans'
	assert_text_of_note orphans "the peer's window is open, and this host cannot send it: .*a firewall rule of this host \(OUTPUT, POSTROUTING\)"
	assert_contains "$(get orphans .advice)" 'nft list ruleset'
}

assert_text_of_note() { # ID REGEX
	assert_regex "$(get "$1" .summary)" "$2"
}

@test "a sender whose source address is gone" {
	cable
	sends_each_second
	in_ns ip addr add 10.0.0.3/24 dev veth0
	in_ns ip addr del 10.0.0.2/24 dev veth0
	until_shown 'timer = probe and timer_retrans >= 2'
	# The address is the cause: what it does to the sender is no finding of its own.
	findings
	assert_found 'warning lost-address'
	assert_equal "$(culprits lost-address)" "$PID"
	refute_contains "$stderr" 'program at the other end'
}

@test "a sender that holds data back with TCP_CORK, MSG_MORE or SO_MAX_PACING_RATE is nothing to tell" {
	local looks
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only 127.0.0.1:4711
	until_shown -l
	spawn "${NS[@]}" python3 -c '
import socket, time
c, m, p = [socket.create_connection(("127.0.0.1", 4711)) for _ in range(3)]
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
p.setsockopt(socket.SOL_SOCKET, 47, 3000)
p.setblocking(False)
while True:
    c.send(bytes(100))
    m.send(bytes(100), socket.MSG_MORE)
    try:
        p.send(bytes(1000))
    except BlockingIOError:
        pass
    time.sleep(0.05)
'
	until_shown 'dport = :4711 and bytes_acked >= 500'
	until_shown 'dport = :4711 and notsent > 3000'
	for ((looks = 0; looks < 10; looks++)); do
		findings
		assert_found
	done
}

@test "a sender whose peer has ended its own direction, and does not read" {
	mk close_wait
	mk_more send:of=close_wait.server,n=65000
	mk_more send:of=close_wait.server,n=65000
	mk_more send:of=close_wait.server,n=65000
	# Each probe is answered: the last acknowledgment is young again and again, the data is not.
	until_shown 'state = close-wait and timer = probe and last_data_sent >= 1s and last_ack_recv < 400ms'
	findings
	assert_found 'warning stuck-reader'
	assert_figures stuck-reader 'peer_send_queue_bytes >= 1'
}

@test "a reader with a mapped address is told with the IPv4 client that waits for it" {
	mk established:rcvbuf=4096,sndbuf=16384,full,family=mapped
	until_shown 'timer = probe and last_data_sent >= 1s'
	findings
	assert_found 'warning stuck-reader'
	assert_figures stuck-reader 'peer_send_queue_bytes >= 1'
	assert_text stuck-reader "bytes wait for it in the SEND-Q of mksock\[$MK_PID\] fd ${F[established.client0.fd]}"
}

@test "a sender whose packets are dropped" {
	skip_unless_root 'drops packets with nft'
	mk established
	drop_port "$(port_of established.server0)"
	mk_more send:of=established.client0,n=700
	until_shown 'timer_retrans >= 2'
	findings
	assert_found 'warning stuck-sender'
	assert_equal "$(culprits stuck-sender)" "$MK_PID"
	assert_equal "$(get stuck-sender '.sockets[0]')" "${F[established.client0.cookie]}"
	assert_figures stuck-sender 'zero_window == 0' 'send_queue_bytes == 700' 'retrans >= 2' \
		'send_window_bytes == null or .send_window_bytes > 0'
	assert_text stuck-sender 'retransmitted [0-9]+ times without an answer' "window is open" \
		'rto [0-9]+ ms' 'sockctl probe'
	[[ $stderr != *MTU* ]] || fail "$stderr"
}

@test "a sender whose peer is gone, with its machine" {
	cable
	NS=("${THERE[@]}")
	spawn "${NS[@]}" "$SOCKCTL" listen --recv-only 10.0.0.1:4711
	until_shown -l
	NS=("${HERE[@]}")
	mk client:to=10.0.0.1,port=4711
	"${THERE[@]}" ip link set veth0 down
	mk_more send:of=client.client,n=100
	until_shown 'timer_retrans >= 2'
	findings
	assert_found 'warning stuck-sender'
	assert_equal "$(culprits stuck-sender)" "$MK_PID"
}

@test "a path with a smaller MTU whose ICMP is lost" {
	cable
	# What is larger than 600 bytes is dropped on the way, and nobody says so.
	NS=("${THERE[@]}")
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only 10.0.0.1:4711
	until_shown -l
	in_ns nft -f - <<-END
		table netdev path {
			chain in {
				type filter hook ingress device veth0 priority 0
				meta length > 614 drop
			}
		}
	END
	NS=("${HERE[@]}")
	in_ns ethtool -K veth0 tso off gso off >/dev/null 2>&1 || in_ns ip link set veth0 gso_max_segs 1
	spawn "${NS[@]}" python3 -c '
import socket, time
c = socket.create_connection(("10.0.0.1", 4711))
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
c.send(b"x" * 1400)
for _ in range(5):
    c.send(b"small")
    time.sleep(0.05)
time.sleep(600)
'
	until_shown 'timer_retrans >= 2'
	findings
	assert_found 'warning stuck-sender'
	refute_contains "$(get stuck-sender .summary)" 'without an answer'
	assert_text stuck-sender 'and did not arrive, though the peer has confirmed [0-9]+ behind it' 'possibly the path.s MTU is below 1500' \
		'next: whether packets of this size' 'ping -c 3 -M do -s 1472 10.0.0.1'
}

# A program that opens so many connections to each port and then sends on all of them, when it is
# told to.
pool() { # N PORT...
	spawn "${NS[@]}" python3 -c '
import signal, socket, sys
kept = [socket.create_connection(("127.0.0.1", int(port))) for port in sys.argv[2:]
        for _ in range(int(sys.argv[1]))]
signal.signal(signal.SIGUSR1, lambda *_: [c.send(b"SELECT 1") for c in kept])
print("ready", flush=True)
while True:
    signal.pause()
' "$@"
	await_line '^ready$'
}

all_retransmit() { # NUMBER
	[[ $(in_ns "$SOCKCTL" inspect -H --no-findings 'timer_retrans >= 2' 2>/dev/null | wc -l) == "$1" ]]
}

@test "a pool of connections that are dead, and another: a finding each" {
	skip_unless_root 'drops packets with nft'
	local pid
	mk listen:port=5432,backlog=200 listen:port=5433,backlog=200,label=b
	pool 40 5432
	pid=$PID
	pool 3 5433
	drop_port 5432
	drop_port 5433
	kill -USR1 "$pid" "$PID"
	until_true all_retransmit 43
	findings
	assert_equal "$(jq -r 'select(.id == "stuck-sender") | "\(.figures.sockets) \(.sockets | length)"' <<<"$FINDINGS" | sort -n)" \
		$'3 3\n40 40'
	assert_text stuck-sender '40 connections to 127.0.0.1:5432, python3\['"$pid"'\] fd [0-9]+[-0-9, ]*( and [0-9]+ more up to [0-9]+)?' \
		'320 bytes wait in SEND-Q' "The oldest's segment was retransmitted" \
		'next: the peer or the path to it is gone' 'sockctl probe --verify 127.0.0.1:5432'
}

@test "data in flight, and a little unread, are nothing to tell" {
	mk established:n=3,recv=900 established:recv=3000,label=more
	findings
	assert_found
}

@test "a SYN without an answer" {
	skip_unless_root 'drops packets with nft'
	drop_port 4711
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 3 -T 60s 127.0.0.1:4711
	local client=$PID
	until_shown 'state = syn-sent and timer_retrans >= 1'
	findings
	assert_found 'warning syn-sent-unanswered'
	assert_equal "$(culprits syn-sent-unanswered)" "$client"
	assert_figures syn-sent-unanswered 'sockets >= 1' 'syn_retrans >= 1'
	assert_text syn-sent-unanswered '127.0.0.1:4711, asked by sockctl\[' \
		'ha(s|ve) no answer for at least [0-9]+ s' 'sockctl probe 127.0.0.1:4711'
}

# Twenty ephemeral ports, of which ten are reserved.
few_ports() {
	ns_sysctl ipv4/ip_local_port_range '40000 40019'
	ns_sysctl ipv4/ip_local_reserved_ports '40005-40014,50000'
}

@test "ephemeral ports towards one destination run out" {
	few_ports
	mk established:port=80,n=8,listener
	findings
	assert_found 'warning ephemeral-exhaustion'
	assert_figures ephemeral-exhaustion 'used == 8' 'ports == 10' 'left == 2' 'time_wait == 0'
	assert_text ephemeral-exhaustion '127.0.0.1 to 127.0.0.1:80' '8 of 10 ephemeral ports' \
		'at most 2 are left before connect\(\) fails with EADDRNOTAVAIL' "Held by mksock\[$MK_PID\] \(8\)\." \
		'ip_local_port_range 40000-40019 without 10 in ip_local_reserved_ports'
}

# Connections to twelve servers in turn, from ports that bind() or connect() has drawn.
to_twelve_servers() { # N bind|connect
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
servers = [socket.create_server(("127.0.0.1", 8000 + i)) for i in range(12)]
kept = []
for i in range(int(sys.argv[1])):
    c = socket.socket()
    if sys.argv[2] == "bind":
        c.bind(("127.0.0.1", 0))
    c.connect(("127.0.0.1", 8000 + i % 12))
    kept += [c, servers[i % 12].accept()]
print("ready", flush=True)
time.sleep(600)
' "$@"
	await_line '^ready$'
}

@test "ports that were bound before connect() run out towards all destinations together" {
	ns_sysctl ipv4/ip_local_port_range '40000 40099'
	to_twelve_servers 85 bind
	findings
	assert_found 'warning ephemeral-exhaustion'
	assert_equal "$(culprits ephemeral-exhaustion)" "$PID"
	assert_figures ephemeral-exhaustion 'used == 85' 'ports == 100' 'left == 15' 'bound >= 25' \
		'processes == 1' 'of_first_process == 85'
	assert_text ephemeral-exhaustion '127.0.0.1 to every destination' \
		'85 of 100 ephemeral ports are used from this address' \
		'At most 15 are left before bind\(\) to port 0 fails with EADDRINUSE' \
		"Held by python3\[$PID\] \(85\)\." 'next: set IP_BIND_ADDRESS_NO_PORT'
}

@test "more connections from ports that connect() has drawn are nothing to tell" {
	ns_sysctl ipv4/ip_local_port_range '40000 40099'
	to_twelve_servers 240 connect
	findings
	assert_found
}

@test "no ephemeral port left: critical, and connect() agrees" {
	few_ports
	mk established:port=80,n=10,listener
	findings
	assert_found 'critical ephemeral-exhaustion'
	assert_figures ephemeral-exhaustion 'used == 10' 'left == 0'
	sockctl connect 127.0.0.1:80
	assert_equal "$status" 3
}

@test "a listener takes an ephemeral port from all connections" {
	few_ports
	mk listen:port=40003 listen:port=40010,label=reserved established:port=80,n=9,listener
	findings
	assert_found 'critical ephemeral-exhaustion'
	assert_figures ephemeral-exhaustion 'used == 9' 'ports == 9' 'left == 0'
	assert_text ephemeral-exhaustion 'without 10 in ip_local_reserved_ports and 1 that listeners have\.'
	# connect and probe count the same.
	sockctl connect 127.0.0.1:80
	assert_equal "$status" 3
	assert_regex "$stderr" '9 of the 9 ports that the kernel may draw'
	sockctl probe --json 127.0.0.1:80
	assert_equal "$(jq -s 'map(select(.type == "attempt"))[-1].ports_used' <<<"$output")" 9
}

@test "ephemeral ports in use, but towards different destinations" {
	few_ports
	mk established:port=80,n=5,listener established:port=81,n=5,label=b
	findings
	assert_found
}

@test "ports in TIME_WAIT count where they cannot be used again, and who left them is not known" {
	few_ports
	ns_sysctl ipv4/tcp_tw_reuse 0
	mk time_wait:port=80,n=9,listener
	until_shown 'state = time-wait and time_left < 58s'
	findings
	assert_found 'warning ephemeral-exhaustion'
	assert_figures ephemeral-exhaustion 'used == 9'
	ns_sysctl ipv4/tcp_tw_reuse 1
	until_shown 'sport = :40019 and time_left < 58s or sport = :40000 and time_left < 58s'
	mk_more established:label=again
	findings
	assert_found
}

@test "TIME_WAIT is normal: many of them are nothing to tell" {
	mk time_wait:n=200
	findings --findings=all
	assert_found
}

@test "no room for TIME_WAIT" {
	ns_sysctl ipv4/tcp_max_tw_buckets 2
	mk time_wait:n=5,lost
	findings
	assert_found 'warning time-wait-overflow'
	assert_figures time-wait-overflow 'time_wait_limit == 2' 'overflows >= 1' \
		'overflows_between_readings == 0'
	assert_text time-wait-overflow 'at most 2 \(net.ipv4.tcp_max_tw_buckets\)' \
		'TIME_WAIT itself is normal' 'skipped it so far \(TCPTimeWaitOverflow\)'
}

@test "datagrams that are lost" {
	mk udp:rcvbuf=4096,drops
	findings -u
	assert_found 'warning udp-drops'
	assert_equal "$(culprits udp-drops)" "$MK_PID"
	assert_equal "$(get udp-drops '.sockets[0]')" "${F[udp.server.cookie]}"
	assert_figures udp-drops 'drops >= 1000' 'drops_between_readings == 0' \
		'receive_buffer_bytes >= 4096' 'receive_memory_bytes > 0'
	# Who asks for no protocol is told, and shown TCP only; who asks for TCP is not.
	mk_more listen:port=80
	findings
	assert_found 'warning udp-drops'
	refute_output --partial '"proto":"udp"'
	findings -t
	assert_found
	inspect --findings
	assert_regex "$stderr" '(^|'$'\n'')warning +udp-drops'
	refute_output --partial UNCONN
	TEXT_OPTIONS=(-u)
	assert_text udp-drops "${F[udp.server.local]}, mksock\[$MK_PID\] fd ${F[udp.server.fd]}" \
		'[0-9]+ datagrams were dropped' 'bytes of the receive buffer are in use' 'nothing is read'
}

@test "datagrams that are being lost: the rate, and the host counters" {
	mk udp:rcvbuf=4096,queued=20,size=1000,flood
	until_shown -u 'drops >= 1'
	findings -u
	assert_found 'warning udp-drops'
	assert_figures udp-drops 'drops_between_readings >= 1' 'drops_per_second >= 1'
	TEXT_OPTIONS=(-u)
	assert_text udp-drops 'a second\)' 'RcvbufErrors of this namespace rises with them'
}

@test "datagrams that a socket filter refuses are not lost" {
	mk udp:reject,flood
	until_shown -u 'drops >= 1'
	findings -u
	assert_found
}

@test "datagrams that wait are nothing to tell" {
	mk udp:queued=5
	findings -u
	assert_found
}
