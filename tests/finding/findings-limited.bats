#!/usr/bin/env bats
# Connections that a window, a buffer or Nagle's algorithm keeps slower than the path; and others,
# which the path, the programs or nothing at all limits.

load ../lib/helpers
load ../lib/endpoint
load ../lib/findings
load ../lib/path

# One more server at the other end: listen with these options.
serves_there() { # PORT [OPTION]...
	local port=$1
	shift
	NS=("${THERE[@]}")
	spawn "${NS[@]}" sh -c 'exec "$0" listen -k --recv-only "$@" >/dev/null' "$SOCKCTL" "$@" "10.0.0.1:$port"
	until_shown -l "sport = :$port"
	NS=("${HERE[@]}")
}

# Sends for ever. The window that is limited is full most of the time, with bbr for less of it.
sends() { # PORT [CONGESTION [OPTION]...]
	local port=$1 congestion=${2-reno}
	shift $(($# > 2 ? 2 : $#))
	spawn "${NS[@]}" sh -c 'exec "$0" connect --send-only "$@" </dev/zero' "$SOCKCTL" -O "congestion=$congestion" "$@" \
		"10.0.0.1:$port"
}

# When it has been at it for a while, so that no window grows any more.
until_busy() { # PORT
	until_shown "dport = :$1 and busy_time >= 2s"
}

# Looks until one finds this; the path of the test is a process, and may itself be late.
found_in_some_look() { # ID
	local looks=0
	until findings --findings=all && [[ $FOUND == *" $1"* ]]; do
		((looks++ < LOOKS)) || fail "no look found $1: $FINDINGS"
	done
}

# None of several looks finds one of these rules.
unlimited() {
	local looks
	for ((looks = 0; looks < 3; looks++)); do
		findings --findings=all
		[[ $FOUND != *-limited* && $FOUND != *nagle* ]] || fail "$FINDINGS"
	done
}

@test "a peer with a small receive buffer: the window, with its numbers; a larger one is no finding" {
	hosts_on_a_path delay=30
	serves_there 4713 -O rcvbuf=16k
	sends 4713
	local sender=$PID
	sends 4712
	until_busy 4713
	found_in_some_look window-limited
	assert_found 'note window-limited'
	assert_figures window-limited 'sockets == 1' 'send_window_bytes >= 8192' 'send_window_bytes <= 32768' \
		'min_rtt_us >= 60000' 'min_rtt_us < 90000' 'limited_percent >= 25' \
		'possible_bytes_per_second <= 546000' 'acked_bytes_per_second <= 600000' \
		'acked_bytes_per_second >= 68000' 'congestion_window_bytes > 16384'
	assert_equal "$(culprits window-limited)" "$sender"
	assert_regex "$(get window-limited .where)" 'to 10\.0\.0\.1:4713, sockctl'
	assert_contains "$(get window-limited .summary)" 'receive buffer is that small, or its program reads no faster'
	assert_regex "$(get window-limited .advice)" 'at the other end \(10\.0\.0\.1:4713\): if RECV-Q of this connection stays full there, the program reads slowly'
	# The end that receives has nothing to say.
	NS=("${THERE[@]}")
	unlimited
	NS=("${HERE[@]}")
	# Obeyed: the same program without the option.
	kill -9 "$sender"
	serves_there 4714
	sends 4714
	until_busy 4714
	unlimited
}

@test "a peer whose tcp_rmem is small: raised as advised, the next connection is no finding" {
	hosts_on_a_path delay=30
	local before
	NS=("${THERE[@]}")
	before=$(in_ns cat /proc/sys/net/ipv4/tcp_rmem)
	ns_sysctl ipv4/tcp_rmem '4096 32768 32768'
	serves_there 4713
	sends 4713 bbr
	local sender=$PID
	until_busy 4713
	found_in_some_look window-limited
	assert_figures window-limited 'send_window_bytes <= 32768'
	assert_regex "$(get window-limited .advice)" 'raise the third number of net\.ipv4\.tcp_rmem\. '
	kill -9 "$sender"
	NS=("${THERE[@]}")
	ns_sysctl ipv4/tcp_rmem "$before"
	serves_there 4714
	sends 4714 bbr
	until_busy 4714
	unlimited
}

@test "window scaling that is off limits the window to 65535 bytes, and is told as that" {
	hosts_on_a_path delay=30
	NS=("${THERE[@]}")
	ns_sysctl ipv4/tcp_window_scaling 0
	NS=("${HERE[@]}")
	sends 4711
	local sender=$PID
	until_busy 4711
	found_in_some_look window-limited
	assert_figures window-limited 'send_window_bytes > 32768' 'send_window_bytes <= 65535'
	assert_contains "$(get window-limited .summary)" 'Window scaling is off on this connection'
	assert_contains "$(get window-limited .advice)" 'net.ipv4.tcp_window_scaling must be 1'
	kill -9 "$sender"
	NS=("${THERE[@]}")
	ns_sysctl ipv4/tcp_window_scaling 1
	NS=("${HERE[@]}")
	sends 4712
	until_busy 4712
	unlimited
}

@test "a program that sets a small send buffer; without it the kernel makes room" {
	hosts_on_a_path delay=30
	sends 4711 reno -O sndbuf=16k
	local sender=$PID
	sends 4711 bbr -O sndbuf=16k
	until_busy 4711
	found_in_some_look sndbuf-limited
	assert_figures sndbuf-limited 'send_buffer_bytes == 32768' 'acked_bytes_per_second < 2000000' \
		'send_window_bytes > 32768'
	assert_contains "$(get sndbuf-limited .summary)" 'the program has set SO_SNDBUF (32768 bytes of memory)'
	assert_contains "$(get sndbuf-limited .advice)" 'leave SO_SNDBUF unset in the program'
	kill -9 "$sender" "$PID"
	sends 4712
	until_busy 4712
	unlimited
}

@test "healthy transfers on a path of 60 ms are not limited: with loss, without, and by their program" {
	hosts_on_a_path delay=30 loss=0.1
	sends 4711
	sends 4712 bbr
	# 500 kB/s, and 25 kB whenever the last ones are answered.
	spawn "${NS[@]}" python3 -c '
import socket, time
c = socket.create_connection(("10.0.0.1", 4711))
while True:
    c.send(bytes(5000))
    time.sleep(0.01)
'
	spawn "${NS[@]}" python3 -c '
import socket, time
c = socket.socket()
c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
c.connect(("10.0.0.1", 4712))
while True:
    c.send(bytes(25000))
    time.sleep(0.08)
'
	until_busy 4711
	until_busy 4712
	unlimited
}

@test "a window that comes and goes, or was larger before, is that of a program that reads slowly" {
	hosts_on_a_path delay=30
	local port
	NS=("${THERE[@]}")
	for port in 4721:20000 4722:100000; do
		spawn "${NS[@]}" python3 -c '
import socket, sys, time
port, rate = map(int, sys.argv[1].split(":"))
c = socket.create_server(("10.0.0.1", port)).accept()[0]
while True:
    n = len(c.recv(max(1024, rate // 100)))
    time.sleep(n / rate)
' "$port"
		until_shown -l "sport = :${port%:*}"
	done
	NS=("${HERE[@]}")
	for port in 4721 4722; do
		sends "$port"
		until_busy "$port"
	done
	unlimited
}

# A server that answers each 20 bytes with 10.
answers() { # ADDRESS
	spawn "${NS[@]}" python3 -c '
import socket, sys, threading
def serve(c):
    n = 0
    while True:
        n += len(c.recv(100))
        while n >= 20:
            n -= 20
            c.send(b"r" * 10)
s = socket.create_server((sys.argv[1], 4715))
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
' "$1"
	until_shown -l 'sport = :4715'
}

# A client that writes its requests so: plain, nodelay, cork, writev, or does not read answers.
requests() { # HOW ADDRESS
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
how, c = sys.argv[1], socket.create_connection((sys.argv[2], 4715))
if how == "nodelay":
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while True:
    if how == "cork":
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    if how == "writev":
        c.sendmsg([b"a" * 10, b"b" * 10])
    else:
        c.send(b"a" * 10)
        c.send(b"b" * 10)
    if how == "cork":
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    c.recv(10)
' "$@"
	until_shown "dport = :4715 and bytes_received >= 200"
}

@test "two small writes a request and a delayed acknowledgment; each remedy is obeyed" {
	local how pid
	netns
	answers 127.0.0.1
	requests plain 127.0.0.1
	pid=$PID
	found_in_some_look nagle-delay
	assert_found 'note nagle-delay'
	assert_figures nagle-delay 'sockets == 1' 'looks_held >= 3' 'looks >= 5' 'waited_ms > 10' \
		'min_rtt_us < 10000'
	assert_equal "$(culprits nagle-delay)" "$pid"
	assert_contains "$(get nagle-delay .summary)" 'TCP_NODELAY is off'
	assert_regex "$(get nagle-delay .advice)" 'writev\(\), or TCP_CORK .* or set TCP_NODELAY in the program$'
	kill -9 "$pid"
	for how in nodelay cork writev; do
		requests "$how" 127.0.0.1
	done
	unlimited
}

@test "on a path of 60 ms the delay shows beside the round trip" {
	hosts_on_a_path delay=30
	NS=("${THERE[@]}")
	answers 10.0.0.1
	NS=("${HERE[@]}")
	requests plain 10.0.0.1
	found_in_some_look nagle-delay
	assert_figures nagle-delay 'min_rtt_us >= 60000'
}

@test "who may not read the options of the socket is told what else it may be" {
	skip_unless_root 'drops privileges'
	netns
	answers 127.0.0.1
	requests plain 127.0.0.1
	local looks=0
	until sockctl_as_user inspect --json --findings=all --allow-empty && [[ $output == *nagle-delay* ]]; do
		((looks++ < LOOKS)) || fail "$output"
	done
	FINDINGS=$(jq -c 'select(.id == "nagle-delay")' <<<"$output")
	assert_contains "$(get nagle-delay .summary)" 'or the program holds the data back itself (TCP_CORK, MSG_MORE)'
	refute_contains "$(get nagle-delay .summary)" 'TCP_NODELAY is off:'
}

@test "small writes in one direction are what Nagle's algorithm is for" {
	netns
	answers 127.0.0.1
	serve listen -k --recv-only 127.0.0.1:4716
	spawn "${NS[@]}" python3 -c '
import socket, time
c = socket.create_connection(("127.0.0.1", 4716))
while True:
    c.send(b"a line\n")
    time.sleep(0.003)
'
	until_shown 'dport = :4716 and bytes_sent >= 1000'
	unlimited
}
