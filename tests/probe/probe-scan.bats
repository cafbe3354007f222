#!/usr/bin/env bats
# Scans: every open port is found, nothing else is, and nothing is left behind.

load ../lib/helpers
load ../lib/probe

@test "all ports of this host: those that listen, and no phantom" {
	local i
	netns
	mk listen:addr=127.0.0.1,port=22,backlog=64 listen:addr=127.0.0.1,port=8080,backlog=64,label=b \
		listen:addr=127.0.0.1,port=40000,backlog=64,label=c listen:addr=127.0.0.1,port=65535,backlog=64,label=d
	for i in 1 2 3; do
		probe --json 127.0.0.1:1-65535
		assert_status 0
		assert_equal "$(open_ports)" '22 8080 40000 65535'
		assert_equal "$(outcomes)" '{"open":4,"refused":65531}'
	done
	assert_valid
	inspect --count --no-findings state = time-wait
	assert_output 0
	# What is in the list twice is one port.
	probe --json 127.0.0.1:1-100,22,90-200
	assert_equal "$(open_ports)" 22
	assert_equal "$(outcomes)" '{"open":1,"refused":199}'
}

@test "over a link, IPv4 and IPv6" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64 "listen:family=6,addr=$V6,port=81,backlog=64,label=six"
	probe --json $V4:1-20000
	assert_equal "$(open_ports)" 80
	assert_equal "$(outcomes)" '{"open":1,"refused":19999}'
	probe --json "[$V6]:1-20000"
	assert_equal "$(open_ports)" 81
	assert_equal "$(outcomes)" '{"open":1,"refused":19999}'
}

@test "for people: open ports with the names of services, the others counted" {
	netns
	mk listen:addr=127.0.0.1,port=22,backlog=64
	probe 127.0.0.1:20-99
	assert_clean
	assert_line --regexp '^127.0.0.1:22 +open +ssh +rtt'
	assert_line --regexp '^127.0.0.1: 1 of 80 ports open, 79 refused; '
	probe 127.0.0.1:30-99
	assert_status 1
	probe --closed 127.0.0.1:30-99
	assert_line --regexp '^127.0.0.1:99 +refused'
}

@test "mixed reasons are counted apart" {
	link
	on_server sysctl -qw net.ipv4.icmp_ratelimit=0
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule input 'tcp dport 100-199 drop; tcp dport 200-209 reject with icmp type admin-prohibited;
		tcp dport 290-299 reject'
	probe --json -T 1.2s $V4:1-300
	assert_status 0
	assert_equal "$(open_ports)" 80
	assert_equal "$(outcomes)" '{"open":1,"refused":179,"refused-icmp":10,"rejected":10,"filtered":100}'
	assert_valid
}

@test "nearly all silent: done within some timeouts, the open ones found" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64 listen:addr=$V4,port=9999,backlog=64,label=b
	server_rule input 'tcp dport != { 80, 9999 } drop'
	probe --json $V4:1-10000
	assert_equal "$(open_ports)" '80 9999'
	assert_equal "$(outcomes)" '{"open":2,"filtered":9998}'
	assert_json '.[-1].duration_us < 20000000'
}

@test "one lost SYN is not a filtered port" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule prerouting 'tcp flags syn / syn,ack tcp dport 80 numgen inc mod 2 == 0 drop'
	probe --json $V4:70-90
	assert_equal "$(open_ports)" 80
}

@test "a rate is kept" {
	netns
	probe --json --rate 1000/s 127.0.0.1:1-500
	assert_json '.[-1].duration_us | . > 450000 and . < 30000000'
}

@test "few descriptors are enough" {
	link
	server_rule input 'tcp dport != 80 drop'
	server_mk listen:addr=$V4,port=80,backlog=64
	run --separate-stderr in_ns bash -c 'ulimit -n 200; exec "$@"' sh setpriv --bounding-set -all \
		"$SOCKCTL" probe --json -T 1s $V4:1-500
	assert_equal "$(open_ports)" 80
	assert_equal "$(outcomes)" '{"open":1,"filtered":499}'
}

@test "UDP: answered, refused, and silence once ICMP is known to come" {
	link
	on_server sysctl -qw net.ipv4.icmp_ratelimit=0
	peer udpecho $V4 50
	peer udpmute $V4 60
	# It answers queries only.
	peer nxdomain $V4 53
	probe --json -T 1s "udp:$V4:41-80"
	assert_status 0
	assert_equal "$(open_ports)" '50 53'
	assert_equal "$(outcomes)" '{"open":2,"refused-icmp":37,"open-or-filtered":1}'
	assert_valid
}

@test "UDP: when ICMP answers dry up, the rest is rate-limited and never open" {
	link
	probe --json -T 1s --rate 100000/s "udp:$V4:1-1000"
	assert_status 3
	assert_json '.[-1].outcomes | .["rate-limited"] > 900 and .["refused-icmp"] >= 6 and .open == null
		and .["open-or-filtered"] == null'
}

@test "UDP on loopback: all ports, our own one included" {
	netns
	mk udp:port=5353
	probe --json udp:127.0.0.1:1-65535
	assert_equal "$(outcomes)" '{"refused-icmp":65534,"open-or-filtered":1}'
}

@test "over a million probes want --yes" {
	local i words=()
	netns
	for ((i = 1; i <= 16; i++)); do words+=("127.0.0.$i:1-65535"); done
	probe "${words[@]}"
	assert_refused 2 '1048560 probes are more than 1000000'
}

@test "an interrupted scan tells what it has" {
	link
	server_rule input 'drop'
	local signal
	for signal in INT TERM HUP; do
		spawn "${NS[@]}" "$SOCKCTL" probe --json --rate 100/s -T 100ms $V4:1-60000
		local pid=$PID
		# It has begun when its socket is there.
		inspect --no-findings --wait "${READY_WITHIN}s" state = syn-sent
		assert_success
		kill "-$signal" "$pid"
		await_line '"type":"summary"'
		await_end "$pid" $((128 + $(kill -l "$signal")))
	done
}

@test "--stable of many ports is a scan still: open means open for so long" {
	netns
	peer close 127.0.0.1 80
	peer reset 127.0.0.1 81
	peer closelate 127.0.0.1 82 0.1
	peer flood 127.0.0.1 83
	peer banner 127.0.0.1 84 'hello\n'
	mk listen:addr=127.0.0.1,port=85,backlog=64
	probe --json --stable 1s 127.0.0.1:1-2000
	assert_status 0
	assert_valid
	assert_equal "$(open_ports)" '83 84 85'
	assert_json '.[-1] | .type == "summary" and .ports == 2000 and .self_connects == 0
		and .outcomes == {"open": 3, "refused": 1994, "closed-after-accept": 2, "reset-after-accept": 1}'
	probe --stable 300ms --closed 127.0.0.1:80-100
	assert_status 0
	assert_line --regexp '^127.0.0.1:80 +closed-after-accept .* accepted, then closed by the peer after'
	assert_line --regexp '^127.0.0.1:81 +reset-after-accept .* accepted, then reset by the peer'
	assert_line --regexp '^127.0.0.1:84 +open .* rtt'
	# Without an open port the exit code is that of the worst.
	probe -q --stable 20s 127.0.0.1:60-82
	assert_status 1
	# What is still held when a signal comes is not asked.
	spawn "${NS[@]}" "$SOCKCTL" probe --json --stable 1d 127.0.0.1:70-90
	local pid=$PID out=$OUT
	inspect --wait -q state = established and sport = :85
	kill -INT "$pid"
	OUT=$out await_line '"type":"summary".*"not_asked":[1-4],'
	await_end "$pid" 130
}
