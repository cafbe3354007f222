#!/usr/bin/env bats
# Attempts at one address that come to different ends: what may make the difference is said, and no
# attempt's reason contradicts another.

load ../lib/helpers
load ../lib/probe

# Connections to a port of the server go to these in turn: open, shut, mute, cut. The SYN with
# TTL 1 that asks who refuses takes no turn.
in_turn() { # PORT PLACE...
	local port=$1 i=0 map='' place
	shift
	for place; do map+="${map:+, }$((i++)) : ${TO[$place]}"; done
	on_server nft -f - <<-END
		table ip turns_$port {
			chain c {
				type nat hook prerouting priority -100
				tcp dport $port ip ttl gt 1 dnat to $V4 : numgen inc mod $# map { $map }
			}
		}
	END
}

servers() {
	declare -gA TO=([open]=7101 [shut]=7102 [mute]=7103 [cut]=7104)
	link
	server_mk listen:addr=$V4,port=7101,backlog=200
	server_rule input tcp dport 7103 drop
	peer reset $V4 7104
}

mixed() {
	jq -r 'select(.type == "summary").mixed' <<<"$output"
}

reasons() {
	jq -r 'select(.type == "attempt").reason' <<<"$output"
}

@test "open and refused in turn: more than one server, and not that nothing listens" {
	servers
	in_turn 900 open shut shut
	probe --json --attempts 6 --interval 1ms $V4:900
	assert_status 1
	assert_valid
	assert_equal "$(mixed)" '2 open, 4 refused: more than one server behind this address; or a limit of connections or of their rate; or a restart in between'
	assert_json '.[-1] | .outcome == "refused" and .outcomes == {"open": 2, "refused": 4}'
	assert_regex "$(reasons)" 'the host is up, and took another connection before'
	[[ $(reasons) != *'nothing listens'* ]] || fail "$output"
	probe --attempts 6 --interval 1ms $V4:900
	assert_status 1
	assert_regex "$output" 'took another connection before  2 of 6
  2 open, 4 refused: more than one server behind this address;'
	[[ $output != *'nothing listens'* ]] || fail "$output"
	# What is waited for may come.
	probe --json --wait "${READY_WITHIN}s" $V4:900
	assert_status 0
	assert_equal "$(mixed)" null
}

@test "a server that is silent, one that resets, beside one that serves" {
	servers
	in_turn 901 mute open mute
	probe --json --attempts 3 --interval 1ms -T 200ms $V4:901
	assert_status 4
	assert_equal "$(mixed)" '1 open, 2 filtered: more than one server behind this address; or a limit of connections or of their rate; or lost packets, or an accept queue that is full at times'
	assert_json '.[0].reason | test("a firewall drops them, or the host is down")'
	assert_json '.[2].reason | test("though it took another connection before")'
	in_turn 902 open cut
	probe --json --attempts 4 --interval 1ms --stable 200ms $V4:902
	assert_status 1
	assert_equal "$(mixed)" '2 open, 2 reset-after-accept: more than one server behind this address; or a limit of connections or of their rate; or a restart in between'
	in_turn 903 shut mute shut mute
	probe --json --attempts 4 --interval 1ms -T 200ms $V4:903
	assert_status 4
	assert_equal "$(mixed)" '2 refused, 2 filtered: more than one server behind this address; or a limit of the rate of refusals; or lost packets, or an accept queue that is full at times'
	assert_json '.[3].reason | test("in [0-9]+ ms, though it refused another attempt before")'
}

@test "one change only: the server ended, or it is a limit; several servers come last" {
	servers
	on_server nft -f - <<-END
		table ip later {
			chain c {
				type filter hook input priority 0
				tcp dport 7101 tcp flags & (syn|ack) == syn numgen inc mod 100000 > 2 reject with tcp reset
			}
		}
	END
	probe --json --attempts 5 --interval 1ms $V4:7101
	assert_status 1
	assert_equal "$(mixed)" '3 open, 2 refused: the server began, ended or was restarted in between; or a limit of connections or of their rate; or more than one server behind this address'
}

@test "one full member of a group beside one that has room" {
	link
	server_mk listen:addr=$V4,port=80,backlog=1,queued=2,reuseport,label=full \
		listen:addr=$V4,port=80,backlog=64,reuseport,label=roomy
	probe --json --attempts 16 --interval 1ms -T 200ms $V4:80
	assert_regex "$(mixed)" '^[0-9]+ open, [0-9]+ filtered: .*more than one server behind this address'
	[[ $(jq -rs '.[-2:][0].reason' <<<"$output") != *'host is down'* ]] || fail "$output"
}

@test "all of one kind: nothing to explain" {
	servers
	probe --json --attempts 4 --interval 1ms $V4:7101
	assert_status 0
	assert_equal "$(mixed)" null
	probe --json --attempts 3 --interval 1ms $V4:7102
	assert_status 1
	assert_equal "$(mixed)" null
	assert_json 'map(select(.type == "attempt")) | all(.reason | test("nothing listens there"))'
	probe --json --attempts 2 --interval 1ms -T 200ms $V4:7103
	assert_status 4
	assert_json '.[1].reason | test("a firewall drops them, or the host is down")'
}
