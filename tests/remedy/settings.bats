#!/usr/bin/env bats
# What is advised about settings, limits and other addresses works when it is obeyed.

load ../lib/helpers
load ../lib/findings
load ../lib/remedy

# What connect printed to do next: the text has the command behind "next:".
next_of() {
	sed -n 's/^next: //p' <<<"$stderr"
}

@test "the soft limit of descriptors is raised as advised, and the finding is gone" {
	remedy_ns
	spawn "${NS[@]}" python3 -c '
import os, resource, socket
s = socket.socket()
s.bind(("127.0.0.1", 80))
s.listen()
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 900))
while os.dup(0) < 98:
    pass
print("ready", os.getpid(), flush=True)
input()
'
	await_line '^ready [0-9]+$'
	findings
	assert_regex "$FOUND" "^[a-z]+ descriptor-exhaustion\$"
	assert_regex "$(get descriptor-exhaustion '.commands[]')" 'prlimit --pid [0-9]+ --nofile=200:$'
	obey
	findings
	assert_found
}

@test "the hard limit is raised with the soft one where that is in the way" {
	remedy_ns
	in_ns sh -c 'prlimit --nofile=100:100 sh -c "prlimit --pid \$\$ --nofile=200:200"' ||
		skip "root may not raise limits here (CAP_SYS_RESOURCE)"
	local NS=("${NS[@]}" prlimit --nofile=100:100)
	mk listen:port=80 files:limit=100,spare=1
	findings
	assert_regex "$(get descriptor-exhaustion '.commands[]')" "prlimit --pid ${F[listen.listener.pid]} --nofile=([0-9]+):\1\$"
	obey
	findings
	assert_found
}

@test "low ports are set free as advised, and another user binds one" {
	skip_unless_root "another user must ask"
	remedy_ns
	in_ns sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
	inspect --json --bindable 127.0.0.1:443 --as-user nobody
	assert_status 1
	obey "$(jq -r '.causes[0].commands[]' <<<"$output")"
	inspect --json --bindable 127.0.0.1:443 --as-user nobody
	assert_status 0
}

@test "the port that a connection drew is reserved as advised, beside those that are, and drawn by nobody" {
	remedy_ns
	in_ns sysctl -qw net.ipv4.ip_local_port_range='7000 7003' net.ipv4.ip_local_reserved_ports=9000-9010,9100
	mk listen:port=80 client:to=127.0.0.1,port=80
	local port
	port=$(port_of client.client)
	inspect --json --bindable "127.0.0.1:$port"
	assert_json '.[0].causes[0].id == "outgoing"'
	obey "$(jq -r '.causes[0].commands[]' <<<"$output")"
	assert_equal "$(in_ns sysctl -n net.ipv4.ip_local_reserved_ports)" "$port,9000-9010,9100"
	inspect --json --bindable "127.0.0.1:$port"
	# Then its connection ends, and the server may start.
	obey
	until_true can_bind "127.0.0.1:$port" --reuseaddr
}

# A server that runs until it is connected to.
serve_once() { # ADDR
	ln -sf "$SOCKCTL" "$STANDIN_DIR/bin/sockctl"
	spawn "${NS[@]}" sockctl listen -q --recv-only "$1"
	until_shown -l --port "${1##*:}"
}

@test "what listens on another address, or for the other family, is reached as advised" {
	local address server
	remedy_ns
	for address in 127.0.0.2:8080 '[::1]:8080'; do
		serve_once "$address"
		server=$PID
		sockctl connect 127.0.0.1:8080 </dev/null
		assert_status 1
		assert_equal "$(next_of)" "sockctl connect $([[ $address != \[* ]] && echo "$address" || echo "'$address'")"
		obey "$(next_of)" </dev/null
		await_end "$server"
	done
}

@test "IPv6 that is disabled on the loopback interface is enabled as advised" {
	remedy_ns
	in_ns sysctl -qw net.ipv6.conf.lo.disable_ipv6=1
	sockctl connect '[::1]:8080' </dev/null
	assert_status 3
	assert_contains "$stderr" ipv6-disabled
	obey "$(next_of)"
	serve_once '[::1]:8080'
	sockctl connect '[::1]:8080' </dev/null
	assert_status 0
}

@test "IPv6 that is disabled where a server listens is enabled as advised" {
	remedy_ns
	in_ns sysctl -qw net.ipv6.conf.lo.disable_ipv6=1
	sockctl listen '[::1]:8080' </dev/null
	assert_status 3
	assert_contains "$stderr" ipv6-disabled
	obey "$(next_of)"
	serve_once '[::1]:8080'
}

@test "what listens in another network namespace is reached from within it, as advised" {
	local next
	remedy_ns
	ln -sf "$SOCKCTL" "$STANDIN_DIR/bin/sockctl"
	spawn "${NS[@]}" unshare --net "$TOP/tests/lib/netns-up" sh -c 'echo up && exec sockctl listen -q --recv-only 127.0.0.1:8080'
	await_line '^up$'
	local server=$PID
	until_true refused_with other-namespace 127.0.0.1:8080
	next=$(next_of)
	assert_regex "$next" '^nsenter --net=/proc/[0-9]+/ns/net sockctl connect 127\.0\.0\.1:8080$'
	obey "$next" </dev/null
	await_end "$server"
}

refused_with() { # ID ADDR
	sockctl connect "$2" </dev/null
	assert_status 1
	[[ $stderr == *"$1"* ]]
}

@test "a port that is shared on one side only: with the option asked for, it is free" {
	remedy_ns
	ln -sf "$SOCKCTL" "$STANDIN_DIR/bin/sockctl"
	mk group:reuseport,n=1,port=8080
	inspect --json --bindable 127.0.0.1:8080
	assert_json '.[0].causes[0].id == "reuseport-mismatch"'
	assert_equal "$(commands)" 'sockctl inspect --bindable 127.0.0.1:8080 --reuseport'
	obey
}

@test "a socket of another type is reached as that type, as advised" {
	local path="$BATS_TEST_TMPDIR/a b"
	remedy_ns
	ln -sf "$SOCKCTL" "$STANDIN_DIR/bin/sockctl"
	mk unix_bound:path="$path",type=dgram
	sockctl connect "$path" </dev/null
	assert_status 1
	assert_contains "$stderr" other-type
	obey "$(next_of) --send x"
	inspect_queue "$path"
}

inspect_queue() { # PATH
	inspect --json --no-findings -x "path = '$1' and recv_queue > 0"
	assert_status 0
}

@test "an address of an interface on which IPv6 is disabled is bound once it is enabled as advised" {
	remedy_ns
	in_ns sysctl -qw net.ipv6.conf.lo.disable_ipv6=1
	inspect --json --bindable '[::1]:8080'
	assert_status 1
	assert_json '.[0].causes[0].id == "ipv6-disabled"'
	obey
	until_true can_bind '[::1]:8080'
}

# A second namespace, "there", beside that of the test, and how --netns names it in WHICH with the
# command that enters it in ENTER.
second_namespace() {
	local pid
	remedy_ns
	in_ns mount -t tmpfs tmpfs /run
	in_ns ip netns add there
	spawn "${NS[@]}" ip netns exec there sh -c 'echo ready && exec cat'
	await_line '^ready$'
	in_ns ln -s netns/there '/run/a b'
	ln -sf "$SOCKCTL" "$STANDIN_DIR/bin/sockctl"
	pid=$(in_ns ip netns pids there)
	WHICH=(there "$pid" '/run/a b')
	ENTER=('ip netns exec there' "nsenter --net=/proc/$pid/ns/net" "nsenter '--net=/run/a b'")
	OPTION=('--netns there' "--netns $pid" "--netns '/run/a b'")
	THERE=("${NS[@]}" ip netns exec there)
}

@test "a setting of another namespace is changed there as advised, and not here" {
	local n command
	skip_unless_root "another user must ask"
	second_namespace
	in_ns sysctl -qw net.ipv4.ip_unprivileged_port_start=1000
	for n in 0 1 2; do
		"${THERE[@]}" sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
		inspect --json --netns "${WHICH[n]}" --bindable 127.0.0.1:443 --as-user nobody
		assert_status 1
		command=$(jq -r 'select(.type == "bindable").causes[0].commands[]' <<<"$output")
		assert_equal "$command" "${ENTER[n]} sysctl -w net.ipv4.ip_unprivileged_port_start=443"
		# A program's capability is not the namespace's.
		assert_equal "$(commands)" 'setcap cap_net_bind_service=+ep PROGRAM'
		obey "$command"
		inspect --json --netns "${WHICH[n]}" --bindable 127.0.0.1:443 --as-user nobody
		assert_status 0
	done
	assert_equal "$(in_ns sysctl -n net.ipv4.ip_unprivileged_port_start)" 1000
}

@test "a loopback interface that is down in another namespace is set up there as advised" {
	local n here
	second_namespace
	here=("${NS[@]}")
	NS=("${THERE[@]}")
	mk listen:port=80
	NS=("${here[@]}")
	for n in 0 1 2; do
		"${THERE[@]}" ip link set lo down
		# As before it was first up: a local route outlives its interface.
		"${THERE[@]}" ip address flush dev lo
		findings --netns "${WHICH[n]}"
		assert_equal "$(get deaf-listener '.commands[]')" "${ENTER[n]} ip link set lo up"
		sockctl probe --netns "${WHICH[n]}" 127.0.0.1:80
		assert_contains "$output" "run '${ENTER[n]} ip link set lo up'"
		obey "$(get deaf-listener '.commands[]')"
		findings --netns "${WHICH[n]}"
		assert_found
		sockctl probe --netns "${WHICH[n]}" 127.0.0.1:80
		assert_status 0
	done
}

@test "sockctl that is advised looks into the same namespace" {
	local n here
	second_namespace
	"${THERE[@]}" ip link set lo up
	here=("${NS[@]}")
	NS=("${THERE[@]}")
	mk group:reuseport,n=1,port=8080
	NS=("${here[@]}")
	for n in 0 1 2; do
		inspect --json --netns "${WHICH[n]}" --bindable 127.0.0.1:8080
		assert_equal "$(commands)" "sockctl inspect --bindable 127.0.0.1:8080 --reuseport ${OPTION[n]}"
		obey
	done
}
