#!/usr/bin/env bats
# Programs that share a datagram port without meaning to, and those that mean to.

load ../lib/helpers
load ../lib/findings

setup() {
	skip_unless_root 'runs programs of two users'
	netns
}

# A receiver in Python: SO_REUSEADDR (2) or SO_REUSEPORT (15), with so many forked workers that
# have a socket each.
python_on() { # ADDRESS PORT OPTION [WORKERS [USER]]
	spawn "${NS[@]}" "${UNDER[@]}" python3 -c '
import ctypes, os, socket, sys
for _ in range(int(sys.argv[4])):
    if os.fork() == 0:
        break
os.setuid(int(sys.argv[5]))
ctypes.CDLL(None).prctl(1, 9)
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, int(sys.argv[3]), 1)
s.bind((sys.argv[1], int(sys.argv[2])))
os.write(1, b"ready\n")
while True:
    s.recv(4096)
' "$1" "$2" "$3" "${4-0}" "${5-0}"
	local i
	for ((i = 0; i <= ${4-0}; i++)); do
		await_line '^ready$'
	done
}

socat_on() { # PORT OPTIONS
	spawn "${NS[@]}" socat -u "UDP4-RECV:$1,$2" -
	until_shown -u "sport = :$1 and pid = $PID"
}

@test "two programs of two users: a note with both, and which option it must be" {
	python_on 0.0.0.0 5000 2 0 65534
	local first=$PID
	socat_on 5000 reuseaddr
	findings
	assert_found
	findings --findings=all
	assert_found 'note shared-port'
	assert_equal "$(culprits shared-port)" "$(printf '%s\n' "$first" "$PID" | sort -n | paste -sd' ')"
	assert_figures shared-port 'port == 5000' 'sockets == 2'
	assert_regex "$(get shared-port .where)" '^0\.0\.0\.0:5000, '
	assert_regex "$(get shared-port .summary)" '2 sockets of different users'
	assert_regex "$(get shared-port .summary)" 'SO_REUSEADDR lets them, and the one that was bound last'
}

@test "two programs of one user" {
	python_on :: 5001 15
	spawn "${NS[@]}" perl -MSocket=:all -e '
		my $s;
		socket($s, AF_INET6, SOCK_DGRAM, 0) && setsockopt($s, SOL_SOCKET, SO_REUSEPORT, 1) or die;
		bind($s, pack_sockaddr_in6(5001, IN6ADDR_ANY)) or die;
		sleep 600'
	until_shown -u "sport = :5001 and pid = $PID"
	findings --findings=all
	assert_found 'note shared-port'
	assert_regex "$(get shared-port .summary)" 'different programs.*with SO_REUSEPORT the sender.s address decides'
}

@test "one program of two users" {
	python_on 0.0.0.0 5002 2 0 65534
	local UNDER=(timeout 600) # a parent of its own
	python_on 0.0.0.0 5002 2
	findings --findings=all
	assert_found 'note shared-port'
}

@test "workers, two addresses, one socket of several processes are nothing to tell" {
	python_on 0.0.0.0 5003 15 4
	python_on 127.0.0.1 5004 2
	socat_on 5004 reuseaddr
	spawn "${NS[@]}" python3 -c '
import ctypes, os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 5005))
if os.fork() == 0:
    os.setuid(65534)
    ctypes.CDLL(None).prctl(1, 9)
os.write(1, b"ready\n")
s.recv(4096)
'
	await_line '^ready$'
	await_line '^ready$'
	findings --findings=all
	assert_found
}

@test "a daemon that gave its worker to another user is nothing to tell" {
	spawn "${NS[@]}" python3 -c '
import ctypes, os, socket
if os.fork() == 0:
    os.setuid(65534)
    ctypes.CDLL(None).prctl(1, 9)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 5006))
os.write(1, b"ready\n")
s.recv(4096)
'
	await_line '^ready$'
	await_line '^ready$'
	findings --findings=all
	assert_found
}

@test "mDNS and a multicast address are for many" {
	python_on 0.0.0.0 5353 2 0 65534
	socat_on 5353 reuseaddr
	python_on 224.0.1.129 5007 2 0 65534
	spawn "${NS[@]}" socat -u UDP4-RECV:5007,bind=224.0.1.129,reuseaddr -
	until_shown -u "sport = :5007 and pid = $PID"
	findings --findings=all
	assert_found
}
