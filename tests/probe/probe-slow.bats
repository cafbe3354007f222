#!/usr/bin/env bats
# A path whose round trip is longer than a kernel waits before it sends a SYN again is slow, and
# nothing is lost on it; and a path that loses the first answer is not slow.

load ../lib/helpers
load ../lib/probe
load ../lib/findings

SERVER_PID='' CLIENT_PID=''

# The server's and the client's namespace, and a path of the test's own between them (lib/path).
slow_link() { # WORD OF path...
	local sides=()
	skip_unless_root 'makes veth pairs and packet sockets'
	netns
	SERVER=("${NS[@]}") SERVER_PID=$NS_PID
	netns
	local client=("${NS[@]}")
	CLIENT_PID=$NS_PID
	netns
	in_ns ip link add there type veth peer name veth0 netns "$SERVER_PID"
	in_ns ip link add here type veth peer name veth0 netns "$CLIENT_PID"
	in_ns ip link set there up
	in_ns ip link set here up
	spawn "${NS[@]}" "$TOP/tests/lib/path" "$@" here there
	await_line '^ready$'
	NS=("${client[@]}")
	# Neighbours that are known need not be asked first.
	in_ns ip link set veth0 address 02:00:00:00:00:01 up
	in_ns ip addr add 10.99.0.1/24 dev veth0
	in_ns ip neigh add $V4 lladdr 02:00:00:00:00:02 dev veth0
	on_server ip link set veth0 address 02:00:00:00:00:02 up
	on_server ip addr add $V4/24 dev veth0
	on_server ip neigh add 10.99.0.1 lladdr 02:00:00:00:00:01 dev veth0
	server_mk "listen:addr=$V4,port=80,backlog=64"
}

@test "a round trip of 1.3 s: nothing is lost, and it counts" {
	slow_link delay=650
	probe --json -T 6s $V4:80
	assert_status 0
	assert_valid
	assert_json '.[0] | .outcome == "open" and .lost == "none" and .syn_retransmits == 1 and .rtt_us >= 1300000
		and (.reason | test("^rtt 1[.0-9]+ s: the path is slow, nothing was lost"))'
	assert_json '.[1] | .late == 0 and .rtt_us.count == 1 and .rtt_us.min >= 1300000 and .connect_us.count == 1'
	# The time that was given bounds the look for the second answer, too.
	probe --json -T 1500ms $V4:80
	assert_status 0
	assert_json '.[0] | .outcome == "open" and .lost == "unknown"
		and (.reason | test("either the answer was lost on the way back, or the round trip takes so long"))'
	# Two that agree need no second answer.
	probe --json -T 1500ms --attempts 2 --interval 0 $V4:80
	assert_json '(.[0].lost == "unknown") and (.[1].lost == "none") and (.[2] | .late == 0 and .rtt_us.count == 2)'
}

@test "a round trip of 2.3 s, of three SYNs" {
	slow_link delay=1150
	probe --json -T 9s $V4:80
	assert_status 0
	assert_json '.[0] | .outcome == "open" and .lost == "none" and .rtt_us >= 2300000'
	assert_json '.[1] | .late == 0 and .rtt_us.count == 1'
}

@test "the first answer is lost: that is told, and not that the path is slow" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule output 'tcp flags & (syn|ack) == syn|ack tcp sport 80 numgen inc mod 64 == 0 drop'
	probe --json -T 9s $V4:80
	assert_json '.[0] | .outcome == "open" and .lost == "syn-ack" and (.reason | test("the answer was lost on the way back"))'
	assert_json '.[1] | .late == 1 and .rtt_us == null'
	# Nothing more comes in so short a time: both stay open.
	on_server nft delete table inet t_output
	server_rule output 'tcp flags & (syn|ack) == syn|ack tcp sport 80 numgen inc mod 64 == 0 drop'
	probe --json -T 1400ms $V4:80
	assert_json '.[0] | .outcome == "open" and .lost == "unknown"'
	# One that was quick before settles it.
	on_server nft delete table inet t_output
	server_rule output 'tcp flags & (syn|ack) == syn|ack tcp sport 80 numgen inc mod 64 == 1 drop'
	probe --json -T 1400ms --attempts 2 --interval 0 $V4:80
	assert_json '(.[0] | has("lost") | not) and .[1].lost == "syn-ack" and .[2].rtt_us.count == 1'
}

@test "the first SYN is lost: the answer is that of the second" {
	link
	server_mk listen:addr=$V4,port=80,backlog=64
	server_rule prerouting 'tcp flags syn / syn,ack tcp dport 80 numgen inc mod 64 == 0 drop'
	probe --json -T 9s $V4:80
	assert_json '.[0] | .outcome == "open" and .lost == "syn"'
}

# An ended connection leaves its round trip in the kernel.
leave_rtt() {
	probe --graceful -T 9s $V4:80
	assert_status 0
	until_true is_remembered
}

is_remembered() {
	[[ $(in_ns ip tcp_metrics show $V4) == *' rtt 1'* ]]
}

@test "a silence that is shorter than the round trip known of an earlier connection" {
	slow_link delay=650
	probe --json -T 1s $V4:80
	assert_json '.[0] | .outcome == "filtered" and (has("known_rtt_us") | not)
		and (.reason | test("a firewall drops them, or the host is down"))'
	leave_rtt
	probe --json -T 1s $V4:80
	assert_valid
	assert_json '.[0] | .outcome == "filtered" and .known_rtt_us >= 1300000 and .known_rtt_us < 2000000
		and (.reason | test("an earlier connection to it had a round trip of 1[.0-9]+ s, so the path is probably slower"))'
	run --separate-stderr in_ns "$SOCKCTL" connect -T 1s $V4:80
	assert_contains "$stderr" 'the path is probably slower than the time waited: try a longer -T'
	# What is late by as much has lost nothing, and counts.
	probe --json -T 1500ms $V4:80
	assert_json '(.[0] | .outcome == "open" and .lost == "none") and (.[1] | .late == 0 and .rtt_us.count == 1)'
	# A wait that is longer than that is no matter of the path.
	probe --json -T 2500ms $V4:80
	assert_json '.[0].outcome == "open"'
	server_rule input tcp dport 80 drop
	probe --json -T 2500ms $V4:80
	assert_json '.[0] | .outcome == "filtered" and (.reason | test("a firewall drops them, or the host is down"))'
	spawn "${NS[@]}" "$SOCKCTL" connect --recv-only -T 60s $V4:80
	until_shown 'state = syn-sent and timer_retrans >= 2'
	findings
	assert_found 'warning syn-sent-unanswered'
	assert_contains "$(get syn-sent-unanswered .summary)" \
		'A path that is so slow is unlikely: an earlier connection to it had a round trip of 1'
}

@test "inspect: what a slow path explains is not unanswered, and what it does not is" {
	slow_link delay=2500
	spawn "${NS[@]}" "$SOCKCTL" connect --recv-only $V4:80
	until_shown 'state = established and dst = 10.99.0.2'
	server_rule input tcp dport 4711 drop
	spawn "${NS[@]}" "$SOCKCTL" connect --recv-only -T 60s $V4:4711
	until_shown 'state = syn-sent and timer_retrans >= 1'
	findings
	assert_found
	until_shown 'state = syn-sent and timer_retrans >= 6'
	findings
	assert_found 'warning syn-sent-unanswered'
}
