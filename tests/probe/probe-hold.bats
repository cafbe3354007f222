#!/usr/bin/env bats
# What neither a peer that never stops, nor a device that takes nothing, nor a process that
# has nothing left may do to probe: hold it, or make it say what it has not seen.

load ../lib/helpers
load ../lib/probe
load ../lib/endpoint

# The longest that anything here may take on a busy machine; what hangs takes for ever.
BOUND=40

# probe in the namespace while a system call fails, or is slow: sets status, output, stderr.
injected() { # INJECT ARG...
	run --separate-stderr in_ns timeout -k 1 $BOUND "${STRACE[@]}" -f -qq -o /dev/null \
		-e "trace=${1%%:*}" -e "inject=$1" "$SOCKCTL" "${@:2}"
	no_crash
}

# A word for everything that is no answer.
assert_told() { # CODE REGEX
	if ((status != $1)) || ! [[ $output$stderr =~ $2 ]]; then
		echo "want $1 /$2/, got $status: $output $stderr" >&2
		return 1
	fi
}

# --- an answer that nobody gave ---

@test "a scan that is interrupted before its first answer is not-asked, not open" {
	link
	server_rule input 'tcp dport 1-5000 drop'
	spawn "${NS[@]}" "$SOCKCTL" probe --json -T 60s --rate 2/s $V4:1-5000
	until_blocked "$PID" TERM
	kill -TERM "$PID"
	output=$(cat <&"$OUT")
	assert_valid
	assert_json '.[-1] | .type == "summary" and .outcome == "not-asked" and .attempts == 0
		and .open == 0 and .ports == 5000 and .not_asked == 5000'
}

# Until the program has blocked a signal to take it in its loop.
until_blocked() { # PID SIGNAL
	local bit=$((1 << ($(kill -l "$2") - 1))) line i
	for ((i = 0; i < 100000; i++)); do
		line=$(grep SigBlk "/proc/$1/status")
		((16#${line##*[[:space:]]} & bit)) && return 0
	done
	return 1
}

@test "ports that could not be asked are named: 0 where one is open, else 3 and a sentence" {
	link
	peer udpecho $V4 8
	nft_rule output 'udp dport { 30-35, 60 } drop'
	probe -T 400ms udp:$V4:1-70
	assert_told 0 '7 ports could not be asked \(30-35,60\): denied-local, this host forbids it \(EPERM\)'
	probe --json -T 400ms udp:$V4:1-70
	assert_json 'map(select(.type == "attempt" and .outcome == "denied-local").port)
		== [30, 31, 32, 33, 34, 35, 60]'
	assert_valid
	probe -T 400ms udp:$V4:9-70
	assert_told 3 'could not be asked \(30-35,60\)'
	probe -q -T 400ms udp:$V4:9-70
	assert_equal "$output" ''
	assert_refused 3 '7 ports could not be asked \(30-35,60\): denied-local'
}

@test "ports for which there is no local port or no buffer: told, and no scan hangs on them" {
	skip_unless_strace
	netns
	mk listen:addr=127.0.0.1,port=20
	injected sendto:error=EADDRNOTAVAIL:when=3+ probe -T 500ms udp:127.0.0.1:1-60
	assert_told 3 'could not be asked \(.*-60\): no-port, no local port is left'
	injected connect:error=ENOBUFS:when=3+ probe -T 500ms --closed 127.0.0.1:1-60
	assert_told 3 'ENOBUFS|No buffer space'
	injected connect:error=EADDRNOTAVAIL:when=120+ probe -T 500ms 127.0.0.1:1-300
	assert_told 0 'ports? could not be asked \(.*300\): no-port'
}

@test "--measure-backlog without descriptors says so, and nothing of the server" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=400
	run --separate-stderr in_ns bash -c 'ulimit -n 40; exec "$@"' - \
		"$SOCKCTL" probe --measure-backlog 127.0.0.1:80
	assert_told 3 'could open no more \(EMFILE\): its queue may be longer'
	refute_contains "$output" "it accepts, or its queue is"
	run --separate-stderr in_ns bash -c 'ulimit -n 30; exec "$@"' - \
		"$SOCKCTL" probe -q --measure-backlog 127.0.0.1:80
	assert_told 3 'connections held, then this host could open no more \(EMFILE\)'
	assert_equal "$output" ''
	run --separate-stderr in_ns bash -c 'ulimit -n 30; exec "$@"' - \
		"$SOCKCTL" probe --json --measure-backlog 127.0.0.1:80
	assert_json '.[0] | .stopped == "EMFILE" and .full == false'
	assert_valid
}

@test "UDP without the error queue: refused, and no message that did not come" {
	skip_unless_strace
	netns
	injected recvmsg:error=ENOMEM probe -T 500ms udp:127.0.0.1:9
	assert_told 1 'refused-icmp +an ICMP error, ECONNREFUSED'
	refute_contains "$output" ICMPv6
	refute_contains "$output" "from ::"
	injected recvmsg:error=ENOMEM probe --json -T 500ms 'udp:[::1]:9'
	assert_json '.[0] | .outcome == "refused-icmp" and .icmp_from == null'
}

@test "a name that fails for want of descriptors or threads is 3, and no word of the name" {
	skip_unless_strace
	local n seen=0
	netns
	# What is lacking first depends on how many descriptors are there before.
	for n in {6..16}; do
		run --separate-stderr in_ns bash -c "ulimit -n $n; exec \"\$@\"" - \
			"$SOCKCTL" probe -T 10s localhost:1
		[[ $stderr != *"loading shared libraries"* ]] || continue
		((status == 1)) || assert_told 3 "Too many open files"
		[[ $output$stderr != *"look up 'localhost': Too many open files"* ]] || seen=1
	done
	assert_int 'seen'
	injected clone3:error=EAGAIN probe -T 2s localhost:1
	assert_told 3 "look up 'localhost': Resource temporarily unavailable"
	refute_contains "$output" name-timeout
	injected clone3:error=EAGAIN probe -q -T 2s localhost:1-200
	assert_told 3 "no thread can be made"
	injected clone3:error=EAGAIN connect -T 2s localhost:1
	assert_told 3 "no thread can be made"
	injected clone3:error=EAGAIN listen localhost:1
	assert_told 3 "no thread can be made"
	injected clone3:error=EAGAIN inspect --bindable localhost:1
	assert_told 3 "no thread can be made"
	injected clone3:error=EAGAIN probe -T 2s --source localhost 127.0.0.1:1
	assert_told 3 "no thread can be made"
}

@test "an HTTP status is three digits" {
	local status_line
	netns
	SERVER=()
	while IFS= read -r status_line; do
		peer answer 127.0.0.1 8000 "$status_line\\r\\n\\r\\n"
		probe --http -T 300ms 127.0.0.1:8000
		assert_told 1 'unexpected .*without an HTTP status line'
		reap_last
	done <<-'END'
		HTTP/1.1 2
		HTTP/1.1 +20
		HTTP/1.1 999999
		HTTP/1.1 20
		HTTP/1.1  200
		HTTP/1.1 2x0 OK
		HTTP/1.1 -20 OK
		HTTP/1.1 000 OK
		HTTP/1.1
	END
	peer answer 127.0.0.1 8001 'HTTP/1.0 404\r\n\r\n'
	probe --http -T 10s 127.0.0.1:8001
	assert_told 0 'HTTP 404'
}

# The last program of spawn: its port is free again then.
reap_last() {
	kill "$PID"
	await_end "$PID" any
}

@test "an epoll_ctl that fails is an error, not a silence" {
	skip_unless_strace
	local when
	netns
	SERVER=()
	peer banner 127.0.0.1 25 'hello\r\n'
	for when in 2 3 4; do
		injected epoll_ctl:error=ENOMEM:when=$when probe -T 1s --banner 127.0.0.1:25
		((status == 0)) || assert_told 3 'Cannot allocate memory'
	done
	for when in 2 3; do
		injected epoll_ctl:error=ENOSPC:when=$when probe -T 1s udp:127.0.0.1:9
		((status == 1)) || assert_told 3 'No space left on device'
		injected epoll_ctl:error=ENOSPC:when=$when probe -T 1s udp:127.0.0.1:9-60
		((status == 1)) || assert_told 3 'No space left on device'
		injected epoll_ctl:error=ENOSPC:when=$when probe -T 2s localhost:25
		((status == 0)) || assert_told 3 'No space left on device'
	done
}

@test "exit 3 has a sentence, with -q and of --hops, too" {
	skip_unless_strace
	link
	nft_rule output 'tcp dport 80 reject; udp dport 80 reject'
	probe -q $V4:80
	assert_refused 3 "$V4:80 is denied-local: this host's own firewall"
	probe -q udp:$V4:80
	assert_refused 3 "udp:$V4:80 is denied-local: this host forbids it"
	probe -q --hops $V4:80
	assert_refused 3 'hop 1 is denied-local'
	injected epoll_create1:error=EMFILE probe --hops $V4:80
	assert_refused 3 'event loop: Too many open files'
}

# --- nobody holds the loop ---

# Reads are slow, so that what sends all the time is never read to its end.
SLOW=delay_exit=300

@test "a server that never stops sending holds neither -T nor the others" {
	skip_unless_strace
	netns
	SERVER=()
	peer flood 127.0.0.1 8000
	peer answer 127.0.0.1 8001 'pong'
	injected read:$SLOW probe -T 2s --send ping --expect pong \
		127.0.0.1:8000 127.0.0.1:8001 127.0.0.1:8001 127.0.0.1:8001
	assert_told 1 '127.0.0.1:8000 +unexpected'
	assert_equal "$(grep -c ':8001 *open' <<<"$output")" 3
	# Nor while it must stay open, nor as a line without end.
	injected read:$SLOW probe -T 1s --stable 500ms 127.0.0.1:8000
	assert_told 0 open
	injected read:$SLOW probe -T 1s --banner 127.0.0.1:8000
	assert_status 0
}

@test "a server that never stops sending makes nobody deaf to SIGTERM" {
	skip_unless_strace
	netns
	SERVER=()
	peer flood 127.0.0.1 8000
	# -D: the program is our own child, not strace's.
	spawn "${NS[@]}" "${STRACE[@]}" -D -qq -o "$BATS_TEST_TMPDIR/reads" -e trace=read \
		-e inject=read:$SLOW "$SOCKCTL" probe --stable 300s 127.0.0.1:8000
	until_true grep -q 'xxxx' "$BATS_TEST_TMPDIR/reads"
	kill -TERM "$PID"
	await_end "$PID" 143
}

@test "a UDP scan beside a port that floods ends in time, and finds the others" {
	skip_unless_strace
	link
	peer udpflood $V4 7
	peer udpecho $V4 8
	peer udpecho $V4 61
	injected recvfrom:$SLOW probe -T 2s --json udp:$V4:1-64
	assert_valid
	assert_equal "$(open_ports)" '7 8 61'
	assert_status 0
}

# --- sending has a deadline, too ---

@test "a device that takes nothing ends every scan with its reason" {
	link
	in_ns tc qdisc replace dev up0 root pfifo limit 0 2>/dev/null || skip "this kernel has no pfifo"
	probe_in_time -T 500ms udp:$V4:1-60
	assert_told 3 '60 ports could not be asked \(1-60\): error, .*device towards it took no packet in .*ENOBUFS'
	probe_in_time -T 500ms udp:$V4:7
	assert_told 3 'error +.*took no packet'
	is_root || return 0
	probe_in_time --syn -T 500ms $V4:1-60
	assert_told 3 '60 ports could not be asked \(1-60\): error, .*took no packet in .*ENOBUFS'
	probe_in_time --syn -q -T 500ms $V4:1-600
	assert_refused 3 '600 ports could not be asked \(1-600\)'
}

probe_in_time() {
	run --separate-stderr in_ns timeout -k 1 $BOUND "$SOCKCTL" probe "$@"
	no_crash
}

# --- names have the same deadline ---

@test "a name server that is silent costs --all-addresses of many names one deadline" {
	skip_unless_mounts "a resolv.conf of its own"
	local names=() i
	link
	peer udpmute $V4 53
	for i in {1..30}; do
		names+=("n$i.test:80")
	done
	SECONDS=0
	run --separate-stderr with_resolver $V4 timeout -k 1 $BOUND "$SOCKCTL" probe --json \
		-T 2s --all-addresses "${names[@]}"
	assert_int 'status == 5 && SECONDS < 30'
	assert_json 'map(select(.type == "summary" and .outcome == "name-timeout")) | length == 30'
}

@test "a name server that is silent holds no --wait, no --source, no --bindable" {
	skip_unless_mounts "a resolv.conf of its own"
	link
	peer udpmute $V4 53
	run --separate-stderr with_resolver $V4 timeout -k 1 8 "$SOCKCTL" inspect --wait 300ms dst=some.test
	assert_told 4 "the name 'some.test' did not resolve before the deadline"
	run --separate-stderr with_resolver $V4 timeout -k 1 8 "$SOCKCTL" probe -T 300ms \
		--source some.test $V4:80
	assert_told 5 "the name 'some.test' did not resolve before the deadline"
	run --separate-stderr with_resolver $V4 timeout -k 1 8 "$SOCKCTL" probe -T 60s --wait 300ms \
		--source some.test $V4:80
	assert_told 5 "the name 'some.test' did not resolve before the deadline"
	# One look-up for all of its ports, not one for each.
	RESOLV_OPTIONS='timeout:1 attempts:1' run --separate-stderr with_resolver $V4 \
		timeout -k 1 $BOUND "$SOCKCTL" inspect --bindable some.test:80-180
	assert_told 5 "the name 'some.test' does not resolve|did not resolve"
}

# --- who resets a connection is not known to be a firewall ---

@test "a server of this host that accepts and resets is not blamed on a firewall" {
	serve listen --keep --option linger=0 --close-after-bytes 0 127.0.0.1:0
	sockctl probe -T 5s --stable 20s --attempts 2 "$ADDR"
	assert_equal "$status" 1
	assert_contains "$output" reset-after-accept
	refute_contains "$output" firewall
	sockctl probe --json -T 5s --stable 20s "$ADDR"
	assert_json '.[0] | .outcome == "reset-after-accept" and has("cause") == false'
	end_served
}

# --- output that nobody reads ---

deaf() { # KIND OUTPUTS SIGNAL READS ARG...
	run timeout -k 1 $((2 * READY_WITHIN)) "$TOP/tests/lib/deaf-probe" "${@:1:4}" "$SOCKCTL" probe "${@:5}"
	assert_status 0
}

@test "signals end a probe whose output nobody reads, and leave the description as it was" {
	deaf pipe stdout TERM never -v --attempts 0 --interval 1ms ADDR
	assert_output $'ended -15\nflags same'
	deaf socket stdout INT never --json --attempts 0 --interval 1ms ADDR
	assert_output $'ended -2\nflags same'
	deaf terminal both TERM never -v --attempts 0 --interval 1ms ADDR
	assert_output $'ended -15\nflags same'
	# Many at once, and what is said of each in the end.
	deaf pipe both HUP never --wait 300s ADDR 127.0.0.1:1 127.0.0.2:1 127.0.0.3:1
	assert_output $'ended -1\nflags same'
	deaf pipe stderr TERM never --wait 300s ADDR 127.0.0.1:1
	assert_output $'ended -15\nflags same'
	# A scan tells the open port at once.
	deaf pipe both TERM never --closed --rate 1/s ADDR,1-60
	assert_output $'ended -15\nflags same'
}

@test "whoever reads at last has the report of the probe that a signal ended" {
	deaf pipe both TERM after -v --attempts 0 --interval 1ms ADDR
	assert_regex "$output" $'^ended -15\nflags same\n.*open'
	assert_int "$(grep -c open <<<"$output") >= 2"
	deaf pipe stdout INT after --json --attempts 0 --interval 1ms ADDR
	assert_json_in "$(tail -n +3 <<<"$output")" '.[0].type == "attempt" and .[-1].type == "summary"'
}

@test "a name server that is silent costs scans, --hops and --measure-backlog one deadline" {
	skip_unless_mounts "a resolv.conf of its own"
	local how names i
	link
	peer udpmute $V4 53
	for how in '' --hops --measure-backlog; do
		names=()
		for i in {1..20}; do
			names+=("n$i.test:80")
		done
		[[ -n $how ]] || names=("${names[@]/%:80/:1-100}")
		SECONDS=0
		run --separate-stderr with_resolver $V4 timeout -k 1 $BOUND "$SOCKCTL" probe \
			-T 2s $how "${names[@]}"
		((status == 5 && SECONDS < 30)) || fail "$how: $status, $SECONDS s"
		assert_int "$(grep -c 'did not resolve before the deadline' <<<"$output$stderr") == 20"
	done
}

@test "name servers that cannot be read are not this host" {
	skip_unless_mounts "a resolv.conf of its own"
	skip_unless_strace
	local calls=$BATS_TEST_TMPDIR/calls how n error alone=(-e 'inject=/^clone:error=EAGAIN:when=2')
	link
	peer udpmute $V4 53
	how=(probe -T 300ms --source some.test "$V4:80")
	# Without a second thread nobody asks the name servers; after the deadline the main thread
	# reads who they are: its last look at the file.
	run --separate-stderr with_resolver $V4 timeout -k 1 $BOUND "${STRACE[@]}" -f -qq -o "$calls" \
		-e trace=openat,/^clone "${alone[@]}" "$SOCKCTL" "${how[@]}"
	assert_contains "$stderr" "the name servers were not asked one by one: $V4 (/etc/resolv.conf)"
	n=$(awk 'NR == 1 { main = $1 }
		$1 == main && /openat\(/ { n++ }
		$1 == main && /resolv.conf/ { at = n }
		END { print at }' "$calls")
	for error in EMFILE EIO; do
		run --separate-stderr with_resolver $V4 timeout -k 1 $BOUND "${STRACE[@]}" -f -qq -o /dev/null \
			-e trace=openat,/^clone "${alone[@]}" -e "inject=openat:error=$error:when=$n" "$SOCKCTL" "${how[@]}"
		assert_refused 5 'the name servers are not known: (Too many open files|Input/output error)'
		refute_contains "$stderr" 127.0.0.1
	done
}

@test "a text that a peer reads as fast as it is sent does not hold the loop" {
	skip_unless_strace
	serve echo --mute 127.0.0.1:0
	truncate -s 32M "$BATS_TEST_TMPDIR/text"
	run timeout $BOUND "${STRACE[@]}" -f -qq -o "$BATS_TEST_TMPDIR/calls" \
		-e trace=sendto,epoll_wait "$SOCKCTL" probe -T 2s --option sndbuf=64k \
		--send "@$BATS_TEST_TMPDIR/text" --expect never "$ADDR"
	assert_failure 4
	awk '/epoll_wait/ { n = 0 } /sendto/ && ++n > 16 { exit 1 }' "$BATS_TEST_TMPDIR/calls"
}
