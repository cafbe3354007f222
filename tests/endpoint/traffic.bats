#!/usr/bin/env bats
# --dump, and events of datagrams: what is shown of the traffic is all of it, and the traffic is
# what it is without.

load ../lib/helpers
load ../lib/endpoint

# The bytes of one direction, made again from a dump.
undump() { # <|> FILE text|hex
	python3 - "$@" <<-'END'
		import re, sys
		way, name, form = sys.argv[1:]
		out, on, left = [], False, 0
		for line in open(name, "rb"):
		    if line[:2] != b"  ":
		        assert not left, (left, line)
		        on = line[:1] == way.encode()
		        left = int(re.search(rb" ([0-9]+) bytes?\b", line).group(1))
		        continue
		    line = line[2:-1]
		    if form == "hex":
		        data = bytes.fromhex(line[line.index(b"  "):line.index(b"  |")].decode())
		    else:
		        data = re.sub(rb"\\(x..|.)", lambda m: {b"n": b"\n", b"r": b"\r", b"t": b"\t",
		            b"\\": b"\\"}.get(m.group(1)) or bytes.fromhex(m.group(1)[1:].decode()), line)
		    left -= len(data)
		    out += [data] if on else []
		assert not left
		sys.stdout.buffer.write(b"".join(out))
	END
}

# Both directions of a dump are these files.
assert_dump() { # FILE RECEIVED SENT [FORM]
	undump '<' "$1" "${4-text}" | cmp - "$2"
	undump '>' "$1" "${4-text}" | cmp - "$3"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	make_data up 700K
	make_data down 500K
}

@test "--dump shows every byte both ways, of pipes and files, as text and as hex" {
	local form
	for form in text hex; do
		INPUT=down serve listen 127.0.0.1:0 --dump=$form --dump-file seen
		# A pipe each way: without --dump these are spliced.
		# shellcheck disable=SC2002
		cat up | "$SOCKCTL" connect --dump=$form "$ADDR" 2>shown | cat >got
		served
		assert_equal "$status" 0
		cmp down got
		cmp up "$SERVED"
		assert_dump seen up down $form
		assert_dump shown down up $form
	done
}

@test "--dump of a relay, an echo that is late, HTTP and records shows what the peer has" {
	local to
	INPUT=down serve listen 127.0.0.1:0
	to=$ADDR
	serve listen 127.0.0.1:0 --to "$to" --dump --dump-file seen
	nc -N 127.0.0.1 "$PORT" <up >got
	served
	cmp down got
	assert_dump seen up down

	serve echo --once 127.0.0.1:0 --dump-file seen --delay 20ms --corrupt 7
	nc -N 127.0.0.1 "$PORT" <up >got
	served
	assert_dump seen up got

	serve listen --max 1 --http @down 127.0.0.1:0 --dump-file seen
	curl -sS --data-binary @up "http://$ADDR/" --trace-ascii /dev/null -D head -o got
	served
	cmp down got
	assert_dump seen "$SERVED" <(cat head got)

	serve echo --once "unix-seqpacket:$PWD/s" --dump-file seen
	head -c 3000 up | "$SOCKCTL" connect "unix-seqpacket:$PWD/s" >got
	served
	assert_dump seen <(head -c 3000 up) got
}

@test "a dump that nobody reads holds the connection up, and loses nothing" {
	local err
	mkfifo err
	exec {err}<>err
	"$SOCKCTL" listen --recv-only --port-file port 127.0.0.1:0 --dump=hex >got 2>err </dev/null 3>&- &
	PID=$!
	PIDS+=("$PID")
	until_true test -s port
	nc -N 127.0.0.1 "$(sed 's/.*://' port)" <up >/dev/null 3>&- &
	PIDS+=("$!")
	# The kernel has bytes that are not read; that it stays so nobody can wait for.
	until_true has_unread
	cat err >shown 3>&- {err}>&- &
	PIDS+=("$!")
	exec {err}>&-
	await_end "$PID" 0
	await_end "${PIDS[-1]}" 0
	cmp up got
	assert_dump <(grep -v '^listening' shown) up /dev/null hex
}

has_unread() {
	[[ $(ss -Htn "sport = :$(sed 's/.*://' port)" | awk '{ print $2 }') -gt 0 ]]
}

@test "the head of a portion: direction, time, peer, size; no peer can forge one" {
	local before after line at
	printf '%s\n' "< 2026-01-01T00:00:00.000000Z 1 10.0.0.1:1 5 bytes" "listening on x" >forged
	before=$(date -u +%Y-%m-%dT%H:%M:%S)
	serve listen --dump --reply 'ok\n' 127.0.0.1:0
	nc -N 127.0.0.1 "$PORT" <forged >/dev/null
	served
	after=$(date -u +%Y-%m-%dT%H:%M:%S)
	assert_equal "$(grep -c '^[<>l]' <<<"$stderr")" 2
	line=$(grep '^<' <<<"$stderr")
	assert_regex "$line" "^< ([0-9T:.-]+)Z 1 127\.0\.0\.1:[0-9]+ $(stat -c %s forged) bytes$"
	at=${BASH_REMATCH[1]%.*}
	[[ ! $at < $before && ! $at > $after ]] || fail "$before $at $after"
	assert_contains "$stderr" "  < 2026-01-01T00:00:00.000000Z 1 10.0.0.1:1 5 bytes\\n" "  ok\\n"

	printf 'what a line of 16 and more looks like\377\0' >bytes
	sockctl connect --dump=hex --send @bytes "$(serve echo --once 127.0.0.1:0 && echo "$ADDR")"
	assert_equal "$(grep -A3 '^>' <<<"$stderr" | tail -n +2)" "$(hexdump -C bytes | sed '$d; s/^/  /')"
}

@test "datagrams: each alone, the empty one, too, with its peer; unix sockets without a name" {
	serve listen -u --max 3 --dump 127.0.0.1:0
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.7", 0))
for text in b"one\n", b"", b"three":
    s.sendto(text, ("127.0.0.1", int(sys.argv[1])))' "$PORT"
	served
	assert_equal "$(sed -E '/^[<>l]/s/[0-9TZ:.-]{27}/TIME/; s/(udp:127.0.0.7:)[0-9]+/\1P/' <<<"$stderr")" \
		"< TIME 1 udp:127.0.0.7:P 4 bytes
  one\\n
< TIME 1 udp:127.0.0.7:P 0 bytes
< TIME 1 udp:127.0.0.7:P 5 bytes
  three"
	serve listen --max 1 --dump "unix-dgram:$PWD/d"
	python3 -c 'import socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", "d")'
	served
	assert_regex "$stderr" '^< [^ ]+ unnamed 1 byte
  x$'
}

@test "--json: an event a datagram, with size, peer and truncation; its bytes with --dump alone" {
	local err
	"$SOCKCTL" echo -u --json --port-file port 127.0.0.1:0 2>err 3>&- &
	PID=$!
	PIDS+=("$PID")
	until_true test -s port
	sockctl connect --json --dump --send 'caf\xe9' --expect f "$(cat port)"
	assert_status 0
	assert_valid "$stderr"
	assert_json_in "$stderr" 'map(select(.type == "datagram")) | length == 2 and map(.direction) == ["sent", "received"]
		and all(.size_bytes == 4 and .truncated == false and .data == "caf\ufffd" and .data_hex == "636166e9"
			and .id == 1 and .peer_addr == "127.0.0.1" and (.peer_port | tostring) == $port)' \
		--arg port "$(sed 's/.*://' port)"
	kill "$PID"
	await_end "$PID" 143
	assert_valid "$(cat err)"
	assert_json_in "$(cat err)" '[.[] | select(.type == "accepted") | .peer_port] as [$port]
		| map(select(.type == "datagram")) | map(.direction) == ["received", "sent"]
		and all(.size_bytes == 4 and .peer_port == $port and .id == 1 and (has("data") or has("data_hex") | not))'

	# A connection has events with --dump alone; where a file takes the bytes, it takes them.
	serve_json echo --json --once --dump=hex --dump-file seen "unix:$PWD/s"
	head -c 5 up | "$SOCKCTL" connect "unix:$PWD/s" >/dev/null
	await_end "$PID"
	assert_valid "$(cat seen)"
	assert_json_in "$(cat seen)" 'length == 2 and all(.type == "data" and .size_bytes == 5 and .offset_bytes == 0
		and (has("data") | not) and .data_hex == $hex)' --arg hex "$(xxd -p -l 5 up)"
	assert_json_in "$(cat err)" 'all(.type != "data")'
}

@test "--json: a unix datagram that was cut is told with the size of the whole" {
	serve_json listen --max 1 --json "unix-dgram:$PWD/d"
	python3 -c '
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 32, 3 << 20) # SO_SNDBUFFORCE
s.sendto(b"y" * 1048579, "d")' || skip "no such datagram may be sent here"
	await_end "$PID" 1
	assert_json_in "$(cat err)" 'any(.type == "datagram" and .size_bytes == 1048579 and .truncated)'
	assert_equal "$(stat -c %s out)" 1048576
}

# As `serve`, with stdout in out and stderr in err; it is there when err has its first line.
serve_json() { # ARGS...
	rm -f err
	"$SOCKCTL" "$@" </dev/null >out 2>err 3>&- &
	PID=$!
	PIDS+=("$PID")
	until_true test -s err
}

@test "a dump that cannot be written is told once, and the connection goes on" {
	serve listen --dump-file /dev/full 127.0.0.1:0
	nc -N 127.0.0.1 "$PORT" <up >/dev/null
	served
	assert_equal "$status" 3
	assert_equal "$(grep -c "write to '/dev/full' (--dump-file): it ends here: No space left" <<<"$stderr")" 1
	cmp up "$SERVED"
	sockctl connect --dump-file "$PWD/none/x" 127.0.0.1:9
	assert_refused 3 "open '$PWD/none/x' \(--dump-file\): No such file"
	sockctl echo --threads 2 --dump 127.0.0.1:0
	assert_refused 2 '--dump'
	sockctl listen --sh cat --dump 127.0.0.1:0
	assert_refused 2 '--dump'
}
