#!/usr/bin/env bats
# Every state that the kernel has is one row that says what is so.

load ../lib/helpers
load ../lib/inspect

# Every socket that mksock told of, and no other.
assert_all_facts() {
	local key name n=0
	for key in "${!F[@]}"; do
		[[ $key == *.state ]] || continue
		name=${key%.state}
		assert_facts "$name"
		n=$((n + 1))
	done
	assert_equal "$(count_rows)" "$n"
}

@test "connections that are open and listeners, over IPv4 and IPv6" {
	netns
	mk established established:family=6,label=six listen listen:family=6,label=l6 \
		listen:family=any,label=any
	inspect_json
	assert_all_facts
	assert_row established.client0 proto=tcp family=inet
	assert_row six.client0 proto=tcp family=inet6 local_addr=::1
	assert_row any.listener local_addr=0.0.0.0
}

@test "v4-mapped connections are one row, in the family of their socket" {
	netns
	mk established:family=mapped listen:family=dual,label=dual,by4,queued=1
	inspect_json
	assert_facts established.client0
	assert_facts established.server0
	assert_row established.client0 family=inet
	assert_row established.server0 family=inet6 local_addr=::ffff:127.0.0.1
	assert_equal "$(count_rows)" 5
}

@test "-4 shows IPv4 connections, v4-mapped ones with them, -6 those of IPv6" {
	netns
	mk established established:family=6,label=six established:family=mapped,label=m
	assert_matches -4 -- established.client0 established.server0 m.client0 m.server0
	assert_matches -6 -- six.client0 six.server0
	assert_matches -4 -6 -- established.client0 established.server0 m.client0 six.client0 \
		six.server0 m.server0
}

@test "dual stack and IPv6-only listeners are told apart" {
	netns
	mk listen:family=dual,label=dual listen:family=6only,label=only
	inspect_json -o +v6only
	assert_row dual.listener v6only=false local_addr=::
	assert_row only.listener v6only=true local_addr=::
}

@test "SYN_SENT" {
	netns
	mk listen:backlog=0,queued=1,syn_sent=1
	inspect_json --state syn_sent
	assert_facts listen.syn0
	assert_row listen.syn0 peer_port="$(port_of listen.listener)"
	assert_equal "$(count_rows)" 1
}

@test "SYN_RECV has no inode and no owner" {
	netns
	mk listen:defer=30,syn_recv=2
	inspect_json --state syn-recv
	assert_equal "$(count_rows)" 2
	run jq -r 'select(.type == "socket") | "\(.state) \(.inode) \(.local_port)"' <<<"$output"
	assert_line --index 0 "SYN_RECV 0 $(port_of listen.listener)"
	assert_line --index 1 "SYN_RECV 0 $(port_of listen.listener)"
}

@test "a handshake that does not end: at least how long, by the SYN-ACKs that were sent again" {
	skip_unless_root 'drops packets with nft'
	netns
	mk listen:port=80,backlog=8
	in_ns nft -f - <<-'END'
		table inet t {
			chain c {
				type filter hook input priority 0
				tcp dport 80 tcp flags & (syn|ack) == ack drop
			}
		}
	END
	spawn "${NS[@]}" "$SOCKCTL" connect --recv-only 127.0.0.1:80
	inspect --no-findings --wait "${READY_WITHIN}s" 'state = syn-recv and timer_retrans >= 1'
	assert_status 0
	inspect --no-findings --json -o +time,timer_retrans 'state = syn-recv'
	assert_json '.[0] | .handshake_ms == {"1": 1000, "2": 3000, "3": 7000, "4": 15000, "5": 31000}[.timer_retrans | tostring]'
	inspect --no-findings -o +handshake 'handshake >= 1s'
	assert_contains "$output" SYN_RECV
	inspect --no-findings -o +time 'state = syn-recv'
	assert_regex "$output" '(≥|>=).?[0-9]+(\.[0-9]+)?s'
}

@test "FIN_WAIT1, LAST_ACK and CLOSING, with and without an owner" {
	local scenario
	netns
	for scenario in fin_wait1 last_ack closing; do
		mk "$scenario:rcvbuf=4096,sndbuf=8192" "$scenario:rcvbuf=4096,sndbuf=8192,owned,label=own"
		inspect_json
		assert_facts "$scenario.client"
		assert_facts "$scenario.server"
		assert_facts own.client
		assert_row "$scenario.client" inode=0
		assert_value "$scenario.client" send_queue_bytes '. > 0'
	done
}

@test "CLOSE_WAIT and FIN_WAIT2; the FIN is not shown as data" {
	netns
	mk close_wait close_wait:unread=5,label=unread close_wait:unread_fin,label=fin
	inspect_json
	assert_all_facts
	assert_row close_wait.server recv_queue_bytes=0
	assert_row unread.server recv_queue_bytes=5
	assert_row fin.server recv_queue_bytes=0
	assert_row close_wait.client state=FIN_WAIT2 send_queue_bytes=0
}

@test "CLOSE_WAIT says how long at least, in ms" {
	netns
	mk close_wait
	inspect_json -o +close_wait
	assert_value close_wait.server close_wait_ms 'type == "number" and . >= 0 and . < 60000'
	assert_row close_wait.client close_wait_ms=null
}

@test "FIN_WAIT2 without owner and TIME_WAIT say what time is left" {
	netns
	mk close_wait:orphan,label=orphan time_wait
	inspect_json -o +time_left
	assert_facts orphan.client
	assert_facts time_wait.socket
	assert_value time_wait.socket time_left_ms '. > 30000 and . <= 60000'
	assert_value orphan.client time_left_ms '. > 30000 and . <= 60000'
	assert_row orphan.server time_left_ms=null
	assert_row time_wait.socket inode=0
}

@test "what a TIME_WAIT row does not have is null, not 0" {
	netns
	mk time_wait time_wait:server,family=mapped,label=six
	inspect_json -o +rtt,rmem_alloc
	assert_row time_wait.socket recv_queue_bytes=null send_queue_bytes=null rtt_us=null rmem_alloc_bytes=null uid=null
	assert_row six.socket family=inet6 state=TIME_WAIT
}

# How many dumps inspect asks the kernel for.
dumps() { # [OPTION]...
	in_ns "${STRACE[@]}" -f -e trace=sendto -o "$BATS_TEST_TMPDIR/trace" \
		"$SOCKCTL" inspect --no-findings --allow-empty "$@" >"$BATS_TEST_TMPDIR/rows"
	grep -c TCPDIAG_GETSOCK "$BATS_TEST_TMPDIR/trace" || true
}

@test "the table of connections is not walked in a namespace that has none" {
	command -v strace >/dev/null || skip "strace is not installed"
	netns
	assert_equal "$(dumps)" 1
	assert_equal "$(dumps --state established)" 0
	# They are not counted, but come of a packet.
	assert_equal "$(dumps --state syn-recv)" 0
	mk bound udp
	assert_equal "$(dumps)" 1
	sockctl probe --timeout 5s 127.0.0.1:9
	assert_equal "$status" 1
	assert_equal "$(dumps)" 2
	assert_equal "$(dumps --state established)" 0
	assert_equal "$(dumps --state syn-recv)" 1
	assert_equal "$(dumps 'state syn-recv or state last-ack')" 1
	mk time_wait
	assert_equal "$(dumps)" 2
	grep TIME_WAIT "$BATS_TEST_TMPDIR/rows"
}

@test "a half-open request is shown though its listener is closed and nothing else is there" {
	skip_unless_root "makes a veth pair"
	netns
	local client=("${NS[@]}") pid=$NS_PID
	netns
	in_ns ip link add veth0 type veth peer name veth0 netns "$pid"
	in_ns ip addr add 10.0.0.2/24 dev veth0
	in_ns ip link set veth0 up
	"${client[@]}" ip addr add 10.0.0.1/24 dev veth0
	"${client[@]}" ip link set veth0 up
	mk listen:addr=10.0.0.2,port=80,defer=60
	spawn "${client[@]}" bash -c 'exec 9<>/dev/tcp/10.0.0.2/80; echo ready; read -r'
	await_line '^ready$'
	inspect --no-findings --wait "${READY_WITHIN}s" --state syn-recv
	assert_equal "$status" 0
	kill "$MK_PID"
	await_end "$MK_PID" any
	inspect_table --no-findings
	assert_output --regexp $'^STATE[^\n]*\nSYN_RECV +10\.0\.0\.2:80 +10\.0\.0\.1:[0-9]+[^\n]*$'
}

@test "one remnant of a connection is enough to be found, in either family" {
	local family scenario
	for family in 4 6 mapped; do
		for scenario in time_wait established; do
			netns
			F=()
			mk "$scenario:family=$family"
			inspect_json
			assert_all_facts
		done
	done
}

@test "bound but silent sockets show only when asked for" {
	netns
	mk bound bound:family=6,label=six listen
	assert_matches -- listen.listener
	assert_matches --state bound_inactive -- bound.bound six.bound
	assert_matches --state all -- bound.bound six.bound listen.listener
	inspect_json --state bound
	assert_facts bound.bound
	assert_facts six.bound
}

@test "--port looks for bound but silent sockets too, where a port has no listener" {
	netns
	mk bound:port=7000 bound:port=7001,label=other,reuseaddr
	assert_matches --port 7000 -- bound.bound
	mk listen:port=7002
	assert_matches --port 7002 -- listen.listener
	# Of several ports, each that has no listener.
	assert_matches --port 7000,7002 -- bound.bound listen.listener
	assert_matches --port 7000-7002 -- bound.bound other.bound listen.listener
	# Beside a listener they are shown to who names the state.
	mk bound:port=7003,reuseaddr,label=beside listen:port=7004,label=b
	mk listen:port=7003,reuseaddr,label=a
	assert_matches --port 7003 -- a.listener
	assert_matches --port 7000,7003 -- bound.bound a.listener
	assert_matches --port 7003 'listen or bound-inactive' -- a.listener beside.bound
	assert_matches --port 7003,7004 -- a.listener b.listener
}

@test "UDP: unconnected, connected, with data and with drops" {
	netns
	mk udp:queued=3,size=10 udp:connected,label=pair udp:drops,rcvbuf=4096,label=drops \
		udp:family=6,label=six
	inspect_json -u -o +drops
	assert_row udp.server proto=udp family=inet inode="${F[udp.server.inode]}" local_port="$(port_of udp.server)" state=CLOSE
	assert_row pair.server state=ESTABLISHED peer_port="$(port_of pair.client)"
	assert_row six.server family=inet6
	assert_value udp.server recv_queue_bytes '. >= 30'
	assert_value drops.server drops '. > 0'
	assert_row udp.server drops=0
	assert_equal "$(rows | jq -r .proto | sort -u)" udp
}

@test "unix sockets: stream, dgram and seqpacket, by path and abstract" {
	netns
	mk unix_pair:path="$BATS_TEST_TMPDIR/s" unix_pair:abstract=name,type=seqpacket,label=seq \
		unix_bound:abstract=letters,type=dgram socketpair unix_listen:path="$BATS_TEST_TMPDIR/l",queued=2,backlog=1
	inspect_json -x -o +path,peer_inode
	assert_row unix_pair.listener proto=unix family=unix state=LISTEN path="$BATS_TEST_TMPDIR/s" inode="${F[unix_pair.listener.inode]}"
	assert_row unix_pair.server state=ESTABLISHED path="$BATS_TEST_TMPDIR/s" peer_inode="${F[unix_pair.client.inode]}"
	assert_row unix_pair.client peer_inode="${F[unix_pair.server.inode]}"
	assert_row seq.listener proto=unix-seqpacket path=@name
	assert_row unix_bound.bound proto=unix-dgram path=@letters
	assert_row socketpair.a peer_inode="${F[socketpair.b.inode]}" path=null
	assert_row unix_listen.listener accept_queue=2 accept_queue_limit=1 accept_queue_full=true
}

@test "a unix client shows its peer's path" {
	netns
	mk unix_pair:path="$BATS_TEST_TMPDIR/s"
	inspect -x -H --format raw -o inode,peer
	assert_clean
	assert_line --regexp "^${F[unix_pair.client.inode]}	$BATS_TEST_TMPDIR/s"
}

@test "TCP is the default, -u and -x add to -t" {
	netns
	mk listen udp unix_bound:abstract=a,type=dgram
	assert_matches -- listen.listener
	assert_matches -t -- listen.listener
	assert_matches -u -- udp.server udp.client
	assert_matches -x -- unix_bound.bound
	assert_matches -t -x -- listen.listener unix_bound.bound
	assert_matches -tux -- listen.listener unix_bound.bound udp.server udp.client
}

@test "unread and unsent bytes" {
	netns
	mk established:recv=1234 established:full,rcvbuf=4096,sndbuf=8192,label=full
	inspect_json
	assert_row established.server0 recv_queue_bytes=1234 send_queue_bytes=0
	assert_row established.client0 recv_queue_bytes=0 send_queue_bytes=0
	assert_value full.client0 send_queue_bytes '. > 0 and . <= $sent' --argjson sent "${F[full.more.sent]}"
	assert_equal "$(($(value_of full.client0 send_queue_bytes) + $(value_of full.server0 recv_queue_bytes)))" \
		"${F[full.more.sent]}"
}

@test "a thousand connections are two thousand rows, each once" {
	netns
	mk established:n=1000,quiet
	inspect_json
	assert_equal "$(count_rows)" 2000
	assert_equal "$(rows | jq -r .cookie | sort -u | wc -l)" 2000
}
