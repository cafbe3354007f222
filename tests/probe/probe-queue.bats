#!/usr/bin/env bats
# What took the connection may not have accepted it: of a target of this host the tables know, and
# nothing is said of a server that accepts.

load ../lib/helpers
load ../lib/endpoint
load ../lib/inspect
load ../lib/probe
load ../lib/servers

setup() {
	netns
	servers_dir
	SERVER=()
}

eval "ordinary_$(declare -f teardown)"

teardown() {
	# A stopped process does not end by SIGTERM.
	local pid
	for pid in "${STOPPED[@]}"; do
		kill -CONT "$pid" 2>/dev/null || true
	done
	ordinary_teardown
}
STOPPED=()

# The cause that is told with the summary, as people see it and in JSON.
cause_of() { # ARG...
	probe --json "$@"
	assert_valid
	JSON=$output
	CAUSE=$(jq -rs 'map(select(.type == "summary"))[-1].cause // ""' <<<"$JSON")
}

summary() { # JQ_PATH
	jq -rs 'map(select(.type == "summary"))[-1] | '"$1" <<<"$JSON"
}

# Clients that stay and say nothing, the oldest of which has waited for a second.
clients() { # N PORT
	spawn "${NS[@]}" "$SOCKCTL" connect --connections "$1" --hold 300s -T 300s "127.0.0.1:$2"
	until_true waits "$1" "$2"
}

waits() { # N PORT
	inspect --json -l --port "$2" -o accept_queue,longest_wait "accept_queue >= $1 and longest_wait >= 1s"
	[[ $output == *'"longest_wait_ms"'* ]]
}

unix_server() { # PATH ACCEPTS
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(8)
print("ready", flush=True)
kept = []
while True:
    if sys.argv[2] == "yes":
        kept.append(s.accept())
    else:
        time.sleep(100)
' "$@"
	await_line '^ready$'
}

@test "nginx, all of whose workers are stopped: a held connection is in its queue, and so is said" {
	nginx_on 8080
	probe --wait "${READY_WITHIN}s" -q 127.0.0.1:8080
	# It accepts: nothing is said.
	cause_of --stable 1s 127.0.0.1:8080
	assert_status 0
	assert_equal "$CAUSE" ''
	assert_equal "$(attempt .accepted)" true
	probe --stable 1s 127.0.0.1:8080
	refute_contains "$output" queue
	local workers
	read -ra workers <<<"$(children_of "$(<"$DIR/nginx/pid")")"
	STOPPED=("${workers[@]}")
	kill -STOP "${workers[@]}"
	cause_of --stable 1s 127.0.0.1:8080
	assert_status 0
	assert_regex "$CAUSE" '^in the accept queue of nginx\[[0-9]+\] fd [0-9]+ \(and 1 more\), not accepted for 1(\.[0-9]+)? s; nginx\[[0-9]+\], nginx\[[0-9]+\] are stopped$'
	# The workers are to accept, and not their master.
	refute_contains "$CAUSE" "nginx[$(<"$DIR/nginx/pid")]"
	assert_equal "$(attempt '.outcome, .accepted, (.unaccepted_us >= 1000000)' | paste -sd ' ')" 'open false true'
	probe --stable 1s 127.0.0.1:8080
	assert_regex "$output" $'open .*\n  in the accept queue of nginx'
	# Asked for an answer: connected is what it is, not accepted.
	assert_outcome 4 silent 'connected, but an answer did not come' -T 300ms --http 127.0.0.1:8080
	assert_equal "$(attempt .accepted)" false
	cause_of -T 300ms --http 127.0.0.1:8080
	assert_regex "$CAUSE" '^in the accept queue of nginx\[.*, not accepted for [0-9.]+ m?s; nginx\[.* are stopped$'
}

@test "a server that never accepts: a plain probe tells who waits and for how long" {
	spawn "${NS[@]}" python3 -c '
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 8080))
s.listen(64)
print("ready", flush=True)
time.sleep(1000)
'
	await_line '^ready$'
	local server=$PID
	clients 3 8080
	cause_of 127.0.0.1:8080
	assert_status 0
	assert_regex "$CAUSE" "^3 connections wait in the accept queue of python3\\[$server\\] fd [0-9]+, the longest for [0-9]+ s\$"
	assert_equal "$(summary '.waiting, (.longest_wait_ms >= 1000)' | paste -sd ' ')" '3 true'
	assert_equal "$(attempt 'has("accepted")')" false
	# By a name, and by every address that leads there.
	cause_of localhost:8080 -4
	assert_regex "$CAUSE" '^3 connections wait'
	cause_of --stable 1s 127.0.0.1:8080
	assert_regex "$CAUSE" "^in the accept queue of python3\\[$server\\] fd [0-9]+, not accepted for .* s; 3 others wait there, the longest for [0-9]+ s\$"
	# Nobody reads it, or the time is short.
	probe -q --stable 1s 127.0.0.1:8080
	assert_status 0
	assert_clean
	probe --json --wait 5s --stable 1s 127.0.0.1:8080
	assert_status 0
	assert_json 'map(has("accepted") or has("cause")) | any | not'
	# Another address of the port is another listener.
	mk listen:addr=127.0.0.2,port=8080,backlog=64
	cause_of 127.0.0.2:8080
	assert_equal "$CAUSE" ''
}

@test "servers that accept, however many have come: nothing is said" {
	nginx_on 8080 deferred
	http_server_on 8082
	probe --wait "${READY_WITHIN}s" -q 127.0.0.1:8080 127.0.0.1:8082
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 64 --hold 300s -T 300s 127.0.0.1:8080
	local port
	# A handshake that waits for data (TCP_DEFER_ACCEPT) is in no queue; when it has waited for
	# long enough, it is accepted at once.
	cause_of --stable 1s 127.0.0.1:8080
	assert_equal "$CAUSE $(attempt '.accepted | . == null or .')" ' true'
	for port in 8080 8082; do
		cause_of 127.0.0.1:$port
		assert_equal "$port $CAUSE" "$port "
		cause_of --http 127.0.0.1:$port
		assert_equal "$port $status $CAUSE" "$port 0 "
	done
	# Accepted, and without a word.
	peer silent 127.0.0.1 85
	assert_outcome 4 silent 'accepted, but an answer did not come' -T 300ms --banner 127.0.0.1:85
	assert_equal "$(attempt .accepted)" true
	cause_of -T 300ms --banner 127.0.0.1:85
	assert_equal "$CAUSE" ''
}

@test "a dual-stack listener, an address of an interface, and a group" {
	in_ns ip addr add 10.1.2.3/32 dev lo
	mk listen:family=6,addr=::,port=80,backlog=8 group:reuseport,n=2,port=81
	cause_of --stable 1s 127.0.0.1:80
	assert_regex "$CAUSE" '^in the accept queue of mksock\['
	cause_of --stable 1s 10.1.2.3:80
	assert_regex "$CAUSE" '^in the accept queue of mksock\['
	cause_of --stable 1s '[::1]:80'
	assert_regex "$CAUSE" '^in the accept queue of mksock\['
	cause_of --stable 1s 127.0.0.1:81
	assert_regex "$CAUSE" '^in the accept queue of mksock\[[0-9]+\] fd [0-9]+(, not| or of another of the 2 listeners that share the port, not) accepted'
}

@test "a unix socket that nobody accepts from, and its healthy twin" {
	unix_server "$DIR/stopped" no
	local server=$PID
	unix_server "$DIR/healthy" yes
	cause_of --stable 1s "unix:$DIR/stopped"
	assert_status 0
	assert_regex "$CAUSE" "^in the accept queue of python3\\[$server\\] fd [0-9]+, not accepted for 1(\\.[0-9]+)? s\$"
	assert_equal "$(attempt .accepted)" false
	assert_outcome 4 silent 'connected, but an answer did not come' -T 300ms --banner "unix:$DIR/stopped"
	cause_of --stable 1s "unix:$DIR/healthy"
	assert_equal "$CAUSE $(attempt .accepted)" ' true'
	assert_outcome 4 silent 'accepted, but an answer did not come' -T 300ms --banner "unix:$DIR/healthy"
	# How long others wait stands in no table.
	cause_of "unix:$DIR/stopped"
	assert_equal "$CAUSE $(attempt 'has("accepted")')" ' false'
}

@test "gunicorn on a unix socket with busy workers: who waits is told" {
	gunicorn_on "$DIR/gunicorn/sock" 1
	probe --wait "${READY_WITHIN}s" -q "unix:$DIR/gunicorn/sock"
	spawn "${NS[@]}" curl -s -o /dev/null --unix-socket "$DIR/gunicorn/sock" http://x/slow
	until_true busy
	assert_regex "$CAUSE" '^in the accept queue of .*gunicorn.*, not accepted for'
}

busy() {
	cause_of -T 500ms --http "unix:$DIR/gunicorn/sock"
	((status == 4)) && [[ $CAUSE ]]
}

@test "a plain probe asks the tables once for a target of this host, and for no other" {
	skip_unless_strace
	mk listen:addr=127.0.0.1,port=80,backlog=8
	run in_ns strace -f -qq -o "$BATS_TEST_TMPDIR/trace" "$SOCKCTL" probe -q 127.0.0.1:80
	assert_equal "$(grep -c NETLINK_SOCK_DIAG "$BATS_TEST_TMPDIR/trace" || true)" 0
	peer silent 127.0.0.1 82
	# What the server has not accepted yet as the tables are read is asked for once more.
	until_true asks_once 127.0.0.1:82
	link
	peer silent $V4 80
	run in_ns strace -f -qq -o "$BATS_TEST_TMPDIR/trace" "$SOCKCTL" probe $V4:80
	assert_contains "$output" open
	assert_equal "$(grep -c NETLINK "$BATS_TEST_TMPDIR/trace" || true)" 0
}

asks_once() { # TARGET
	run in_ns strace -f -qq -o "$BATS_TEST_TMPDIR/trace" "$SOCKCTL" probe "$1"
	[[ $(grep -c 'socket(.*NETLINK_SOCK_DIAG' "$BATS_TEST_TMPDIR/trace") == 1 &&
		$(grep -c '^[0-9]* *sendto(.*NETLINK' "$BATS_TEST_TMPDIR/trace") == 1 ]]
}
