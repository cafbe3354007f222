#!/usr/bin/env bats
# A netlink socket that fails in the middle of a dump costs what was lost, no more.

load ../lib/helpers

setup() {
	strace -o /dev/null -e inject=getppid:error=EINTR true 2>/dev/null ||
		skip "strace cannot trace here"
	command -v python3 >/dev/null || skip "no python3 here"
	# More than one packet of the kernel; they live until the test ends.
	spawn python3 -c '
import socket, sys
held = []
for i in range(800):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    held.append(s)
print(min(s.getsockname()[1] for s in held), max(s.getsockname()[1] for s in held), flush=True)
sys.stdin.read()'
	read -r -t "$READY_WITHIN" -u "$OUT" LOW HIGH
}

# Counts our sockets while a call fails.
counted() { # INJECTION ARGS...
	run --separate-stderr "${STRACE[@]}" -f -o /dev/null -e "inject=$1" \
		"$SOCKCTL" inspect -u --no-findings --json "${@:2}" "sport >= $LOW and sport <= $HIGH"
}

rows() {
	grep -c '"type":"socket"' <<<"$output"
}

@test "memory that is short for one packet costs no row" {
	local all when error
	counted getppid:error=EINTR
	all=$(rows)
	assert_int 'all >= 800'
	for error in ENOBUFS ENOMEM; do
		for when in 1 2 3; do
			counted "recvmsg:error=$error:when=$when"
			assert_equal "$status" 0
			assert_equal "$(rows)" "$all"
			assert_contains "$output" '"complete":true'
		done
	done
}

@test "a dump that breaks off is told, and those after it are whole" {
	local when
	for when in 1 2 3; do
		run --separate-stderr "${STRACE[@]}" -f -o /dev/null -e "inject=recvmsg:error=EIO:when=$when" \
			"$SOCKCTL" inspect -tu --no-findings --json --threads 1 "sport >= $LOW and sport <= $HIGH"
		assert_equal "$status" 3
		assert_contains "$output" '"complete":false'
		# One of them says so; none says that the socket was busy.
		assert_equal "$(grep -c '"incomplete-dump"' <<<"$output")" 1
		refute_contains "$output" busy
	done
}

@test "without another socket a wait and a large table are answered all the same" {
	local first
	for first in 2 3; do
		run --separate-stderr "${STRACE[@]}" -f -o /dev/null -e "inject=socket:error=EMFILE:when=$first+" \
			"$SOCKCTL" inspect -u --no-findings --wait "${READY_WITHIN}s" "sport = :$LOW"
		assert_equal "$status" 0
		counted "socket:error=EMFILE:when=$first+" --threads 4 -t
		assert_int 'status == 0 || status == 3'
		assert_int "$(rows) >= 800"
	done
}
