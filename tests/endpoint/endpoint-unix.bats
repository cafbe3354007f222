#!/usr/bin/env bats
# Unix sockets: who may take a path over, what is removed in the end, and full queues.

load ../lib/helpers
load ../lib/endpoint

# A socket file that nobody holds.
make_stale() { # PATH [KIND]
	python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[2])).bind(sys.argv[1])' \
		"$1" "${2:-SOCK_STREAM}"
	assert test -S "$1"
}

setup() {
	S=$BATS_TEST_TMPDIR/s
}

inode() {
	stat -c %i "$1"
}

@test "a stale socket is replaced by one of its own kind, and removed in the end" {
	local kind type
	while read -r kind type; do
		make_stale "$S" "$type"
		serve listen -k "$kind:$S"
		end_served
		assert_equal "$status" 143
		refute test -e "$S"
	done <<-'END'
		unix SOCK_STREAM
		unix-dgram SOCK_DGRAM
		unix-seqpacket SOCK_SEQPACKET
	END
}

@test "a live socket is never taken over, whatever its kind, and not disturbed" {
	local kind mine
	for kind in unix unix-dgram unix-seqpacket; do
		serve listen -k -v "$kind:$S"
		for mine in unix unix-dgram unix-seqpacket; do
			sockctl listen -T 5s "$mine:$S"
			assert_refused 3 "$S"
			assert test -S "$S"
		done
		end_served
		refute_contains "$stderr" accepted
	done
}

@test "a socket that is bound and does not listen is live too" {
	serve listen --bind-only "$S"
	sockctl listen "$S"
	assert_refused 3 "live socket"
	assert test -S "$S"
	end_served
	refute test -e "$S"
}

@test "a live listener whose queue is full is not taken for stale" {
	serve listen --no-accept --backlog 0 "$S"
	"$SOCKCTL" connect --hold 1h "$S" </dev/null 3>&- &
	PIDS+=($!)
	until_true unix_queue "$S" 1
	sockctl listen "$S"
	assert_refused 3 "live socket"
}

# So many connections wait in the queue of a unix listener.
unix_queue() { # PATH N
	(($(ss -Hlx src "$1" | awk '{ print $3 }') == $2))
}

@test "a live listener of another network namespace keeps its path" {
	netns
	spawn "${NS[@]}" "$SOCKCTL" listen -k "$S"
	NS=()
	until_true test -S "$S"
	sockctl listen "$S"
	assert_refused 3 "live socket"
	assert test -S "$S"
}

@test "what is not a socket is never removed" {
	echo precious >"$S"
	sockctl listen "$S"
	assert_refused 3 "not a socket is there"
	assert_equal "$(cat "$S")" precious
	rm "$S"
	mkdir "$S"
	sockctl listen "$S"
	assert_refused 3 "not a socket is there"
	rmdir "$S"
	mkfifo "$S"
	sockctl listen "$S"
	assert_refused 3 "not a socket is there"
	rm "$S"
	ln -s /nowhere "$S"
	sockctl listen "$S"
	assert_refused 3 "$S"
	assert test -L "$S"
}

@test "only our own file is removed in the end, not one that took its place" {
	local other
	serve listen -k "$S"
	mv "$S" "$S.ours"
	make_stale "$S"
	other=$(inode "$S")
	end_served
	assert_equal "$status" 143
	assert_equal "$(inode "$S")" "$other"
	assert test -S "$S.ours"
}

@test "the path is free as soon as the last peer is accepted" {
	serve listen --max 1 "$S"
	spawn "$SOCKCTL" connect --hold 1h "$S"
	until_true test ! -e "$S"
	serve listen -k "$S"
	end_served
}

@test "a full queue is waited for, until it has room or the deadline passes" {
	serve listen --no-accept --backlog 0 "$S"
	"$SOCKCTL" connect --hold 1h "$S" </dev/null 3>&- &
	PIDS+=($!)
	until_true unix_queue "$S" 1
	sockctl connect -T 300ms "$S" </dev/null
	assert_refused 4 "no answer within (0\.[3-9]|[1-9]).* s .the deadline of --timeout.
  accept-queue-full  unix:$S: the accept queue is full \(1/0\)"
	end_served KILL
	rm "$S"
	# A server that accepts slowly: whoever waits gets in.
	serve listen -k --backlog 0 --accept-delay 100ms --reply ok "$S"
	sockctl connect --connections 4 --send x --expect ok -T 20s "$S"
	assert_equal "$status" 0
}

@test "abstract names need no file, and are free again at the end" {
	local name="@sockctl-$$-$BATS_TEST_NUMBER"
	serve listen -k --reply yes "$name"
	assert_equal "$ADDR" "unix:$name"
	sockctl listen "$name"
	assert_refused 3 "Address already in use"
	sockctl connect --send x "$name"
	assert_output yes
	end_served
	serve listen -k "$name"
	end_served
}

@test "seqpacket keeps the boundaries of records through echo" {
	serve echo "unix-seqpacket:$S"
	run timeout "$READY_WITHIN" python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
for text in (b"one", b"twotwo", b"x" * 60000, b"end"): s.send(text)
print([len(s.recv(100000)) for _ in range(4)])' "$S"
	assert_output "[3, 6, 60000, 3]"
}

@test "a missing directory, a wrong type and a missing path are told apart" {
	sockctl listen "$BATS_TEST_TMPDIR/none/s"
	assert_refused 3 "directory does not exist"
	sockctl connect "$S"
	assert_refused 1 "not-listening  there is no $S"
	serve listen -k "unix-seqpacket:$S"
	sockctl connect "$S"
	assert_refused 1 "of another type"
	end_served KILL
	sockctl connect "unix-seqpacket:$S"
	assert_refused 1 "Connection refused"
}

@test "a path that is too long is refused with its limit" {
	sockctl listen "$(printf '/tmp/%0110d' 0)"
	assert_refused 2 "107|108"
}
