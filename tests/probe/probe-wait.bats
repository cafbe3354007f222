#!/usr/bin/env bats
# Waiting until something answers, statistics, and what the command line refuses.

load ../lib/helpers
load ../lib/probe

@test "wait: ends as soon as the port listens" {
	netns
	peer later 127.0.0.1 80
	local peer_in=$IN peer_out=$OUT t
	spawn "${NS[@]}" "$SOCKCTL" probe --wait 20s --json 127.0.0.1:80
	local out=$OUT pid=$PID
	# Its first answer is a refusal.
	OUT=$out await_line '"outcome":"refused"'
	echo go >&"$peer_in"
	OUT=$peer_out await_line '^listening' || true
	OUT=$out await_line '"type":"attempt".*"outcome":"open"'
	await_end "$pid"
}

@test "wait: 4 after the time, with the last reason of what is missing" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	probe --wait 100ms 127.0.0.1:80 127.0.0.1:81
	assert_refused 4 'waited 100 ms, 127.0.0.1:81 is refused: RST'
	refute_contains "$stderr" 127.0.0.1:80
	probe --wait 30s --any 127.0.0.1:80 127.0.0.1:81
	assert_status 0
	assert_equal "$stderr" ''
	probe -q --wait 50ms 127.0.0.1:81
	assert_status 4
	assert_equal "$output$stderr" ''
}

@test "wait: of this host, a full queue and what is there instead are told as without it" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=2,queued=3 listen:addr=127.0.0.2,port=81,label=other
	probe --wait 200ms --json 127.0.0.1:80
	assert_status 4
	assert_valid
	assert_json 'map(select(.type == "attempt"))
		| length > 0 and all(.outcome == "queue-full" and .accept_queue == 3 and .accept_queue_limit == 2)'
	probe --wait 200ms 127.0.0.1:80 127.0.0.1:81
	assert_status 4
	assert_equal "$output" '0 of 2 reachable'
	assert_contains "${stderr_lines[0]}" 'waited 200 ms, 127.0.0.1:80 is queue-full: ' 'accept queue is full (3/2)'
	assert_contains "${stderr_lines[1]}" 'waited 200 ms, 127.0.0.1:81 is refused: RST'
	assert_regex "${stderr_lines[2]}" '^  mksock\[.*listens on 127\.0\.0\.2:81 only'
}

@test "a signal ends it with what is missing, and why" {
	link
	mk listen:addr=127.0.0.1,port=80,backlog=64
	server_rule input tcp dport 82 drop
	local out err pid
	spawn "${NS[@]}" "$SOCKCTL" probe --wait 200s --json 127.0.0.1:80 127.0.0.1:81 $V4:82
	out=$OUT err=$ERR pid=$PID
	await_line '127.0.0.1:81.*"seq":2,'
	kill -TERM "$pid"
	OUT=$out await_line '"type":"summary".*127.0.0.1:81'
	await_end "$pid" 143
	assert_contains "$(<"$err")" 'interrupted, 127.0.0.1:81 is refused: RST' "interrupted, $V4:82 has not answered yet"
	refute_contains "$(<"$err")" 127.0.0.1:80
	spawn "${NS[@]}" "$SOCKCTL" probe -T 200s --json 127.0.0.1:80 $V4:82
	out=$OUT err=$ERR pid=$PID
	await_line '127.0.0.1:80.*"seq":1,'
	kill -INT "$pid"
	await_end "$pid" 130
	assert_regex "$(<"$err")" "interrupted, ${V4//./\\.}:82 has not answered yet\$"
}

@test "wait: --down is fulfilled when nobody answers any more" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	probe --wait 100ms --down 127.0.0.1:80
	assert_refused 4 '127.0.0.1:80 is still open'
	mk_more close:of=listen.listener
	probe --wait 30s --down 127.0.0.1:80
	assert_status 0
}

@test "wait: never takes a connection to itself for the server" {
	netns
	in_ns sysctl -qw net.ipv4.ip_local_port_range='40000 40003'
	probe --wait 1s --json 127.0.0.1:40000
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | length > 0 and all(. == "refused" or . == "self-connect" or . == "no-port")'
}

@test "wait: for a unix socket and a file of addresses that appear later" {
	local dir=$BATS_TEST_TMPDIR
	netns
	spawn "${NS[@]}" "$SOCKCTL" probe --wait 20s --json "unix:$dir/s"
	local out=$OUT pid=$PID
	await_line missing-path
	mk "unix_listen:path=$dir/s"
	OUT=$out await_line '"outcome":"open"'
	await_end "$pid"
	spawn "${NS[@]}" "$SOCKCTL" probe --wait 20s -q --targets "$dir/port"
	pid=$PID
	spawn "${NS[@]}" "$SOCKCTL" listen --keep --port-file "$dir/port" 127.0.0.1:0
	await_end "$pid"
}

@test "a command after -- is run when the answer is yes, and only then" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	probe -q --wait 5s 127.0.0.1:80 -- echo started --wait
	assert_clean
	assert_output 'started --wait'
	probe -q 127.0.0.1:81 -- echo started
	assert_status 1
	assert_equal "$output" ''
}

@test "a command after -- that cannot be run: 127 or 126, and nobody is asked" {
	local dir=$BATS_TEST_TMPDIR
	netns
	mkdir "$dir/bin" "$dir/bin/folder"
	echo 'echo started' >"$dir/bin/plain"
	printf '#!/nowhere/interpreter\n' >"$dir/bin/broken"
	ln -s /nowhere "$dir/bin/dangling"
	chmod +x "$dir/bin/broken"
	local name code
	# A wait of a day that begins would not end here.
	while read -r code name; do
		PATH=$dir/bin:$PATH run --separate-stderr "-$code" in_ns "$SOCKCTL" probe --wait 1d 127.0.0.1:80 \
			-- "${name//DIR/$dir}"
		assert_refused "$code" "${name##*/}.*
  no target was asked"
	done <<-'END'
		127 nowhere-to-be-found
		127 DIR/bin/nowhere
		127 DIR/bin/dangling
		127 DIR/bin/plain/below
		126 plain
		126 folder
		126 DIR/bin/plain
		126 DIR/bin/folder
	END
	run --separate-stderr -127 in_ns "$SOCKCTL" probe --wait 1d --targets "$dir/never" -- nowhere-to-be-found
	assert_refused 127 nowhere-to-be-found
	run --separate-stderr -127 in_ns "$SOCKCTL" probe --wait 1d 127.0.0.1:80 -- ''
	assert_refused 127 "cannot run ''"
	mk listen:addr=127.0.0.1,port=80,backlog=64
	PATH=$dir/bin:$PATH probe -q 127.0.0.1:80 -- broken
	assert_refused 126 'broken.*
  is the interpreter in its first line installed'
	# A later directory of PATH has one that can be run.
	ln -s "$(type -P echo)" "$dir/plain"
	PATH=$dir/bin:$dir:$PATH probe -q 127.0.0.1:80 -- plain found
	assert_output found
}

@test "attempts: how the times spread, from the kernel's clock" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	probe --attempts 20 --interval 1ms 127.0.0.1:80
	assert_clean
	assert_line --regexp 'open +rtt [0-9./]+ ms  20 of 20$'
	assert_line --regexp 'rtt \(kernel\) +min [0-9.]+  avg .* p50 .* p90 .* p99 .* max .* stddev .* jitter'
	assert_line --regexp '20 open, 0.0 % failed'
	probe --attempts 20 --interval 1ms --json 127.0.0.1:80
	assert_valid
	assert_json '(map(select(.type == "attempt")) | length == 20) and (.[-1]
		| .type == "summary" and .attempts == 20 and .open == 20 and .outcomes == {"open": 20}
		and .rtt_us.count == 20 and .rtt_us.min <= .rtt_us.p50 and .rtt_us.p50 <= .rtt_us.p99
		and .rtt_us.p99 <= .rtt_us.max)'
}

@test "attempts: many of them leave no TIME_WAIT, unless they are graceful" {
	netns
	peer silent 127.0.0.1 80
	probe -q --attempts 200 --interval 0 127.0.0.1:80
	assert_clean
	inspect --count --no-findings state = time-wait
	assert_output 0
	probe -q --graceful --attempts 5 --interval 0 127.0.0.1:80
	inspect --count --no-findings state = fin-wait-2
	assert_output 5
}

@test "attempts without end: a line when the answer changes, the summary at SIGINT" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=640
	spawn "${NS[@]}" "$SOCKCTL" probe --attempts 0 --interval 2ms 127.0.0.1:80
	local out=$OUT pid=$PID
	await_line '  open  '
	mk_more close:of=listen.listener
	OUT=$out await_line '  refused  '
	kill -INT "$pid"
	OUT=$out await_line ' failed$'
	await_end "$pid" 130
}

@test "attempts: an answer that stays the same is one line, a full queue too" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=2,queued=3
	probe -v --attempts 4 --interval 0 -T 50ms 127.0.0.1:80
	assert_status 4
	assert_equal "$(grep -c '^[0-9:]*  127.0.0.1:80 .*  queue-full ' <<<"$output")" 1
	assert_line '  4 queue-full, 100.0 % failed'
}

@test "several targets: the worst decides, of the ports of one host the best" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	probe 127.0.0.1:80 127.0.0.1:81
	assert_status 1
	assert_line '1 of 2 reachable'
	probe 127.0.0.1:80,81
	assert_status 0
	assert_line --regexp '^127.0.0.1:80 +open'
	assert_line --regexp '^127.0.0.1:81 +refused'
	probe --all-addresses -4 localhost:80
	assert_status 0
}

@test "a thousand targets of which half are silent end with the timeout" {
	link
	server_mk listen:addr=$V4,port=80,backlog=4000
	server_rule input tcp dport 81 drop
	local i
	for ((i = 0; i < 500; i++)); do printf '%s:80\n%s:81\n' $V4 $V4; done >"$BATS_TEST_TMPDIR/targets"
	# One after the other would take 500 times the timeout.
	probe -T 2s --json --targets "$BATS_TEST_TMPDIR/targets"
	assert_status 4
	assert_json 'map(select(.type == "attempt")) | length == 1000
		and (map(select(.outcome == "open")) | length == 500)
		and (map(.connect_us) | max < 4000000)'
}

@test "negotiated: what both sides agreed on" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	probe --negotiated $V4:80
	assert_line --regexp 'mss 1448 \(ours 1448\), path mtu 1500, window scale [0-9]+ \(ours [0-9]+\), sack yes, timestamps yes, ecn no'
	on_server sysctl -qw net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0 net.ipv4.tcp_window_scaling=0
	probe --negotiated $V4:80
	assert_line --regexp 'mss 1460 .* no window scale, sack no, timestamps no'
}

@test "MPTCP: spoken, or fallen back from" {
	netns
	in_ns sysctl -qw net.mptcp.enabled=1 2>/dev/null || skip 'this kernel has no MPTCP'
	mk listen:addr=127.0.0.1,port=80,backlog=64
	assert_outcome 0 open 'fell back to TCP' --negotiated mptcp:127.0.0.1:80
	assert_equal "$(attempt .mptcp)" false
}

@test "from another address, interface and namespace" {
	link
	in_ns ip addr add 10.99.0.9/24 dev up0
	server_mk listen:addr=$V4,port=80,backlog=64
	assert_outcome 0 open rtt --source 10.99.0.9 $V4:80
	assert_equal "$(attempt .local_addr)" 10.99.0.9
	assert_outcome 0 open rtt --interface up0 $V4:80
	probe --interface lo $V4:80
	assert_not_equal "$status" 0
	if is_root; then
		run "$SOCKCTL" probe --netns "$NS_PID" $V4:80
		assert_success
	fi
}

@test "the command line: what is wrong is marked, exit code 2" {
	local line
	while IFS= read -r line; do
		eval "probe $line"
		((status == 2)) || { echo "$line: $status $output $stderr" >&2 && return 1; }
		assert test -n "$stderr"
		assert_equal "$output" ''
	done <<-'END'

		127.0.0.1
		127.0.0.1:80-
		127.0.0.1:99999
		db 5432
		--any 127.0.0.1:80
		--down --any --wait 1s 127.0.0.1:80
		--wait 1s --attempts 3 127.0.0.1:80
		--expect '/(/' 127.0.0.1:80
		--expect '' 127.0.0.1:80
		--send '\q' 127.0.0.1:80
		--parallel 0 127.0.0.1:80
		--rate 0 127.0.0.1:80
		--attempts 1000001 127.0.0.1:80
		--http --send x 127.0.0.1:80
		--hops --wait 1s 127.0.0.1:80
		--hops --banner 127.0.0.1:80
		--hops --measure-backlog 127.0.0.1:80
		--measure-backlog --attempts 2 127.0.0.1:80
		--timeout 0 127.0.0.1:80
		--ttl 0 127.0.0.1:80
		--ttl 256 127.0.0.1:80
		--tos 256 127.0.0.1:80
		--verify unix:/run/x
		--verify udp:127.0.0.1:80
		--http udp:127.0.0.1:80
		--stable 1s -u 127.0.0.1:80
		fd:3
		--nonsense 127.0.0.1:80
	END
	probe 127.0.0.1:80-
	assert_regex "${stderr_lines[2]}" '\^$'
}

@test "wait: a lost SYN costs a second socket, not the kernel's second" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule prerouting 'tcp flags syn / syn,ack tcp dport 80 numgen inc mod 2 == 0 drop'
	probe --wait 20s --json $V4:80
	assert_status 0
	assert_valid
	assert_json '.[0] | .outcome == "open" and .hedges == 1 and .syn_retransmits == 0 and .lost == null
		and (.reason | test("by a second socket: the SYN of the first"))'
	# It is no latency.
	assert_json '.[-1] | .late == 1 and .rtt_us == null'
	# Nothing is left of the first socket.
	inspect --count --no-findings state != listen
	assert_output 0
}

@test "wait: a refusal of the second socket ends the silence of the first" {
	link
	server_rule prerouting 'tcp flags syn / syn,ack tcp dport 80 numgen inc mod 10 == 0 drop'
	spawn "${NS[@]}" "$SOCKCTL" probe --wait 20s --json $V4:80
	await_line '"outcome":"refused"'
	assert_equal "${#LINES_SEEN[@]}" 0
}
