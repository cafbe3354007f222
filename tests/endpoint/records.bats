#!/usr/bin/env bats
# --records: where each datagram ends.

load ../lib/helpers
load ../lib/endpoint

# Sends each argument as a datagram or record of its own; \xNN is a byte.
send_each() { # udp|unix|seqpacket ADDRESS TEXT...
	python3 - "$@" <<-'END'
		import socket, sys
		kind, at = sys.argv[1:3]
		family, type = {"udp": (socket.AF_INET, socket.SOCK_DGRAM), "unix": (socket.AF_UNIX, socket.SOCK_DGRAM),
		    "seqpacket": (socket.AF_UNIX, socket.SOCK_SEQPACKET)}[kind]
		s = socket.socket(family, type)
		if kind == "udp":
		    s.bind(("127.0.0.9", 0))
		    at = ("127.0.0.1", int(at))
		s.connect(at)
		for text in sys.argv[3:]:
		    s.send(text.encode().decode("unicode_escape").encode("latin-1"))
	END
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# A reader as the manual has it: one line of repr(bytes) each.
read_lengths() {
	python3 -c '
import sys
while head := sys.stdin.buffer.readline():
    size, *peer = head.split()
    data = sys.stdin.buffer.read(int(size))
    assert sys.stdin.buffer.readline() == b"\n"
    print(ascii(data), *(p.decode() for p in peer))'
}

@test "as JSON: one line a datagram, with its sender; line ends, NUL and what is not UTF-8" {
	serve listen -u --max 5 --records 127.0.0.1:0
	send_each udp "$PORT" 'a\nb\n' '' 'caf\xc3\xa9' '\0\xff' '2 udp:1.2.3.4:5\n'
	served
	assert_equal "$status" 0
	assert_valid "$(<"$SERVED")"
	assert_equal "$(wc -l <"$SERVED")" 5
	assert_json_in "$(<"$SERVED")" 'map(.data) == ["a\nb\n", "", "café", "\u0000\ufffd", "2 udp:1.2.3.4:5\n"]
		and .[3].data_hex == "00ff" and all(.type == "datagram" and .peer_addr == "127.0.0.9" and .id == 1)
		and (map(.size_bytes) == [4, 0, 5, 2, 16])'
}

@test "behind their length: UDP, unix sockets without a name, records, an answer, a file a peer" {
	serve listen -u --max 3 --records=length 127.0.0.1:0
	send_each udp "$PORT" 'a\nb' '' '3\n\0\xff'
	served
	run bash -c "$(declare -f read_lengths); read_lengths" <"$SERVED"
	assert_regex "$output" "^b'a.nb' udp:127\.0\.0\.9:([0-9]+)
b'' udp:127\.0\.0\.9:([0-9]+)
b'3.n.x00.xff' udp:127\.0\.0\.9:([0-9]+)$"

	serve listen --max 2 --records=length "unix-dgram:$PWD/d"
	send_each unix d xyz ''
	served
	assert_equal "$(<"$SERVED")" $'3\nxyz\n0'

	serve listen --records=length "unix-seqpacket:$PWD/s"
	send_each seqpacket s one '' three
	served
	assert_equal "$(<"$SERVED")" $'3\none\n0\n\n5\nthree'

	serve echo -u 127.0.0.1:0
	sockctl connect --records=length --send ping --idle 300ms "$ADDR"
	assert_output "4 $ADDR"$'\nping'

	mkdir peers
	serve listen -u --max 2 --records=length --output peers 127.0.0.1:0
	send_each udp "$PORT" one two
	served
	assert_regex "$(cat peers/*)" $'^3 udp:127\.0\.0\.9:[0-9]+\none\n3 udp:127\.0\.0\.9:[0-9]+\ntwo$'
}

@test "several senders of records into an output that is full: each is whole" {
	local i
	mkfifo full
	exec {FULL}<>full
	"$SOCKCTL" listen --max 4 --port-file ready --records=length "unix-seqpacket:$PWD/s" >full </dev/null 3>&- &
	PID=$!
	PIDS+=("$PID")
	until_true test -s ready
	for i in 1 2 3 4; do
		python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect("s")
for n in range(40):
    s.send(sys.argv[1].encode() * (n * 311 + 1))' "$i" 3>&- &
		PIDS+=("$!")
	done
	read_lengths <full >got 3>&- {FULL}>&- &
	i=$!
	PIDS+=("$i")
	await_end "$PID" 0
	exec {FULL}>&-
	await_end "$i" 0
	assert_equal "$(awk '{ print length($0) - 3 }' got | sort -n | uniq -c | awk '$1 != 4 || ($2 - 1) % 311' | wc -l)" 0
	assert_equal "$(grep -cE "^b'(1+|2+|3+|4+)'$" got)" 160
}

@test "a stream has no records: refused, with what shows its reads" {
	local at
	for at in 127.0.0.1:0 "unix:$PWD/x"; do
		sockctl listen --records "$at"
		assert_refused 2 "--records: a stream has no records
  .*--dump"
	done
	sockctl listen --records=lines udp:127.0.0.1:0
	assert_refused 2 "json, length"
}
