#!/usr/bin/env bats
# What a server can take, and the way to it.

load ../lib/helpers
load ../lib/probe

@test "the backlog of a server that does not accept, exactly, with cookies or without" {
	local cookies
	for cookies in 0 1 2; do
		netns
		in_ns sysctl -qw net.ipv4.tcp_syncookies=$cookies
		mk listen:addr=127.0.0.1,port=80,backlog=8
		probe --measure-backlog --json 127.0.0.1:80
		assert_valid
		assert_json '.[0] | .type == "backlog" and .held == 9 and .full and .accept_queue_limit == 8
			and .accept_queue == 0 and .accepts_per_second == 0'
		reap
	done
}

@test "the same over a link: ghosts are not counted" {
	link
	server_mk listen:addr=$V4,port=80,backlog=16
	probe --measure-backlog $V4:80
	assert_refused 2 'not of this host'
	probe --measure-backlog --yes $V4:80
	assert_success
	assert_output --partial 'holds 17 connections: a backlog of 16'
}

@test "a server that accepts has no end, a ceiling is kept" {
	netns
	peer silent 127.0.0.1 80
	probe --measure-backlog --max 100 --json 127.0.0.1:80
	assert_json '.[0] | .held == 100 and (.full | not) and .ghosts == 0'
}

@test "a group of listeners is filled one by one: the first stall, and the total" {
	netns
	mk group:reuseport,n=4,addr=127.0.0.1,port=80,backlog=8
	probe --measure-backlog --json 127.0.0.1:80
	assert_valid
	assert_json '.[0] | .held == 36 and .full and .held_before_first_stall >= 9 and .held_before_first_stall <= 36
		and .listeners == 4 and .accept_queue_limit == 32 and .accepts_per_second == 0'
	reap
	link
	server_mk group:reuseport,n=3,addr=$V4,port=80,backlog=100
	probe --measure-backlog --yes $V4:80
	assert_clean
	assert_line --regexp '^10.99.0.2:80  holds 303 connections; the first stall came after [0-9]+: several listeners'
	assert_line '  these places stay taken until it accepts'
	reap
	netns
	SERVER=()
	mk group:reuseport,n=2,addr=127.0.0.1,port=80,backlog=8
	probe --measure-backlog 127.0.0.1:80
	assert_line --regexp '^127.0.0.1:80  holds 18 connections, 2 listeners of a group together: a backlog of 16'
	assert_line '  the kernel here says: backlog 16, 0 queued before'
}

@test "how fast a full queue is emptied" {
	netns
	peer slow 127.0.0.1 80 '8 0.02'
	local in=$IN out=$OUT ours
	probe --measure-backlog --json 127.0.0.1:80
	assert_valid
	ours=$(jq .accepts_per_second <<<"$output")
	assert_json '.[0] | .full and .held > 20'
	echo >&"$in"
	OUT=$out
	read -r -t "$READY_WITHIN" -u "$OUT" _ theirs _
	# Both are of the second half.
	awk -v a="$ours" -v b="$theirs" 'BEGIN { print a, b; exit !(a > b * 0.75 && a < b * 1.25) }'
	probe --measure-backlog 127.0.0.1:80
	assert_line --regexp 'accepts [0-9.]+ a second from a full queue'
}

@test "no more connections than --max are held, however many are under way" {
	local most
	netns
	peer slow 127.0.0.1 80 '64 0'
	for most in 600 700 800; do
		probe --measure-backlog --max "$most" --json 127.0.0.1:80
		assert_json '.[0] | .held <= $max' --argjson max "$most"
	done
}

@test "a queue that is full already, and a server that is not there" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=2,queued=3
	probe --measure-backlog 127.0.0.1:80
	assert_status 4
	assert_line '127.0.0.1:80  took no connection: its queue is full already, or nothing answers'
	assert_line '  the kernel here says: backlog 2, 3 queued before'
	probe --json --measure-backlog 127.0.0.1:80
	assert_valid
	assert_json '.[0] | .held == 0 and .rtt_us == null'
}

@test "the backlog of a unix socket, without --yes, by path and by name" {
	local dir=$BATS_TEST_TMPDIR
	netns
	mk "unix_listen:path=$dir/s,backlog=5" unix_listen:abstract=here,type=seqpacket,backlog=3,label=a
	probe --measure-backlog --json "unix:$dir/s"
	assert_valid
	assert_json '.[0] | .held == 6 and .full and .addr == $path and .port == null
		and .accept_queue_limit == 5 and .accept_queue == 0 and .accepts_per_second == 0' --arg path "$dir/s"
	probe --measure-backlog unix-seqpacket:@here
	assert_clean
	assert_line 'unix-seqpacket:@here  holds 4 connections: a backlog of 3'
	probe --measure-backlog "unix:$dir/none"
	assert_refused 1 'No such file'
	probe --measure-backlog "unix-dgram:$dir/s"
	assert_refused 2 '--measure-backlog speaks TCP and unix'
	probe --measure-backlog --max 2 -q "unix-seqpacket:@here"
	assert_status 4
	assert_equal "$output$stderr" ''
}

@test "measuring leaves no connection and no orphan of ours behind" {
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=4
	probe -q --measure-backlog 127.0.0.1:80
	inspect --count --no-findings 'dport = :80'
	assert_output 0
}

@test "a closed port has no backlog" {
	netns
	probe --measure-backlog 127.0.0.1:80
	assert_status 1
	assert_output --partial 'refuses connections'
}

@test "hops: routers by their addresses, without privilege, up to the target" {
	routed
	sockctl_as_user probe --hops --json $TARGET4:80
	assert_status 1
	assert_valid
	assert_equal "$(jq -rs 'map("\(.ttl) \(.addr) \(.outcome)") | join(",")' <<<"$output")" "1 $V4 unreachable,2 10.98.0.2 refused"
	probe --hops $TARGET4:80
	assert_line --regexp "^ 1  $V4 "
	assert_line --regexp '^ 2  10.98.0.2 +refused  RST'
	probe --hops "[$TARGET6]:80"
	assert_line --regexp "^ 1  $V6 "
	assert_line --regexp "^ 2  $TARGET6 +refused  RST"
	# Of several, each under its name; the worst of them decides.
	probe --hops $V4:80 $TARGET4:80 some.invalid:80
	assert_status 5
	assert_equal "${lines[0]}" "$V4:80"
	assert_regex "${lines[1]}" '^ 1  '
	assert_equal "${lines[2]}" "$TARGET4:80"
}

@test "hops: those that are silent, and nobody beyond the last" {
	routed
	# The router says nothing of itself.
	server_rule output icmp type time-exceeded drop
	probe --hops -T 500ms $TARGET4:80
	assert_status 1
	assert_line --regexp '^ 1  \* +no answer$'
	assert_line --regexp '^ 2  10.98.0.2 +refused  RST'
	on_server nft delete table inet t_output
	server_rule forward tcp dport 80 drop
	probe --hops -T 500ms $TARGET4:80
	assert_status 4
	assert_line --regexp "^ 1  $V4 "
	assert_line ' 2 to 30  no answer'
	assert_equal "${#lines[@]}" 2
	probe --hops -T 500ms --json $TARGET4:80
	assert_valid
	assert_json 'length == 30 and .[29].addr == null and .[29].outcome == "filtered"'
}
