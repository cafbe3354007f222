#!/usr/bin/env bats
# A path that loses large packets, and the ICMP messages about it, is no server that is silent.

load ../lib/helpers
load ../lib/probe
load ../lib/findings
load ../lib/remedy

PORT=4711

# Packets above 1300 bytes do not pass the router through this interface: down0 is towards the
# client, mid towards the target.
hole() { # INTERFACE
	on_server nft -f - <<-END
		table inet hole {
			chain out {
				type filter hook output priority 0
				icmp type destination-unreachable drop
				icmpv6 type packet-too-big drop
			}
		}
	END
	on_server ip link set "$1" mtu 1300
}

behind() { # MODE ADDRESS [ARG]
	local SERVER=("${TARGET[@]}")
	peer "$1" "$2" $PORT "${@:3}"
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$SOCKCTL" "$BATS_TEST_TMPDIR/bin/sockctl"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "an answer whose large segments do not arrive is told from silence" {
	local target commands
	routed
	behind pieces $TARGET4 1400
	behind pieces $TARGET6 1400
	for target in "$TARGET4:$PORT" "[$TARGET6]:$PORT"; do
		probe --json --send x --expect xsmallsmallsmall "$target"
		assert_status 0
		assert_json '.[0] | .outcome == "open" and (has("stalled") | not)'
	done
	hole down0
	# A server that is silent stays one.
	PORT=4712 behind silent $TARGET4
	probe --json -T 2500ms --send x --expect y $TARGET4:4712
	assert_status 4
	assert_json '.[0] | .outcome == "silent" and (has("stalled") | not) and (has("cause") | not)
		and .reason == "connected, but an answer did not come"'
	for target in "$TARGET4:$PORT" "[$TARGET6]:$PORT"; do
		probe --json -T 2500ms --send x --expect small "$target"
		assert_status 4
		assert_valid
		assert_json '.[0] | .outcome == "silent" and .stalled == "receiving" and .stalled_ms >= 900
			and (.reason | test("behind a segment that does not arrive$"))
			and (.cause | test("MTU towards this host is smaller than the peer assumes") and (test("longer wait") | not))'
	done
	probe --json -T 2500ms --send x --expect small $TARGET4:$PORT
	commands=$(jq -r 'select(.type == "summary").commands[]' <<<"$output")
	assert_equal "$commands" "ping -c 3 -M do -s 1472 $TARGET4"$'\n'"sockctl connect -O mss=1000 $TARGET4:$PORT"
	# Packets of that size do not arrive, smaller ones do; nor does it take small segments to be held up.
	run in_ns timeout 20 ping -c 1 -W 1 -M 'do' -s 1472 $TARGET4
	assert_status 1
	run in_ns timeout 20 ping -c 1 -M 'do' -s 1200 $TARGET4
	assert_status 0
	obey "$(tail -n 1 <<<"$commands")" <<<x >"$BATS_TEST_TMPDIR/small"
	assert_int "$(wc -c <"$BATS_TEST_TMPDIR/small")" = 1415
	# A short look may have seen a loss.
	probe --json -T 800ms --send x --expect small $TARGET4:$PORT
	assert_json '.[0] | .stalled == "receiving" and (.cause | test("longer wait"))'
}

@test "connect: what --idle ends in the middle of a stream is said, and how to prove it" {
	routed
	behind pieces $TARGET4 1400
	run -0 --separate-stderr in_ns "$SOCKCTL" connect --send x --expect xsmall --json $TARGET4:$PORT
	hole down0
	run --separate-stderr in_ns "$SOCKCTL" connect --json --send x --idle 2500ms $TARGET4:$PORT
	assert_status 4
	assert_valid "$stderr"
	assert_json_in "$stderr" '.[] | select(.type == "note") | .id == "gap-in-stream" and .causes[0].id == "gap-in-stream"
		and (.summary | test("MTU towards this host"))'
	# A peer that is silent is not that.
	PORT=4712 behind silent $TARGET4
	run --separate-stderr in_ns "$SOCKCTL" connect --json --send x --idle 1s $TARGET4:4712
	assert_status 4
	refute_contains "$stderr" '"note"'
}

@test "a request whose large segments do not arrive, and what inspect says of it" {
	local text
	routed
	behind pieces $TARGET4 10
	text=$(printf 'x%.0s' {1..2896})
	probe --json --send "$text" --expect small $TARGET4:$PORT
	assert_status 0
	hole mid
	probe --json --send x --expect small $TARGET4:$PORT
	assert_status 0
	assert_json '.[0] | has("stalled") | not'
	probe --json -T 4s --send "$text" --expect small $TARGET4:$PORT
	assert_status 4
	assert_valid
	assert_json '.[0] | .outcome == "silent" and .stalled == "sending" and (.reason | test("what was sent does not arrive$"))
		and (.cause | test("its SYN-ACK is not sent again") and test("MTU towards the peer is smaller"))'
	# With small segments behind the large ones the peer says so.
	probe --json -T 4s --send "$text and so on" --expect small -O nodelay $TARGET4:$PORT
	assert_json '.[0] | .stalled == "sending" and (.cause | test("confirmed [0-9]+ behind it") and (test("firewall") | not))'
	assert_json '.[1].commands[1] | test("mss=1000")'
	obey "$(jq -r 'select(.type == "summary").commands[1]' <<<"$output")" <<<"$text" >"$BATS_TEST_TMPDIR/small"
	assert_equal "$(<"$BATS_TEST_TMPDIR/small")" xxxxxxxxxxsmallsmallsmall
	spawn "${NS[@]}" python3 -c '
import socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.send(b"x" * 2896)
time.sleep(600)
' $TARGET4 $PORT
	until_shown 'dst = 10.98.0.2 and timer_retrans >= 3'
	findings
	assert_found 'warning stuck-sender'
	assert_contains "$(get stuck-sender .summary)" 'its SYN-ACK is not sent again'
	assert_contains "$(get stuck-sender .summary)" 'MTU towards the peer is smaller'
	assert_equal "$(get stuck-sender '.commands[]')" \
		"ping -c 3 -M do -s 1472 $TARGET4"$'\n'"sockctl connect -O mss=1000 $TARGET4:$PORT"
}
