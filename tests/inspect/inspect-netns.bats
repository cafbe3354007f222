#!/usr/bin/env bats
# Another network namespace, by name, by process, by path.

load ../lib/helpers
load ../lib/inspect

@test "--netns PID and PATH look into another namespace" {
	skip_unless_root "enters a namespace from outside"
	netns
	mk listen:port=80 established
	outside=("${NS[@]}")
	holder=$NS_PID
	NS=()
	assert_matches --netns "$holder" -- listen.listener established.client0 established.server0
	assert_matches --netns "/proc/$holder/ns/net" -- listen.listener established.client0 established.server0
	assert_matches --netns "$holder" -l -- listen.listener
	inspect_json --netns "$holder" -p
	assert_row listen.listener processes='[{"pid":'"${F[listen.listener.pid]}"',"command":"mksock","fd":'"${F[listen.listener.fd]}"'}]'
}

@test "--netns NAME is a name of ip netns" {
	skip_unless_root "binds a name in /run/netns"
	netns
	mk listen:port=80
	name=sockctl-test-$$
	ip netns attach "$name" "$NS_PID"
	NS=()
	inspect --json --netns "$name"
	saved=$output code=$status
	ip netns delete "$name"
	assert_equal "$code" 0
	output=$saved
	assert_equal "$(labels)" listen.listener
}

@test "only the sockets of the namespace are shown" {
	netns
	mk listen:port=80
	first=("${NS[@]}")
	netns
	mk listen:port=80,label=second
	assert_matches -- second.listener
	NS=("${first[@]}")
	assert_matches -- listen.listener
}

@test "the accept queue of another namespace" {
	skip_unless_root "enters a namespace from outside"
	netns
	mk listen:port=80,backlog=2,queued=2,rst=1
	holder=$NS_PID
	NS=()
	inspect_json --netns "$holder" --port 80
	assert_row listen.listener waiting=2 gave_up=1 accept_queue=3 accept_queue_full=true
}

@test "a namespace that is not there is exit 3 with the reason" {
	inspect --netns no-such-namespace
	assert_refused 3 'no-such-namespace'
	inspect --netns /no/such/path
	assert_refused 3 '/no/such/path'
	inspect --netns 999999999
	assert_refused 3 'there is no process 999999999'
	inspect --netns /etc/passwd
	assert_refused 3 "that is no network namespace: a name of 'ip netns list', a pid"
	inspect --netns /dev/null
	assert_refused 3 '/dev/null'
}

@test "an ordinary user is told that it may not" {
	skip_unless_root "drops to another user"
	netns
	mk listen:port=80
	holder=$NS_PID
	NS=()
	sockctl_as_user inspect --netns "$holder"
	assert_refused 3 'Permission denied.*try sudo'
}

@test "autobound is the range of ports of the namespace that is looked into" {
	skip_unless_root "--netns wants it"
	netns
	in_ns sh -c 'echo "2000 2999" >/proc/sys/net/ipv4/ip_local_port_range'
	mk listen:port=2500,label=inside listen:port=40000,label=outside
	holder=$NS_PID
	NS=()
	assert_matches --netns "$holder" autobound -- inside.listener
	# Names are resolved outside, where there may be a way to a name server.
	assert_matches --netns "$holder" 'src localhost and autobound' -- inside.listener
}
