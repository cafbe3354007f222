#!/usr/bin/env bats
# Options in pairs and peers in crowds: none of them ends a server, sets it spinning or makes it
# read what is not theirs.

load ../lib/helpers
load ../lib/endpoint

pairs() { # COMMAND LEAST
	run "$TOP/tests/lib/pairs" "$1"
	assert_status 0
	assert_regex "$output" '([0-9]+) pairs, ([0-9]+) refused, 0 bad$'
	# More refusals would mean that the pairs were not run.
	assert_int "BASH_REMATCH[1] - BASH_REMATCH[2] >= $2"
}

@test "listen: every two options stand together before hostile peers" {
	pairs listen 650
}

@test "connect: every two options stand together before hostile peers" {
	pairs connect 450
}

@test "echo: every two options stand together before hostile peers" {
	pairs echo 320
}

# 40 that connect and close, over and over, while children are made and end.
crowd() { # ROUNDS
	python3 - "$PORT" "$1" <<-'END'
		import socket, struct, sys
		for turn in range(int(sys.argv[2])):
		    peers = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(40)]
		    for i, s in enumerate(peers):
		        if i % 4 == 0:
		            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		        elif i % 4 == 1:
		            s.send(b"bytes")
		        s.close()
	END
}

@test "a command for each of 40 peers that come and go leaves the server whole" {
	local before how
	for how in "--exec true" "--sh exit"; do
		# shellcheck disable=SC2086 # words
		serve listen --keep $how 127.0.0.1:0
		before=$(ls "/proc/$PID/fd")
		crowd 5
		until_true no_children
		until_true same_descriptors "$before"
		sockctl connect "$ADDR" </dev/null
		assert_equal "$status" 0
		end_served
		assert_equal "$status" 143
	done
}

no_children() {
	! pgrep -P "$PID" >/dev/null
}

same_descriptors() { # LIST
	[[ $(ls "/proc/$PID/fd") == "$1" ]]
}

@test "a listener that the parent has open, too, is left alone when enough peers came" {
	# The listener stays open in python: what is closed here is not gone.
	run python3 - "$SOCKCTL" <<-'END'
		import os, socket, subprocess, sys, time
		l = socket.create_server(("127.0.0.1", 0))
		p = subprocess.Popen([sys.argv[1], "listen", "--max", "1", "--hold", "1h", "fd:%d" % l.fileno()],
		                     stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=(l.fileno(),))
		p.stderr.readline()
		peers = [socket.create_connection(l.getsockname()) for _ in range(3)]
		end = time.monotonic() + 60
		state = "R"
		while state in "RD" and time.monotonic() < end:
		    state = open("/proc/%d/stat" % p.pid).read().rpartition(")")[2].split()[0]
		print("asleep" if state == "S" else state)
		p.kill()
		p.wait()
	END
	assert_output asleep
}
