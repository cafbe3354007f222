#!/usr/bin/env bats
# The accept queues of unix sockets: full, filling, and of programs that stopped accepting. They
# are judged as those of TCP are, whether they are shown or not.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

setup() {
	netns
	servers_dir
	owned_dir run
	SOCKET=$DIR/run/server.sock
}

# So many clients that say nothing and stay.
clients() { # N
	spawn "${NS[@]}" "$SOCKCTL" connect --connections "$1" --hold 300s -T 300s "unix:$SOCKET"
}

until_queued() { # N
	until_shown -lx "local_addr = '$SOCKET' and accept_queue >= $1"
}

# Accepts every SECONDS, and not at all if that is 0.
unix_server_on() { # BACKLOG SECONDS
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(int(sys.argv[2]))
kept = []
while True:
    if float(sys.argv[3]) == 0:
        time.sleep(300)
    kept.append(s.accept())
    time.sleep(float(sys.argv[3]))
' "$SOCKET" "$@"
	SERVER=$PID
	until_shown -lx "local_addr = '$SOCKET'"
}

@test "a full queue: who waits, who is to blame, and what connect() does; the rows stay hidden" {
	unix_server_on 3 0
	clients 4
	local client=$PID
	until_queued 4
	findings
	assert_found 'critical accept-queue-full'
	assert_equal "$(culprits accept-queue-full)" "$SERVER"
	assert_figures accept-queue-full 'accept_queue == 4' 'accept_queue_limit == 3' 'waiting == 4' \
		'gave_up == 0' 'accepts == 0' 'drops == null' 'longest_wait_ms == null'
	assert_text accept-queue-full "$SOCKET, python3\[$SERVER\]" 'fails with EAGAIN' \
		"The clients: sockctl\[$client\]" 'None was accepted'
	refute_output --partial "$SOCKET"
	findings -x
	assert_found 'critical accept-queue-full'
	findings -l
	assert_found 'critical accept-queue-full'
	# Who asks for others is not told of it.
	findings -t
	assert_found
	findings --port 80
	assert_found
	findings -4
	assert_found
}

@test "a queue that is filling, and one at its limit" {
	unix_server_on 9 0
	clients 8
	until_queued 8
	findings
	assert_found 'warning accept-queue-filling'
	assert_equal "$(culprits accept-queue-filling)" "$SERVER"
}

@test "a client that has closed meanwhile gave up" {
	unix_server_on 3 0
	clients 2
	local gone=$PID
	until_queued 2
	clients 2
	until_queued 4
	kill -KILL "$gone"
	# Its place in the queue stays.
	until_true gave_up_two
	assert_found 'critical accept-queue-full'
	assert_figures accept-queue-full 'accept_queue == 4' 'waiting == 2' 'accepts == 0'
	assert_contains "$(get accept-queue-full .summary)" '2 clients gave up'
}

gave_up_two() {
	findings && [[ $(get accept-queue-full .figures.gave_up) == 2 ]]
}

@test "a gunicorn on a unix socket whose workers are stopped" {
	gunicorn_on "$SOCKET" 2
	until_shown -lx "local_addr = '$SOCKET'"
	local workers
	until_true two_children "$PID"
	read -ra workers <<<"$(children_of "$PID")"
	stop "${workers[@]}"
	clients 3
	until_queued 3
	findings
	assert_found 'warning accept-stalled'
	assert_equal "$(culprits accept-stalled)" "${workers[*]}"
	assert_figures accept-stalled 'accept_queue == 3' 'stopped == 2' 'accepted == 0'
	assert_regex "$(get accept-stalled .summary)" '^All 2 processes that accept here are stopped'
}

two_children() { # PID
	[[ $(pgrep -c -P "$1") == 2 ]]
}

@test "a php-fpm whose pool is busy" {
	php_fpm_on "$SOCKET" 2
	until_shown -lx "local_addr = '$SOCKET'"
	local workers
	until_true two_children "$PID"
	read -ra workers <<<"$(children_of "$PID")"
	# The pool takes two of them, and waits for what they ask.
	clients 6
	until_queued 4
	findings
	assert_found 'warning accept-stalled'
	assert_equal "$(culprits accept-stalled)" "${workers[*]}"
	assert_figures accept-stalled 'accept_queue == 4' 'stopped == 0'
	assert_regex "$(get accept-stalled .summary)" "\[${workers[0]}\] sleeps in (poll|read|recvfrom)\(\)"
}

@test "a server that needs 0.4 s a client is slow, not stopped: a note with its rate" {
	unix_server_on 500 0.4
	spawn "${NS[@]}" "$SOCKCTL" connect --connections 3000 --rate 10/s --hold 300s -T 300s "unix:$SOCKET"
	until_queued 5
	local looks
	for looks in 1 2 3; do
		findings
		assert_found
	done
	slow_in_some_look 17
}

@test "a burst that drains is no finding" {
	unix_server_on 500 0.01
	clients 200
	until_queued 1
	local looks
	for looks in 1 2 3; do
		findings
		assert_found
	done
}

@test "a queue of which the kernel does not tell who waits is full all the same" {
	ns_sysctl core/somaxconn 20000
	ulimit -n "$(ulimit -Hn)"
	unix_server_on 9000 0
	clients 9001
	until_queued 9001
	findings
	assert_found 'critical accept-queue-full'
	assert_figures accept-queue-full 'accept_queue == 9001'
}

@test "a healthy gunicorn on a unix socket under load" {
	gunicorn_on "$SOCKET" 2
	until_shown -lx "local_addr = '$SOCKET'"
	silent_under curl -s --unix-socket "$SOCKET" http://server/
}

@test "a client that was not accepted names its listener, whatever columns are shown" {
	unix_server_on 3 0
	clients 3
	until_queued 3
	inspect -x --json --no-findings unaccepted
	assert_status 0
	local expected
	expected=$(jq -sc "[.[] | select(.type == \"socket\")] | length == 3 and all(.peer_addr == \"$SOCKET\" and .unaccepted)" <<<"$output")
	assert_equal "$expected" true
	inspect -x --no-findings -H -o peer,queue unaccepted
	assert_equal "$(sort -u <<<"$output" | tr -s ' ')" "$SOCKET in:queue"
	inspect -x --no-findings --count unaccepted
	assert_equal "$output" 3
	inspect -x --no-findings --count 'not unaccepted'
	assert_equal "$output" 1
	# Also from a record.
	inspect -x --no-findings -H --record "$BATS_TEST_TMPDIR/record" --allow-empty -o inode
	inspect -x --from "$BATS_TEST_TMPDIR/record" --count unaccepted
	assert_equal "$output" 3
}

@test "an accepted client is in no queue" {
	unix_server_on 3 0.01
	clients 3
	until_shown -x "local_addr = '$SOCKET' and state = established"
	inspect -x --no-findings --until-gone --wait "${READY_WITHIN}s" unaccepted
	assert_status 0
	inspect -x --no-findings --count 'state = established and not unaccepted'
	assert_equal "$output" 6
}
