#!/usr/bin/env bats
# Addresses of this host: those that it cannot use, as a source and as a target, and those that
# it can, where no other host is to blame.

load ../lib/helpers
load ../lib/endpoint
load ../lib/probe

WHY_DUPLICATE='another host has the address too: duplicate address detection found it there'
WHY_NO_CARRIER='the address is tentative: duplicate address detection cannot begin, line0 has no carrier'
WHY_TENTATIVE='the address is tentative: duplicate address detection has not ended'

WHY_DOWN='the address is tentative: duplicate address detection cannot begin, off0 is down'

is_usable() { # ADDRESS
	! has_flag tentative "$1"
}

has_flag() { # FLAG ADDRESS
	in_ns ip -6 -oneline address show "$1" | grep -q "$2/"
}

# fd99::d is a duplicate, fd96::1 on an interface without carrier, fd99::e is still asked for,
# fd95::1 is of an interface that is down.
unusable() {
	link
	in_ns sysctl -qw net.ipv6.conf.up0.accept_dad=1 net.ipv6.conf.up0.dad_transmits=1
	on_server ip -6 address add fd99::d/64 dev down0 nodad
	in_ns ip -6 address add fd99::d/64 dev up0
	in_ns ip link add line0 type veth peer name line1
	in_ns ip link set line0 up
	in_ns ip -6 address add fd96::1/64 dev line0
	in_ns ip link add off0 type veth peer name off1
	in_ns ip -6 address add fd95::1/64 dev off0
	until_true has_flag dadfailed fd99::d
	in_ns sysctl -qw net.ipv6.conf.up0.dad_transmits=1000
	in_ns ip -6 address add fd99::e/64 dev up0
}

assert_own() { # ADDRESS WHY
	local to=$1
	[[ $to == *:* ]] && to="[$to]"
	assert_outcome 1 unreachable "^$1 is an address of this host that cannot be used now: $2" -T 400ms "$to:7051"
	assert_equal "$(attempt .own_address)" true
	sockctl connect -T 400ms --send x "$to:7051"
	assert_regex "$stderr" "unreachable +$1 is an address of this host that cannot be used now: $2"
	refute_contains "$stderr" 'host is down' firewall
}

assert_no_source() { # SOURCE WHY TARGET
	assert_outcome 3 error "Cannot assign requested address; $2" --source "$1" "$3:7051"
	sockctl connect --source "$1" --send x "$3:7051"
	assert_status 3
	assert_contains "$stderr" "$2"
}

@test "a target that is an address of this host, and cannot be used: no other host is blamed" {
	unusable
	assert_own fd99::d "$WHY_DUPLICATE"
	assert_own fd96::1 "$WHY_NO_CARRIER"
	assert_own fd99::e "$WHY_TENTATIVE"
	assert_own fd95::1 "$WHY_DOWN"
	probe '[fd95::1]:7051'
	assert_contains "$output" 'next: ip link set off0 up'
	# As advised.
	in_ns ip link set off0 up
	in_ns ip link set off1 up
	until_true is_usable fd95::1
	assert_outcome 1 refused 'it is an address of this host, and nothing listens there' '[fd95::1]:7051'
	assert_outcome 1 unreachable 'no neighbour answers' -T 1500ms "$NOBODY:7051"
	assert_equal "$(attempt .own_address)" null
}

@test "a source address that cannot be used says why in probe as in connect" {
	unusable
	assert_no_source fd99::d "$WHY_DUPLICATE" "[$V6]"
	assert_no_source fd96::1 "$WHY_NO_CARRIER" "[$V6]"
	assert_no_source fd99::e "$WHY_TENTATIVE" "[$V6]"
	assert_no_source fd95::1 "$WHY_DOWN" "[$V6]"
	assert_outcome 1 refused RST --source fd99::1 "[$V6]:7051"
	assert_outcome 1 refused RST --source 10.99.0.1 "$V4:7051"
}

@test "an address of this host that is silent: a rule of this host, and no other host" {
	link
	nft_rule input tcp dport 7052 drop
	local to
	for to in 10.99.0.1:7052 '[fd99::1]:7052'; do
		assert_outcome 4 filtered 'it is an address of this host, so a rule of this host drops them, or its NAT' -T 300ms "$to"
		assert_equal "$(attempt .own_address)" true
		sockctl connect -T 300ms --send x "$to"
		assert_status 4
		assert_contains "$stderr" 'is an address of this host, and nothing listens there: a rule of this host drops'
	done
	server_rule input tcp dport 7053 drop
	assert_outcome 4 filtered 'a firewall drops them, or the host is down' -T 300ms $V4:7053
	assert_equal "$(attempt .own_address)" null
}
