#!/usr/bin/env bats
# Row for row the same as ss, /proc/net and lsfd say of the same namespace.

load ../lib/helpers
load ../lib/inspect

population() {
	netns
	mk established:n=20 established:family=6,label=six,recv=77 established:family=mapped,label=m,n=3 \
		listen listen:family=6,label=l6 listen:family=dual,label=dual listen:backlog=2,queued=3,syn_sent=2,label=full \
		listen:defer=60,syn_recv=2,label=df close_wait close_wait:unread=9,label=unread \
		close_wait:orphan,label=orphan time_wait time_wait:family=6,label=tw6 \
		fin_wait1:rcvbuf=4096,sndbuf=8192 last_ack:rcvbuf=4096,sndbuf=8192 closing:rcvbuf=4096,sndbuf=8192 \
		udp:queued=3 udp:family=6,connected,label=udp6 established:keepalive=100,label=ka \
		unix_pair:path="$BATS_TEST_TMPDIR/s" unix_pair:abstract=sp,type=seqpacket,label=sp \
		unix_bound:abstract=dg,type=dgram unix_listen:abstract=ul,queued=2 socketpair holders:n=2
}

# Both lists sorted; what is in one only fails.
assert_same() { # FILE FILE
	sort -o "$1" "$1"
	sort -o "$2" "$2"
	[[ -s $1 ]] || fail "nothing to compare"
	run diff "$1" "$2"
	assert_output ''
}

ss_states='s/^ESTAB /ESTABLISHED /; s/^SYN-SENT/SYN_SENT/; s/^SYN-RECV/SYN_RECV/; s/^FIN-WAIT-/FIN_WAIT/; s/^TIME-WAIT/TIME_WAIT/; s/^CLOSE-WAIT/CLOSE_WAIT/; s/^LAST-ACK/LAST_ACK/'

@test "TCP as ss shows it: state, addresses, inode, cookie" {
	population
	in_ns ss -Htane | sed -E "$ss_states" | awk '{
		ino = 0; sk = 0
		for (i = 6; i <= NF; i++) {
			if ($i ~ /^ino:/) ino = substr($i, 5)
			if ($i ~ /^sk:/) sk = substr($i, 4)
		}
		gsub(/\[::ffff:127.0.0.1\]/, "127.0.0.1", $4); gsub(/\[::ffff:127.0.0.1\]/, "127.0.0.1", $5)
		sub(/^\*:/, "[::]:", $4)
		if ($1 == "LISTEN") $5 = ""
		print $1, $4, $5, ino, "0x" sk }' >"$BATS_TEST_TMPDIR/ss"
	inspect -H --format raw -o state,local,peer,inode,cookie
	assert_clean
	tr '\t' ' ' <<<"$output" >"$BATS_TEST_TMPDIR/inspect"
	assert_same "$BATS_TEST_TMPDIR/ss" "$BATS_TEST_TMPDIR/inspect"
}

@test "queues as ss shows them, but for the FIN it counts as a byte" {
	population
	in_ns ss -Htane | sed -E "$ss_states" | awk '
		$1 == "ESTABLISHED" || $1 == "LISTEN" { for (i = 6; i <= NF; i++) if ($i ~ /^sk:/) print $1, $2, $3, "0x" substr($i, 4) }' \
		>"$BATS_TEST_TMPDIR/ss"
	inspect_json
	rows | jq -r 'select(.state == "ESTABLISHED" or .state == "LISTEN") |
		if .state == "LISTEN" then "\(.state) \(.accept_queue) \(.accept_queue_limit) \(.cookie)"
		else "\(.state) \(.recv_queue_bytes) \(.send_queue_bytes) \(.cookie)" end' >"$BATS_TEST_TMPDIR/inspect"
	assert_same "$BATS_TEST_TMPDIR/ss" "$BATS_TEST_TMPDIR/inspect"
}

# "ST local:port peer:port inode uid" with the hexadecimal addresses of /proc/net/tcp.
as_proc_prints() { # JSON rows on stdin, FAMILY
	/usr/bin/python3 -c '
import ipaddress, json, struct, sys
number = dict(ESTABLISHED=1, SYN_SENT=2, SYN_RECV=3, FIN_WAIT1=4, FIN_WAIT2=5, TIME_WAIT=6, CLOSE=7,
              CLOSE_WAIT=8, LAST_ACK=9, LISTEN=10, CLOSING=11)
def words(address, family):
    address = address if address not in (None, "*") else ("0.0.0.0" if family == "inet" else "::")
    packed = ipaddress.ip_address(address.split("%")[0]).packed
    return "".join("%08X" % w for w in struct.unpack("=%dI" % (len(packed) // 4), packed))
for line in sys.stdin:
    r = json.loads(line)
    if r["family"] != sys.argv[1]:
        continue
    print("%02X %s:%04X %s:%04X %d" % (number[r["state"]], words(r["local_addr"], r["family"]),
          r["local_port"] or 0, words(r["peer_addr"], r["family"]), r["peer_port"] or 0, r["inode"] or 0))
' "$1"
}

@test "TCP and UDP as /proc/net shows them" {
	local table
	population
	inspect_json -tu
	all=$output
	for table in tcp:inet tcp6:inet6 udp:inet udp6:inet6; do
		in_ns cat "/proc/net/${table%:*}" | awk 'NR > 1 { print $4, $2, $3, $10 }' >"$BATS_TEST_TMPDIR/proc"
		output=$all
		rows | jq -c --arg p "${table:0:3}" 'select(.proto == $p)' | as_proc_prints "${table#*:}" >"$BATS_TEST_TMPDIR/inspect"
		assert_same "$BATS_TEST_TMPDIR/proc" "$BATS_TEST_TMPDIR/inspect"
	done
}

@test "unix sockets as /proc/net/unix shows them" {
	population
	# What waits for accept() has no inode yet: no descriptor can name it, and sock_diag is silent.
	in_ns cat /proc/net/unix | awk 'NR > 1 && $7 { print $7, $5, $8 }' | sed 's/ $//' >"$BATS_TEST_TMPDIR/proc"
	inspect_json -x -o +path
	rows | jq -r '"\(.inode) \({"unix": "0001", "unix-dgram": "0002", "unix-seqpacket": "0005"}[.proto])" +
		(if .path then " " + .path else "" end)' >"$BATS_TEST_TMPDIR/inspect"
	assert_same "$BATS_TEST_TMPDIR/proc" "$BATS_TEST_TMPDIR/inspect"
}

@test "unix sockets as ss shows them: state, queues, peer" {
	population
	in_ns ss -Hxa | awk '{
		state = $2; sub(/ESTAB/, "ESTABLISHED", state); sub(/UNCONN/, "UNCONN", state)
		print $1, state, $6, $8 }' | sed -E 's/^u_str/unix/; s/^u_dgr/unix-dgram/; s/^u_seq/unix-seqpacket/' >"$BATS_TEST_TMPDIR/ss"
	inspect_json -x -o +peer_inode
	rows | jq -r '"\(.proto) \(if .state == "CLOSE" then "UNCONN" else .state end) \(.inode) \(.peer_inode // 0)"' >"$BATS_TEST_TMPDIR/inspect"
	assert_same "$BATS_TEST_TMPDIR/ss" "$BATS_TEST_TMPDIR/inspect"
}

@test "owners as ss shows them" {
	population
	in_ns ss -Htanpe | grep -o 'users:.*' | awk '{ ino = 0
		for (i = 1; i <= NF; i++) if ($i ~ /^ino:/) ino = substr($i, 5)
		s = $0
		while (match(s, /pid=[0-9]+,fd=[0-9]+/)) {
			t = substr(s, RSTART, RLENGTH); s = substr(s, RSTART + RLENGTH)
			gsub(/[a-z]+=/, "", t); sub(/,/, " ", t)
			print ino, t
		} }' >"$BATS_TEST_TMPDIR/ss"
	inspect_json -p
	rows | jq -r '.inode as $i | .processes[]? | "\($i) \(.pid) \(.fd)"' >"$BATS_TEST_TMPDIR/inspect"
	assert_same "$BATS_TEST_TMPDIR/ss" "$BATS_TEST_TMPDIR/inspect"
}

@test "owners as lsfd shows them" {
	population
	pids="${F[listen.listener.pid]},${F[holders.holder0.pid]},${F[holders.holder1.pid]}"
	lsfd -n -r -o INODE,PID,FD,TYPE -p "$pids" | awk '$3 ~ /^[0-9]+/ { sub(/[^0-9].*/, "", $3) }
		$4 ~ /SOCK|STREAM|DGRAM|TCP|UDP|UNIX|SEQPACKET|NETLINK/ { print $1, $2, $3 }' >"$BATS_TEST_TMPDIR/lsfd"
	inspect_json -tuxp --state all
	rows | jq -r '.inode as $i | .processes[]? | "\($i) \(.pid) \(.fd)"' >"$BATS_TEST_TMPDIR/inspect"
	assert_same "$BATS_TEST_TMPDIR/lsfd" "$BATS_TEST_TMPDIR/inspect"
}

@test "ss's names for several states mean the same" {
	local name
	population
	for name in all connected synchronized bucket big established listening close-wait time-wait; do
		in_ns ss -Htane state "$name" | grep -oE 'sk:[0-9a-f]+' | sed 's/sk:/0x/' | sort >"$BATS_TEST_TMPDIR/ss"
		if [[ $name == bucket ]]; then
			cp "$BATS_TEST_TMPDIR/ss" "$BATS_TEST_TMPDIR/bucket"
		elif [[ $name == big ]]; then
			# "The opposite to bucket", says ss(8); 6.15 lists half-open ones under both.
			comm -23 "$BATS_TEST_TMPDIR/ss" "$BATS_TEST_TMPDIR/bucket" >"$BATS_TEST_TMPDIR/rest"
			mv "$BATS_TEST_TMPDIR/rest" "$BATS_TEST_TMPDIR/ss"
		fi
		inspect --json "state $name"
		assert_clean
		rows | jq -r .cookie | sort >"$BATS_TEST_TMPDIR/inspect"
		assert test -s "$BATS_TEST_TMPDIR/ss"
		run diff "$BATS_TEST_TMPDIR/ss" "$BATS_TEST_TMPDIR/inspect"
		assert_equal "$name: $output" "$name: "
	done
}

@test "the same expressions choose the same sockets as ss" {
	local expression
	population
	port=$(port_of full.listener)
	while IFS= read -r expression; do
		[[ -n $expression ]] || continue
		# shellcheck disable=SC2086
		in_ns ss -Htane state all "$expression" | grep -oE 'sk:[0-9a-f]+' | sed 's/sk:/0x/' | sort >"$BATS_TEST_TMPDIR/ss"
		# The highest port of all may be that of the listener: then neither shows a row.
		inspect --json --allow-empty "$expression"
		assert_clean
		rows | jq -r .cookie | sort >"$BATS_TEST_TMPDIR/inspect"
		run diff "$BATS_TEST_TMPDIR/ss" "$BATS_TEST_TMPDIR/inspect"
		assert_equal "$expression: $output" "$expression: "
	done <<-END
		sport = :$port
		dport = :$port
		( sport = :$port or dport = :$port )
		sport > :$port
		sport != :$port and sport >= :1024
		src 127.0.0.1
		dst 127.0.0.1
		src [::1]
		dst [::1]
		not src 127.0.0.1
		src 127.0.0.0/8 and dport = :$port
		not ( src 127.0.0.1 or src [::1] )
		src 127.0.0.1:$port
		autobound
		fwmark = 0
	END
}
