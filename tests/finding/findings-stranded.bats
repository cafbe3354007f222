#!/usr/bin/env bats
# Findings about sockets whose address or interface is gone: real servers lose theirs, and
# twins that are meant so, or that the kernel serves all the same, are silent.

# shellcheck disable=SC2016 # words for an inner shell
load ../lib/helpers
load ../lib/findings
load ../lib/servers
load ../lib/remedy

setup() {
	netns
	servers_dir
	in_ns ip link add eth type veth peer name far
	in_ns ip link set eth up
	in_ns ip link set far up
	in_ns ip address add 10.77.0.1/24 dev eth
	in_ns ip address add 10.77.0.5/24 dev eth
	in_ns ip -6 address add fd77::5/64 dev eth nodad
}

lose() { # ADDRESS/PREFIX
	in_ns ip address del "$1" dev eth
}

gain() { # ADDRESS/PREFIX [nodad]
	in_ns ip address add "$1" dev eth "${@:2}"
}

# A server that listens before this returns.
serve_on() { # ADDRESS [OPTION]...
	spawn "${NS[@]}" "$SOCKCTL" listen -k --recv-only "${@:2}" "$1"
	until_true listens_on "$1"
}

listens_on() { # ADDRESS
	local port=${1##*:}
	[[ $1 != udp:* ]] || { in_ns "$SOCKCTL" inspect -u --no-findings -q --port "$port" && return; }
	in_ns "$SOCKCTL" inspect -l --no-findings -q --port "$port"
}

@test "nginx on an address that was removed, until it is there again" {
	nginx_on 8080
	in_ns "$SOCKCTL" inspect -l --no-findings -q --wait "${READY_WITHIN}s" --port 8080
	kill "$PID"
	await_end "$PID" 0
	sed -i 's/127.0.0.1:8080/10.77.0.5:8080/' "$DIR/nginx.conf"
	as_service nginx -c "$DIR/nginx.conf" -e "$DIR/nginx/error.log"
	in_ns "$SOCKCTL" inspect -l --no-findings -q --wait "${READY_WITHIN}s" --src 10.77.0.5 --port 8080
	findings --findings=all
	assert_found
	lose 10.77.0.5/24
	findings
	assert_found 'warning deaf-listener'
	assert_figures deaf-listener 'sockets == 1' 'port == 8080' 'ifindex == null'
	assert_contains " $(culprits deaf-listener) " " $PID "
	assert_text deaf-listener '10\.77\.0\.5:8080, nginx' \
		'listens on 10\.77\.0\.5, which is no address of this network namespace now' \
		'next: ip address' "To restart: nginx\[$PID\]"
	# What it advises shows what is here, and what it says ends it.
	run obey "$(get deaf-listener '.commands[0]')"
	assert_success
	assert_contains "$output" 10.77.0.1/24
	gain 10.77.0.5/24
	findings --findings=all
	assert_found
	run in_ns curl -s --max-time 20 http://10.77.0.5:8080/
	assert_output hello
}

@test "a server that is restarted on an address that is here" {
	serve_on 10.77.0.5:80
	lose 10.77.0.5/24
	findings
	assert_found 'warning deaf-listener'
	kill "$PID"
	await_end "$PID" 143
	serve_on 10.77.0.1:80
	findings --findings=all
	assert_found
}

@test "IPv6, and an IPv4 address of a dual-stack socket" {
	serve_on '[fd77::5]:80'
	serve_on '[::ffff:10.77.0.5]:81'
	findings --findings=all
	assert_found
	lose fd77::5/64
	lose 10.77.0.5/24
	findings
	assert_found 'warning deaf-listener' 'warning deaf-listener'
	assert_contains "$(get deaf-listener .summary)" 'listens on fd77::5, which is no address'
	assert_contains "$(get deaf-listener .summary)" 'listens on 10.77.0.5, which is no address'
	# Who asks about one port is not told of the others.
	findings --port 81
	assert_found 'warning deaf-listener'
}

@test "datagrams" {
	serve_on udp:10.77.0.5:53
	serve_on udp:10.77.0.255:137
	serve_on udp:0.0.0.0:54
	findings --findings=all
	assert_found
	lose 10.77.0.5/24
	findings
	assert_found 'warning deaf-listener'
	assert_text deaf-listener 'udp 10\.77\.0\.5:53, sockctl' 'receives on 10\.77\.0\.5' 'no datagram reaches it'
}

@test "an interface that is gone, also when it was made again with its name" {
	local first
	serve_on 0.0.0.0:80 --option interface=eth
	first=$PID
	serve_on 10.77.0.1:81
	findings --findings=all
	assert_found
	in_ns ip link del eth
	findings --port 80
	assert_found 'warning deaf-listener'
	in_ns ip link add eth type veth peer name far
	in_ns ip link set eth up
	in_ns ip link set far up
	gain 10.77.0.1/24
	findings
	assert_found 'warning deaf-listener'
	assert_figures deaf-listener 'port == 80' 'ifindex > 1'
	assert_text deaf-listener 'bound to the interface with index [0-9]+, which is gone' 'another index, also under the same name' \
		"next: Restart what is bound to it, once the interface is there: sockctl\\[$first\\]"
	kill "$first"
	await_end "$first" 143
	serve_on 0.0.0.0:80 --option interface=eth
	findings --findings=all
	assert_found
}

@test "an address that another host of the link has" {
	in_ns ip -6 address add fd77::9/64 dev far nodad
	serve_on '[fd77::9]:80' --option freebind
	in_ns ip -6 address del fd77::9/64 dev far
	findings
	assert_found
	# The other end of the link, in a namespace of its own, has it by now.
	spawn "${NS[@]}" unshare --net "$TOP/tests/lib/netns-up" sh -c 'echo ready && exec cat'
	await_line '^ready$'
	in_ns ip link set far netns "$PID"
	is_root && OTHER=(nsenter --net="/proc/$PID/ns/net") ||
		OTHER=(nsenter --preserve-credentials --user --target "$PID" --net)
	"${OTHER[@]}" ip link set far up
	"${OTHER[@]}" ip -6 address add fd77::9/64 dev far nodad
	in_ns ip -6 address add fd77::9/64 dev eth
	until_true dad_has_failed
	findings
	assert_found 'warning deaf-listener'
	assert_text deaf-listener 'which this host does not use: duplicate address detection found that another host has it'
	# The other host gives it up; it is added again here.
	"${OTHER[@]}" ip -6 address del fd77::9/64 dev far
	in_ns ip -6 address del fd77::9/64 dev eth
	in_ns ip -6 address add fd77::9/64 dev eth
	until_true nothing_is_found
}

dad_has_failed() {
	in_ns ip -6 address show dev eth dadfailed | grep -q fd77::9
}

nothing_is_found() {
	findings --findings=all && [[ -z $FOUND ]]
}

@test "loopback is down" {
	in_ns ip link set lo down
	serve_on 0.0.0.0:79
	findings --findings=all
	assert_found
	in_ns ip link set lo up
	serve_on 127.0.0.1:80
	serve_on 127.0.0.53:81
	findings --findings=all
	assert_found
	in_ns ip link set lo down
	findings
	assert_found
	in_ns ip address flush dev lo
	findings
	assert_found 'warning deaf-listener' 'warning deaf-listener'
	assert_text deaf-listener 'and the loopback interface of this network namespace is down' 'next: (sudo )?ip link set lo up'
	obey "$(get deaf-listener '.commands[0]' | head -1)"
	findings --findings=all
	assert_found
}

@test "an address of a failover, by IP_FREEBIND, is a note" {
	serve_on 10.77.7.7:80 --option freebind
	serve_on '[fd77::7]:81' --option freebind
	findings
	assert_found
	findings --findings=all
	assert_found 'note deaf-listener' 'note deaf-listener'
	TEXT_OPTIONS=(--findings=all --port 80)
	assert_text deaf-listener 'IP_FREEBIND is set, so it may be meant for an address that comes with a failover'
	TEXT_OPTIONS=(--findings=all --port 81)
	assert_text deaf-listener 'IPV6_FREEBIND is set'
	gain 10.77.7.7/32
	gain fd77::7/128 nodad
	findings --findings=all
	assert_found
}

@test "an address of a failover, by ip_nonlocal_bind, is a note" {
	ns_sysctl ipv4/ip_nonlocal_bind 1
	serve_on 10.77.7.7:80
	findings
	assert_found
	findings --findings=all
	assert_found 'note deaf-listener'
	TEXT_OPTIONS=(--findings=all)
	assert_text deaf-listener 'net\.ipv4\.ip_nonlocal_bind is 1'
	# The setting of the other family is none.
	ns_sysctl ipv4/ip_nonlocal_bind 0
	ns_sysctl ipv6/ip_nonlocal_bind 1
	findings
	assert_found 'warning deaf-listener'
}

@test "whole prefixes that are local, in any table, are addresses of the host" {
	in_ns ip route add local 10.99.0.0/16 dev lo
	in_ns ip route add local 10.98.0.0/16 dev lo table 77
	in_ns ip rule add to 10.98.0.0/16 lookup 77
	in_ns ip -6 route add local fd99::/16 dev lo
	serve_on 10.99.3.4:80
	serve_on 10.98.3.4:81 --option freebind
	serve_on '[fd99::3]:82' --option freebind
	serve_on udp:10.99.3.5:53
	findings --findings=all
	assert_found
	run in_ns "$SOCKCTL" probe -q 10.99.3.4:80 '[fd99::3]:82'
	assert_success
	# Where only a mark leads to the table, the sockets may be reached all the same.
	in_ns ip rule del to 10.98.0.0/16 lookup 77
	in_ns ip rule add fwmark 5 lookup 77
	findings
	assert_found
	findings --findings=all
	assert_found 'note deaf-listener'
	TEXT_OPTIONS=(--findings=all)
	assert_text deaf-listener 'rules with a mark or an interface may lead to' 'next: ip rule'
	run obey "$(get deaf-listener '.commands[0]')"
	assert_success
	assert_contains "$output" 'fwmark 0x5 lookup 77'
}

@test "haproxy that is transparent at both ends" {
	skip_unless_root 'IP_TRANSPARENT'
	owned_dir haproxy
	cat >"$DIR/haproxy/conf" <<-END
		defaults
		    mode tcp
		    timeout connect 60s
		    timeout client 60s
		    timeout server 60s
		frontend in
		    bind 10.66.6.6:80 transparent
		    bind 10.77.0.1:81
		    default_backend behind
		backend behind
		    source 0.0.0.0 usesrc 10.66.6.7
		    server one 10.77.0.1:82
	END
	serve_on 10.77.0.1:82
	spawn "${NS[@]}" haproxy -db -q -f "$DIR/haproxy/conf"
	until_shown -l --port 80
	findings --findings=all
	assert_found
	# Its connection to the server never ends its handshake, from an address that is not here.
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 60s 10.77.0.1:81
	until_shown --dst 10.77.0.1 --port 82 --src 10.66.6.7
	findings --findings=all
	refute_regex "$FOUND" 'deaf-listener|lost-address'
}

@test "a VRF" {
	in_ns ip link add blue type vrf table 77 2>/dev/null || skip "this kernel has no VRF"
	in_ns ip link set blue up
	in_ns ip link set eth master blue
	gain 10.77.0.8/24
	serve_on 10.77.0.8:80 --option interface=blue
	serve_on 10.77.0.8:81 --option interface=eth
	findings --findings=all
	assert_found
	in_ns ip link del blue
	findings --port 80
	assert_found 'warning deaf-listener'
}

# Two connections from 10.77.0.5, of two programs, and one from the address that stays.
connections() {
	serve_on 10.77.0.1:80
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 600s --source 10.77.0.5 10.77.0.1:80
	FIRST=$PID
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 600s --source 10.77.0.5 10.77.0.1:80
	SECOND=$PID
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 600s --source 10.77.0.1 10.77.0.1:80
	until_true three_are_there
}

three_are_there() {
	[[ $(in_ns "$SOCKCTL" inspect --count --no-findings --dst 10.77.0.1 --state established dport = 80) == 3 ]]
}

@test "connections whose address is gone, one finding with both programs" {
	connections
	findings --findings=all
	refute_contains "$FOUND" lost-address
	lose 10.77.0.5/24
	findings
	assert_found 'warning lost-address'
	assert_figures lost-address 'connections == 2' 'ifindex == null'
	assert_equal "$(culprits lost-address)" "$FIRST $SECOND"
	assert_text lost-address '10\.77\.0\.5, 2 connections, sockctl' \
		'have 10\.77\.0\.5 as the local address, which is no address of this network namespace now' \
		"To restart: sockctl\\[$FIRST\\], sockctl\\[$SECOND\\]"
	# Restarted as it says, from an address that is here.
	obey "$(get lost-address '.commands[0]')"
	kill "$FIRST" "$SECOND"
	await_end "$FIRST" 143
	await_end "$SECOND" 143
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 600s 10.77.0.1:80
	until_shown --port 80 --state established dport = 80
	findings
	assert_found
}

@test "what a server accepted on an address that is gone, and connected datagrams" {
	serve_on 10.77.0.5:80
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 600s --source 10.77.0.1 10.77.0.5:80
	until_shown --port 80 --state established
	spawn "${NS[@]}" socat -u UDP4-CONNECT:10.77.0.1:53,bind=10.77.0.5 STDOUT
	until_shown -u --port 53
	lose 10.77.0.5/24
	findings
	assert_found 'warning deaf-listener' 'warning lost-address'
	assert_figures lost-address 'connections == 2'
	gain 10.77.0.5/24
	findings
	assert_found
}

@test "connections of a failover are a note" {
	serve_on 10.77.0.1:80
	spawn "${NS[@]}" "$SOCKCTL" connect --hold 600s --source 10.77.0.5 --option freebind 10.77.0.1:80
	until_shown --port 80 --state established dport = 80
	lose 10.77.0.5/24
	findings
	assert_found
	findings --findings=all
	assert_contains "$FOUND" 'note lost-address'
}

@test "an ordinary user sees the address, if not the owner" {
	skip_unless_root 'becomes another user'
	serve_on 10.77.0.5:80
	lose 10.77.0.5/24
	findings_as_user
	assert_found 'warning deaf-listener'
	assert_equal "$(culprits deaf-listener)" ''
}

# What connect and probe say of an address where only a listener that has lost it is.
both_say() { # ADDRESS REGEX
	sockctl connect -T 2s "$1"
	refute_regex "$stderr" 'just begun|firewall rule'
	assert_regex "$stderr" "$2"
	sockctl probe -T 2s "$1"
	refute_regex "$output$stderr" 'just begun|firewall rule'
	assert_regex "$output" "$2"
}

@test "connect and probe name a listener whose address is gone, and what to look at" {
	serve_on 10.77.0.5:80
	lose 10.77.0.5/24
	# Nobody has it; then no route leads there; then another host refuses.
	both_say 10.77.0.5:80 "sockctl\\[$PID\\] fd [0-9]+ listens on 10\\.77\\.0\\.5:80, which is no address of this network namespace now: nothing can reach it"
	sockctl connect --json -T 2s 10.77.0.5:80
	assert_equal "$(jq -r 'select(.causes) | .causes[0].id' <<<"$stderr")" deaf-listener
	sockctl connect -T 2s 10.77.0.5:80
	obey "$(sed -n 's/^next: //p' <<<"$stderr")"
	in_ns ip address flush dev eth
	both_say 10.77.0.5:80 'listens on 10\.77\.0\.5:80, which is no address'
	# Healthy again, and silent about other ports.
	gain 10.77.0.1/24
	gain 10.77.0.5/24
	run in_ns "$SOCKCTL" probe -q 10.77.0.5:80
	assert_success
	sockctl probe -T 2s 10.77.0.5:81
	refute_regex "$output" 'no address of'
}

@test "connect and probe name a listener whose interface is gone, not a firewall" {
	serve_on 0.0.0.0:80 --option interface=eth
	in_ns ip link del eth
	both_say 127.0.0.1:80 "sockctl\\[$PID\\] fd [0-9]+ listens on 0\\.0\\.0\\.0:80, bound to the interface with index [0-9]+, which is gone; .*: nothing can reach it"
	# An address that is local by ip_nonlocal_bind only, and by a prefix.
	in_ns ip route add local 10.99.0.0/16 dev lo
	both_say 10.99.1.1:80 'bound to the interface with index [0-9]+, which is gone'
}
