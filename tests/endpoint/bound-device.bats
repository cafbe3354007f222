#!/usr/bin/env bats
# Sockets that are bound to an interface: who says so, how it is written, and what is refused for it.

load ../lib/helpers
load ../lib/endpoint
load ../lib/inspect
load ../lib/probe

setup() {
	local i
	netns
	for i in 0 2; do
		in_ns ip link add "v$i" type veth peer name "w$i"
		in_ns ip link set "v$i" up
		in_ns ip link set "w$i" up
		in_ns ip addr add "10.$((70 + i)).0.1/24" dev "v$i"
	done
}

# As ss prints the listener of a port.
ss_listener() { # PORT
	in_ns ss -Htln "sport = :$1" | awk '{ print $4 }'
}

@test "a listener says which interface it is bound to, behind the ready line, as ss prints it" {
	local line at device
	while read -r at device; do
		serve listen -k --reply hi --port-file "$BATS_TEST_TMPDIR/port" "$at"
		IFS= read -r -t "$READY_WITHIN" -u "$ERRS" line
		assert_equal "$line" "only through $device"
		assert_equal "$(<"$BATS_TEST_TMPDIR/port")" "$ADDR"
		refute_regex "$ADDR" %
		assert_equal "$(ss_listener "$PORT")" "${at%:*}:$PORT"
		end_served
		run --separate-stderr in_ns "$SOCKCTL" listen --json --timeout 1ms "$at"
		assert_valid "$stderr"
		assert_equal "$(jq -r 'select(.type == "listening").device' <<<"$stderr")" "$device"
	done <<-END
		10.70.0.1%v0:0 v0
		0.0.0.0%v2:0 v2
		[::1]%lo:0 lo
		*%v0:0 v0
	END
	# Whoever has handed it over, too, and nothing where there is none.
	serve listen -k --option interface=v2 10.72.0.1:0
	IFS= read -r -t "$READY_WITHIN" -u "$ERRS" line
	assert_equal "$line" "only through v2"
	end_served
	serve listen -k 10.72.0.1:0
	end_served
	refute_regex "$stderr" "only through"
}

@test "what goes through one interface does not reach a listener of another, and no firewall is blamed" {
	local at port
	serve listen -k --reply hi 0.0.0.0%v0:0
	port=$PORT
	sockctl connect --send x "10.70.0.1%v0:$port"
	assert_output hi
	for at in "127.0.0.1:$port" "10.72.0.1:$port" "127.0.0.1%lo:$port"; do
		sockctl connect --send x "$at"
		assert_equal "$status" 1
		assert_regex "$stderr" "other-address +sockctl\\[[0-9]+\\] fd [0-9]+ listens on 0\\.0\\.0\\.0:$port, on interface v0 only"
		refute_regex "$stderr" 'rejected|firewall|nft'
		probe "$at"
		assert_regex "$output" "on interface v0 only"
		refute_regex "$output" 'firewall|nft'
	done
	# What does not arrive is not dropped by a rule.
	probe --timeout 300ms "10.70.0.1%lo:$port"
	assert_equal "$status" 4
	assert_contains "$output" "10.70.0.1 is an address of interface v0 of this host, and the socket is bound to lo"
	refute_regex "$output" 'rule|nft|has room'
	probe "10.70.0.1%v0:$port"
	assert_equal "$status" 0
	probe "10.70.0.1%v0:$port,$((port == 65535 ? 1 : port + 1))"
	assert_regex "$output" "$port +open"
}

@test "--bindable and bind agree on the interface" {
	local at port
	serve listen -k 10.70.0.1%v0:0
	port=$PORT
	inspect --bindable "10.70.0.1%v2:$port"
	assert_status 0
	for at in "10.70.0.1%v0:$port" "*%v0:$port" "10.70.0.1:$port"; do
		inspect --bindable "$at"
		assert_status 1
	done
	serve listen -k "10.70.0.1%v2:$port"
	sockctl listen "*%v0:$port" </dev/null
	assert_refused 3 "Address already in use"
	assert_regex "$stderr" 'sockctl\[[0-9]+\]'
}

@test "an interface that is not there is named, in every spelling" {
	local at
	for at in 10.70.0.1%none:1 '*%none:1' '[::1]%none:1' '[::1%none]:1'; do
		sockctl listen "$at" </dev/null
		assert_refused 2 "there is no such interface"
		sockctl connect "$at" </dev/null
		assert_refused 2 "there is no such interface"
	done
	sockctl connect '10.70.0.1%:1' </dev/null
	assert_refused 2 "there is no such interface"
}
