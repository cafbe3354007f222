#!/usr/bin/env bats
# Datagrams at listen, connect and echo: boundaries, many peers, and the misbehaviours that
# make sense for them; the others are refused.

load ../lib/helpers
load ../lib/endpoint

# A python client: sends each argument as a datagram from one socket, prints what comes back
# as one line each; WAIT is how many are waited for.
ask() { # PORT WAIT TEXT...
	timeout "$READY_WITHIN" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", int(sys.argv[1])))
for text in sys.argv[3:]: s.send(text.encode())
for _ in range(int(sys.argv[2])): print(s.recv(65536).decode("latin-1"))' "$@"
}

@test "an empty datagram is a datagram: echoed, and it ends nothing" {
	serve echo udp:127.0.0.1:0
	run ask "$PORT" 3 one "" three
	assert_output "$(printf 'one\n\nthree')"
	end_served
	serve listen --report udp:127.0.0.1:0
	ask "$PORT" 0 "" "" x
	until_true grep -q x "$SERVED"
	end_served INT
	assert_equal "$status" 130
	assert_contains "$stderr" "1 peer, 3 datagrams received"
	assert_equal "$(cat "$SERVED")" x
}

@test "--send '' of a datagram client is one empty datagram" {
	serve listen --report --max 1 udp:127.0.0.1:0
	sockctl connect --send '' --send-only "$ADDR"
	assert_equal "$status" 0
	served
	assert_equal "$status" 0
	assert_contains "$stderr" "1 datagrams received"
	refute test -s "$SERVED"
}

@test "300 peers at once, each gets its own back" {
	# All may come before the first is read: so many fit.
	serve echo --report --option rcvbuf=208k udp:127.0.0.1:0
	run timeout "$READY_WITHIN" python3 -c '
import socket, sys
socks = []
for i in range(300):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("127.0.0.1", int(sys.argv[1])))
    socks.append(s)
for i, s in enumerate(socks): s.send(b"peer %d" % i)
print(all(s.recv(100) == b"peer %d" % i for i, s in enumerate(socks)))' "$PORT"
	assert_output True
	end_served
	assert_contains "$stderr" "300 peers, 300 datagrams received, 300 sent"
}

# Sends datagrams of the SIZES while the server stands still, so that it finds all of them
# at once; every byte of each tells which one it is. Prints True if they come back as they
# were.
burst() { # SIZE...
	kill -STOP "$PID"
	"${NS[@]}" timeout "$READY_WITHIN" python3 -c '
import os, signal, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", int(sys.argv[2])))
sent = [bytes([i]) * int(size) for i, size in enumerate(sys.argv[3:])]
for data in sent: s.send(data)
os.kill(int(sys.argv[1]), signal.SIGCONT)
print([s.recv(65536) for _ in sent] == sent)' "$PID" "$PORT" "$@"
}

@test "datagrams of one size that came together go back each for itself, in order" {
	serve echo --report --option rcvbuf=208k udp:127.0.0.1:0
	run burst 64 64 64 64 100 100 64 0 0 64 1000 1000 1000 5000 5000 64 64
	assert_output True
	mapfile -t ones < <(yes 1 | head -100)
	run burst "${ones[@]}"
	assert_output True
	end_served
	assert_contains "$stderr" "117 datagrams received, 117 sent"
}

# Sends packets that the kernel cuts into datagrams of SIZE (UDP_SEGMENT), each COUNT of them
# and a rest of REST bytes, all while the server stands still; prints True if as many
# datagrams come back, each as it was.
joined() { # SIZE COUNT REST PACKETS
	kill -STOP "$PID"
	timeout "$READY_WITHIN" python3 -c '
import os, signal, socket, sys
SOL_UDP, UDP_SEGMENT = 17, 103
pid, port, size, count, rest, packets = map(int, sys.argv[1:])
sizes = [size] * count + ([rest] if rest else [])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 200 << 10)
s.connect(("127.0.0.1", port))
s.setsockopt(SOL_UDP, UDP_SEGMENT, size)
sent = [[bytes([(i + k) % 256]) * n for i, n in enumerate(sizes)] for k in range(packets)]
for parts in sent: s.send(b"".join(parts))
os.kill(pid, signal.SIGCONT)
print([[s.recv(65536) for _ in parts] for parts in sent] == sent)' "$PID" "$PORT" "$@"
}

@test "packets of joined datagrams are parted: each comes back, counted and spoilt for itself" {
	serve echo --report --option rcvbuf=208k udp:127.0.0.1:0
	run joined 64 32 0 1
	assert_output True
	run joined 100 3 1 1
	assert_output True
	# More of them than messages in a call.
	run joined 20 40 7 5
	assert_output True
	run joined 1400 2 1399 3
	assert_output True
	end_served
	assert_contains "$stderr" "4 peers, 250 datagrams received, 250 sent"
	serve echo --truncate 1 --corrupt 2 udp:127.0.0.1:0
	run timeout "$READY_WITHIN" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", int(sys.argv[1])))
s.setsockopt(17, 103, 2)
s.send(b"aabbccd")
print([s.recv(100) for _ in range(4)])' "$PORT"
	assert_output "[b'a', b'c', b'c', b'e']"
	# The calls of --trace are those of whoever reads along: one datagram each.
	serve echo --trace udp:127.0.0.1:0
	run joined 10 3 0 1
	assert_output True
	end_served
	assert_regex "$stderr" 'recvmmsg\([0-9]+, 64\) = 3'
}

@test "on a path too narrow for them in one piece they are cut and come back all the same" {
	netns
	in_ns ip link set lo mtu 600
	serve echo --report udp:127.0.0.1:0
	run burst 1000 1000 1000 64 64 64 1000 1000
	assert_output True
	end_served
	assert_contains "$stderr" "8 datagrams received, 8 sent"
	refute_contains "$stderr" "send a datagram"
}

@test "--max takes exactly so many, the next stay unread" {
	serve listen --max 2 udp:127.0.0.1:0
	kill -STOP "$PID"
	ask "$PORT" 0 a b c d
	kill -CONT "$PID"
	served
	assert_equal "$status" 0
	assert_equal "$(cat "$SERVED")" ab
}

@test "--truncate cuts each datagram, the boundaries stay" {
	serve echo --truncate 3 udp:127.0.0.1:0
	run ask "$PORT" 3 abcdef ab ghijkl
	assert_output "$(printf 'abc\nab\nghi')"
	serve listen --report --max 2 udp:127.0.0.1:0
	printf abcdefgh | "$SOCKCTL" connect --chunk 4 --truncate 1 --send-only "$ADDR"
	served
	assert_equal "$(cat "$SERVED")" ae
}

@test "--corrupt counts its bytes across datagrams, also of one batch" {
	serve echo --corrupt 4 udp:127.0.0.1:0
	kill -STOP "$PID"
	ask "$PORT" 3 aaaaaa aaaaaa aaaaaa >"$BATS_TEST_TMPDIR/back" 3>&- &
	local asker=$!
	PIDS+=("$asker")
	# All three lie in the buffer before the first is read.
	until_true bash -c "(( \$(ss -Hluan 'sport = :$PORT' | awk '{ print \$2 }') > 0 ))"
	kill -CONT "$PID"
	await_end "$asker"
	# 'a' with one bit wrong is a '`'.
	assert_equal "$(tr -d '\n' <"$BATS_TEST_TMPDIR/back")" 'aaa`aaa`aaa`aaa`aa'
	serve listen --reply abcdef --corrupt 3 udp:127.0.0.1:0
	run ask "$PORT" 2 x y
	assert_output "$(printf 'abbdeg\nabbdeg')"
}

@test "--write-rate, --read-rate and --chunk-delay pace datagrams" {
	local began
	serve echo --write-rate 100/s udp:127.0.0.1:0
	began=$(date +%s%N)
	run ask "$PORT" 3 "$(printf %030d 1)" "$(printf %030d 2)" "$(printf %030d 3)"
	assert_line "$(printf %030d 3)"
	assert_int "$(date +%s%N) - began >= 600000000"
	serve echo --read-rate 100/s udp:127.0.0.1:0
	began=$(date +%s%N)
	run ask "$PORT" 3 "$(printf %030d 1)" "$(printf %030d 2)" "$(printf %030d 3)"
	assert_line "$(printf %030d 3)"
	assert_int "$(date +%s%N) - began >= 600000000"
	serve echo udp:127.0.0.1:0
	began=$(date +%s%N)
	printf abc | "$SOCKCTL" connect --chunk 1 --chunk-delay 300ms --send-only "$ADDR"
	assert_int "$(date +%s%N) - began >= 600000000"
}

@test "--close-after-bytes ends a datagram socket, exit 0" {
	serve listen --close-after-bytes 5 udp:127.0.0.1:0
	ask "$PORT" 0 abc def
	served
	assert_equal "$status" 0
	assert_equal "$(cat "$SERVED")" abcdef
	serve echo --close-after-bytes 1 udp:127.0.0.1:0
	run ask "$PORT" 1 last
	assert_output last
	served
	assert_equal "$status" 0
}

@test "--delay answers late, of the input too" {
	local began
	serve echo --delay 300ms udp:127.0.0.1:0
	began=$(date +%s%N)
	run ask "$PORT" 1 x
	assert_output x
	assert_int "$(date +%s%N) - began >= 300000000"
	began=$(date +%s%N)
	"$SOCKCTL" connect --delay 300ms --send x --send-only "$ADDR"
	assert_int "$(date +%s%N) - began >= 300000000"
}

@test "--send of a server goes to the first peer, --crlf makes line ends" {
	serve listen --crlf --send 'a\nb\n' --max 1 udp:127.0.0.1:0
	run ask "$PORT" 1 hello
	assert_output "$(printf 'a\r\nb\r\n')"
	served
	assert_equal "$(cat "$SERVED")" hello
	serve listen --max 1 udp:127.0.0.1:0
	printf 'x\ny\r\n' | "$SOCKCTL" connect --crlf --send-only "$ADDR"
	served
	assert_equal "$(xxd -p "$SERVED")" 780d0a790d0a
}

@test "--output writes one file a peer, datagrams in their order" {
	mkdir "$BATS_TEST_TMPDIR/dir"
	serve listen --output "$BATS_TEST_TMPDIR/dir" --max 3 udp:127.0.0.1:0
	ask "$PORT" 0 one
	ask "$PORT" 0 two three
	served
	assert_equal "$status" 0
	refute test -s "$SERVED"
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/dir/000001-*)" one
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/dir/000002-*)" twothree
}

@test "a blocked stdout stops the reading and is no silence" {
	mkfifo "$BATS_TEST_TMPDIR/out"
	serve echo "unix-dgram:$BATS_TEST_TMPDIR/d" # of which none is dropped
	"$SOCKCTL" connect -I 200ms --chunk 16k "$ADDR" \
		< <(head -c 2000000 /dev/zero) >"$BATS_TEST_TMPDIR/out" 3>&- &
	local client=$!
	PIDS+=("$client")
	exec {out}<"$BATS_TEST_TMPDIR/out"
	INPUTS+=("$out")
	run ! timeout 0.6 tail --pid="$client" -f /dev/null
	assert_equal "$(wc -c <&"$out")" 2000000
	await_end "$client"
}

@test "unix datagrams: answered where the client has a name, boundaries kept" {
	serve echo "unix-dgram:$BATS_TEST_TMPDIR/d"
	sockctl connect --send hello --expect hello -I 5s "unix-dgram:$BATS_TEST_TMPDIR/d"
	assert_equal "$status" 0
	assert_output hello
	python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"nobody", sys.argv[1])' \
		"$BATS_TEST_TMPDIR/d"
	sockctl connect --send again --expect again -I 5s "unix-dgram:$BATS_TEST_TMPDIR/d"
	assert_equal "$status" 0
	end_served
	refute test -e "$BATS_TEST_TMPDIR/d"
}

@test "-u and -x together are a unix datagram socket" {
	local d="$BATS_TEST_TMPDIR/d" flags
	for flags in '-u -x' '-x -u' -ux; do
		# shellcheck disable=SC2086 # words
		serve listen $flags --max 1 "$d"
		assert_equal "$ADDR" "unix-dgram:$d"
		socat -u STDIN "UNIX-SENDTO:$d" <<<hello
		served
		assert_equal "$status" 0
		assert_equal "$(<"$SERVED")" hello
	done
	serve echo -ux "$d"
	sockctl connect -x -u --send hello --expect hello -I 5s "$d"
	assert_success
	sockctl probe -ux --json "$d"
	assert_json 'first.proto == "unix-dgram"'
	sockctl inspect -xu --bindable "$d" --json
	assert_status 1
}

# One datagram of so many bytes from a socket with as much room, by right or by privilege.
send_large() { # PATH BYTES
	python3 -c '
import socket, sys
size, force = int(sys.argv[2]), 32 # SO_SNDBUFFORCE
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
try: s.setsockopt(socket.SOL_SOCKET, force, size)
except PermissionError: pass
s.sendto(b"x" * size, sys.argv[1])' "$@"
}

@test "unix datagrams of more than 64 KiB arrive whole, and come back whole" {
	make_data "$BATS_TEST_TMPDIR/large" 150K
	serve listen --max 2 "unix-dgram:$BATS_TEST_TMPDIR/d"
	sockctl connect --send-only --send "@$BATS_TEST_TMPDIR/large" "unix-dgram:$BATS_TEST_TMPDIR/d"
	assert_equal "$status" 0
	sockctl connect --send-only --send end "unix-dgram:$BATS_TEST_TMPDIR/d"
	assert_equal "$status" 0
	served
	assert_equal "$status" 0
	cmp "$SERVED" <(cat "$BATS_TEST_TMPDIR/large" && printf end)
	serve echo "unix-dgram:$BATS_TEST_TMPDIR/e"
	in_ns "$SOCKCTL" connect -I 1s --send "@$BATS_TEST_TMPDIR/large" \
		"unix-dgram:$BATS_TEST_TMPDIR/e" | cmp - "$BATS_TEST_TMPDIR/large"
}

@test "a unix datagram too long for its sender's buffer is refused with what to try" {
	make_data "$BATS_TEST_TMPDIR/large" 150K
	serve listen --max 1 "unix-dgram:$BATS_TEST_TMPDIR/d"
	sockctl connect --option sndbuf=64k --send "@$BATS_TEST_TMPDIR/large" \
		"unix-dgram:$BATS_TEST_TMPDIR/d"
	assert_refused 1 "send a datagram: Message too long
.*--option sndbuf=SIZE makes room"
}

@test "a unix datagram too long for us is told, not cut in silence" {
	serve listen --max 1 "unix-dgram:$BATS_TEST_TMPDIR/d"
	send_large "$BATS_TEST_TMPDIR/d" 1048577 2>"$BATS_TEST_TMPDIR/refused" || {
		grep -q "Message too long" "$BATS_TEST_TMPDIR/refused"
		skip "net.core.wmem_max allows no such datagram here"
	}
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "a datagram of 1048577 bytes is longer than 1048576 bytes: the rest is lost"
}

@test "what a datagram socket cannot do is refused with a reason" {
	local row command option
	while read -r command option; do
		# shellcheck disable=SC2086
		sockctl $command udp:127.0.0.1:0 $option
		assert_refused 2 "$(cut -d' ' -f1 <<<"$option"): .*
  [a-z-]+"
	done <<-'END'
		listen --exec cat
		listen --sh cat
		listen --http x
		listen --backlog 2
		listen --no-accept
		listen --accept-delay 1s
		echo --accept-rate 1/s
		echo --bind-only
		echo --limit-fds 10
		echo --chunk 3
		connect --close-first
		listen --no-close
		connect --reset-after 3
		listen --hold 3s
		connect --half-open
	END
}

@test "the client of echo refuses what only its server can do" {
	local option
	for option in --mute --no-read --once --background "--delay 1s" "--port-file x"; do
		# shellcheck disable=SC2086
		sockctl echo --client 127.0.0.1:9 $option
		assert_refused 2 "--client sends, checks and measures"
	done
}

@test "echo --client of datagrams says what a refusal means" {
	netns
	sockctl echo --client --count 3 udp:127.0.0.1:53
	assert_refused 1 'Connection refused.*nothing receives on that port'
}
