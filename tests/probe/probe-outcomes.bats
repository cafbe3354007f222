#!/usr/bin/env bats
# Outcomes that are the machine's own: what could not be asked as told, unix sockets of
# every kind, what is known when the time is over.

load ../lib/helpers
load ../lib/probe

@test "error: a source, an interface or an option that is refused is no answer of the target" {
	local udp
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	for udp in '' udp:; do
		assert_outcome 3 error 'bind 10.1.2.3.* no interface of this network namespace has the address' --source 10.1.2.3 $udp$V4:80
		assert_equal "$(attempt .errno)" EADDRNOTAVAIL
		assert_equal "$(attempt .port)" 80
		assert_outcome 3 error "option 'interface': No such device" --interface nope $udp$V4:80
		# What no kernel takes is refused before any target is asked.
		probe -O ttl=300 $udp$V4:80
		assert_refused 2 "'300' is too large, the most is 255"
	done
	assert_outcome 3 error 'of the other family' --source 10.99.0.1 "[$V6]:80"
}

@test "error: a scan ends with the first, instead of telling it of every port" {
	link
	probe --source 10.1.2.3 --closed $V4:1-1000
	assert_refused 3 '^sockctl probe: bind 10.1.2.3.* no interface has this address'
	assert_equal "$output" ''
	probe --interface nope udp:$V4:1-1000
	assert_refused 3 "option 'interface': No such device"
	assert_equal "$output" ''
}

@test "unix: a directory and a file are no sockets, an abstract name leaves nothing stale" {
	local dir=$BATS_TEST_TMPDIR
	netns
	assert_outcome 1 wrong-type 'there is a directory, not a socket' "unix:$dir"
	touch "$dir/file"
	assert_outcome 1 wrong-type 'there is an ordinary file, not a socket' "$dir/file"
	mkfifo "$dir/pipe"
	assert_outcome 1 wrong-type 'there is a named pipe, not a socket' "unix-dgram:$dir/pipe"
	assert_outcome 1 missing-path 'listens under this abstract name' @nobody-here
	assert_outcome 1 missing-path 'no such path' "unix:$dir/file/below"
	mk unix_listen:abstract=here
	assert_outcome 0 open connected @here
}

@test "unix: datagram and seqpacket sockets, and each asked as another type" {
	local dir=$BATS_TEST_TMPDIR
	netns
	mk "unix_bound:path=$dir/d,type=dgram,label=d" "unix_listen:path=$dir/q,type=seqpacket,label=q" \
		"unix_listen:path=$dir/full,type=seqpacket,backlog=1,queued=2,label=full"
	assert_outcome 0 open connected "unix-dgram:$dir/d"
	(cd "$dir" && assert_outcome 1 wrong-type 'another type' -x ./d)
	assert_outcome 0 open connected "unix-seqpacket:$dir/q"
	assert_outcome 1 wrong-type 'try unix:, unix-dgram: or unix-seqpacket:' "unix:$dir/d"
	assert_outcome 1 wrong-type 'another type' "unix:$dir/q"
	assert_outcome 1 wrong-type 'another type' "unix-dgram:$dir/q"
	assert_outcome 1 wrong-type 'another type' "unix-seqpacket:$dir/d"
	assert_outcome 4 queue-full 'does not accept' "unix-seqpacket:$dir/full"
	assert_outcome 1 stale-unix 'nobody listens' "unix:$(mk_stale "$dir/gone")"
}

# A socket file whose socket is gone.
mk_stale() { # PATH
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1"
	echo "$1"
}

@test "a wait that ends before the first answer says what is known by then" {
	link
	server_rule input 'tcp dport 80 drop; udp dport 53 drop'
	probe --wait 100ms --json $V4:80
	assert_status 4
	assert_valid
	assert_json 'map(select(.type == "attempt")) | length == 1 and .[0].outcome == "filtered"'
	assert_contains "$stderr" "waited 100 ms, $V4:80 is filtered: no answer to 1 SYN"
	peer silent $V4 81
	probe --wait 100ms --banner $V4:81
	assert_refused 4 'is silent: connected, but an answer did not come'
	probe --wait 100ms udp:$V4:53
	assert_refused 4 'is open-or-filtered: no answer in'
	skip_unless_mounts 'it mounts a resolv.conf'
	local start=${EPOCHREALTIME/./}
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe -T 20s --wait 200ms some.example:80
	assert_int "${EPOCHREALTIME/./} - start < 10000000"
	assert_refused 4 'some.example:80 is name-timeout: .* did not resolve before the deadline'
}

@test "what waits in vain is told once, on stderr; what is there, on stdout" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	probe --wait 50ms 127.0.0.1:80 127.0.0.1:81
	assert_status 4
	assert_contains "$output" '127.0.0.1:80  open '
	refute_contains "$output" '127.0.0.1:81'
	assert_equal "$(grep -c 127.0.0.1:81 <<<"$stderr")" 1
}

@test "a file of addresses that never comes is a deadline" {
	local dir=$BATS_TEST_TMPDIR
	netns
	probe --wait 200ms --targets "$dir/none"
	assert_refused 4 "there is no $dir/none, nor did it come within ([2-9][0-9]{2} ms|[0-9.]+ s)"
	probe -T 100ms --targets "$dir/none"
	assert_refused 4 'nor did it come within ([1-9][0-9]{2} ms|[0-9.]+ s)'
	probe --targets "$dir"
	assert_refused 3 "read $dir: Is a directory"
	printf '# two\n127.0.0.1:80 # one\n127.0.0.1:99999\n' >"$dir/bad"
	probe --targets "$dir/bad"
	assert_refused 2 "^sockctl probe: $dir/bad, line 3: .*port 99999 is larger"
	probe --targets - <<<'x y'
	assert_refused 2 'standard input, line 1: .x. is not an address'
	probe 127.0.0.1:80,0-9
	assert_refused 2 'nothing can listen on port 0'
	printf '# none\n\n' >"$dir/empty"
	probe --targets "$dir/empty"
	assert_refused 2 'an address is missing'
}

@test "a scan of a name without address tells so, in JSON as well, and not with -q" {
	skip_unless_mounts 'it mounts a resolv.conf'
	link
	peer nxdomain $V4 53
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --json some.example:1-100
	assert_status 5
	assert_equal "$stderr" ''
	assert_valid
	assert_json '(.[0] | .type == "attempt" and .outcome == "no-name" and .port == null)
		and (.[1] | .type == "summary" and .outcome == "no-name" and .attempts == 0 and .addr == null)'
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe some.example:1-100
	assert_status 5
	assert_equal "$stderr" ''
	assert_regex "$output" "^some\.example:1-100  no-name  the name 'some\.example' does not resolve"
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe -q some.example:1-100
	assert_status 5
	assert_equal "$output$stderr" ''
}

# A unix-seqpacket server: sends records of these sizes to whoever connects, keeps it open.
record_server() { # PATH SIZE...
	spawn python3 -c 'import socket, sys, threading
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
s.listen(16)
print("ready", flush=True)
threading.Thread(target=lambda: sys.stdin.read() or __import__("os")._exit(0), daemon=True).start()
kept = []
while True:
    c = s.accept()[0]
    kept.append(c)
    for n in sys.argv[2:]:
        c.send(b"x" * int(n) if int(n) < 9 else b"x" * (int(n) - 4) + b"last")' "$@"
	await_line '^ready$'
}

@test "unix-seqpacket: an empty record is an answer and no end, a long one is told" {
	local dir=$BATS_TEST_TMPDIR
	netns
	record_server "$dir/empty" 0
	assert_outcome 0 open connected --stable 300ms "unix-seqpacket:$dir/empty"
	assert_outcome 0 open connected --banner "unix-seqpacket:$dir/empty"
	assert_outcome 0 open connected --expect '/^$/' "unix-seqpacket:$dir/empty"
	record_server "$dir/both" 0 5
	assert_outcome 0 open 'xxxxx' --expect xxxxx "unix-seqpacket:$dir/both"
	# Longer than one read of a stream, and whole.
	record_server "$dir/long" 20000
	assert_outcome 0 open connected --expect last "unix-seqpacket:$dir/long"
	record_server "$dir/longer" 70000
	assert_outcome 1 unexpected 'without the expected text.*a record was longer than 64 KiB: the rest of it is lost' \
		-T 500ms --expect last "unix-seqpacket:$dir/longer"
}
