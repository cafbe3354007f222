#!/usr/bin/env bats
# An address that cannot be bound: not here, tentative, a duplicate; and low ports where the
# network namespace belongs to another user namespace. Each with what is printed, carried out.

# shellcheck disable=SC2016 # words for an inner shell
load ../lib/helpers
load ../lib/remedy

setup() {
	netns
}

pair() {
	in_ns ip link add near type veth peer name far
}

bindable() { # CODE ADDR [OPTION]...
	inspect --json --bindable "${@:2}"
	assert_status "$1"
}

cause() {
	jq -r '.causes[0] | "\(.id): \(.summary) | \(.advice)"' <<<"$output"
}

usable() { # ADDR
	inspect -q --bindable "$1"
	((status == 0))
}

is_state() { # STATE ADDRESS
	in_ns ip -6 address show "$1" | grep -q "$2"
}

@test "an IPv6 address on an interface that is down: it is set up as advised" {
	pair
	in_ns ip link set far up
	in_ns ip -6 address add fd66::1/64 dev near
	bindable 1 '[fd66::1]:8080'
	assert_regex "$(cause)" '^not-local: the address is tentative: duplicate address detection cannot begin, near is down \| It can be used a second or two after'
	refute_regex "$output" FREEBIND
	is_root || skip "sudo is advised"
	obey
	until_true usable '[fd66::1]:8080'
}

@test "an IPv6 address on an interface without carrier" {
	pair
	in_ns ip link set near up
	in_ns ip -6 address add fd66::1/64 dev near
	bindable 1 '[fd66::1]:8080'
	assert_regex "$(cause)" 'cannot begin, near has no carrier \| It can be used .* after the line is connected'
	refute_regex "$output" FREEBIND
	in_ns ip link set far up
	until_true usable '[fd66::1]:8080'
}

# near has fd66::1 as well as far, which is in a namespace of its own, OTHER.
duplicate() {
	pair
	spawn "${NS[@]}" unshare --net "$TOP/tests/lib/netns-up" sh -c 'echo ready && exec cat'
	await_line '^ready$'
	in_ns ip link set far netns "$PID"
	OTHER=(nsenter --net="/proc/$PID/ns/net")
	is_root || OTHER=(nsenter --preserve-credentials --user --target "$PID" --net)
	"${OTHER[@]}" ip link set far up
	"${OTHER[@]}" ip -6 address add fd66::1/64 dev far nodad
	in_ns ip link set near up
	in_ns ip -6 address add fd66::1/64 dev near
	until_true is_state dadfailed fd66::1
}

@test "an IPv6 address that another host has, until that gives it up" {
	duplicate
	bindable 1 '[fd66::1]:8080'
	assert_regex "$(cause)" '^not-local: another host has the address too: duplicate address detection found it there, so this host does not use it'
	assert_regex "$(cause)" 'Give one of the two hosts another address'
	refute_regex "$output" '[Ww]ait a second'
	run obey "$(commands)"
	assert_success
	assert_contains "$output" 'dadfailed'
	# As it says.
	"${OTHER[@]}" ip -6 address del fd66::1/64 dev far
	in_ns ip -6 address del fd66::1/64 dev near
	in_ns ip -6 address add fd66::1/64 dev near
	until_true usable '[fd66::1]:8080'
}

@test "listen, connect and probe say the same of such an address" {
	duplicate
	sockctl listen '[fd66::1]:8080'
	assert_status 3
	assert_contains "$stderr" 'another host has the address too'
	refute_regex "$stderr" 'freebind'
	sockctl connect --source fd66::1 '[fd66::2]:80'
	assert_status 3
	assert_contains "$stderr" 'fd66::1: another host has the address too'
	sockctl probe --source fd66::1 '[fd66::2]:80'
	assert_status 3
	assert_contains "$output$stderr" 'another host has the address too'
	refute_contains "$output$stderr" freebind
}

@test "a tentative IPv6 address can be bound once detection has ended" {
	pair
	in_ns sysctl -qw net.ipv6.conf.near.dad_transmits=8
	in_ns ip link set far up
	in_ns ip link set near up
	in_ns ip -6 address add fd66::1/64 dev near
	until_true is_state tentative fd66::1
	bindable 1 '[fd66::1]:8080'
	assert_regex "$(cause)" 'is tentative: duplicate address detection has not ended \| Wait until it has'
	run obey "$(commands)"
	assert_success
	until_true usable '[fd66::1]:8080'
}

@test "what lets a server bind a later address is that of its family" {
	bindable 1 10.66.0.1:8080
	assert_regex "$(cause)" 'no interface of this network namespace has the address \| IP_FREEBIND or net\.ipv4\.ip_nonlocal_bind .*nothing reaches it before'
	bindable 1 '[fd66::9]:8080'
	assert_regex "$(cause)" '\| IPV6_FREEBIND or net\.ipv6\.ip_nonlocal_bind '
	ns_sysctl() { in_ns sh -c "echo '$2' >/proc/sys/net/$1"; }
	ns_sysctl ipv4/ip_nonlocal_bind 1
	bindable 1 '[fd66::9]:8080'
	bindable 0 10.66.0.1:8080
	ns_sysctl ipv6/ip_nonlocal_bind 1
	bindable 0 '[fd66::9]:8080'
}

@test "a low port where another user namespace owns the network namespace" {
	skip_unless_root 'a network namespace that root owns'
	local outside=("${NS[@]}")
	NS+=(unshare --user --map-root-user)
	in_ns true 2>/dev/null || skip "no user namespace can be made here"
	bindable 1 127.0.0.1:80
	assert_regex "$(cause)" '^privileged-port: ports below 1024 need CAP_NET_BIND_SERVICE in the user namespace that owns this network namespace'
	assert_regex "$(cause)" 'Root, setcap and AmbientCapabilities of this user namespace do not count there'
	refute_regex "$(commands)" setcap
	bindable 1 127.0.0.1:80 --as-user root
	# As it says: by root outside, or with a network namespace of its own, or another port.
	bindable 0 127.0.0.1:1024
	inspect --json --bindable 127.0.0.1:80
	local line
	line=$(jq -r '.causes[0].advice' <<<"$output" | grep '^sysctl -w net.ipv4.ip_unprivileged_port_start=80$')
	NS=("${outside[@]}")
	obey "$line"
	NS+=(unshare --user --map-root-user)
	bindable 0 127.0.0.1:80
	in_ns sh -c 'exec timeout 60 "$1" listen 127.0.0.1:80' sh "$SOCKCTL" >/dev/null 2>&1 3>&- &
	PIDS+=($!)
	inspect -q -l --port 80 --wait "${READY_WITHIN}s"
	assert_status 0
}

@test "a low port in a network namespace of its own user namespace" {
	NS=(unshare --user --map-root-user --net)
	in_ns true 2>/dev/null || skip "no user namespace can be made here"
	bindable 0 127.0.0.1:80
}
