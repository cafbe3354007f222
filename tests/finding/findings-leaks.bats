#!/usr/bin/env bats
# Findings about what programs forgot: connections that the peer has closed, descriptors,
# and connections that no program owns any more.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

setup() {
	netns
	servers_dir
}

stays_silent() { # in LOOKS looks
	local look
	for ((look = 0; look < LOOKS; look++)); do
		findings
		assert_found || return
	done
}

# The last connection of a scenario is in CLOSE_WAIT for long enough.
until_old() { # LABEL.ROLE
	until_shown "sport = :${F[$1.local]##*:} and dport = :${F[$1.peer]##*:} and close_wait >= 1s"
}

@test "a leak: read to the end, end not read, data not read, from whom, which descriptors" {
	mk close_wait:n=10,orphan,label=drained close_wait:n=4,orphan,unread=7,label=unread \
		close_wait:n=6,orphan,unread_fin,from=127.0.0.9,label=fin
	until_old fin.server5
	findings
	assert_found 'warning close-wait-leak'
	assert_equal "$(culprits close-wait-leak)" "$MK_PID"
	assert_figures close-wait-leak 'sockets == 20' 'drained == 10' 'end_not_read == 10' \
		'with_unread_data == 4' 'remote_hosts == 2' 'from_first_peer == 14' \
		'oldest_ms >= 1000' 'descriptors > 20' 'accepted == 1' 'descriptor_limit > 1000' \
		'growth_per_minute == 0' 'in_last_minute == 20' 'until_limit_ms == null'
	assert_equal "$(get close-wait-leak '.sockets | length')" 20
	get close-wait-leak '.processes[].fd' | grep -qx "${F[unread.server2.fd]}"
	get close-wait-leak '.sockets[]' | grep -qx "${F[fin.server0.cookie]}"
	assert_text close-wait-leak "mksock\[$MK_PID\], 20 sockets, oldest >= " \
		'read 10 to the end and never closed them' 'not read the end of 10 \(4 still hold data\)' \
		"mksock\[$MK_PID\] fd [0-9]+-[0-9]+" '127.0.0.1 \(14\), 127.0.0.9 \(6\)' \
		'% of the limit by these' 'at most 20 of these came in the last minute\.' \
		"next: ls -l /proc/$MK_PID/fd"
}

@test "fifteen are no leak, nor are sixteen of two programs" {
	mk close_wait:n=15,orphan
	until_old close_wait.server14
	findings
	assert_found
	mk close_wait:n=1,orphan,label=other
	until_old other.server0
	findings
	assert_found
}

@test "sixteen, of which one is young, are no leak yet" {
	mk close_wait:n=15,orphan
	until_old close_wait.server14
	mk_more close_wait:n=1,orphan,label=young
	findings
	# A slow machine may have let the young one grow old: then it is one.
	[[ -z $FOUND ]] || assert_equal "$(get close-wait-leak .figures.sockets)" 16
}

@test "a leak that grows says how fast, and when it ends" {
	mk listen files:limit=4000 close_wait:n=16,orphan
	until_old close_wait.server15
	# One after the other, from before the first reading until the last is over.
	more() {
		local i
		for ((i = 0; i < 1500; i++)); do
			echo "close_wait:orphan,label=more$i" >&"$MK_IN"
			OUT=$MK_OUT await_line '^ready$' || return
			nap 0.005
		done
	}
	more &
	local feeder=$!
	findings
	kill "$feeder"
	await_end "$feeder" any
	assert_found 'warning close-wait-leak'
	assert_figures close-wait-leak 'growth_per_minute >= 1' 'until_limit_ms >= 1'
	assert_regex "$(get close-wait-leak .summary)" '[0-9]+ more came in [0-9]+ ms \(\+[0-9]+ a minute\): accept\(\) will fail with EMFILE in about '
}

@test "what has no listener has no accept() that will fail" {
	# Another process has the listeners: many, so that what it leaves is no crowd of a port.
	spawn "${NS[@]}" python3 -c '
import selectors, socket
ready = selectors.DefaultSelector()
for port in range(8001, 8101):
    ready.register(socket.create_server(("127.0.0.1", port)), selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in ready.select():
        key.fileobj.accept()[0].close()'
	await_line '^ready$'
	spawn "${NS[@]}" python3 -c '
import os, resource, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4000, 4000))
held = []
def hold():
    held.append(socket.create_connection(("127.0.0.1", 8001 + len(held) % 100)))
    held[-1].recv(1)
for i in range(16):
    hold()
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
while len(held) < 3000:
    hold()
    time.sleep(0.005)' "$DIR/go"
	await_line '^ready$'
	until_shown "process ~ python3 and state = close-wait and close_wait >= 2s"
	touch "$DIR/go"
	findings
	assert_found 'warning close-wait-leak'
	assert_regex "$(get close-wait-leak .summary)" '\(\+[0-9]+ a minute\): none will be left in about '
}

@test "clients that have ended their own direction and wait are no leak, in twenty looks" {
	mk close_wait:n=20,listener
	until_old close_wait.server19
	stays_silent
	# The clients are not among the rows, and are there all the same.
	findings 'state = close-wait'
	assert_found
	# Those whose clients are gone are counted, and no others.
	mk close_wait:n=16,orphan,listener,label=left
	until_old left.server15
	findings
	assert_found 'warning close-wait-leak'
	assert_figures close-wait-leak 'sockets == 16'
}

@test "programs that wait for an answer for less than minutes are not even a note" {
	mk close_wait:n=40,listener
	until_old close_wait.server39
	findings --findings=all
	assert_found
}

# A pool as HTTP clients have one: each connection answered once, then kept.
pool_of() { # N PORT
	spawn "${NS[@]}" python3 -c '
import http.client, sys, time
pool = [http.client.HTTPConnection("127.0.0.1", int(sys.argv[2])) for _ in range(int(sys.argv[1]))]
for c in pool:
    c.request("GET", "/")
    c.getresponse().read()
print("ready", flush=True)
time.sleep(600)
' "$@"
	await_line '^ready$'
}

all_old() { # N
	inspect --no-findings --count 'state = close-wait and close_wait >= 1s'
	((output == $1))
}

@test "an idle pool of ten whose server has closed is no finding, in twenty looks" {
	nginx_on 8080 '; keepalive_timeout 1s'
	until_shown -l --port 8080
	pool_of 10 8080
	local pool=$PID
	until_true all_old 10
	stays_silent
	findings --findings=all 'state = close-wait'
	assert_found
	# Twenty are a note that names the server; they were not accepted.
	pool_of 20 8080
	pool=$PID
	until_true all_old 30
	findings
	assert_found
	findings --findings=all 'state = close-wait'
	assert_found 'note close-wait-leak'
	assert_equal "$(culprits close-wait-leak)" "$pool"
	assert_figures close-wait-leak 'sockets == 20' 'accepted == 0' 'from_first_peer == 20'
	TEXT_OPTIONS=(--findings=all)
	assert_text close-wait-leak 'The servers closed 20 connections that the program had opened' \
		'The servers: 127.0.0.1:8080 \(20\)' "to 127.0.0.1:8080 and does not close it"
}

@test "a server that forgets the connections its clients have closed is told, by its name" {
	spawn "${NS[@]}" python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 8080))
kept = []
while True:
    c, _ = s.accept()
    c.recv(4096)
    c.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
    kept.append(c)
'
	local server=$PID n
	until_shown -l --port 8080
	for ((n = 0; n < 18; n++)); do
		in_ns curl -s -o "$BATS_TEST_TMPDIR/answer" http://127.0.0.1:8080/
	done
	until_true all_old 18
	findings
	assert_found 'warning close-wait-leak'
	assert_equal "$(culprits close-wait-leak)" "$server"
	assert_figures close-wait-leak 'sockets == 18' 'accepted == 1' 'until_limit_ms == null'
}

@test "a leak near the descriptor limit is critical, and one finding" {
	mk close_wait:n=40,orphan files:limit=100,spare=4
	until_old close_wait.server39
	findings
	assert_contains "$FOUND" 'critical close-wait-leak'
	assert_figures close-wait-leak 'sockets == 40' 'descriptors >= 96' 'descriptor_limit == 100'
}

@test "a leak that has used up the descriptors names the listener that starves" {
	mk listen:label=web close_wait:n=60,orphan
	local last=${F[close_wait.server59.fd]}
	mk_more "files:limit=$((last + 1)),spare=0"
	until_old close_wait.server59
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 60s "${F[web.listener.local]}"
	until_shown unaccepted
	findings
	assert_found 'critical close-wait-leak'
	assert_text close-wait-leak "accept\(\) on ${F[web.listener.local]} must be failing with EMFILE: 1 connection waits"
}

@test "a leak whose owner may not be seen is told without a name" {
	skip_unless_root 'a process of another user'
	mk close_wait:n=16,orphan
	until_old close_wait.server15
	findings_as_user
	assert_figures close-wait-leak 'sockets == 16'
	assert_regex "$(get close-wait-leak .where)" '^owner unknown \(no permission\)'
}

@test "a listener whose accept() fails with EMFILE" {
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only --limit-fds 20 127.0.0.1:4711
	local server=$PID
	until_shown -l
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 40 --hold 60s 127.0.0.1:4711
	until_shown unaccepted
	findings
	assert_found 'critical descriptor-exhaustion'
	assert_equal "$(culprits descriptor-exhaustion)" "$server"
	assert_figures descriptor-exhaustion 'descriptor_limit == 20' 'descriptors >= 20' 'waiting >= 1'
	assert_text descriptor-exhaustion "sockctl\[$server\]" 'of 20 descriptors are in use' \
		'accept\(\) on 127.0.0.1:4711 must be failing with EMFILE: [0-9]+ connections? waits? there' \
		"ls -l /proc/$server/fd"
	# Only this port: the listener is asked for by what waits in it.
	findings --port 4711
	assert_found 'critical descriptor-exhaustion'
}

@test "a unix listener whose accept() fails with EMFILE is named by its path" {
	local path=$BATS_TEST_TMPDIR/full.sock
	spawn "${NS[@]}" python3 -c '
import os, resource, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(20)
resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
try:
    while True:
        os.open("/dev/null", os.O_RDONLY)
except OSError:
    print("ready", flush=True)
time.sleep(600)
' "$path"
	local server=$PID
	await_line '^ready$'
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 60s "unix:$path"
	until_shown -x -l 'accept_queue = 1'
	findings
	assert_found 'critical descriptor-exhaustion'
	assert_equal "$(culprits descriptor-exhaustion)" "$server"
	assert_text descriptor-exhaustion "accept\(\) on $path must be failing with EMFILE: 1 connection waits there"
}

@test "a program near its limit, that has some left, is a warning; far from it is none" {
	mk listen files:limit=50,spare=3
	findings
	assert_found 'warning descriptor-exhaustion'
	assert_equal "$(culprits descriptor-exhaustion)" "$MK_PID"
	assert_figures descriptor-exhaustion 'descriptors >= 47' 'descriptor_limit == 50' 'waiting == 0'
	reap
	netns
	mk listen files:limit=50,spare=20
	findings
	assert_found
}

@test "what another network namespace holds is not told in this one" {
	mk files:limit=50,spare=0
	netns
	mk listen
	findings
	assert_found
}

@test "FIN_WAIT1 without an owner, retransmitted in vain" {
	skip_unless_root 'drops packets with nft'
	mk established
	drop_port "$(port_of established.server0)"
	mk_more send:of=established.client0,n=500
	mk_more close:of=established.client0
	until_shown 'state = fin-wait-1 and timer_retrans >= 2'
	findings
	assert_found
	findings --findings=all
	assert_found 'note orphans'
	assert_equal "$(get orphans '.sockets[0]')" "${F[established.client0.cookie]}"
	assert_figures orphans 'sockets == 1' 'unsent_bytes == 500' 'fin_wait1 == 1' 'last_ack == 0' \
		'retrans >= 2' 'orphans >= 1' 'max_orphans == null or .max_orphans > 0'
	TEXT_OPTIONS=(--findings=all)
	assert_text orphans "${F[established.client0.local]} to ${F[established.client0.peer]}" \
		'1 connection without an owner holds 500 bytes' '1 in FIN_WAIT1' \
		'was tried again [0-9]+ times' 'The host has [0-9]+ orphans'
}

# Clients of one server that vanish, all at once: the packets of both sides are lost.
vanish() { # N
	local i
	mk listen:label=web,backlog=300 "established:n=$1"
	drop_port "$(port_of established.server0)"
	for ((i = 0; i < $1; i++)); do
		mk_more "send:of=established.server$i,n=9"
		mk_more "close:of=established.server$i"
	done
	until_shown "state = fin-wait-1 and sport = :$(port_of established.server0) and dport = :${F[established.server$(($1 - 1)).peer]##*:} and timer_retrans >= 2"
}

@test "many clients that vanish from one port are a warning, with their share" {
	skip_unless_root 'drops packets with nft'
	vanish 70
	findings
	assert_found 'warning orphans'
	assert_figures orphans 'sockets == 70' 'of_connections == 70' 'unsent_bytes == 630'
	assert_equal "$(get orphans '.sockets | length')" 70
	assert_text orphans ' and 69 more' '70 connections without an owner hold' \
		"They are 100 % of the 70 connections of local port $(port_of established.server0)\." 'The host has [0-9]+ orphans'
	# A filter that may hide the live ones tells no share.
	findings 'state = fin-wait-1'
	assert_found
	findings --port "$(port_of established.server0)"
	assert_found 'warning orphans'
}

@test "some clients that vanish are no warning, in twenty looks" {
	skip_unless_root 'drops packets with nft'
	vanish 20
	stays_silent
	findings --findings=all
	assert_found 'note orphans'
	assert_figures orphans 'sockets == 20' 'of_connections == null'
}

@test "LAST_ACK that never ends" {
	skip_unless_root 'drops packets with nft'
	mk close_wait
	drop_port "$(port_of close_wait.server)"
	mk_more close:of=close_wait.server
	until_shown 'state = last-ack and timer_retrans >= 2'
	findings
	assert_found
	findings --findings=all
	assert_found 'note orphans'
	assert_figures orphans 'sockets == 1' 'last_ack == 1' 'fin_wait1 == 0' 'unsent_bytes == 0'
	TEXT_OPTIONS=(--findings=all)
	assert_text orphans '1 in LAST_ACK'
}

@test "an orphan behind a closed window" {
	mk fin_wait1:rcvbuf=2048,sndbuf=8192
	until_shown 'state = fin-wait-1 and timer = probe and last_data_sent >= 1s'
	findings --findings=all
	assert_contains "$FOUND" 'note orphans'
	assert_figures orphans 'fin_wait1 == 1' 'unsent_bytes >= 1'
	TEXT_OPTIONS=(--findings=all)
	assert_text orphans "the peer's window is closed"
}

@test "connections that end as they should leave nothing to tell" {
	mk time_wait:n=5 close_wait:orphan close_wait:label=half
	findings
	assert_found
}
