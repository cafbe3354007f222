#!/usr/bin/env bats
# A path that loses much of what is sent, and paths that do not: slow ones, those on which
# packets overtake each other, those that lose what every path loses. Two hosts with a path
# between them that the test makes (tests/lib/path).

load ../lib/helpers
load ../lib/endpoint
load ../lib/findings
load ../lib/path

# Sends to the port for ever, with this congestion control.
transfer() { # PORT [cubic|reno [ADDRESS]]
	spawn "${NS[@]}" python3 -c '
import socket, sys
c = socket.socket()
c.setsockopt(socket.IPPROTO_TCP, 13, sys.argv[2].encode())
c.connect((sys.argv[3], int(sys.argv[1])))
while True:
    c.send(bytes(50000))
' "$1" "${2-reno}" "${3-10.0.0.1}"
}

# As many looks, at warnings and notes, and none of them finds anything.
silent_looks() { # NUMBER
	local looks
	for ((looks = 0; looks < $1; looks++)); do
		findings --findings=all
		assert_found || return 1
	done
}

@test "a path that loses every eleventh packet: one finding, however many use it" {
	hosts_on_a_path loss=9
	local pids=()
	transfer 4711
	pids+=("$PID")
	transfer 4712 cubic
	pids+=("$PID")
	until_shown 'dport = :4711 and total_retrans >= 60 and busy_time >= 1s'
	until_shown 'dport = :4712 and total_retrans >= 60 and busy_time >= 1s'
	findings
	assert_found 'warning lossy-path'
	assert_equal "$(culprits lossy-path)" "$(printf '%s\n' "${pids[@]}" | sort -n | paste -sd' ')"
	assert_figures lossy-path 'sockets == 2' 'retransmitted_permille >= 50' 'retransmitted_permille <= 250' \
		'bytes_retrans >= 40000' 'bytes_sent >= 100000' 'segments_retrans >= 60' 'rtt_us > 0' \
		'bytes_sent_between_readings >= 0' 'retransmitted_bytes_per_second >= 0'
	assert_text lossy-path '2 connections to 10\.0\.0\.1, python3\[' '[0-9]+\.[0-9] % of the bytes sent were retransmissions' \
		'etween two readings [0-9]+ ms apart' 'lost on the way to the peer, or the acknowledgments on the way back' \
		'this end cannot tell which' 'The firewall or the queues of this host may drop it, too' \
		'tc -s qdisc' 'ip -s link' 'nft list ruleset' 'mtr -n -r -c 100 10\.0\.0\.1'
	# The other end sends nothing.
	NS=("${THERE[@]}")
	silent_looks 1
}

@test "a path that loses three in a hundred is a note" {
	hosts_on_a_path loss=3
	transfer 4711
	until_shown 'total_retrans >= 200 and busy_time >= 1s'
	findings
	assert_found
	findings --findings=all
	assert_found 'note lossy-path'
	assert_figures lossy-path 'sockets == 1' 'retransmitted_permille >= 15' 'retransmitted_permille < 50'
}

@test "a path of this host's own, whose firewall drops" {
	skip_unless_root 'drops packets with nft'
	netns
	in_ns nft -f - <<-END
		table inet test {
			chain in {
				type filter hook input priority 0
				tcp dport 4711 numgen random mod 100 < 8 drop
			}
		}
	END
	takes_all 127.0.0.1:4711
	in_ns ip link set lo gso_max_segs 1
	transfer 4711 reno 127.0.0.1
	until_shown 'dport = :4711 and total_retrans >= 30 and busy_time >= 1s'
	findings
	assert_found 'warning lossy-path'
	assert_text lossy-path 'Both ends are on this host: it drops packets itself' 'nft list ruleset'
	[[ $stderr != *mtr* ]] || fail "$stderr"
}

@test "a path without loss, a long one, and one that loses one in a thousand are nothing to tell" {
	hosts_on_a_path delay=120 loss=0.1
	transfer 4711 cubic
	until_shown 'total_retrans >= 1 and data_segs_out >= 4000 and busy_time >= 2s'
	silent_looks 3
}

@test "a fast path without loss is nothing to tell" {
	hosts_on_a_path
	transfer 4711 cubic
	until_shown 'data_segs_out >= 10000 and busy_time >= 1s'
	silent_looks 3
}

@test "segments that overtake each other are not lost" {
	hosts_on_a_path late=8 by=4
	transfer 4711
	until_shown 'dsack_dups >= 60 and total_retrans >= 60 and busy_time >= 1s'
	silent_looks 5
}

@test "where the peer reports no duplicates, what came late cannot be told from what was lost" {
	hosts_on_a_path late=8 by=4
	NS=("${THERE[@]}")
	ns_sysctl ipv4/tcp_dsack 0
	NS=("${HERE[@]}")
	transfer 4711
	until_shown 'reord_seen >= 20 and total_retrans >= 60 and busy_time >= 1s'
	findings
	assert_found
	findings --findings=all
	assert_found 'note lossy-path'
	assert_regex "$(get lossy-path .summary)" 'they may have come late instead of never'
}

@test "a short connection that lost a segment is nothing to tell" {
	hosts_on_a_path
	NS=("${THERE[@]}")
	in_ns nft -f - <<-END
		table inet test {
			chain in {
				type filter hook input priority 0
				tcp dport 4711 meta length > 500 quota until 2000 bytes drop
			}
		}
	END
	NS=("${HERE[@]}")
	spawn "${NS[@]}" python3 -c '
import socket, time
c = socket.create_connection(("10.0.0.1", 4711))
c.send(bytes(4000))
time.sleep(600)
'
	until_shown 'total_retrans >= 1 and send_queue = 0'
	silent_looks 3
}

@test "a peer that is gone is stuck-sender, and not a lossy path too" {
	hosts_on_a_path
	transfer 4711
	until_shown 'data_segs_out >= 200 and busy_time >= 1s'
	NS=("${THERE[@]}")
	in_ns ip link set veth0 down
	NS=("${HERE[@]}")
	until_shown 'timer_retrans >= 3'
	findings --findings=all
	assert_found 'warning stuck-sender'
}

# Connects for ever, one connection after the other.
connects() { # ADDRESS PORT
	spawn "${NS[@]}" python3 -c '
import socket, sys
while True:
    socket.create_connection((sys.argv[1], int(sys.argv[2]))).close()
' "$@"
}

@test "a round trip of 1.3 s: a SYN that was sent again is not one without an answer, at either end" {
	local looks
	hosts_on_a_path delay=650
	connects 10.0.0.1 4711
	# Neighbours have to be asked first.
	until_shown 'dport = :4711 and state = time-wait'
	for ((looks = 0; looks < 3; looks++)); do
		until_shown 'state = syn-sent and timer_retrans >= 1'
		findings
		assert_found
	done
	NS=("${THERE[@]}")
	findings
	assert_found
}
