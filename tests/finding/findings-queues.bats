#!/usr/bin/env bats
# Findings about listeners: each fault is made for real in a namespace of its own, and is the
# only one that is told. Beside each stands the healthy neighbour, of which nothing is told.

load ../lib/helpers
load ../lib/findings

setup() {
	netns
}

@test "a full accept queue: how full, who waits, since when, what capped it, who is to blame" {
	mk listen:backlog=3,queued=4
	findings
	assert_found 'critical accept-queue-full'
	assert_equal "$(culprits accept-queue-full)" "$MK_PID"
	assert_equal "$(get accept-queue-full '.processes[0].fd')" "${F[listen.listener.fd]}"
	assert_equal "$(get accept-queue-full '.sockets[0]')" "${F[listen.listener.cookie]}"
	assert_figures accept-queue-full 'accept_queue == 4' 'accept_queue_limit == 3' \
		'waiting == 4' 'gave_up == 0' 'drops == 0' 'drops_between_readings == 0' \
		'longest_wait_ms >= 0' 'accepts == 0'
	assert_text accept-queue-full "${F[listen.listener.local]}, mksock\[$MK_PID\] fd ${F[listen.listener.fd]}" \
		'4 connections wait for accept\(\), the limit is 3' \
		"the longest has waited [0-9.]+m?s \(127.0.0.1:" 'They come from 127.0.0.1 \(4\)' \
		'None was accepted between two readings' '0 packets dropped since listen' \
		"next: find out what mksock\[$MK_PID\]"
	refute_output --partial tcp_abort_on_overflow
	# What listen() was called with is kept nowhere.
	[[ $stderr != *somaxconn* && $stderr != *argument* ]] || fail "$stderr"
}

# No finding about how full it is; that nobody accepts is another one, after a second.
assert_not_filling() {
	[[ $FOUND != *accept-queue* ]] || fail "$FINDINGS"
}

@test "a queue at its limit but not beyond has room: no finding about its fill" {
	mk listen:backlog=100,queued=80
	findings
	assert_not_filling
}

@test "a full queue that somaxconn has capped, with resets on overflow, says both" {
	ns_sysctl core/somaxconn 2
	ns_sysctl ipv4/tcp_abort_on_overflow 1
	mk listen:backlog=500,queued=3
	findings
	assert_found 'critical accept-queue-full'
	assert_figures accept-queue-full 'accept_queue_limit == 2'
	assert_text accept-queue-full 'The limit equals net.core.somaxconn \(2\): the program may have asked for more' 'tcp_abort_on_overflow is on: new connections are dropped all the same, but a client whose handshake ends'
	# So it is: no answer, and no reset.
	local to resets
	to=${F[listen.listener.local]}
	resets=$(in_ns awk '/^Tcp: [0-9]/ { print $15 }' /proc/net/snmp)
	sockctl probe --json -T 300ms "$to"
	assert_status 4
	assert_json '.[0].outcome == "queue-full"'
	assert_equal "$(in_ns awk '/^Tcp: [0-9]/ { print $15 }' /proc/net/snmp)" "$resets"
}

@test "a backlog of 0 is a note, and none where the queue is full; somaxconn alone is nothing" {
	ns_sysctl core/somaxconn 7
	mk listen:backlog=0 listen:label=small,backlog=1 listen:label=capped,backlog=500
	findings
	assert_found
	findings --findings=all
	assert_found 'note backlog-zero'
	assert_equal "$(culprits backlog-zero)" "$MK_PID"
	assert_equal "$(get backlog-zero '.sockets[0]')" "${F[listen.listener.cookie]}"
	TEXT_OPTIONS=(--findings=all)
	assert_text backlog-zero "${F[listen.listener.local]}, mksock\[$MK_PID\]" 'one connection at most waits'
	TEXT_OPTIONS=()
	# One waits: it is full.
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 60s "${F[listen.listener.local]}"
	until_shown unaccepted
	findings --findings=all
	[[ $FOUND == *'critical accept-queue-full'* && $FOUND != *backlog-zero* ]] || fail "$FINDINGS"
}

@test "somaxconn is not named where nothing is full" {
	ns_sysctl core/somaxconn 50
	mk listen:backlog=500,queued=3
	until_shown -l 'longest_wait >= 1s'
	findings
	assert_found 'warning accept-stalled'
	assert_text accept-stalled 'the limit is 50'
	[[ $stderr != *somaxconn* ]] || fail "$stderr"
}

@test "clients that gave up in the queue are counted, and those that only said their end" {
	mk listen:backlog=5,queued=2,fin=1,rst=3
	findings
	assert_found 'critical accept-queue-full'
	assert_figures accept-queue-full 'accept_queue == 6' 'waiting == 3' 'gave_up == 3' 'closed == 1'
	assert_text accept-queue-full '3 clients gave up' '1 .*closed'
}

@test "CLOSE_WAIT in an accept queue is the queue's trouble, not a leak" {
	mk listen:backlog=19,fin=20
	until_shown "sport = :${F[listen.listener.local]##*:} and state = close-wait and close_wait >= 1s"
	findings
	assert_found 'critical accept-queue-full'
	assert_figures accept-queue-full 'closed == 20' 'waiting == 20'
}

@test "CLOSE_WAIT in an accept queue that is not full is that nobody accepts, not a leak" {
	mk listen:backlog=40,fin=20
	until_shown 'state = close-wait and close_wait >= 1s'
	findings
	assert_found 'warning accept-stalled'
	assert_figures accept-stalled 'closed == 20'
}

@test "IPv4 clients of a listener on a mapped address are its clients, and shown as IPv4" {
	mk listen:family=mapped,backlog=1,queued=2,syn_sent=1
	until_shown 'state = syn-sent and timer_retrans >= 1'
	findings
	assert_found 'critical accept-queue-full'
	assert_figures accept-queue-full 'unanswered == 1'
	assert_text accept-queue-full 'They come from 127\.0\.0\.1 \(2\)\.'
}

@test "clients of this host that find the queue full are told with it, not apart from it" {
	mk listen:backlog=1,queued=2,syn_sent=2
	until_shown 'state = syn-sent and timer_retrans >= 1'
	findings
	assert_found 'critical accept-queue-full'
	assert_figures accept-queue-full 'drops >= 3' 'unanswered == 2'
	assert_text accept-queue-full 'ListenOverflows' '2 connect\(\) calls on this host'
}

@test "a rising number of drops has a rate, and the host counters confirm it" {
	mk listen:backlog=1,queued=2
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 3000 --rate 50/s --hold 60s -T 60s "${F[listen.listener.local]}"
	until_shown 'state = syn-sent'
	findings
	assert_contains "$FOUND" 'critical accept-queue-full'
	assert_figures accept-queue-full 'drops_between_readings >= 1' 'drops_per_second >= 1' \
		'overflows_between_readings >= 1'
	assert_contains "$(get accept-queue-full .summary)" 'ListenOverflows of this namespace rises with them'
}

@test "a queue that is emptied slowly: the owner is slow, not stopped" {
	spawn "${NS[@]}" "$SOCKCTL" listen -k --backlog 4 --accept-rate 10/s --recv-only 127.0.0.1:4711
	local server=$PID
	until_shown -l
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 3000 --rate 50/s --hold 60s -T 60s 127.0.0.1:4711
	until_shown -l 'accept_queue_full'
	# A look may find the queue with room again, or two clients of one age.
	local looks=0
	until findings && [[ $(get accept-queue-full .figures.accepts) == 1 ]]; do
		((looks++ < 20)) || fail "no look in 20 saw the queue move: $FINDINGS"
	done
	assert_equal "$(culprits accept-queue-full)" "$server"
	assert_equal "$(get accept-queue-full .severity)" critical
	assert_contains "$(get accept-queue-full .summary)" 'slow, not stopped'
}

# Stops its server again and again, for a burst of connections that its queue cannot hold.
bursts_on() { # PORT
	spawn "${NS[@]}" python3 -c '
import socket, sys, time, os, signal
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(2)
server = os.fork()
if server == 0:
    while True:
        s.accept()[0].close()
s.close()
try:
    while True:
        os.kill(server, signal.SIGSTOP)
        burst = []
        for i in range(6):
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(("127.0.0.1", int(sys.argv[1])))
            burst.append(c)
        time.sleep(0.02)
        os.kill(server, signal.SIGCONT)
        time.sleep(0.3)
        for c in burst:
            c.close()
finally:
    os.kill(server, signal.SIGKILL)
' "$1"
}

@test "a queue that overflows in bursts, and is empty whenever one looks" {
	bursts_on 4711
	until_shown -l 'drops >= 1'
	# A look may catch the queue full, or its server on the way.
	local looks=0
	until findings && [[ $FOUND == 'warning accept-queue-overflow' ]]; do
		((looks++ < 20)) || fail "no look in 20 saw it overflow: $FINDINGS"
	done
	assert_figures accept-queue-overflow 'drops_between_readings >= 1' 'overflows_between_readings >= 1' \
		'accept_queue_limit == 2'
	assert_regex "$(get accept-queue-overflow .summary)" '^The accept queue overflowed between two readings [0-9]+ ms apart\. '
	assert_contains "$(get accept-queue-overflow .summary)" 'ListenOverflows of this namespace rises with them'
}

@test "a queue that overflowed once, and does no more" {
	bursts_on 4711
	until_shown -l 'drops >= 1'
	local acceptor
	acceptor=$(pgrep -P "$PID")
	kill -KILL "$PID"
	kill -CONT "$acceptor"
	inspect --until-gone --wait "${READY_WITHIN}s" unaccepted
	assert_status 0
	inspect --until-gone --wait "${READY_WITHIN}s" state syn-sent
	local looks
	for looks in 1 2 3; do
		findings
		assert_found
	done
	kill -KILL "$acceptor"
}

@test "a queue that is filling: 80 % in both readings" {
	mk listen:backlog=9,queued=8
	findings
	assert_found 'warning accept-queue-filling'
	assert_equal "$(culprits accept-queue-filling)" "$MK_PID"
	assert_figures accept-queue-filling 'accept_queue == 8' 'accept_queue_limit == 9' 'gave_up == 0'
	assert_text accept-queue-filling '8 connections wait' 'None was accepted'
}

@test "a queue at 70 %: no finding about its fill" {
	mk listen:backlog=9,queued=7
	findings
	assert_not_filling
}

@test "an owner that may not be seen is said to be so" {
	mk listen:backlog=1,queued=2
	findings_as_user
	if is_root; then
		assert_contains "$(get accept-queue-full .where)" 'no permission'
		assert_equal "$(culprits accept-queue-full)" ''
	fi
}

@test "a SYN queue under pressure: half-open, sent again, cookies, what caps it" {
	skip_unless_root 'half-open handshakes need CAP_NET_ADMIN'
	mk listen:backlog=9,label=server
	spawn "${NS[@]}" "$SOCKCTL" connect --half-open --connections 9 --hold 60s -T 60s "${F[server.listener.local]}"
	until_shown 'state = syn-recv and timer_retrans >= 1'
	findings dst "${F[server.listener.local]}" or src "${F[server.listener.local]}"
	assert_contains "$FOUND" 'warning syn-queue-pressure'
	assert_equal "$(culprits syn-queue-pressure)" "$MK_PID"
	assert_figures syn-queue-pressure 'syn_queue == 9' 'syn_queue_limit == 10' 'syn_retrans >= 1' \
		'syncookies_sent == 0'
	assert_text syn-queue-pressure '9 handshakes are half-open' 'sent again [0-9]+ times' \
		'The limit of the accept queue \(9\) caps it'
}

@test "a few half-open handshakes are no pressure" {
	mk listen:backlog=9,defer=30,syn_recv=7
	findings
	assert_found
}

# Two listeners of different programs on one port; the first's address, then the second's.
two_listeners() { # PARAMETERS PARAMETERS
	mk "listen:reuseport,label=a,$1"
	FIRST=$MK_PID
	mk "listen:reuseport,label=b,port=$(port_of a.listener),$2"
	SECOND=$MK_PID
}

@test "a specific address shadows the wildcard of another program" {
	two_listeners family=any family=4
	findings
	assert_found 'warning shadowed-listener'
	assert_equal "$(culprits shadowed-listener)" "$(printf '%s\n' "$FIRST" "$SECOND" | sort -n | paste -sd ' ')"
	assert_figures shadowed-listener "port == $(port_of a.listener)"
	assert_equal "$(get shadowed-listener '.sockets | length')" 2
	assert_text shadowed-listener "mksock\[$FIRST\].*" "mksock\[$SECOND\]" 'takes its connections from the wildcard'
}

@test "0.0.0.0 shadows a dual-stack [::] of another program" {
	two_listeners family=dual family=any
	findings
	assert_found 'warning shadowed-listener'
	assert_text shadowed-listener 'takes IPv4 connections from the dual-stack \[::\]'
}

@test "a specific IPv4 address shadows a dual-stack [::] of another program" {
	two_listeners family=dual family=4
	findings
	assert_found 'warning shadowed-listener'
}

@test "a v6only pair shadows nothing" {
	two_listeners family=6only family=any
	findings --findings=all
	assert_found
}

@test "two listeners of one program that share a port are a note" {
	mk listen:reuseport,label=a,family=any,port=4711 listen:reuseport,label=b,port=4711
	findings
	assert_found
	findings --findings=all
	assert_found 'note shadowed-listener'
}

@test "different addresses, and different ports, shadow nothing" {
	mk listen:port=4711 listen:port=4712,label=other,family=any
	mk listen:addr=127.0.0.2,port=4711
	findings --findings=all
	assert_found
}

# In a group of two: the first program accepts what comes to it, the second nothing.
half_lazy_group() {
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only -O reuseport 127.0.0.1:4711
	until_shown -l
	mk listen:reuseport,port=4711,backlog=100
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 40 --hold 60s 127.0.0.1:4711
	until_shown 'unaccepted and wait >= 1s'
}

@test "a SO_REUSEPORT member that does not accept is told; whose the clients are is not" {
	half_lazy_group
	findings
	assert_found 'warning shadowed-listener'
	assert_equal "$(culprits shadowed-listener)" "$MK_PID"
	assert_figures shadowed-listener 'accept_queue >= 1' 'members == 2' 'waiting == null' \
		'gave_up == null' 'group_longest_wait_ms >= 1000'
	assert_text shadowed-listener 'One of 2 listeners of a SO_REUSEPORT group' 'cannot be told'
}

@test "a SO_REUSEPORT group of which all accept: no finding" {
	local i
	for i in 1 2; do
		spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only -O reuseport 127.0.0.1:4711
	done
	until_shown -l
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 40 --hold 60s 127.0.0.1:4711
	until_shown 'dport = :4711'
	findings
	assert_found
}

@test "the full queue of a group member: no per-member figures" {
	mk group:reuseport,n=2,backlog=1
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 40 --hold 60s -T 60s "${F[group.listener0.local]}"
	until_shown accept_queue_full
	findings
	assert_contains "$FOUND" 'critical accept-queue-full'
	assert_figures accept-queue-full 'members == 2' 'waiting == null' 'gave_up == null' \
		'longest_wait_ms == null' 'closed == null' 'accepts == null'
	assert_text accept-queue-full 'One of 2 listeners of a SO_REUSEPORT group: which clients are its own cannot be told'
}

@test "a wildcard listener whose peers are all on this host is a note" {
	mk established:family=any,listener
	findings
	assert_found
	findings --findings=all
	assert_found 'note exposed-listener'
	assert_equal "$(culprits exposed-listener)" "$MK_PID"
	TEXT_OPTIONS=(--findings=all)
	assert_text exposed-listener 'listens on every address' '127.0.0.1 or \[::1\]'
}

@test "a loopback listener, and a wildcard one without peers, are exposed to nobody" {
	mk established:listener listen:family=any
	findings --findings=all
	assert_found
}

@test "part of the rows is not all of a port's peers" {
	mk established:family=any,listener
	findings --findings=all 'dst 127.0.0.1 or state = listen'
	assert_found
	findings --findings=all --port "$(port_of established.listener)"
	assert_found 'note exposed-listener'
}
