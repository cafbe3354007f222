#!/usr/bin/env bats
# Connections that only the client believes in: the path takes its ACKs, or a queue had no room.

load ../lib/helpers
load ../lib/findings
load ../lib/probe

# Of each handshake the last packet, and what follows it, is lost; SYNs pass.
one_way() { # HOOK PORT
	server_rule "$1" "tcp dport $2 tcp flags & (syn|ack) == ack drop"
}

# The ACK that ends the handshake is lost, so many times; the FIN behind it brings it again, when
# all have begun.
lose_acks() { # N
	server_rule input "tcp dport 80 tcp flags & (syn|ack|fin) == ack numgen inc mod 100000 < $1 drop"
}

target_mk() {
	local NS=("${TARGET[@]}")
	mk "$@"
}

all_sent_again() { # N
	[[ $(in_ns "$SOCKCTL" inspect -H --no-findings 'timer_retrans >= 2' | wc -l) == "$1" ]]
}

listens_there() {
	[[ -n $(on_server ss -Htln) ]]
}

ghosts() { # JQ
	jq -cs 'map(select(.type == "attempt" and .outcome == "ghost")) | '"$1" <<<"$output"
}

@test "ACKs that do not get through: a second connect is answered, the path comes first" {
	routed
	target_mk listen:addr=$TARGET4,port=8443,backlog=16 \
		"listen:family=6,addr=$TARGET6,port=8443,backlog=16,label=b" \
		listen:addr=$TARGET4,port=8444,backlog=16,label=c listen:addr=$TARGET4,port=8445,backlog=16,label=d
	one_way forward 8443
	# A server that is gone when it is asked again.
	one_way forward 8444
	server_rule forward tcp dport 8444 numgen inc mod 100000 '> 0' reject with tcp reset
	probe --json --verify $TARGET4:8443 "[$TARGET6]:8443" $TARGET4:8444 $TARGET4:8445
	assert_status 1
	assert_valid
	assert_equal "$(jq -rs 'map(select(.type == "attempt")) | sort_by(.port) | map("\(.outcome) \(.second_connect)") | join(", ")' <<<"$output")" \
		'ghost answered, ghost answered, ghost refused, open null'
	assert_json 'map(select(.second_connect == "answered")) | all(.segments_received >= 2 and .verified == null
		and (.reason | test("nothing but our SYN and sends its SYN-ACK again: a second connect\\(\\) was answered at once, so probably our ACKs do not reach it .*; or its accept queue was full and has room by now, or several servers share the address")))'
	assert_json 'map(select(.second_connect == "refused"))[0].reason | test("was refused, so it ended meanwhile, or several servers")'
}

@test "a queue that filled just then: a second connect is not answered, the queue comes first" {
	link
	server_mk listen:addr=$V4,port=80,backlog=3,queued=3
	lose_acks 2
	probe --json --verify $V4:80 $V4:80
	assert_status 1
	assert_valid
	assert_equal "$(jq -rs 'map(select(.type == "attempt").outcome) | sort | join(" ")' <<<"$output")" 'ghost open'
	assert_equal "$(ghosts 'map(.second_connect)')" '["silent"]'
	assert_regex "$(ghosts '.[0].reason')" 'was not answered, so probably its accept queue is full; or the path'
	inspect --netns "/proc/$SERVER_PID/ns/net" --json -l --port 80
	assert_json '.[0].accept_queue_full'
}

@test "one full member of a group: a second connect reaches another, and both are listed" {
	link
	server_mk listen:addr=$V4,port=80,backlog=1,queued=1,reuseport,label=full \
		listen:addr=$V4,port=80,backlog=64,reuseport,label=roomy
	lose_acks 24
	# shellcheck disable=SC2046 # as many targets
	probe --json --verify $(yes $V4:80 | head -24)
	assert_status 1
	assert_regex "$(ghosts 'map(.second_connect) | sort | unique | join(" ")')" answered
	assert_regex "$(ghosts 'map(select(.second_connect == "answered"))[0].reason')" \
		'has room by now, or several servers share the address'
}

@test "a server that has sent something, or taken something, has the connection" {
	link
	spawn "${SERVER[@]}" python3 -c '
import socket, time
s = socket.create_server(("10.99.0.2", 80))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
print("ready", flush=True)
kept = []
while True:
    kept.append(s.accept()[0])
    kept[-1].send(b"220 hello\r\n")
'
	await_line '^ready$'
	head -c 4000000 /dev/zero >"$BATS_TEST_TMPDIR/much"
	# Behind so much that nobody reads the FIN does not even leave.
	probe --json --verify --send "@$BATS_TEST_TMPDIR/much" --expect 220 $V4:80
	assert_status 0
	assert_json '.[0] | .outcome == "open" and .verified'
}

@test "a ghost of this host: its queue had room, so the packets are lost before it" {
	netns
	SERVER=("${NS[@]}")
	mk listen:port=80,backlog=5
	assert_outcome 0 open verified --verify 127.0.0.1:80
	one_way input 80
	probe --json --verify 127.0.0.1:80
	assert_status 1
	assert_json '.[0] | .outcome == "ghost"
		and (.cause | test("has room \\([0-9]/5\\), and dropped nothing meanwhile: the packets are lost before it"))'
}

@test "inspect advises the probe that sees it, and that probe does" {
	link
	server_mk listen:addr=$V4,port=8443,backlog=16
	one_way input 8443
	spawn "${NS[@]}" python3 -c '
import socket, time
c = [socket.create_connection(("10.99.0.2", 8443)) for _ in range(2)]
for one in c:
    one.send(b"hello")
time.sleep(600)
'
	until_true all_sent_again 2
	findings
	assert_found 'warning stuck-sender'
	assert_text stuck-sender 'Nothing was ever acknowledged on these connections: what this host sends does not arrive' \
		"or the server's accept queue was full when it connected"
	assert_equal "$(get stuck-sender '.commands | join(";")')" "sockctl probe --verify $V4:8443"
	# To a plain probe it is open.
	probe -q $V4:8443
	assert_status 0
	local words
	read -ra words <<<"$(get stuck-sender '.commands[0] | ltrimstr("sockctl ")')"
	sockctl "${words[@]}"
	assert_status 1
	assert_contains "$output" 'our ACKs do not reach it'
}

@test "a sender that was answered before, and one that was accepted, are not such" {
	link
	spawn "${SERVER[@]}" "$SOCKCTL" listen --recv-only -k $V4:8443
	until_true listens_there
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
c = socket.create_connection(("10.99.0.2", 8443))
c.send(b"hello")
sys.stdin.readline()
c.send(b"again")
time.sleep(600)
'
	local in=$IN
	until_shown 'bytes_acked > 5'
	one_way input 8443
	echo >&"$in"
	until_shown 'timer_retrans >= 2'
	findings
	assert_found 'warning stuck-sender'
	assert_equal "$(get stuck-sender '.commands | join(";")')" "sockctl probe $V4:8443"
	[[ $(get stuck-sender .summary) != *'ever acknowledged'* ]] || fail "$FINDINGS"
}
