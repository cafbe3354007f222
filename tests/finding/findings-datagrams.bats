#!/usr/bin/env bats
# Unix datagram sockets: a reader that stopped, and whoever waits to send to it; readers that are
# at work.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

setup() {
	netns
	servers_dir
	SOCKET=$BATS_TEST_TMPDIR/log
}

# A syslog daemon on the socket.
syslog_daemon() {
	command -v rsyslogd >/dev/null || skip 'needs rsyslog'
	cat >"$DIR/rsyslog.conf" <<-END
		module(load="imuxsock" SysSock.Use="off")
		input(type="imuxsock" Socket="$SOCKET" RateLimit.Interval="0")
		*.* action(type="omfile" file="$DIR/messages")
	END
	spawn "${NS[@]}" rsyslogd -n -f "$DIR/rsyslog.conf" -i "$DIR/rsyslog.pid"
	DAEMON=$PID
	until_true test -S "$SOCKET"
	logger_once
	until_true test -s "$DIR/messages"
}

logger_once() {
	"${NS[@]}" logger -u "$SOCKET" -d -- hello
}

# So many programs that log a line each; those that the queue has no room for wait.
loggers() { # N
	local i
	LOGGERS=()
	for ((i = 0; i < $1; i++)); do
		spawn "${NS[@]}" logger -u "$SOCKET" -d -- "line $i"
		LOGGERS+=("$PID")
	done
}

waiting() {
	local pid n=0
	for pid in "${LOGGERS[@]}"; do
		[[ $(cat "/proc/$pid/wchan" 2>/dev/null) != unix_wait_for_peer ]] || n=$((n + 1))
	done
	echo "$n"
}

until_waiting() { # N
	until_true same "$1" waiting
}

same() { # TEXT CMD
	[[ $("$2") == "$1" ]]
}

# Reads as long as it runs: bytes of each datagram.
reader() { # [PAUSE]
	spawn "${NS[@]}" python3 -c '
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    s.recv(4096)
    time.sleep(float(sys.argv[2]))
' "$SOCKET" "${1-0}"
	await_line '^ready$'
	READER=$PID
}

@test "a syslog daemon that is stopped: it is named, and each program that waits with it" {
	skip_unless_root 'asks what other programs wait for'
	syslog_daemon
	stop "$DAEMON"
	ns_sysctl unix/max_dgram_qlen 10
	loggers 15
	until_waiting 4
	findings
	assert_found 'warning unread-datagrams'
	assert_equal "$(culprits unread-datagrams)" "$DAEMON"
	assert_figures unread-datagrams 'waiting == 4' 'connected == 4' 'stopped == 1' 'next_datagram_bytes > 0'
	assert_text unread-datagrams "$SOCKET, rsyslogd\[$DAEMON\] fd [0-9]+" "rsyslogd\[$DAEMON\] is stopped" \
		'4 processes wait to send: logger\[' 'Nothing was read between two readings [0-9]+ ms apart' "kill -CONT $DAEMON"
	[[ $output != *"$SOCKET"* ]] || fail "its row is shown: $output"
	findings -x
	assert_found 'warning unread-datagrams'
	# Who asks for others is not told of it.
	findings -t
	assert_found
	# The command that is advised lets all of them go on.
	findings
	eval "$(get unread-datagrams '.commands[0]')"
	until_waiting 0
	until_true grep -q 'line 14' "$DIR/messages"
	findings --findings=all
	assert_found
}

@test "a syslog daemon that is at work is nothing to tell" {
	skip_unless_root 'asks what other programs wait for'
	syslog_daemon
	ns_sysctl unix/max_dgram_qlen 1
	# shellcheck disable=SC2016 # for the inner shell
	LOOKS=5 silent_under sh -c 'yes "a line" | head -2000 | logger -u "$0" -d' "$SOCKET"
}

@test "a reader that is slow lets its writers go on one by one" {
	skip_unless_root 'asks what other programs wait for'
	ns_sysctl unix/max_dgram_qlen 1
	reader 0.1
	spawn "${NS[@]}" python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
while True:
    s.send(b"as long as the others")
' "$SOCKET"
	LOGGERS=("$PID")
	until_waiting 1
	local looks
	for ((looks = 0; looks < 3; looks++)); do
		findings --findings=all
		assert_found
	done
}

@test "a reader that is stopped, with nobody that waits yet: a note" {
	reader
	stop "$READER"
	"${NS[@]}" logger -u "$SOCKET" -d -- hello
	findings
	assert_found
	findings --findings=all
	assert_found 'note unread-datagrams'
	assert_equal "$(culprits unread-datagrams)" "$READER"
	assert_figures unread-datagrams 'waiting == 0' 'stopped == 1'
	assert_regex "$(get unread-datagrams .summary)" 'nobody waits to send yet'
}

@test "a reader that does something else: what it does is told" {
	skip_unless_root 'asks what other programs wait for'
	ns_sysctl unix/max_dgram_qlen 2
	reader 600
	loggers 6
	until_waiting 2
	findings
	assert_found 'warning unread-datagrams'
	assert_figures unread-datagrams 'waiting == 2' 'stopped == 0'
	assert_regex "$(get unread-datagrams .summary)" "python3\[$READER\] sleeps in (clock_nanosleep|select|pselect6)\(\)"
	assert_contains "$(get unread-datagrams .advice)" 'instead of reading'
}

@test "an abstract name, and a writer with several threads that sends elsewhere too" {
	skip_unless_root 'asks what other programs wait for'
	SOCKET=$BATS_TEST_TMPDIR/other
	reader
	spawn "${NS[@]}" python3 -c '
import socket, sys, threading, time
reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
reader.bind("\0findings-datagrams")
def send(to, n):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect(to)
    for _ in range(n):
        s.send(b"123")
    time.sleep(600)
threading.Thread(target=send, args=(sys.argv[1], 5)).start()
threading.Thread(target=send, args=("\0findings-datagrams", 500)).start()
time.sleep(600)
' "$SOCKET"
	local both=$PID
	until_true any_thread_waits "$both"
	findings
	assert_found 'warning unread-datagrams'
	assert_equal "$(culprits unread-datagrams)" "$both"
	assert_figures unread-datagrams 'waiting == 1' 'next_datagram_bytes == 3'
	assert_regex "$(get unread-datagrams .where)" '^@findings-datagrams, '
}

any_thread_waits() { # PID
	grep -qsx unix_wait_for_peer "/proc/$1"/task/*/wchan
}
