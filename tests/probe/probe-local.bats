#!/usr/bin/env bats
# Targets of this host: who reset what it took, whose queue was full, and never a firewall
# that nothing names.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe
load ../lib/servers

# The cause that is told with the summary, in words and in JSON.
cause_of() { # ARG...
	probe --json "$@"
	assert_valid
	jq -rs 'map(select(.type == "summary"))[-1].cause // ""' <<<"$output"
}

@test "a program that resets is named, with how it closed" {
	netns
	SERVER=()
	peer reset 127.0.0.1 80
	assert_regex "$(cause_of --stable 20s 127.0.0.1:80)" \
		'^(python3|peer)\[[0-9]+\] fd [0-9]+ listens on 127\.0\.0\.1:80, and closed it with SO_LINGER and a time of 0$'
	peer unread 127.0.0.1 81
	assert_regex "$(cause_of --send 'much more than a byte' 127.0.0.1:81)" \
		'listens on 127\.0\.0\.1:81, and closed it before it had read all that was sent$'
	# Without a reading before, both are left.
	probe --wait 300ms --stable 20s 127.0.0.1:80
	assert_refused 4 'reset-after-accept.*
.*and closed it with SO_LINGER and a time of 0, or a firewall rule rejects with a reset'
	# One that closes in order is no case for this.
	peer close 127.0.0.1 82
	assert_outcome 1 closed-after-accept 'then closed by the peer' --stable 20s 127.0.0.1:82
	assert_equal "$(cause_of --stable 20s 127.0.0.1:82)" ''
}

@test "nginx that returns 444 closes in order: nobody is said to reset" {
	netns
	servers_dir
	nginx_on 8080 '; location /closes { return 444; } listen 127.0.0.1:8081'
	probe --wait "${READY_WITHIN}s" -q 127.0.0.1:8080
	assert_clean
	assert_outcome 1 closed-after-accept 'then closed by the peer after .*without an answer' --http=/closes 127.0.0.1:8080
	assert_equal "$(cause_of --http=/closes 127.0.0.1:8080)" ''
}

@test "a rule that resets an open connection is not blamed on the program" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	nft_rule input 'tcp dport 80 tcp flags & (psh|ack) == (psh|ack) reject with tcp reset'
	assert_regex "$(cause_of --send x -T 5s 127.0.0.1:80)" \
		'listens on 127\.0\.0\.1:80, and has not aborted it: a listener that was closed .*, or a firewall rule that rejects with a reset did$'
}

# Without the right to open a packet socket, which would see the answers.
unprivileged() { # COMMAND ARG...
	run --separate-stderr in_ns setpriv --bounding-set -all --inh-caps -all --no-new-privs "$SOCKCTL" "$@"
}

@test "SYNs that come again for a half-open connection are no full queue, whoever's is full meanwhile" {
	skip_unless_root 'drops packets with nft'
	netns
	mk listen:addr=127.0.0.1,port=4713,backlog=64 listen:addr=127.0.0.1,port=4714,backlog=0
	nft_rule input 'tcp sport 4713 drop'
	unprivileged probe --json -T 2500ms 127.0.0.1:4713
	assert_status 4
	assert_json 'map(select(.type == "attempt"))[0].outcome == "filtered"'
	assert_json 'map(select(.type == "summary"))[0].cause | test("has this connection half-open: it got the SYN, and its SYN-ACKs are lost on the way back")'
	# Another listener drops what does not get into its queue.
	spawn "${NS[@]}" python3 -c '
import socket, time
kept = []
while True:
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", 4714))
    kept = kept[-50:] + [s]
    time.sleep(0.02)
'
	until_true overflows
	unprivileged probe --json -T 2500ms 127.0.0.1:4713
	assert_json 'map(select(.type == "attempt"))[0].outcome == "filtered"'
	assert_json 'map(select(.type == "summary"))[0].cause | test("half-open")'
}

overflows() {
	in_ns awk '/^TcpExt: [A-Z]/ { n = split($0, name); next }
		/^TcpExt: / { for (i = 1; i <= n; i++) if (name[i] == "ListenOverflows") exit !$i }' /proc/thread-self/net/netstat
}

@test "a rule that refuses what a program listens on: nobody says that nothing listens" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	nft_rule input 'tcp dport { 80, 24181 } reject with tcp reset'
	assert_outcome 1 refused '^RST after [0-9.]+ ms, though a program of this host listens there' 127.0.0.1:80
	assert_regex "$(cause_of 127.0.0.1:80)" "^mksock\[$MK_PID\] fd [0-9]+ listens on 127\.0\.0\.1:80: .* a firewall rule of this host rejects the connection\$"
	probe --json --attempts 3 --interval 1ms 127.0.0.1:80
	assert_json 'map(select(.type == "attempt").reason | test("though a program")) == [true, true, true]'
	probe --wait 100ms 127.0.0.1:80
	assert_refused 4 'is refused: RST after [0-9.]+ ms, though a program of this host listens there.*
.*listens on 127\.0\.0\.1:80'
	refute_contains "$stderr" 'nothing listens'
	sockctl connect 127.0.0.1:80 </dev/null
	assert_status 1
	assert_regex "$stderr" 'rejected +mksock'
	refute_contains "$stderr" 'nothing listens'
	# Without a listener, in any namespace, it is what it looks like.
	assert_outcome 1 refused 'nothing listens there' 127.0.0.1:24181
	sockctl connect 127.0.0.1:24181 </dev/null
	assert_regex "$stderr" 'not-listening'
}

@test "silence in front of a listener with room: measured, and no rule is claimed" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64 listen:addr=127.0.0.1,port=81,backlog=64,label=b
	nft_rule input 'tcp dport 80 drop; tcp dport 81 reject'
	assert_equal "$(cause_of -T 1300ms 127.0.0.1:80)" \
		"127.0.0.1:80 is listened on and has room (0/64), and dropped nothing meanwhile: the packets are lost before it, or its answers behind it; 'nft list ruleset' and 'iptables-save' show rules that drop, 'tc filter show' and 'bpftool net' other filters"
	# Nothing was sent again, so nothing was measured.
	assert_regex "$(cause_of -T 400ms 127.0.0.1:80)" 'has room \(0/64\) by now: its queue was full until a moment ago, or a rule'
	# An ICMP message is a rule's.
	assert_regex "$(cause_of 127.0.0.1:81)" 'a firewall of this host is in between'
}

@test "a queue that was full at the time is seen by what it dropped" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=2,queued=3
	# Both SYNs meet a full queue; it has room when the time is over.
	spawn "${NS[@]}" "$SOCKCTL" probe --json -T 1900ms 127.0.0.1:80
	local pid=$PID out=$OUT
	until_true overflowed 2
	mk_more accept:of=listen.listener,n=3
	OUT=$out await_line '"outcome":"queue-full".*was full when it was asked: [0-9]+ packets? w(as|ere) dropped meanwhile; it has room by now'
	await_end "$pid" 4
}

overflowed() { # N
	local n
	n=$(in_ns awk '/^TcpExt:/ { if (!i) { for (i = 1; i <= NF; i++) if ($i == "ListenOverflows") k = i } else print $k }' /proc/net/netstat)
	((n >= $1))
}

@test "nginx with stopped workers and a full queue is queue-full, and no firewall" {
	netns
	servers_dir
	nginx_on 8080 backlog=3
	probe --wait "${READY_WITHIN}s" -q 127.0.0.1:8080
	assert_clean
	local workers
	workers=$(pgrep -P "$(<"$DIR/nginx/pid")")
	# shellcheck disable=SC2086 # several
	kill -STOP $workers
	mk client:to=127.0.0.1,port=8080 client:to=127.0.0.1,port=8080,label=b client:to=127.0.0.1,port=8080,label=c \
		client:to=127.0.0.1,port=8080,label=d
	assert_outcome 4 queue-full 'accept queue is full \(4/3\)' -T 300ms 127.0.0.1:8080
	# shellcheck disable=SC2086
	kill -CONT $workers
}
