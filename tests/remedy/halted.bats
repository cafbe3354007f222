#!/usr/bin/env bats
# What is kept from running goes on, or ends, as advised.

load ../lib/helpers
load ../lib/findings
load ../lib/servers
load ../lib/remedy

# A server that takes what comes, and reads it.
reading_server_on() { # PORT [BACKLOG]
	spawn "${NS[@]}" python3 -c '
import os, selectors, socket, sys
sel = selectors.DefaultSelector()
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
l.bind(("127.0.0.1", int(sys.argv[1])))
l.listen(int(sys.argv[2]))
sel.register(l, selectors.EVENT_READ)
print(os.getpid(), "ready", sep="\n", flush=True)
while True:
    for key, _ in sel.select():
        if key.fileobj is l:
            sel.register(l.accept()[0], selectors.EVENT_READ)
        elif not key.fileobj.recv(65536):
            sel.unregister(key.fileobj)
            key.fileobj.close()
' "$1" "${2-3}"
	await_line '^ready$'
	SERVER=${LINES_SEEN[0]}
}

clients() { # N PORT [OPTION]...
	spawn "${NS[@]}" "$SOCKCTL" connect --connections "$1" --hold 300s -T 300s "${@:3}" "127.0.0.1:$2"
}

has_finding() { # ID
	findings
	[[ $FOUND == *"$1"* ]]
}

has_no_finding() { # ID
	findings
	[[ $FOUND != *"$1"* ]]
}

@test "a server that is stopped goes on as advised, and accepts what waited" {
	remedy_ns
	reading_server_on 8080
	in_ns kill -STOP "$SERVER"
	clients 2 8080
	until_true has_finding accept-stalled
	assert_equal "$(commands accept-stalled)" "kill -CONT $SERVER"
	obey
	until_true has_no_finding accept-stalled
	in_ns kill -STOP "$SERVER"
	clients 9 8080
	until_true has_finding accept-queue-full
	assert_equal "$(commands accept-queue-full)" "kill -CONT $SERVER"
	obey
	until_true has_no_finding accept-queue-full
}

# Twelve clients that send, each so many bytes, when a line says how many.
senders_to() { # PORT
	spawn "${NS[@]}" python3 -c '
import socket, sys
peers = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(12)]
print("connected", flush=True)
for line in sys.stdin:
    for peer in peers:
        peer.setblocking(False)
        try:
            peer.send(b"x" * int(line))
        except BlockingIOError:
            pass
' "$1"
	await_line '^connected$'
	SENDERS=$IN
}

has_accepted() { # PORT
	inspect --no-findings unaccepted
	((status == 1)) || return
	inspect --json --no-findings "state = established and sport = :$1"
	[[ $(grep -c '"type":"socket"' <<<"$output") == 12 ]]
}

@test "a reader that is stopped goes on as advised, and reads what waited" {
	local id bytes
	remedy_ns
	reading_server_on 8080
	senders_to 8080
	until_true has_accepted 8080
	while read -r id bytes; do
		in_ns kill -STOP "$SERVER"
		echo "$bytes" >&"$SENDERS"
		until_true has_finding "$id"
		assert_equal "$(commands "$id")" "kill -CONT $SERVER"
		obey "$(commands "$id")"
		until_true has_no_finding "$id"
	done <<-'END'
		unread-requests 5
		stuck-reader 9000000
	END
}

@test "the member of a group that is stopped goes on as advised" {
	remedy_ns
	reading_server_on 8080 64
	reading_server_on 8080 64
	in_ns kill -STOP "$SERVER"
	clients 20 8080
	until_true has_finding shadowed-listener
	assert_equal "$(commands)" "kill -CONT $SERVER"
	obey
	until_true has_no_finding shadowed-listener
}

@test "a reader of datagrams that is stopped goes on as advised, and whoever waits to send to it" {
	remedy_ns
	spawn "${NS[@]}" python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(os.getpid(), "ready", sep="\n", flush=True)
while True:
    s.recv(4096)
' "$BATS_TEST_TMPDIR/log"
	await_line '^ready$'
	SERVER=${LINES_SEEN[0]}
	in_ns kill -STOP "$SERVER"
	spawn "${NS[@]}" sh -c 'yes | head -3000 | logger -u "$0" -d; echo sent' "$BATS_TEST_TMPDIR/log"
	until_true has_finding 'warning unread-datagrams'
	assert_equal "$(commands)" "kill -CONT $SERVER"
	obey
	await_line '^sent$'
	until_true has_no_finding unread-datagrams
}
