#!/usr/bin/env bats
# The local ports of UDP: each serves one socket, whatever its destination. Where all are held,
# inspect, connect, probe and --bindable say so, and by whom.

load ../lib/helpers
load ../lib/findings
load ../lib/probe

# Ten ports of a range of twenty can be drawn. N sockets of UDP hold some of them, at ADDRESS.
hold_ports() { # ADDRESS N
	in_ns sysctl -qw net.ipv4.ip_local_port_range='40000 40019' net.ipv4.ip_local_reserved_ports=40005-40014
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
free = list(range(40000, 40005)) + list(range(40015, 40020))
kept = []
for port in free[:int(sys.argv[2])]:
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], port))
    kept.append(s)
print("ready", flush=True)
time.sleep(600)
' "$@"
	await_line '^ready$'
}

# What connect and probe say of a target.
assert_no_port() { # TARGET HELD WILDCARD
	local held="all 10 ports that the kernel may choose from \\(40000 to 40019, without the reserved ones\\) are held, $2"
	sockctl connect --json --send x "$1"
	assert_status 3
	assert_valid "$stderr"
	assert_json_in "$stderr" 'map(select(.causes) | .causes[]) | length == 1
		and (.[0] | .id == "ephemeral-exhausted" and (.summary | test($held)) and .processes[0].pid == $pid)' \
		--arg held "$held" --argjson pid "$PID"
	sockctl connect --send x "$1"
	assert_refused 3 "ephemeral-exhausted +$held"
	refute_contains "$stderr" queue
	assert_outcome 3 no-port '^no local port is left for a UDP socket' -T 1s "$1"
	assert_regex "$output" "$held"
	inspect --bindable "udp:$3:0"
	assert_status 1
	assert_regex "$output" "ephemeral-exhausted +$held"
}

# Nothing of ports is said of it; the server does not exist.
assert_has_port() { # TARGET
	assert_outcome 1 refused-icmp 'port unreachable' "$1"
	sockctl connect --send x "$1"
	assert_status 1
	refute_contains "$stderr" ephemeral
}

@test "all ports of UDP are held over IPv4: connect, probe, --bindable and inspect name who" {
	netns
	hold_ports 127.0.0.1 10
	assert_no_port udp:127.0.0.1:53 "all by python3\\[$PID\\]" 0.0.0.0
	# A socket of IPv6 takes IPv4 as well, and so meets these.
	assert_no_port 'udp:[::1]:53' "all by python3\\[$PID\\]" '[::]'
	# TCP has its own ports.
	assert_outcome 1 refused RST 127.0.0.1:53
	findings
	assert_found 'critical ephemeral-exhaustion'
	assert_equal "$(culprits ephemeral-exhaustion)" "$PID"
	assert_figures ephemeral-exhaustion 'used == 10' 'ports == 10' 'left == 0' 'of_first_process == 10'
	assert_text ephemeral-exhaustion UDP '10 of 10 ephemeral ports are held by UDP sockets' \
		'connect\(\) and send\(\) fail with EAGAIN' "Held by python3\[$PID\] \(10\)\." \
		'ip_local_port_range 40000-40019 without 10 in ip_local_reserved_ports'
	inspect --findings -u
	assert_contains "$output$stderr" ephemeral-exhaustion
}

@test "ports that IPv6 alone holds are free for IPv4" {
	netns
	hold_ports ::1 10
	assert_no_port 'udp:[::1]:53' "all by python3\\[$PID\\]" '[::]'
	assert_has_port udp:127.0.0.1:53
	findings
	assert_found 'critical ephemeral-exhaustion'
	assert_text ephemeral-exhaustion 'UDP over IPv6'
}

@test "two processes hold them: the one that has most is named" {
	netns
	hold_ports 127.0.0.1 7
	spawn "${NS[@]}" python3 -c '
import socket, time
kept = []
for port in 40017, 40018, 40019:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", port))
    kept.append(s)
print("ready", flush=True)
time.sleep(600)
'
	await_line '^ready$'
	sockctl connect --send x udp:127.0.0.1:53
	assert_refused 3 "are held, 7 of them by python3\[${PIDS[-2]}\]"
}

@test "with one port left they connect, and the finding only warns" {
	netns
	hold_ports 127.0.0.1 9
	assert_has_port udp:127.0.0.1:53
	assert_has_port 'udp:[::1]:53'
	findings
	assert_found 'warning ephemeral-exhaustion'
	assert_figures ephemeral-exhaustion 'used == 9' 'left == 1'
}

@test "with seven of ten held nothing is found" {
	netns
	hold_ports 127.0.0.1 7
	findings
	assert_found
}
