#!/usr/bin/env bats
# When bind() or connect() fails, listen, echo and connect say who and what to do.

load ../lib/helpers
load ../lib/probe
load ../lib/endpoint

@test "listen names who holds the port, and what to do" {
	netns
	mk listen:port=8080
	sockctl listen 127.0.0.1:8080 </dev/null
	assert_equal "$status" 3
	assert_equal "${stderr_lines[0]}" "sockctl listen: bind 127.0.0.1:8080: Address already in use"
	assert_regex "${stderr_lines[1]}" "^  listener  mksock\[${F[listen.listener.pid]}\] fd ${F[listen.listener.fd]} listens on 127.0.0.1:8080"
	assert_regex "$stderr" "next: kill $MK_PID"
}

@test "echo tells it as JSON" {
	netns
	mk bound:port=8080
	sockctl echo --json 127.0.0.1:8080
	assert_equal "$status" 3
	run jq -s -c '.[-1] | [.type, .bindable, .causes[0].id, .causes[0].processes[0].pid]' <<<"$stderr"
	assert_output "[\"bindable\",false,\"bound-inactive\",${F[bound.bound.pid]}]"
}

@test "listen knows that the remnant in its way was made without SO_REUSEADDR" {
	netns
	mk time_wait:server,port=8080
	sockctl listen 127.0.0.1:8080 </dev/null
	assert_equal "$status" 3
	assert_regex "$stderr" "remnant  1 connection of a server that is gone is in TIME_WAIT"
	assert_regex "$stderr" "made without SO_REUSEADDR"
	assert_regex "$stderr" "next: wait [0-9]+ s"
}

refused() { # ADDR
	sockctl connect --json "$1" </dev/null
	assert_valid "$stderr"
	run jq -s -r '[.[] | select(.causes) | .causes[].id] | join(" ")' <<<"$stderr"
}

@test "connect: it listens on another address, in another family, or is bound and silent" {
	netns
	mk listen:port=8080,addr=127.0.0.2 listen:label=six,family=6,port=8081 bound:port=8082
	refused 127.0.0.1:8080
	assert_output --regexp '^other-address'
	refused 127.0.0.1:8081
	assert_output --regexp '^other-family'
	refused 127.0.0.1:8082
	assert_output --regexp '^bound-inactive'
}

@test "connect, probe: a datagram that this host refuses is explained, too" {
	netns
	mk udp:port=5000
	sockctl connect --send x -T 10s udp:127.0.0.2:5000 </dev/null
	assert_equal "$status" 1
	assert_regex "$stderr" "other-address +mksock\[$MK_PID\] fd [0-9]+ receives on 127\.0\.0\.1:5000 only"
	assert_regex "$stderr" 'next: sockctl connect udp:127\.0\.0\.1:5000'
	sockctl connect --send x -T 10s 'udp:[::1]:5000' </dev/null
	assert_regex "$stderr" 'other-family .*, IPv4 only'
	sockctl connect --send x -T 10s udp:127.0.0.1:15001 </dev/null
	assert_regex "$stderr" 'not-listening +nothing listens on port 15001'
	sockctl probe udp:127.0.0.2:5000
	assert_equal "$status" 1
	assert_output --regexp "mksock\[$MK_PID\] fd [0-9]+ receives on 127\.0\.0\.1:5000 only"
}

@test "connect: a listener on a mapped address is one of IPv4, and the hint can be followed" {
	netns
	mk listen:port=8080,family=mapped
	sockctl connect '[::1]:8080' </dev/null
	assert_equal "$status" 1
	assert_regex "$stderr" 'other-family +mksock.* listens on 127\.0\.0\.1:8080, IPv4 only'
	assert_regex "$stderr" 'next: sockctl connect 127\.0\.0\.1:8080'
	sockctl connect 127.0.0.2:8080 </dev/null
	assert_regex "$stderr" 'next: sockctl connect 127\.0\.0\.1:8080'
}

@test "connect: no answer, because the queue is full, or a rule of this host drops the packets" {
	netns
	mk listen:port=8080,backlog=1,queued=2 listen:port=8081,label=drops "unix_listen:path=$BATS_TEST_TMPDIR/s,backlog=1"
	nft_rule input 'tcp dport 8081 drop'
	sockctl connect -T 300ms 127.0.0.1:8080 </dev/null
	assert_equal "$status" 4
	assert_regex "$stderr" 'accept-queue-full  127.0.0.1:8080: the accept queue is full \(2/1\)'
	assert_regex "$stderr" 'next: sockctl inspect -p --port 8080$'
	sockctl connect --json -T 300ms 127.0.0.1:8081 </dev/null
	assert_equal "$status" 4
	run jq -s -r '[.[] | select(.causes) | .causes[].id] | join(" ")' <<<"$stderr"
	assert_output filtered
	sockctl connect -T 300ms 127.0.0.1:8082 </dev/null
	refute_regex "$stderr" 'filtered|queue-full'
	sockctl connect --connections 3 --hold 1s -T 300ms "$BATS_TEST_TMPDIR/s" </dev/null
	assert_regex "$stderr" 'accept-queue-full  unix:.*/s: the accept queue is full \(2/1\)'
}

@test "connect: it listens, but on another interface only" {
	netns
	in_ns ip link add d0 type veth peer name d1
	in_ns ip link set d0 up
	in_ns ip addr add 10.9.0.1/24 dev d0
	serve listen --option interface=d0 0.0.0.0:18097
	sockctl connect 127.0.0.1:18097 </dev/null
	assert_equal "$status" 1
	assert_regex "$stderr" 'other-address +sockctl.* listens on 0\.0\.0\.0:18097, on interface d0 only'
	refute_regex "$stderr" 'next:'
	# Over loopback, and yet it is the interface of the address that counts.
	sockctl connect --send x 10.9.0.1:18097 </dev/null
	assert_equal "$status" 0
}

@test "connect: it listens in another network namespace" {
	skip_unless_root "other namespaces must be entered"
	netns
	mk listen:port=18099
	netns
	refused 127.0.0.1:18099
	assert_output other-namespace
	refused 127.0.0.1:18098
	assert_output not-listening
}

# What it costs a thread to look into so many namespaces is read from the clock that it reads itself.
@test "connect: the search in other namespaces ends with its 3 ms of processor time, and says so" {
	skip_unless_mounts "200 namespaces without a process"
	local spaces=$BATS_TEST_TMPDIR/spaces trace=$BATS_TEST_TMPDIR/trace bound=3000 began now looks=0 last=0
	mkdir "$spaces"
	netns
	run --separate-stderr in_ns unshare --mount sh -e -c '
		mount -t tmpfs none "$0"
		for i in $(seq 200); do : >"$0/$i" && unshare "--net=$0/$i" true; done
		exec "$@"' "$spaces" "${STRACE[@]}" -f -e trace=setns,clock_gettime -o "$trace" "$SOCKCTL" connect 127.0.0.1:18095
	assert_status 1
	# A build that is made to be slower has ten times as much, which may be enough.
	! grep -q __asan_init "$SOCKCTL" || bound=30000
	if ((bound == 3000)) || [[ $stderr == *"not all"* ]]; then
		assert_regex "$stderr" 'nothing listens on port 18095, on any address of this network namespace; not all namespaces were searched \([0-9]+ (was|were)\)'
		assert_equal "$(grep -c 'setns(.* = 0$' "$trace")" "$(sed -n 's/.*searched (\([0-9]*\) were).*/\1/p' <<<"$stderr")"
		assert_int "$(grep -c 'setns(' "$trace") < 200"
	fi
	while read -r now; do
		: "${began:=$now}"
		[[ $now != setns ]] || { looks=$((looks + 1)) && continue; }
		# It has looked once more than the bound allows at the most.
		(((last = now - began) < bound)) || break
	done < <(sed -En 's/.*THREAD_CPUTIME_ID, \{tv_sec=0, tv_nsec=([0-9]+)[0-9]{3}\}.*/\1/p; s/.*setns\(.*/setns/p' "$trace")
	assert_equal "$looks" "$(grep -c 'setns(' "$trace")"
}

# Dumps that a refused connect asks for when /proc/net/sockstat and sockstat6 say TEXT.
dumps_when() { # TEXT
	local trace=$BATS_TEST_TMPDIR/trace preads
	in_ns "${STRACE[@]}" -e trace=pread64 -o "$trace" "$SOCKCTL" --version >/dev/null
	preads=$(grep -c ^pread64 "$trace") # the loader's
	in_ns "${STRACE[@]}" -e trace=sendto,pread64 -o "$trace" \
		-e "inject=pread64:poke_exit=@arg2=$(printf %b "$1" | od -An -v -tx1 | tr -d ' \n'):when=$((preads + 1))+" \
		"$SOCKCTL" connect 127.0.0.1:18096 </dev/null || true
	grep -c ^sendto "$trace"
}

@test "connect: counts that leave no socket over save the walks for bound sockets and others" {
	netns
	run --separate-stderr dumps_when 'TCP: inuse 2 orphan 0 tw 3 alloc 5 mem 0\nTCP6: inuse 3\n'
	assert_output 1
	assert_regex "$stderr" "not-listening  nothing listens on port 18096"
	run --separate-stderr dumps_when 'TCP: inuse 2 orphan 0 tw 0 alloc 6 mem 0\nTCP6: inuse 3\n'
	assert [ "$output" -ge 2 ]
	# Fewer than there must be: counts that cannot be believed.
	run --separate-stderr dumps_when 'TCP: inuse 2 orphan 0 tw 0 alloc 4 mem 0\nTCP6: inuse 3\n'
	assert [ "$output" -ge 2 ]
}

@test "connect: the ephemeral ports towards this destination are used up" {
	netns
	in_ns sysctl -qw net.ipv4.ip_local_port_range="40000 40003"
	mk listen:port=8080,queued=4
	refused 127.0.0.1:8080
	assert_output ephemeral-exhausted
	sockctl connect 127.0.0.1:8080 </dev/null
	assert_equal "$status" 3
	assert_regex "$stderr" "4 of the 4 ports"
	# The cause that was found, and no guess above it.
	refute_contains "$stderr" 'no free local port'
	run --separate-stderr in_ns "$SOCKCTL" connect --json 127.0.0.1:8080 </dev/null
	run jq -s -c 'map(select(.id == "trouble") | has("advice"))' <<<"$stderr"
	assert_output '[false]'
	# A destination without a route has nothing to do with ports.
	sockctl connect -T 200ms 192.0.2.1:8080 </dev/null
	assert_regex "$stderr" 'unreachable  no route from this host \(ENETUNREACH\)'
}

@test "connect: the source port is taken" {
	netns
	mk bound:port=9000 listen:port=8080
	run --separate-stderr in_ns "$SOCKCTL" connect --json --source 127.0.0.1:9000 127.0.0.1:8080 </dev/null
	run jq -s -r '[.[] | select(.causes) | .causes[].id] | join(" ")' <<<"$stderr"
	assert_output bound-inactive
}

@test "connect: stale file, no socket, other type" {
	netns
	mk unix_bound:path="$BATS_TEST_TMPDIR/dgram",type=dgram
	touch "$BATS_TEST_TMPDIR/file"
	refused "unix:$BATS_TEST_TMPDIR/file"
	assert_output not-a-socket
	refused "unix:$BATS_TEST_TMPDIR/dgram"
	assert_output other-type
	refused "unix:$BATS_TEST_TMPDIR/none"
	assert_output not-listening
}

# A namespace as unshare and containers without a network have it: lo was never up.
bare_netns() {
	spawn unshare --user --map-root-user --net sh -c 'echo ready && exec cat'
	await_line '^ready$' || skip "cannot make a network namespace here"
	NS_PID=$PID
	NS=(nsenter --preserve-credentials --user --target "$NS_PID" --net)
}

assert_loopback_down() { # ADDR...
	local addr
	for addr in "$@"; do
		sockctl connect --json --send x -T 500ms "$addr" </dev/null
		run jq -s -c '[.[] | select(.causes) | .causes[].id]' <<<"$stderr"
		assert_output '["loopback-down"]'
		sockctl probe --json -T 500ms "$addr"
		assert_equal "$addr $status" "$addr 1"
		run jq -s -r '.[] | select(.type == "attempt") | "\(.outcome): \(.reason): \(.cause)"' <<<"$output"
		assert_output --regexp "^unreachable: the loopback interface is down: .* is down, so nothing reaches .*: run 'ip link set lo up'$"
	done
}

@test "connect, probe: a loopback interface that is down is the cause, whatever connect() says" {
	# ENETUNREACH, and EADDRNOTAVAIL of IPv6.
	bare_netns
	assert_loopback_down 127.0.0.1:8080 127.9.8.7:8080 '[::1]:8080'
	sockctl connect 127.0.0.1:8080 </dev/null
	assert_regex "$stderr" 'next: ip link set lo up'
	# Not of an address that nobody here has, though it could be bound.
	refused 10.9.9.1:8080
	assert_output unreachable
	sockctl probe --json 10.9.9.1:8080
	assert_regex "$output" 'no route from this host'
	# Silence: the way out is another, or the interface takes no packet. All that the host
	# sends to itself goes there.
	in_ns ip link add d0 type veth peer name d1
	in_ns ip link set d1 up
	in_ns ip address add 10.9.9.1/24 dev d0
	in_ns ip link set d0 up
	assert_loopback_down 127.0.0.1:8080 10.9.9.1:8080
	in_ns ip link set lo up
	in_ns ip link set lo down
	assert_loopback_down 127.0.0.1:8080 10.9.9.1:8080 '[::1]:8080'
	# The healthy twin.
	in_ns ip link set lo up
	for addr in 127.0.0.1:8080 10.9.9.1:8080 '[::1]:8080'; do
		refused "$addr"
		assert_output --regexp '^(not-listening|other-)'
		sockctl probe --json "$addr"
		assert_regex "$output" '"outcome":"refused"'
		refute_regex "$output" 'loopback interface'
	done
}

@test "bindable: what bind() does while the loopback interface is down, and why" {
	bare_netns
	local addr seen want
	# The verdict is compared with what bind() does.
	expect_bind() { # ADDR WANT
		sockctl inspect --json --bindable "$1"
		seen=$(jq -r 'select(.type == "bindable") | "\(.bindable) \([.causes[].id] | join(" ")) \(.next) \([.notes[] | select(test("loopback"))] | length)"' <<<"$output")
		assert_equal "$1 $seen" "$1 $2"
		sockctl echo --json -T 1ms "$1"
		want=false
		[[ $stderr$output == *'"listening"'* ]] && want=true
		assert_equal "$1 binds: ${2%% *}" "$1 binds: $want"
	}
	expect_bind 127.0.0.1:8080 'true  null 1'
	expect_bind 10.9.9.1:8080 'true  null 0'
	expect_bind '[::1]:8080' 'false loopback-down ip link set lo up 0'
	in_ns ip link add d0 type veth peer name d1
	in_ns ip address add 10.9.9.1/24 dev d0
	in_ns ip link set d0 up
	expect_bind 127.0.0.1:8080 'false loopback-down ip link set lo up 0'
	expect_bind 10.9.9.1:8080 'true  null 0'
	expect_bind 10.9.9.2:8080 'false not-local ip address 0'
	in_ns ip link set lo up
	for addr in 127.0.0.1:8080 '[::1]:8080' 10.9.9.1:8080; do
		expect_bind "$addr" 'true  null 0'
	done
	in_ns ip link set lo down
	expect_bind 127.0.0.1:8080 'true  null 1'
	expect_bind '[::1]:8080' 'false loopback-down ip link set lo up 0'
}
