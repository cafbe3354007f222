#!/usr/bin/env bats
# What refuses at an address of another network namespace of this host: what listens there is named,
# where it is that namespace for certain.

load ../lib/helpers
load ../lib/endpoint
load ../lib/inspect
load ../lib/probe
load ../lib/servers

setup() {
	skip_unless_root "other namespaces must be entered"
}

teardown() {
	reap
	if [[ ${NAMED-} ]]; then ip netns del "$NAMED"; fi
	if [[ ${GROUP-} ]]; then rmdir "$GROUP"; fi
}

# A server of tests/lib/servers in the namespace behind the link: SERVER_PID is kept.
beyond() { # CMD...
	local NS=("${SERVER[@]}")
	"$@"
}

serves() { # PORT: on its loopback address
	on_server "$SOCKCTL" probe -q "127.0.0.1:$1"
}

# One target by both commands: ID, the sentence and what to run, checked to be the same sentence.
# Where others keep the kernel busy, not all namespaces are searched in time: once more then.
why() { # TARGET
	until_true searched "$1"
	NEXT=$(sed -n 's/^next: //p' <<<"$TEXT")
	ADVICE=$(jq -rs '[.[] | select(.causes) | .causes[].advice // empty] | join(" ")' <<<"$SAID")
}

searched() { # TARGET
	sockctl connect --json "$1" </dev/null
	SAID=$stderr
	assert_valid "$SAID"
	ID=$(jq -rs '[.[] | select(.causes) | .causes[].id] | join(" ")' <<<"$SAID")
	SUMMARY=$(jq -rs '[.[] | select(.causes) | .causes[].summary] | join("; ")' <<<"$SAID")
	sockctl connect "$1" </dev/null
	TEXT=$stderr
	probe --json "$1"
	assert_valid
	[[ $SUMMARY$TEXT != *'not all namespaces'* ]] &&
		[[ $(jq -rs 'map(select(.type == "summary"))[-1].cause // ""' <<<"$output") == "$SUMMARY" ]]
}

@test "real servers on the loopback address of their namespace are named, and how to reach them" {
	link
	servers_dir
	beyond nginx_on 8080
	beyond redis_on 6379
	beyond http_server_on 5000
	until_true serves 8080
	until_true serves 6379
	until_true serves 5000
	local port name
	for port in 8080:nginx 6379:redis-server 5000:python3; do
		name=${port#*:} port=${port%:*}
		why $V4:$port
		assert_equal "$ID" other-address
		assert_regex "$SUMMARY" "^$name\\[[0-9]+\\] fd [0-9]+( \\(and [0-9]+ more\\))? listens on 127\\.0\\.0\\.1:$port only, in another network namespace\$"
		assert_equal "$ADVICE" "Let it listen on $V4 or on every address."
		# As it is printed it works: the one thing to run from here.
		assert_regex "$NEXT" "^nsenter --net=/proc/[0-9]+/ns/net sockctl connect 127\\.0\\.0\\.1:$port\$"
		run env PATH="$(dirname "$SOCKCTL"):$PATH" bash -c "$NEXT </dev/null"
		assert_status 0
		why "[$V6]:$port"
		assert_equal "$ID" other-address
	done
	# The advice, obeyed: the healthy twin, of which nothing is said.
	spawn "${SERVER[@]}" redis-server --port 6380 --bind $V4 --protected-mode no --save '' --dir "$BATS_TEST_TMPDIR"
	until_true on_server "$SOCKCTL" probe -q $V4:6380
	probe --json $V4:6380
	assert_status 0
	assert_json '.[-1] | has("cause") | not'
}

@test "of another family, on an interface, beside what listens on other ports" {
	link
	beyond mk listen:addr=0.0.0.0,port=80 listen:addr=0.0.0.0,port=81,dev=lo,label=b
	why "[$V6]:80"
	assert_equal "$ID" other-family
	assert_regex "$SUMMARY" '^mksock\[[0-9]+\] fd [0-9]+ listens on 0\.0\.0\.0:80, IPv4 only, in another network namespace$'
	assert_equal "$NEXT" ''
	why $V4:81
	assert_regex "$ID $SUMMARY" '^other-address mksock\[.* listens on 0\.0\.0\.0:81, on interface lo only, in another'
	why $V4:82
	assert_equal "$ID" not-listening
	assert_regex "$SUMMARY" '^nothing listens on port 82 in another network namespace, which has the address; what listens there: mksock\[[0-9]+\] fd [0-9]+ on 0\.0\.0\.0:8[01], mksock\[.* on 0\.0\.0\.0:8[01]$'
	# UDP has listeners of its own.
	assert_regex "$(probe udp:$V4:80; echo "$output")" $'\n  nothing receives on port 80 in another network namespace, which has the address$'
	local six
	six=$(on_server ip -6 -o addr show dev down0 scope link | awk '{ sub("/.*", "", $4); print $4 }')
	why "[$six%up0]:80"
	assert_equal "$ID $ADVICE" 'other-family Let it listen on every address.'
}

@test "a rule that rejects before a listener of the other namespace" {
	link
	beyond mk listen:addr=0.0.0.0,port=80,backlog=8
	probe $V4:80
	assert_status 0
	server_rule input 'tcp dport 80 reject with tcp reset'
	why $V4:80
	assert_regex "$ID $SUMMARY" '^rejected mksock\[.*\] fd [0-9]+ listens on 0\.0\.0\.0:80 in another network namespace: it has just begun, or a firewall rule'
	probe $V4:80
	assert_regex "$output" 'refused  RST after [0-9.]+ m?s, though a program of this host listens there'
}

@test "the namespace has the name of ip netns, or that of its container" {
	link
	NAMED=named$$x
	ip netns attach "$NAMED" "$SERVER_PID"
	beyond mk listen:addr=127.0.0.1,port=80
	why $V4:80
	assert_regex "$SUMMARY" "listens on 127\\.0\\.0\\.1:80 only, in network namespace $NAMED\$"
	# The process with the socket decides, whatever the namespace is called.
	local id group
	id=$(printf '%064x' $$)
	for group in /sys/fs/cgroup{,/unified,/systemd,/freezer}; do
		[[ -w $group/cgroup.procs ]] || continue
		GROUP=$group/docker-$id.scope
		if mkdir "$GROUP" 2>/dev/null && echo "$MK_PID" 2>/dev/null >"$GROUP/cgroup.procs"; then break; fi
		rmdir "$GROUP" 2>/dev/null || true
		GROUP=
	done
	[[ $GROUP ]] || skip "no control group can be made here"
	why $V4:80
	assert_regex "$SUMMARY" "listens on 127\\.0\\.0\\.1:80 only, in container ${id:0:12}\$"
}

@test "two namespaces have the address: the one that our packets reach is meant" {
	link
	beyond mk listen:addr=127.0.0.1,port=80
	local true=$MK_PID
	second_netns
	enter "$PID"
	local NS=("${ENTER[@]}")
	in_ns ip addr add $V4/32 dev lo
	mk listen:addr=127.0.0.2,port=80
	NS=(nsenter --net="/proc/$NS_PID/ns/net")
	why $V4:80
	assert_regex "$SUMMARY" "^mksock\\[$true\\] fd [0-9]+ listens on 127\\.0\\.0\\.1:80 only, in another network namespace\$"
}

@test "nothing is said where it may be another host" {
	routed
	beyond mk listen:addr=127.0.0.1,port=80
	# A router answers for an address that no namespace has.
	in_ns ip route add 192.0.2.0/24 via $V4
	on_server ip route add 192.0.2.0/24 dev mid
	server_rule forward 'ip daddr 192.0.2.9 reject with tcp reset'
	why 192.0.2.9:80
	assert_equal "$SUMMARY" ''
	# Two have one that is behind it.
	second_netns
	enter "$PID"
	"${ENTER[@]}" ip addr add $TARGET4/32 dev lo
	why $TARGET4:80
	assert_equal "$SUMMARY" ''
	# Who may not look says nothing.
	refute_contains "$(in_ns setpriv --reuid=65534 --regid=65534 --clear-groups "$SOCKCTL" probe $V4:81)" namespace
}

@test "what cannot be bound here is said to be of the namespace that has it" {
	link
	NAMED=named$$y
	ip netns attach "$NAMED" "$SERVER_PID"
	# None of the links of other tests.
	on_server ip addr add 10.95.77.3/32 dev lo
	until_true says_where 10.95.77.3:80
	assert_json '.[0].causes[0].id == "not-local" and .[0].bindable == false'
	inspect --json --bindable 10.95.77.4:80
	assert_equal "$(jq -rs '.[0].causes[0].summary' <<<"$output")" 'no interface of this network namespace has the address'
	# Obeyed: it can be bound there.
	on_server "$SOCKCTL" inspect -q --bindable 10.95.77.3:80
}

says_where() { # ADDRESS
	inspect --json --bindable "$1"
	[[ $(jq -rs '.[0].causes[0].summary' <<<"$output") == "no interface of this network namespace has the address; network namespace $NAMED has it" ]]
}

@test "an address of any host is not ours where any may be bound" {
	link
	in_ns sysctl -qw net.ipv4.ip_nonlocal_bind=1
	beyond mk listen:addr=127.0.0.1,port=80
	why $V4:80
	assert_regex "$ID $SUMMARY" '^other-address mksock\[.* only, in another network namespace$'
}
