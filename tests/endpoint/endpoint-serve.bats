#!/usr/bin/env bats
# How a listener is started and what it gives its peers: handed-over sockets, the background,
# commands, files, and how a client chooses its own end.

load ../lib/helpers
load ../lib/endpoint

# `serve`, with the socket made by somebody else.
serve_activated() { # KIND FDS PID ARGS...
	local real=$SOCKCTL
	local SOCKCTL=$TOP/tests/lib/activate
	serve "$1" "$2" "$3" "$real" "${@:4}"
}

@test "fd: takes a listener over from LISTEN_FDS, TCP, unix and UDP" {
	serve_activated tcp 1 self listen --reply hi fd:
	sockctl connect --send x "$ADDR"
	assert_output hi
	served
	assert_equal "$status" 0

	serve_activated "unix:$BATS_TEST_TMPDIR/s" 1 self listen -k --reply hi fd:
	assert_equal "$ADDR" "unix:$BATS_TEST_TMPDIR/s"
	sockctl connect --send x "$ADDR"
	assert_output hi
	end_served
	# Whoever made the path removes it.
	assert test -S "$BATS_TEST_TMPDIR/s"

	serve_activated udp 1 self echo --once fd:
	assert_regex "$ADDR" '^udp:127\.0\.0\.1:'
	sockctl connect --send ping --expect ping "$ADDR"
	assert_equal "$status" 0
}

@test "fd: leaves the open description of a datagram socket as it was" {
	# shellcheck disable=SC2016
	run timeout "$READY_WITHIN" python3 -c '
import fcntl, os, socket, subprocess, sys
for family, name in (socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, sys.argv[2]):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind(name)
    p = subprocess.Popen([sys.argv[1], "echo", "fd:%d" % s.fileno()],
                         pass_fds=[s.fileno()])
    c = socket.socket(family, socket.SOCK_DGRAM)
    c.bind(("127.0.0.1", 0) if family == socket.AF_INET else sys.argv[2] + "c")
    c.settimeout(30)
    try:
        for i in range(2):
            c.sendto(b"ping", s.getsockname())
            assert c.recv(9) == b"ping"
            assert not fcntl.fcntl(s.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK
    finally:
        p.terminate()
        p.wait(30)
    assert not fcntl.fcntl(s.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK
' "$SOCKCTL" "$BATS_TEST_TMPDIR/s"
	((status == 0)) || {
		echo "$output" >&2
		return 1
	}
}

@test "fd:N takes a descriptor without any variable" {
	serve_activated tcp - - listen --reply hi fd:3
	sockctl connect --send x "$ADDR"
	assert_output hi
}

@test "the variables are not passed on to commands" {
	serve_activated tcp 1 self listen --sh 'env | grep -c ^LISTEN_ || true' fd:
	sockctl connect "$ADDR" </dev/null
	assert_output 0
}

@test "a handed-over socket that will not do is refused with the reason" {
	run --separate-stderr "$TOP/tests/lib/activate" tcp 1 1 "$SOCKCTL" listen fd:
	assert_refused 3 "handed to process 1, this is"
	run --separate-stderr "$TOP/tests/lib/activate" tcp 0 self "$SOCKCTL" listen fd:
	assert_refused 3 "no socket was handed over"
	run --separate-stderr "$TOP/tests/lib/activate" tcp - - "$SOCKCTL" listen fd:
	assert_refused 3 "no socket was handed over"
	run --separate-stderr "$TOP/tests/lib/activate" bound 1 self "$SOCKCTL" listen fd:
	assert_refused 3 "does not listen"
	run --separate-stderr "$TOP/tests/lib/activate" file 1 self "$SOCKCTL" listen fd:
	assert_refused 3 "non-socket"
	sockctl listen fd:77
	assert_refused 3 "descriptor 77: Bad file descriptor"
	run --separate-stderr "$TOP/tests/lib/activate" udp 1 self "$SOCKCTL" listen --exec cat fd:
	assert_refused 2 "--exec: datagrams make no connection"
	sockctl connect fd:3
	assert_refused 2 "connect takes an address"
}

@test "systemd-socket-activate starts it" {
	command -v systemd-socket-activate >/dev/null || skip "no systemd-socket-activate here"
	spawn systemd-socket-activate --listen="$BATS_TEST_TMPDIR/s" "$SOCKCTL" listen --reply hi fd:
	sockctl connect --send x --retry 200 --backoff 10ms "$BATS_TEST_TMPDIR/s"
	assert_output hi
}

@test "--background returns when it listens, and serves on" {
	# Command substitution waits for whoever holds the pipe: nobody may.
	run --separate-stderr timeout "$READY_WITHIN" "$SOCKCTL" listen -k --background \
		--reply hi --port-file "$BATS_TEST_TMPDIR/port" 127.0.0.1:0
	assert_equal "$status" 0
	assert_regex "$stderr" '^listening on 127\.0\.0\.1:'
	assert_equal "$output" ''
	ADDR=$(cat "$BATS_TEST_TMPDIR/port")
	PORT=${ADDR##*:}
	assert_equal "$stderr" "listening on $ADDR"
	PIDS+=("$(ss -Htlnp "sport = :$PORT" | sed 's/.*pid=\([0-9]*\).*/\1/')")
	sockctl connect --send x "$ADDR"
	assert_output hi
	sockctl connect --send x "$ADDR"
	assert_output hi
	# A session of its own, pipes of nobody's; its stderr is a file here and stays.
	local daemon=${PIDS[-1]}
	assert_equal "$(ps -o sid= -p "$daemon" | tr -d ' ')" "$daemon"
	assert_equal "$(readlink "/proc/$daemon/fd/0" "/proc/$daemon/fd/1" | sort -u)" /dev/null
	kill "$daemon"
	until_true test ! -d "/proc/$daemon"
}

@test "--background keeps a stdout that is a file" {
	local file=$BATS_TEST_TMPDIR/file
	"$SOCKCTL" listen --background --port-file "$BATS_TEST_TMPDIR/port" 127.0.0.1:0 \
		>"$file" 2>/dev/null 3>&-
	echo hello | "$SOCKCTL" connect "$(cat "$BATS_TEST_TMPDIR/port")"
	until_true grep -q hello "$file"
}

@test "--background reports in the foreground what keeps it from listening" {
	serve listen -k 127.0.0.1:0
	sockctl listen --background "$ADDR"
	assert_refused 3 "Address already in use"
	sockctl listen --background --port-file "$BATS_TEST_TMPDIR/none/port" 127.0.0.1:0
	assert_refused 3 "none/port"
	sockctl listen --background --port-file "$BATS_TEST_TMPDIR/none/port" "$BATS_TEST_TMPDIR/s"
	refute test -e "$BATS_TEST_TMPDIR/s"
}

@test "--exec and --sh have the connection, and the addresses in their environment" {
	serve listen -k --exec "sh -c 'echo \$SOCKCTL_PEER \$SOCKCTL_LOCAL; cat'" 127.0.0.1:0
	sockctl connect --source 127.0.0.1:0 --send 'bytes\n' "$ADDR"
	assert_line --index 1 bytes
	assert_regex "${lines[0]}" "^127\.0\.0\.1:[0-9]+ 127\.0\.0\.1:$PORT\$"
	serve listen -k --sh 'tr a-z A-Z | rev' 127.0.0.1:0
	sockctl connect --send 'abc\n' "$ADDR"
	assert_output CBA
	serve listen --sh 'echo "$SOCKCTL_PEER|$SOCKCTL_LOCAL"' "$BATS_TEST_TMPDIR/s"
	sockctl connect "$BATS_TEST_TMPDIR/s" </dev/null
	assert_output "unix:|unix:$BATS_TEST_TMPDIR/s"
}

@test "a command that fails is reported, with its code or its signal" {
	serve listen --sh 'exit 7' 127.0.0.1:0
	sockctl connect "$ADDR" </dev/null
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "the command of peer 1 (process " ") ended with code 7"
	serve listen --sh 'kill -9 $$' 127.0.0.1:0
	sockctl connect "$ADDR" </dev/null
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "ended by signal 9"
	serve listen --exec /nonexistent/command 127.0.0.1:0
	sockctl connect "$ADDR" </dev/null
	served
	assert_equal "$status" 1
	assert_contains "$stderr" "run /nonexistent/command: No such file"
	sockctl listen --exec "'open" 127.0.0.1:0
	assert_refused 2 "a quote is not closed"
	sockctl listen --exec '' 127.0.0.1:0
	assert_refused 2 "no command"
}

@test "text for an end that sends nothing is refused" {
	local option silent
	for silent in --recv-only --mute; do
		for option in --send --reply --http; do
			sockctl listen "$silent" "$option" text 127.0.0.1:0
			assert_refused 2 "^sockctl listen: $option: nothing is sent with $silent"
		done
		sockctl connect "$silent" --send text 127.0.0.1:1
		assert_refused 2 "^sockctl connect: --send: nothing is sent with $silent"
	done
}

@test "what a command's connection cannot do is refused with a reason" {
	local option
	while read -r option; do
		# shellcheck disable=SC2086
		sockctl listen --exec cat $option 127.0.0.1:0
		assert_refused 2 "^sockctl listen: ${option%% *}: the command has the connection to itself
  [a-z-]+"
	done <<-'END'
		--idle 1s
		--output .
		--expect x
		--info
		--crlf
		--send-only
		--no-read
		--mute
		--read-rate 1k/s
		--write-rate 1k/s
		--chunk 1
		--chunk-delay 1ms
		--delay 1s
		--corrupt 3
		--truncate 3
		--hold 0
		--no-close
		--close-first
		--close-after-bytes 3
		--reset-after 3
	END
}

@test "a command's connection has the late socket options, too" {
	serve listen -k --option quickack=0 --exec \
		"python3 -c 'import socket; print(socket.socket(fileno=0).getsockopt(6, socket.TCP_QUICKACK))'" 127.0.0.1:0
	sockctl connect --no-half-close "$ADDR" </dev/null
	assert_output 0
	serve listen -k --option quickack=1 --exec \
		"python3 -c 'import socket; print(socket.socket(fileno=0).getsockopt(6, socket.TCP_QUICKACK))'" 127.0.0.1:0
	sockctl connect --no-half-close "$ADDR" </dev/null
	assert_output 1
}

@test "bytes between a peer and a command are unknown, not 0" {
	serve listen --report --sh cat 127.0.0.1:0
	sockctl connect --send abc "$ADDR"
	assert_output abc
	served
	assert_equal "$status" 0
	assert_regex "$stderr" '^1 connection, at most 1 at a time, 0 failed in [0-9]'
	spawn bash -c 'exec "$0" listen --json --sh cat --port-file "$1" 127.0.0.1:0 2>"$2"' \
		"$SOCKCTL" "$BATS_TEST_TMPDIR/port" "$BATS_TEST_TMPDIR/events"
	until_true test -s "$BATS_TEST_TMPDIR/port"
	sockctl connect --send abc "$(<"$BATS_TEST_TMPDIR/port")"
	assert_output abc
	await_end "$PID"
	assert_valid "$(<"$BATS_TEST_TMPDIR/events")"
	run jq -c 'select(.type == "summary") | [.complete, .most_open, .received_bytes, .sent_bytes, .unsent_bytes]' \
		"$BATS_TEST_TMPDIR/events"
	assert_output '[1,1,null,null,null]'
}

@test "children are reaped while it serves on" {
	serve listen -k --exec true 127.0.0.1:0
	local i
	for i in 1 2 3 4 5; do
		"$SOCKCTL" connect "$ADDR" </dev/null
	done
	childless() { [[ -z $(ps -o pid= --ppid "$PID") ]]; }
	until_true childless
}

@test "--output: one file a peer, whatever the peers call themselves" {
	local dir=$BATS_TEST_TMPDIR/out long
	mkdir "$dir"
	long=$BATS_TEST_TMPDIR/$(printf '%0*d' $((90 - ${#BATS_TEST_TMPDIR})) 0)
	serve listen -k --output "$dir" "$BATS_TEST_TMPDIR/s"
	timeout "$READY_WITHIN" python3 -c '
import os, socket, sys
for name in ("\0../../evil\n\x1b[31m", "\0" + "\x01" * 100, sys.argv[2]):
    s = socket.socket(socket.AF_UNIX)
    s.bind(name)
    s.connect(sys.argv[1])
    s.sendall(b"mine")
    s.shutdown(socket.SHUT_WR)
    s.recv(1)' "$BATS_TEST_TMPDIR/s" "$long"
	end_served
	assert_equal "$(find "$dir" -type f | wc -l)" 3
	assert_equal "$(cat "$dir"/*)" mineminemine
	assert_equal "$(find "$dir" -name '*[[:cntrl:]]*')" ''
	assert_equal "$(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name '*evil*')" ""
}

@test "--output: no directory, a full disk, a link or a pipe in the way" {
	local dir=$BATS_TEST_TMPDIR/out
	sockctl listen --output "$dir" 127.0.0.1:0
	assert_refused 3 "open the directory $dir: No such file"
	refute_contains "$stderr" listening
	mkdir "$dir"
	serve listen --output "$dir" "$BATS_TEST_TMPDIR/s"
	mkfifo "$dir/000001-unix:"
	"$SOCKCTL" connect --send x -I 5s "$BATS_TEST_TMPDIR/s" || true
	served
	assert_equal "$status" 3
	rm "$dir/000001-unix:"
	echo precious >"$BATS_TEST_TMPDIR/precious"
	ln -s "$BATS_TEST_TMPDIR/precious" "$dir/000001-unix:"
	serve listen --output "$dir" "$BATS_TEST_TMPDIR/s"
	"$SOCKCTL" connect --send x -I 5s "$BATS_TEST_TMPDIR/s" || true
	served
	assert_equal "$status" 3
	assert_equal "$(cat "$BATS_TEST_TMPDIR/precious")" precious
}

@test "a small disk that is full: told with the counts, exit 3" {
	unshare --user --map-root-user --mount true 2>/dev/null || skip "cannot mount here"
	mkdir "$BATS_TEST_TMPDIR/disk"
	INPUT=<(head -c 4m /dev/zero) serve listen 127.0.0.1:0
	run --separate-stderr unshare --user --map-root-user --mount sh -c '
		mount -t tmpfs -o size=256k none "$1" && exec "$2" connect "$3" </dev/null >"$1/file"' \
		sh "$BATS_TEST_TMPDIR/disk" "$SOCKCTL" "$ADDR"
	assert_refused 3 "write the output: No space left on device \(received [0-9]+ bytes"
}

@test "--source and --interface choose the client's end" {
	serve listen -k --sh 'echo "$SOCKCTL_PEER"' 127.0.0.1:0
	sockctl connect --source 127.0.0.9 "$ADDR" </dev/null
	assert_regex "$output" '^127\.0\.0\.9:'
	sockctl connect --source 127.0.0.1:0 --interface lo "$ADDR" </dev/null
	assert_regex "$output" '^127\.0\.0\.1:'
	sockctl connect --source 192.0.2.1 "$ADDR"
	assert_refused 3 "bind 192.0.2.1:0: Cannot assign requested address"
	sockctl connect --interface none0 "$ADDR"
	assert_refused 3 "No such device"
	sockctl connect --source ::1 "$ADDR"
	assert_refused 2 "IPv4 was asked for"
}

@test "a connection of a socket to itself is no success" {
	netns
	# The only port there is, ours and the peer's.
	in_ns sh -c 'echo "50000 50000" >/proc/sys/net/ipv4/ip_local_port_range'
	sockctl connect -T 5s 127.0.0.1:50000 </dev/null
	assert_refused 1 "Connection refused"
	sockctl connect --source 127.0.0.1:40000 127.0.0.1:40000 </dev/null
	assert_refused 1 "Connection refused"
	# Nor does a remnant of it keep the real server from its port.
	serve listen --no-reuseaddr -k 127.0.0.1:50000
}

@test "--retry and --backoff: told each time, doubled, and it gets in" {
	local began
	netns
	began=$(date +%s%N)
	sockctl connect --retry 2 --backoff 100ms 127.0.0.1:9
	assert_refused 1 "Connection refused"
	assert_equal "$(grep -c "127.0.0.1:9: Connection refused" <<<"$stderr")" 3
	assert_int "$(date +%s%N) - began >= 300000000"
	spawn "${NS[@]}" "$SOCKCTL" connect --retry 1000 --backoff 20ms --send hello 127.0.0.1:7000
	serve listen 127.0.0.1:7000
	served
	assert_equal "$(cat "$SERVED")" hello
}

@test "--max ends after so many peers, each served whole" {
	serve listen --max 3 --sh 'cat >/dev/null; echo done' 127.0.0.1:0
	local i
	for i in 1 2 3; do
		sockctl connect "$ADDR" </dev/null
		assert_output "done"
	done
	served
	assert_equal "$status" 0
	sockctl connect "$ADDR" </dev/null
	assert_refused 1 refused
}

@test "numbers that would be obeyed by nobody are refused" {
	sockctl listen --max 0 127.0.0.1:0
	assert_refused 2 "--max: '0' is too small, the least is 1"
	sockctl connect --rate 1/m 127.0.0.1:9
	assert_refused 2 "--rate: '1/m' is not a rate
  1/m
   \^
  rates look like 10/s"
	sockctl listen --write-rate x/s 127.0.0.1:0
	assert_refused 2 "--write-rate: 'x/s' is not a rate
  x/s
  \^"
	sockctl echo --size 10
	assert_refused 2 "--size: it is for --client"
	sockctl echo --count 10 udp:127.0.0.1:0
	assert_refused 2 "--count: it is for --client"
	sockctl echo --connections 10
	assert_refused 2 "--connections: it is for --client"
	local to
	for to in "" :0 udp:127.0.0.1:0; do
		# shellcheck disable=SC2086
		sockctl echo --client $to
		assert_refused 2 "--client needs the port of an echo server"
	done
}

@test "raw IP sockets carry packets, for root" {
	is_root || netns
	netns
	spawn "${NS[@]}" "$SOCKCTL" listen --max 1 raw:253:127.0.0.1
	until_true in_ns sh -c 'ss -Hwan | grep -q 253'
	sockctl connect --send payload --send-only raw:253:127.0.0.1
	assert_equal "$status" 0
	run cat <&"$OUT"
	assert_regex "$output" 'payload$'
	# In a namespace of his own an ordinary user has the right.
	skip_unless_root "one without the right is refused"
	run --separate-stderr as_user "$SOCKCTL" listen raw:253:127.0.0.1
	assert_refused 3 "raw sockets need CAP_NET_RAW"
}

@test "vsock: without a way to the other side the reason is told" {
	serve listen -k vsock:any:0 || skip "this kernel has no vsock"
	assert_regex "$ADDR" '^vsock:any:[0-9]+$'
	end_served
	assert_equal "$status" 143
	sockctl connect -T 2s vsock:1:9999 </dev/null
	assert_int 'status == 1 || status == 4'
	assert_contains "$stderr" "connect vsock:1:9999: "
	sockctl listen vsock:77777:9999
	assert_refused 3 'that CID; vsock::PORT is any'
}

@test "options of nc that belong elsewhere are answered" {
	sockctl connect -z 127.0.0.1:1
	assert_refused 2 "'sockctl probe HOST:PORT' tells"
	sockctl connect -k 127.0.0.1:1
	assert_refused 2 "'sockctl listen -k' serves"
}

@test "dual stack, scope and a name without an address" {
	serve listen -k --reply hi :0
	assert_regex "$ADDR" '^\[::]:'
	sockctl connect --send x "127.0.0.1:$PORT"
	assert_output hi
	sockctl connect --send x "[::1]:$PORT"
	assert_output hi
	serve listen -6 -k --reply hi :0
	sockctl connect --send x "127.0.0.1:$PORT"
	assert_refused 1 'Connection refused'
	sockctl connect --send x "[::1]:$PORT"
	assert_output hi
	serve listen -6 -k --reply hi '[::ffff:127.0.0.1]:0'
	sockctl connect --send x "127.0.0.1:$PORT"
	assert_output hi
	sockctl connect name.invalid:80
	assert_refused 5 "the name 'name.invalid' does not resolve"
}
