#!/usr/bin/env bats
# --wait --down: over only when there is evidence that nobody serves there any more.

load ../lib/helpers
load ../lib/probe

# Over at the first attempt.
assert_down() { # OUTCOME ARG...
	local outcome=$1
	shift
	probe --json --wait "${READY_WITHIN}s" --down "$@"
	assert_status 0
	assert_valid
	assert_json 'map(select(.type == "attempt"))
		| length == 1 and .[0].outcome == $outcome' --arg outcome "$outcome"
}

# Never over, whatever was seen.
assert_not_down() { # OUTCOME ARG...
	local outcome=$1
	shift
	probe --json --wait 1s --down "$@"
	assert_status 4
	assert_valid
	assert_json 'map(select(.type == "attempt").outcome)
		| length > 1 and all(. == $outcome)' --arg outcome "$outcome"
}

# What each outcome is made by, and whether that ends the wait. What is not in this list
# has to be added to it.
down_by() { # OUTCOME
	local dir=$BATS_TEST_TMPDIR
	case $1 in
	open) assert_not_down "$1" $V4:80 ;;
	refused) assert_down "$1" $V4:81 ;;
	refused-icmp) assert_down "$1" $V4:82 ;;
	rejected) assert_down "$1" $V4:83 ;;
	unreachable) assert_down "$1" 192.0.2.1:80 ;;
	closed-after-accept) assert_down "$1" --stable 20s $V4:85 ;;
	reset-after-accept) assert_down "$1" --stable 20s $V4:86 ;;
	missing-path) assert_down "$1" "unix:$dir/none" ;;
	stale-unix) assert_down "$1" "unix:$dir/stale" ;;
	self-connect)
		# One port to draw, and it is the target's.
		in_ns sysctl -qw net.ipv4.ip_local_port_range='40000 40000'
		assert_down "$1" 127.0.0.1:40000
		in_ns sysctl -qw net.ipv4.ip_local_port_range='32768 60999'
		;;
	filtered) ;; # the test below
	denied-local) assert_not_down "$1" $V4:87 ;;
	unexpected) assert_not_down "$1" -T 100ms --expect bye $V4:84 ;;
	silent) assert_not_down "$1" -T 100ms --expect bye $V4:80 ;;
	ghost) assert_not_down_ghost ;;
	no-port)
		in_ns sysctl -qw net.ipv4.ip_local_port_range='40000 40000'
		mk client:to=$V4,port=80,label=user
		assert_not_down "$1" $V4:80
		in_ns sysctl -qw net.ipv4.ip_local_port_range='32768 60999'
		;;
	queue-full)
		assert_not_down "$1" -T 100ms 127.0.0.1:88
		assert_not_down "$1" -T 100ms "unix:$dir/full"
		;;
	wrong-type) assert_not_down "$1" "unix-dgram:$dir/open" ;;
	open-or-filtered) assert_not_down "$1" -T 100ms "udp:$V4:8" ;;
	error) assert_not_down "$1" --interface nowhere0 $V4:81 ;;
	no-name | name-timeout) ;; # below: they need a resolver
	no-permission) ;; # below: it needs another user
	not-asked | rate-limited | translated) ;; # of scans, which --wait does not do
	*) fail "no rule for $1" ;;
	esac
}

assert_not_down_ghost() {
	on_server sysctl -qw net.ipv4.tcp_syncookies=2
	server_rule prerouting 'tcp flags & (syn|ack|fin) != syn tcp dport 80 drop'
	probe --json --wait 3s --down --verify -T 4s $V4:80
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | length > 0 and all(. == "ghost")'
	on_server nft delete table inet t_prerouting
}

@test "each outcome is down at once, or never" {
	link
	local dir=$BATS_TEST_TMPDIR outcome
	on_server sysctl -qw net.ipv4.icmp_ratelimit=0
	server_mk listen:addr=$V4,port=80,backlog=640
	server_rule input 'tcp dport 82 reject; tcp dport 83 reject with icmp type admin-prohibited'
	peer banner $V4 84 'hello\r\n'
	peer close $V4 85
	peer reset $V4 86
	peer udpmute $V4 8
	nft_rule output tcp dport 87 reject
	mk listen:addr=127.0.0.1,port=88,backlog=2,queued=3 "unix_listen:path=$dir/open" \
		"unix_listen:path=$dir/full,backlog=1,queued=2,label=full" "unix_bound:path=$dir/stale"
	for outcome in $("$SOCKCTL" porcelain outcomes | cut -f1); do
		down_by "$outcome"
	done
}

@test "silence is down after three attempts over three seconds, and is told as silence" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule input tcp dport 80 drop
	probe --json --wait "${READY_WITHIN}s" --down -T 400ms $V4:80
	assert_status 0
	assert_valid
	# By the clock of the first attempt, which began three seconds before, and no sooner.
	assert_json 'map(select(.type == "attempt")) | length >= 3 and length <= 8 and all(.outcome == "filtered")'
	assert_json '.[-1] | .cause | test("counted as down for silence alone: no answer to [3-8] attempts in [3-9]")'
	probe --wait "${READY_WITHIN}s" --down -T 1s $V4:80
	assert_status 0
	assert_line --regexp '^  counted as down for silence alone: no answer to 3 attempts in 3'
	# Two long ones are not three.
	probe --wait 4s --down -T 1900ms $V4:80
	assert_refused 4 'is still filtered'
	# One that answers now and then is up.
	on_server nft flush chain inet t_input c
	on_server nft add rule inet t_input c 'tcp flags syn tcp dport 80 numgen inc mod 3 != 2 drop'
	probe --json --wait 6s --down -T 300ms $V4:80
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | unique == ["filtered", "open"]'
}

@test "silence of this host's own making is not down" {
	link
	nft_rule output tcp dport 80 drop
	probe --wait 5s --down -T 400ms $V4:80
	assert_refused 4 'still filtered.*on the way out'
}

@test "a target of this host that something listens on is not down, whatever a rule says" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64 listen:addr=127.0.0.1,port=81,backlog=64,label=b \
		listen:addr=127.0.0.1,port=82,backlog=64,label=c
	nft_rule input 'tcp dport 80 reject with tcp reset; tcp dport 81 reject; tcp dport { 82, 92 } drop; tcp dport 91 reject'
	assert_not_down refused 127.0.0.1:80
	assert_not_down refused-icmp 127.0.0.1:81
	probe --json --wait 5s --down -T 400ms 127.0.0.1:82
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | length > 3 and all(. == "filtered")'
	# Nobody listens on these.
	assert_down refused 127.0.0.1:90
	assert_down refused-icmp 127.0.0.1:91
	probe --wait "${READY_WITHIN}s" --down -T 400ms 127.0.0.1:92
	assert_status 0
}

@test "a full queue that resets is not down" {
	netns
	in_ns sysctl -qw net.ipv4.tcp_abort_on_overflow=1
	mk listen:addr=127.0.0.1,port=80,backlog=2,queued=3
	probe --json --wait 4s --down -T 300ms 127.0.0.1:80
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | length > 3 and all(. == "queue-full")'
}

@test "a name that does not resolve is not down" {
	skip_unless_mounts 'it mounts a resolv.conf'
	link
	peer nxdomain $V4 53
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --json --wait 2s --down some.example:80
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | length > 1 and all(. == "no-name")'
	kill "$PID"
	await_end "$PID" 143
	run --separate-stderr with_resolver $V4 "$SOCKCTL" probe --json --wait 2s --down -T 400ms some.example:80
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | length > 1 and all(. == "name-timeout")'
}

@test "a unix socket that may not be asked is not down" {
	local dir
	skip_unless_root 'it becomes another user'
	netns
	dir=$(mktemp -d /tmp/probe.XXXXXX)
	chmod 755 "$dir"
	mk "unix_listen:path=$dir/s"
	chmod 600 "$dir/s"
	sockctl_as_user probe --json --wait 500ms --down "unix:$dir/s"
	rm -r "$dir"
	assert_status 4
	assert_json 'map(select(.type == "attempt").outcome) | length > 1 and all(. == "no-permission")'
}
